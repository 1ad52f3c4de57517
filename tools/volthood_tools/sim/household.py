"""One home of a simulation: keys from the seed, a node that signs, stores that survive crashes, and the real engine."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from volthood.adapters.crypto import AgentKeys, LinkKey
from volthood.adapters.store_memory import MemoryReadingStore, MemoryTradeStore
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
from volthood.ports.stores import HistorySlot
from volthood.testing.meternode import SignedMeter
from volthood.wire.keys import sha256
from volthood.wire.roster import RosterMember
from volthood_tools.demo.dataset import SLOT_S, Dataset, Home
from volthood_tools.demo.homes import fuse_of
from volthood_tools.demo.hoodfile import steps
from volthood_tools.sim.sealing import PlainSealer
from volthood_tools.sim.verifying import RememberingVerifier

MakeOrdering = Callable[[Desk, DealBook, SlotMeter, Tariff, Callable[[int], Place]], Ordering]


@dataclass(frozen=True)
class Shared:
    """What all agents of a hood remember together, by the bytes it is about: verdicts, and what was read and cleared."""

    verifier: RememberingVerifier = field(default_factory=RememberingVerifier)
    memory: BoardMemory = field(default_factory=BoardMemory)


class SimHousehold:
    """A home and its agent. `start` makes a new engine from what the stores hold, `die` loses what they do not.

    Attributes:
        up: whether the agent's process runs.
        life: the number of its process, one more after each death.
        skew_ms: how far its clock is ahead of the true time.
        doom: None, or after how many more steps of its next event the process dies.
        unconfirmed: signed records that the node keeps until their receipt, by rseq.
    """

    def __init__(
        self, home: Home, data: Dataset, seed: str, grid_node: str = "root", make_ordering: MakeOrdering = Ordering
    ) -> None:
        self.name = home.name
        self._data = data
        self._home = home
        secrets = [
            sha256(f"{seed}/{home.name}/{role}".encode()) for role in ("agent", "seal", "witness", "node", "link")
        ]
        self.keys = AgentKeys(*secrets[:3])
        self.meter = SignedMeter(int.from_bytes(secrets[3], "big"), home.name)
        self.link = LinkKey(secrets[4])
        self.trades = MemoryTradeStore()
        self.readings = MemoryReadingStore()
        self.tariff = _tariff(home, data)
        self._make_ordering = make_ordering
        public = self.keys.public
        self.member = RosterMember(
            home.name,
            public.agent,
            public.seal,
            public.witness,
            (self.meter.public_xy,),
            sha256(home.name.encode()),
            fuse_of(data.power_series(home.name)),
            grid_node,
            "bus:1",
        )
        self.agent = self.member.agent
        self.up = False
        self.life = 0
        self.skew_ms = 0
        self.doom: int | None = None
        self.tick_ms: int | None = None
        self.resend_ms: int | None = None
        self.unconfirmed: dict[int, bytes] = {}
        self._rseq = 0
        self.engine: Engine
        self.readings.import_history([HistorySlot(*row) for row in data.history(home.name)])
        self.readings.commit()

    def now_s(self, true_ms: int) -> int:
        """What the agent's clock shows."""
        return (true_ms + self.skew_ms) // 1000

    def net_wh(self, slot: int) -> int:
        """What the meter counts in a slot, import positive."""
        index = self._data.index(slot)
        return self._home.load_wh[index] - self._home.pv_wh[index]

    def start(self, hood: Hood, members: Members, shared: Shared, true_ms: int) -> None:
        """A new process on the stores as they are."""
        now_s = self.now_s(true_ms)
        sealer = PlainSealer(self.keys.public.seal)
        verifier = shared.verifier
        desk = Desk(self.member, members, hood, self.keys, verifier, verifier, sealer, self.trades, self.readings)
        meter = SlotMeter(desk)
        since_s = now_s - hood.settle_within_s - 2 * hood.slot_s
        meter.load(since_s, now_s + hood.slot_s)
        deals = DealBook(self.trades, since_s)
        ordering = self._make_ordering(desk, deals, meter, self.tariff, _places(self._data.timezone))
        self.engine = Engine(desk, ordering, Intake(desk, meter, self.link), meter, deals, shared.memory)
        self.up = True
        self.doom = self.tick_ms = self.resend_ms = None

    def die(self) -> None:
        """The process ends in the middle of whatever it did: what was not committed is gone."""
        self.up = False
        self.life += 1
        self.trades.rollback()
        self.readings.rollback()

    def measure(self, edge_s: int, *, first: bool) -> bytes:
        """The node's signed record for a slot edge, kept until its receipt."""
        if not first:
            self.meter.flow(self.net_wh(edge_s - SLOT_S))
        data = self.meter.slot_record(edge_s)
        self._rseq += 1
        self.unconfirmed[self._rseq] = data
        return data

    def confirm(self, receipt: bytes) -> int | None:
        """Forget what a receipt covers, as the node does; the rseq that it names."""
        rseq = self.link.verify_receipt(self.meter.kid, receipt)
        if rseq is not None:
            for known in [known for known in self.unconfirmed if known <= rseq]:
                del self.unconfirmed[known]
        return rseq

    def books(self, hood: Hood) -> Books:
        """What its stores say."""
        return Books(self.member, hood, self.trades, self.readings, self.tariff)


def _tariff(home: Home, data: Dataset) -> Tariff:
    prices = zip(home.retail_mct_per_kwh, home.feed_in_mct_per_kwh, strict=True)
    slots = (*data.history_slots, *data.slots)
    return Tariff((start, Price(*price)) for start, price in steps(zip(slots, prices, strict=True)))


def _places(timezone: str) -> Callable[[int], Place]:
    zone = ZoneInfo(timezone)

    def place_at(slot: int) -> Place:
        offset = datetime.fromtimestamp(slot, UTC).astimezone(zone).utcoffset()
        return Place(SLOT_S, int(offset.total_seconds()) if offset else 0)

    return place_at
