"""The inbox: sealed messages opened, judged once each, and confirmed.

Rules, and why:

- A numbered message is judged once. What was judged, refused or not, is confirmed; a repetition is only confirmed again.
- A message that came before what it refers to (`NotYetError`) is judged as soon as something changed, and confirmed
  then. It waits in memory alone: after a crash its sender, which has no receipt, sends it again.
- Where only an earlier message of the same sender can explain it (`OutOfOrderError`), it waits no longer than until all
  of those have been judged.
- Numbers far beyond what was dealt with are refused, so that a sender who leaves a gap cannot fill the store.
"""

from collections.abc import Callable

from volthood.engine.desk import Desk
from volthood.engine.outbox import NotYetError, Outbox, OutOfOrderError
from volthood.errors import PeerError
from volthood.wire import inbox
from volthood.wire.cbor import WireError
from volthood.wire.inbox import Envelope
from volthood.wire.roster import RosterMember

MAX_AHEAD = 1024
"""How far a sender's numbers may run ahead of what was dealt with."""
MAX_WAITING = 256
"""Messages that may wait for what they refer to; who comes later sends again."""

Handler = Callable[[RosterMember, bytes], None]
"""Takes the body of a message of its kind from its sender. Raises `NotYetError`, `PeerError` or `WireError`."""


class Inbox:
    """Opens what members send us and hands each body to the handler of its kind.

    Attributes:
        judged: how many messages have been judged; tells whether it is worth looking again.
    """

    def __init__(self, desk: Desk, outbox: Outbox, handlers: dict[int, Handler]) -> None:
        self._desk = desk
        self._outbox = outbox
        self._handlers = handlers
        self._waiting: dict[tuple[bytes, int], tuple[RosterMember, Envelope]] = {}
        self.judged = 0

    def on_message(self, sender_house: str, data: bytes) -> None:
        """Take a sealed message. Raises `WireError` or `PeerError` where not even its sender is certain."""
        sender, envelope = self._outbox.open(sender_house, data)
        self._outbox.heard_of(sender)
        if envelope.kind == inbox.RECEIPT:
            self._outbox.confirm(sender, envelope.counter)
            return
        ahead = envelope.counter - self._desk.trades.seen_floor(sender.agent)
        if ahead < 1 or (ahead > 1 and self._desk.trades.is_seen(sender.agent, envelope.counter)):
            self._outbox.acknowledge(sender)
            return
        if ahead > MAX_AHEAD:
            raise PeerError("counter_ahead", f"{envelope.counter} of {sender.house}")
        if not self._judge(sender, envelope) and len(self._waiting) < MAX_WAITING:
            self._waiting[sender.agent, envelope.counter] = sender, envelope

    def retry(self) -> None:
        """Judge again what waits."""
        for key, (sender, envelope) in list(self._waiting.items()):
            if self._judge(sender, envelope):
                del self._waiting[key]

    def _judge(self, sender: RosterMember, envelope: Envelope) -> bool:
        """Whether the message could be judged; it is then marked as dealt with and confirmed."""
        try:
            self._handle(sender, envelope)
        except NotYetError:
            return False
        except (PeerError, WireError) as error:
            self._desk.refuse(error, what="InboxArrived", source=sender.house)
        self._desk.trades.mark_seen(sender.agent, envelope.counter)
        self._outbox.acknowledge(sender)
        self.judged += 1
        return True

    def _handle(self, sender: RosterMember, envelope: Envelope) -> None:
        try:
            self._handlers[envelope.kind](sender, envelope.body)
        except OutOfOrderError as error:
            if self._desk.trades.seen_floor(sender.agent) + 1 < envelope.counter:
                raise
            raise PeerError("out_of_order", str(error)) from error
