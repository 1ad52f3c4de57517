"""Sealed messages to other members: numbered, kept until the recipient's receipt, sent again as the same bytes.

Rules:

- A message is stored with its number before it is sent. What a broker acknowledges means nothing.
- A receipt is cumulative: everything up to its number was dealt with and is on the recipient's disk.
- Who does not answer is asked ever more seldom, until it is heard of again after a silence.
"""

from dataclasses import dataclass

from volthood.engine.desk import Desk
from volthood.engine.events import Publish
from volthood.errors import PeerError
from volthood.ports.stores import OutboxRow
from volthood.wire import inbox, limits
from volthood.wire.inbox import Envelope
from volthood.wire.roster import RosterMember
from volthood.wire.topics import hood_level, inbox_topic

RESEND_MS = 2000
"""Transport time after which an unconfirmed message is sent again for the first time; then twice that, and so on."""
LONGEST_RESEND_MS = 64_000


class NotYetError(Exception):
    """A message that came before we have come to what it refers to."""


class OutOfOrderError(NotYetError):
    """A message that came before another one of its sender, which must have sent that one first."""


@dataclass
class _Waiting:
    """An unconfirmed message: when it was last sent, and how long until it is sent again, both in transport ms.

    What is sent between two ticks counts as sent at the second: until then `sent_ms` is None.
    """

    row: OutboxRow
    sent_ms: int | None = None
    wait_ms: int = RESEND_MS


class Outbox:
    """Our unconfirmed messages."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._waiting = {(row.recipient, row.counter): _Waiting(row, 0) for row in desk.trades.outbox()}
        self._heard_ms: dict[bytes, int] = {}
        self._owed: dict[bytes, RosterMember] = {}
        self._now_ms = 0

    @property
    def unconfirmed(self) -> int:
        """How many messages wait for their receipt."""
        return len(self._waiting)

    def send(self, recipient: RosterMember, kind: int, body: bytes) -> None:
        """Number, sign, seal, store and send a message."""
        counter = self._desk.trades.next_counter("inbox:" + recipient.agent.hex())
        row = OutboxRow(recipient.agent, counter, self._sealed(recipient, kind, counter, body))
        self._desk.trades.put_outbox(row)
        self._waiting[row.recipient, row.counter] = _Waiting(row)
        self._publish(row)

    def _sealed(self, recipient: RosterMember, kind: int, counter: int, body: bytes) -> bytes:
        envelope = Envelope(
            hood=self._desk.hood.hood_id, recipient=recipient.agent, kind=kind, counter=counter, body=body
        )
        signed = self._desk.signer.sign(Envelope.KIND, envelope.to_cbor())
        return self._desk.sealer.seal(recipient.seal_key, signed)

    def _publish(self, row: OutboxRow) -> None:
        house = self._desk.members.house(row.recipient)
        self._desk.commands.append(Publish(self._topic(house), row.sealed))

    def _topic(self, house: str) -> str:
        return inbox_topic(hood_level(self._desk.hood.hood_id), house, self._desk.me.house)

    def resend_all(self) -> None:
        """Send everything unconfirmed again: the link was away."""
        for waiting in self._waiting.values():
            waiting.sent_ms, waiting.wait_ms = None, RESEND_MS
            self._publish(waiting.row)

    def resend_due(self, now_ms: int) -> None:
        """Send again what has waited long enough."""
        self._now_ms = now_ms
        for waiting in self._waiting.values():
            if waiting.sent_ms is None:
                waiting.sent_ms = now_ms
            elif now_ms - waiting.sent_ms >= waiting.wait_ms:
                waiting.sent_ms, waiting.wait_ms = now_ms, min(LONGEST_RESEND_MS, 2 * waiting.wait_ms)
                self._publish(waiting.row)

    def heard_of(self, member: RosterMember) -> None:
        """A member is there: if it was silent for long, what waits for it is sent again soon."""
        silent_ms = self._now_ms - self._heard_ms.get(member.agent, 0)
        self._heard_ms[member.agent] = self._now_ms
        if silent_ms < LONGEST_RESEND_MS:
            return
        for (recipient, _), waiting in self._waiting.items():
            if recipient == member.agent:
                waiting.wait_ms = RESEND_MS

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
        if covered:
            self._desk.trades.drop_outbox(member.agent, counter)

    def acknowledge(self, member: RosterMember) -> None:
        """Owe a sender its receipt: one for all that comes from it until a clock ticks."""
        self._owed[member.agent] = member

    @property
    def owed(self) -> int:
        """How many members wait for a receipt of ours."""
        return len(self._owed)

    def send_receipts(self) -> None:
        """Tell each sender up to which number everything was dealt with."""
        for member in self._owed.values():
            floor = self._desk.trades.seen_floor(member.agent)
            sealed = self._sealed(member, inbox.RECEIPT, floor, b"")
            self._desk.commands.append(Publish(self._topic(member.house), sealed))
        self._owed.clear()
