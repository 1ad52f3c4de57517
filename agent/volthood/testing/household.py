"""One household of a test: keys and meter from its name, a node that keeps what was not confirmed, stores that can fail."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from volthood.adapters.crypto import AgentKeys, LinkKey, SignatureVerifier
from volthood.adapters.store_sql import SqlReadingStore, SqlTradeStore
from volthood.core.forecast import Place
from volthood.core.hood import Hood
from volthood.core.tariff import Price, Tariff
from volthood.engine.agent import Engine
from volthood.engine.board import BoardMemory
from volthood.engine.books import Books
from volthood.engine.deals import DealBook
from volthood.engine.desk import Desk, Members
from volthood.engine.intake import Intake
from volthood.engine.meter import SlotMeter
from volthood.engine.ordering import Ordering
from volthood.errors import LocalError
from volthood.ports.stores import EventRow, HistorySlot
from volthood.testing.meternode import SignedMeter
from volthood.wire.keys import sha256
from volthood.wire.record import unpack_record
from volthood.wire.roster import Roster, RosterMember

START = 1_470_700_800
"""A slot's start: 2016-08-09T00:00:00Z."""

FEED_IN, RETAIL = 8_000, 22_000
FUSE_W = 17_250
DAY_S = 86_400
LINK_KEY = LinkKey(b"l" * 32)


class CommitFault(StrEnum):
    """How a store fails: nothing written, or written and the answer lost."""

    REFUSED = "refused"
    UNACKNOWLEDGED = "unacknowledged"


class FaultyTradeStore(SqlTradeStore):
    """The real store; its next commit with something to write fails as `fault` says, once."""

    fault: CommitFault | None = None

    def commit(self) -> None:
        """Make everything written since the last call durable. Raises `LocalError` where a fault was ordered."""
        fault, self.fault = self.fault, None
        if fault is CommitFault.REFUSED:
            raise LocalError("trades.db: disk is full")
        super().commit()
        if fault is CommitFault.UNACKNOWLEDGED:
            raise LocalError("trades.db: the disk did not answer")


@dataclass(frozen=True)
class Home:
    """What a home will show: Wh per slot, import positive, as history and as meter.

    A series of `net_wh` begins with the slot `START` and repeats, so that 96 values are a day of quarter hours. `seen_wh`
    is what its history says instead, where the forecast shall be wrong. `node` is where it sits on the grid map.
    """

    name: str
    net_wh: int | tuple[int, ...]
    seen_wh: int | None = None
    node: str = "root"

    def at(self, slot: int, slot_s: int = 900) -> int:
        """Wh of a slot, import positive."""
        if isinstance(self.net_wh, int):
            return self.net_wh
        return self.net_wh[(slot - START) // slot_s % len(self.net_wh)]


def _seed(name: str, role: str) -> bytes:
    return sha256(f"{name}/{role}".encode())


class Household:
    """One agent with its keys, stores and meter. `restart` makes a new engine from what the stores hold.

    Attributes:
        alive: whether the agent's process runs.
        ring: signed records that the node keeps until their receipt, by rseq.
        skew_s: how far the agent's clock is ahead.
        make_ordering: what makes its orders; a broken one counts from the next restart too.
        min_standing_permille: from which standing on it signs with a neighbour; counts from the next restart.
        edge_delay_s: how long after a slot edge the node reads its meter.
        mute_edges: slot edges that the node sleeps through.
    """

    def __init__(self, home: Home) -> None:
        self.home = home
        self.keys = AgentKeys(*(_seed(home.name, role) for role in ("agent", "seal", "witness")))
        self.meter = SignedMeter(int.from_bytes(_seed(home.name, "node"), "big"), home.name)
        self.trades = FaultyTradeStore.open(None)
        self.readings = SqlReadingStore.open(None)
        self.tariff = Tariff([(0, Price(RETAIL, FEED_IN))])
        self.alive = True
        self.ring: dict[int, bytes] = {}
        self.skew_s = 0
        self.min_standing_permille = 0
        self.make_ordering: Callable[..., Ordering] = Ordering
        self.edge_delay_s = 0
        self.mute_edges: set[int] = set()
        self.engine: Engine
        self.deals: DealBook

    def member(self) -> RosterMember:
        """This household's line in the roster."""
        public = self.keys.public
        keys = (public.agent, public.seal, public.witness, (self.meter.public_xy,))
        point = sha256(self.home.name.encode())
        return RosterMember(self.home.name, *keys, point, FUSE_W, self.home.node, "bus:1")

    def load_history(self, days: int = 5, slot_s: int = 900) -> None:
        """The past as it will be: so that the forecast is right."""
        slots = range(START - days * DAY_S, START, slot_s)
        seen = self.home.seen_wh
        net = [(slot, self.home.at(slot, slot_s) if seen is None else seen) for slot in slots]
        self.readings.import_history([HistorySlot(slot, max(0, wh), max(0, -wh)) for slot, wh in net])
        self.readings.commit()

    def restart(self, hood: Hood, roster: Roster, now_s: int, memory: BoardMemory | None = None) -> None:
        """A new engine on the same stores: what a killed process is after its restart. Homes may share a `memory`."""
        verifier = SignatureVerifier()
        desk = Desk(
            self.member(),
            Members(roster),
            hood,
            self.keys,
            verifier,
            verifier,
            self.keys,
            self.trades,
            self.readings,
            self.min_standing_permille,
        )
        since_s = now_s - hood.settle_within_s - 2 * hood.slot_s
        meter = SlotMeter(desk)
        meter.load(since_s, now_s + hood.slot_s)
        self.deals = DealBook(self.trades, since_s)
        ordering = self.make_ordering(desk, self.deals, meter, self.tariff, lambda _slot: Place(hood.slot_s))
        self.engine = Engine(desk, ordering, Intake(desk, meter, LINK_KEY), meter, self.deals, memory)
        self.alive = True

    def die(self) -> None:
        """The process ends; what it had not committed is gone."""
        self.alive = False
        self.trades.rollback()
        self.readings.rollback()

    def keep(self, record: bytes) -> None:
        """The node keeps a record until its receipt."""
        self.ring[unpack_record(record)[1].rseq] = record

    def take_receipt(self, receipt: bytes) -> None:
        """The node forgets what a receipt under its link key covers."""
        rseq = LINK_KEY.verify_receipt(self.meter.kid, receipt)
        if rseq is not None:
            self.ring = {kept: data for kept, data in self.ring.items() if kept > rseq}

    def books(self, hood: Hood) -> Books:
        """The household's books from its stores."""
        return Books(self.member(), hood, self.trades, self.readings, self.tariff)

    def events(self, *names: str) -> list[EventRow]:
        """Events of some names, or all."""
        return self.trades.events(0, names)

    def refused(self) -> list[str]:
        """The reason of each message that was refused, in the order in which they came."""
        rows = self.events("MessageRefused")
        return [word.removeprefix("reason=") for row in rows for word in row.details.split() if word[:7] == "reason="]
