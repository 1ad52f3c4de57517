"""The agent: one engine that turns events into commands.

The composition root calls `handle` with each event, commits the trade store, then carries out the commands. If the commit
fails the process stops; the next one starts from the store and sends the same bytes again.
"""

from volthood.core.market.round import Round
from volthood.engine.contracting import Contracting
from volthood.engine.deals import DealBook
from volthood.engine.desk import Desk
from volthood.engine.events import (
    BoardPosted,
    CalendarTicked,
    Command,
    Event,
    InboxArrived,
    LinkRestored,
    ReadingsCommitted,
    RecordArrived,
    TransportTicked,
)
from volthood.engine.intake import Intake
from volthood.engine.meter import SlotMeter
from volthood.engine.ordering import Ordering
from volthood.engine.outbox import Deferred, Outbox
from volthood.engine.rounds import Rounds
from volthood.engine.settling import Settling
from volthood.errors import PeerError
from volthood.wire import inbox
from volthood.wire.cbor import WireError
from volthood.wire.inbox import Envelope
from volthood.wire.roster import RosterMember

LATEST_SETTLEMENT_S = 48 * 3600
"""After this long past a slot's end its open contracts go to the tariff."""


class Engine:
    """A household's agent without I/O."""

    def __init__(self, desk: Desk, ordering: Ordering, intake: Intake, meter: SlotMeter, deals: DealBook) -> None:
        self._desk = desk
        self._deals = deals
        self._intake = intake
        self._meter = meter
        self._outbox = Outbox(desk)
        self._contracting = Contracting(desk, deals, self._outbox)
        self._settling = Settling(desk, deals, self._outbox, meter)
        self._rounds = Rounds(desk, ordering, self._contracting)

    def handle(self, event: Event, now_s: int) -> list[Command]:
        """What to do about `event` at calendar time `now_s`. Bad input becomes an event, never an exception."""
        self._desk.now_s = now_s
        self._desk.commands = []
        try:
            self._dispatch(event)
        except (PeerError, WireError) as error:
            self._refuse(event, error)
        self._advance()
        return self._desk.commands

    def next_due_s(self) -> int | None:
        """The calendar time at which `CalendarTicked` has something to do."""
        return self._rounds.next_due_s()

    def _dispatch(self, event: Event) -> None:
        if isinstance(event, RecordArrived):
            self._intake.on_record(event.node, event.data)
        elif isinstance(event, BoardPosted):
            self._rounds.on_board(event.house, event.slot, event.gate, event.kind, event.data)
        elif isinstance(event, InboxArrived):
            self._on_inbox(event.sender, event.data)
        elif isinstance(event, ReadingsCommitted):
            self._intake.on_committed()
        elif isinstance(event, LinkRestored):
            self._rounds.repost()
            self._outbox.resend_all()
        elif isinstance(event, TransportTicked):
            self._outbox.resend_due(event.now_ms)
        else:
            assert isinstance(event, CalendarTicked)

    def _refuse(self, event: Event, error: PeerError | WireError) -> None:
        refused = error if isinstance(error, PeerError) else PeerError(error.reason, str(error))
        source = getattr(event, "house", None) or getattr(event, "sender", None) or getattr(event, "node", "")
        self._desk.refuse(refused, what=type(event).__name__, source=source)

    def _on_inbox(self, sender_house: str, data: bytes) -> None:
        sender, envelope = self._outbox.open(sender_house, data)
        if envelope.kind == inbox.RECEIPT:
            self._outbox.confirm(sender, envelope.counter)
            return
        if not self._desk.trades.is_seen(sender.agent, envelope.counter):
            try:
                self._take(sender, envelope)
            except Deferred:
                return
            except (PeerError, WireError) as error:
                self._refuse(InboxArrived(sender.house, b""), error)
            self._desk.trades.mark_seen(sender.agent, envelope.counter)
        self._outbox.acknowledge(sender)

    def _take(self, sender: RosterMember, envelope: Envelope) -> None:
        kind, body = envelope.kind, envelope.body
        if kind == inbox.CONTRACT_BUYER:
            self._contracting.on_buyer_signature(sender, body, self._round)
        elif kind == inbox.CONTRACT_SELLER:
            self._contracting.on_seller_signature(sender, body, self._round, self._rounds.plan)
        elif kind == inbox.ALLOCATION:
            self._settling.on_allocation(sender, body)
        elif kind == inbox.SETTLEMENT:
            self._settling.on_settlement(sender, body)
        else:
            self._contracting.on_void(sender, body)

    def _round(self, slot: int, gate: int) -> Round | None:
        return self._rounds.get(slot, gate)

    def _advance(self) -> None:
        self._rounds.advance()
        for slot in self._deals.open_slots():
            gates = {deal.contract.gate for deal in self._deals.of_slot(slot)}
            self._settling.advance(slot, {gate for gate in gates if self._rounds.is_over(slot, gate)})
        horizon = self._desk.now_s - LATEST_SETTLEMENT_S - self._desk.hood.slot_s
        self._deals.forget_before(horizon)
        self._contracting.forget_before(horizon)
