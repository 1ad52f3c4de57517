"""Sealed messages to other members: numbered, kept until the recipient's receipt, sent again as the same bytes.

Rules:

- A message is stored with its number before it is sent. What a broker acknowledges means nothing.
- A receipt is cumulative: everything up to its number was dealt with and is on the recipient's disk.
- A message that cannot be judged yet (`Deferred`) is not marked as dealt with: its sender will send it again.
"""

from volthood.engine.desk import Desk
from volthood.engine.events import Publish
from volthood.errors import PeerError
from volthood.ports.stores import OutboxRow
from volthood.wire import inbox, limits
from volthood.wire.inbox import Envelope
from volthood.wire.roster import RosterMember
from volthood.wire.topics import hood_level, inbox_topic

RESEND_MS = 2000
"""Transport time after which an unconfirmed message is sent again."""


class Deferred(Exception):
    """A message that came before what it refers to."""


class Outbox:
    """Our unconfirmed messages, and what we have seen of others."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._waiting = {(row.recipient, row.counter): row for row in desk.trades.outbox()}
        self._sent_ms: dict[tuple[bytes, int], int] = {}
        self._now_ms = 0

    def send(self, recipient: RosterMember, kind: int, body: bytes) -> None:
        """Number, sign, seal, store and send a message."""
        counter = self._desk.trades.next_counter("inbox:" + recipient.agent.hex())
        row = OutboxRow(recipient.agent, counter, self._sealed(recipient, kind, counter, body))
        self._desk.trades.put_outbox(row)
        self._waiting[row.recipient, row.counter] = row
        self._publish(row)

    def _sealed(self, recipient: RosterMember, kind: int, counter: int, body: bytes) -> bytes:
        envelope = Envelope(
            hood=self._desk.hood.hood_id, recipient=recipient.agent, kind=kind, counter=counter, body=body
        )
        signed = self._desk.signer.sign(Envelope.KIND, envelope.to_cbor())
        return self._desk.sealer.seal(recipient.seal_key, signed)

    def _publish(self, row: OutboxRow) -> None:
        self._sent_ms[row.recipient, row.counter] = self._now_ms
        house = self._desk.members.house(row.recipient)
        self._desk.commands.append(Publish(self._topic(house), row.sealed))

    def _topic(self, house: str) -> str:
        return inbox_topic(hood_level(self._desk.hood.hood_id), house, self._desk.me.house)

    def resend_all(self) -> None:
        """Send everything unconfirmed again: the link was away."""
        for row in self._waiting.values():
            self._publish(row)

    def resend_due(self, now_ms: int) -> None:
        """Send again what has waited long enough."""
        self._now_ms = now_ms
        for key, row in self._waiting.items():
            if now_ms - self._sent_ms.get(key, 0) >= RESEND_MS:
                self._publish(row)

    def open(self, sender_house: str, data: bytes) -> tuple[RosterMember, Envelope]:
        """The sender and envelope of a sealed message.

        Raises:
            WireError: broken bytes.
            PeerError: `not_for_us`, `wrong_house`, `stranger`, `bad_signature`, `wrong_hood`.
        """
        if len(data) > limits.MAX_INBOX_BYTES:
            raise PeerError("too_large", f"{len(data)} bytes")
        member, signed = self._desk.verified(self._desk.sealer.unseal(data), Envelope.KIND, Envelope.MAX_BYTES)
        envelope = Envelope.from_cbor(signed.payload)
        if member.house != sender_house:
            raise PeerError("wrong_house", f"{member.house} wrote as {sender_house}")
        if envelope.hood != self._desk.hood.hood_id:
            raise PeerError("wrong_hood", envelope.hood.hex()[:16])
        if envelope.recipient != self._desk.me.agent:
            raise PeerError("not_for_us", envelope.recipient.hex()[:16])
        return member, envelope

    def confirm(self, member: RosterMember, counter: int) -> None:
        """Forget what a receipt covers. A receipt for what we never sent changes nothing."""
        covered = [key for key in self._waiting if key[0] == member.agent and key[1] <= counter]
        for key in covered:
            del self._waiting[key]
            self._sent_ms.pop(key, None)
        if covered:
            self._desk.trades.drop_outbox(member.agent, counter)

    def acknowledge(self, member: RosterMember) -> None:
        """Tell a sender up to which number everything was dealt with."""
        floor = self._desk.trades.seen_floor(member.agent)
        sealed = self._sealed(member, inbox.RECEIPT, floor, b"")
        self._desk.commands.append(Publish(self._topic(member.house), sealed))
