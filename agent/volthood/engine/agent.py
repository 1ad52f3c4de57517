"""The agent: one engine that turns events into commands.

The composition root calls `handle` with each event, commits the trade store, then carries out the commands. If the commit
fails the process stops; the next one starts from the store and sends the same bytes again.
"""

from volthood.core.market.round import Round
from volthood.engine.board import BoardMemory
from volthood.engine.clockwatch import ClockWatch
from volthood.engine.contracting import Contracting
from volthood.engine.deals import DealBook
from volthood.engine.desk import Desk
from volthood.engine.events import (
    BoardPosted,
    CalendarTicked,
    ClockJudged,
    Command,
    Event,
    InboxArrived,
    LinkRestored,
    NodeReported,
    ReadingsCommitted,
    RecordArrived,
    TransportTicked,
)
from volthood.engine.inbox import Handler, Inbox
from volthood.engine.intake import Intake
from volthood.engine.meter import SlotMeter
from volthood.engine.ordering import Ordering
from volthood.engine.outbox import Outbox
from volthood.engine.rounds import Rounds
from volthood.engine.settling import Settling
from volthood.errors import PeerError
from volthood.wire import inbox
from volthood.wire.cbor import WireError


class Engine:
    """A household's agent without I/O."""

    def __init__(
        self,
        desk: Desk,
        ordering: Ordering,
        intake: Intake,
        meter: SlotMeter,
        deals: DealBook,
        memory: BoardMemory | None = None,
    ) -> None:
        """Takes its parts; agents of one hood in one process may share the `memory` of what was read on the board."""
        self._desk = desk
        self._deals = deals
        self._intake = intake
        self._outbox = Outbox(desk)
        self._contracting = Contracting(desk, deals, self._outbox)
        self._settling = Settling(desk, deals, self._outbox, meter)
        self._clocks = ClockWatch(desk)
        self._rounds = Rounds(desk, ordering, self._contracting, memory or BoardMemory(), self._clocks)
        self._inbox = Inbox(desk, self._outbox, self._handlers())
        self._judged = (0, 0, 0)

    def _handlers(self) -> dict[int, Handler]:
        contracting = self._contracting
        return {
            inbox.CONTRACT_BUYER: lambda sender, body: contracting.on_buyer_signature(sender, body, self._round),
            inbox.CONTRACT_SELLER: lambda sender, body: contracting.on_seller_signature(
                sender, body, self._round, self._rounds.plan
            ),
            inbox.ALLOCATION: self._settling.on_allocation,
            inbox.SETTLEMENT: self._settling.on_settlement,
            inbox.VOID: contracting.on_void,
        }

    def _round(self, slot: int, gate: int) -> Round | None:
        return self._rounds.get(slot, gate)

    def handle(self, event: Event, now_s: int) -> list[Command]:
        """What to do about `event` at calendar time `now_s`. Bad input becomes an event, never an exception."""
        self._desk.now_s = now_s
        self._desk.commands = []
        self._desk.tell_untold()
        try:
            self._dispatch(event)
        except (PeerError, WireError) as error:
            self._desk.refuse(error, what=type(event).__name__, source=_source(event))
        self._advance()
        if isinstance(event, CalendarTicked | TransportTicked | LinkRestored):
            self._outbox.send_receipts()
        return self._desk.commands

    def next_due_s(self) -> int:
        """The calendar time at which `CalendarTicked` has something to do."""
        return self._rounds.next_due_s()

    @property
    def owed_receipts(self) -> int:
        """How many members wait for a receipt of ours; the next tick of either clock sends them."""
        return self._outbox.owed

    @property
    def unconfirmed(self) -> int:
        """How many messages of ours their recipients have not confirmed; `TransportTicked` sends them again."""
        return self._outbox.unconfirmed

    def _dispatch(self, event: Event) -> None:
        if isinstance(event, RecordArrived):
            self._intake.on_record(event.node, event.data)
        elif isinstance(event, NodeReported):
            self._intake.on_status(event.node, event.data)
        elif isinstance(event, ClockJudged):
            self._clocks.judged(event.doubt)
        elif isinstance(event, BoardPosted):
            self._rounds.on_board(event.house, event.slot, event.gate, event.kind, event.data)
        elif isinstance(event, InboxArrived):
            self._inbox.on_message(event.sender, event.data)
        elif isinstance(event, ReadingsCommitted):
            self._intake.on_committed()
        elif isinstance(event, LinkRestored):
            self._intake.say_again()
            self._rounds.repost()
            self._outbox.resend_all()
        elif isinstance(event, TransportTicked):
            self._outbox.resend_due(event.now_ms)

    def _advance(self) -> None:
        """Move rounds and settlements on, and judge again what waited for that, until nothing changes any more."""
        while True:
            self._rounds.advance()
            self._settling.advance(self._rounds.is_over)
            judged = (self._deals.changes, self._contracting.clearings, self._inbox.judged)
            if judged == self._judged:
                break
            self._judged = judged
            self._inbox.retry()
        hood = self._desk.hood
        self._deals.forget_before(self._desk.now_s - hood.settle_within_s - 2 * hood.slot_s)


def _source(event: Event) -> str:
    """Who an event is from."""
    if isinstance(event, RecordArrived | NodeReported):
        return event.node
    if isinstance(event, BoardPosted):
        return event.house
    return event.sender if isinstance(event, InboxArrived) else ""
