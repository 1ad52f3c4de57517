"""A whole neighbourhood in one process: the real engine, real keys, stores in memory, a bus one can break.

Time moves only when told. The bus delivers what agents publish to who subscribed, in order, and lets a test look at,
drop or forge any message.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from volthood.adapters.crypto import AgentKeys, LinkKey, SignatureVerifier
from volthood.adapters.store_sql import SqlReadingStore, SqlTradeStore
from volthood.core.forecast import Place
from volthood.core.hood import Gate, Hood, Member, ReferenceStep, Windows
from volthood.core.laws import HomeBooks, check_laws
from volthood.core.tariff import Price, Tariff
from volthood.engine.agent import Engine
from volthood.engine.books import Books, home_books
from volthood.engine.deals import DealBook
from volthood.engine.desk import Desk, Members
from volthood.engine.events import (
    BoardPosted,
    CalendarTicked,
    CommitReadings,
    Event,
    InboxArrived,
    LinkRestored,
    Publish,
    ReadingsCommitted,
    RecordArrived,
    TransportTicked,
)
from volthood.engine.intake import Intake
from volthood.engine.meter import SlotMeter
from volthood.engine.ordering import Ordering
from volthood.ports.stores import EventRow, HistorySlot
from volthood.testing.meternode import SignedMeter
from volthood.wire.keys import sha256
from volthood.wire.roster import Roster, RosterMember
from volthood.wire.topics import parse_round, parse_topic

START = 1_470_700_800
"""A slot's start: 2016-08-09T00:00:00Z."""

FEED_IN, RETAIL = 8_000, 22_000
FUSE_W = 17_250
DAY_S = 86_400


@dataclass(frozen=True)
class Home:
    """What a home will show: Wh per slot, import positive, as history and as meter.

    A series of `net_wh` begins with the slot `START` and repeats, so that 96 values are a day of quarter hours.
    """

    name: str
    net_wh: int | tuple[int, ...]

    def at(self, slot: int, slot_s: int = 900) -> int:
        """Wh of a slot, import positive."""
        if isinstance(self.net_wh, int):
            return self.net_wh
        return self.net_wh[(slot - START) // slot_s % len(self.net_wh)]


def _seed(name: str, role: str) -> bytes:
    return sha256(f"{name}/{role}".encode())


class Household:
    """One agent with its keys, stores and meter. `restart` makes a new engine from what the stores hold."""

    def __init__(self, home: Home) -> None:
        self.home = home
        self.keys = AgentKeys(*(_seed(home.name, role) for role in ("agent", "seal", "witness")))
        self.meter = SignedMeter(int.from_bytes(_seed(home.name, "node"), "big"), home.name)
        self.trades = SqlTradeStore.open(None)
        self.readings = SqlReadingStore.open(None)
        self.tariff = Tariff([(0, Price(RETAIL, FEED_IN))])
        self.alive = True
        self.engine: Engine
        self.deals: DealBook

    def member(self) -> RosterMember:
        """This household's line in the roster."""
        public = self.keys.public
        node_keys = (self.meter.public_xy,)
        point = sha256(self.home.name.encode())
        return RosterMember(
            self.home.name, public.agent, public.seal, public.witness, node_keys, point, FUSE_W, "root", "bus:1"
        )

    def load_history(self, days: int = 5, slot_s: int = 900) -> None:
        """The past as it will be: so that the forecast is right."""
        slots = range(START - days * DAY_S, START, slot_s)
        net = [(slot, self.home.at(slot, slot_s)) for slot in slots]
        self.readings.import_history([HistorySlot(slot, max(0, wh), max(0, -wh)) for slot, wh in net])
        self.readings.commit()

    def restart(self, hood: Hood, roster: Roster, now_s: int) -> None:
        """A new engine on the same stores: what a killed process is after its restart."""
        verifier = SignatureVerifier()
        desk = Desk(
            self.member(), Members(roster), hood, self.keys, verifier, verifier, self.keys, self.trades, self.readings
        )
        meter = SlotMeter(desk)
        meter.load(now_s - 2 * DAY_S, now_s + hood.slot_s)
        self.deals = DealBook(self.trades, now_s - 2 * DAY_S)
        ordering = Ordering(desk, self.deals, meter, self.tariff, lambda _slot: Place(hood.slot_s))
        self.engine = Engine(desk, ordering, Intake(desk, meter, LinkKey(b"l" * 32)), meter, self.deals)
        self.alive = True

    def books(self, hood: Hood) -> Books:
        """The household's books from its stores."""
        return Books(self.member(), hood, self.trades, self.readings, self.tariff)

    def events(self, *names: str) -> list[EventRow]:
        """Events of some names, or all."""
        return self.trades.events(0, names)


Tap = Callable[[str, str, bytes], "bytes | None"]
"""(sender, topic, payload) -> payload to deliver, or None to lose it."""


class Neighbourhood:
    """Several households, a roster, a hood file and a bus."""

    def __init__(self, homes: list[Home], price_rule: str = "mid-market", windows: Windows | None = None) -> None:
        self.houses = {home.name: Household(home) for home in homes}
        self.roster = Roster(1, None, START, START, tuple(house.member() for house in self.houses.values()))
        self.hood = Hood(
            hood_id=self.roster.digest,
            currency="USD",
            algorithm=price_rule + "/1",
            gates=(Gate(0, -900), Gate(255, 600)),
            reference=(ReferenceStep(0, FEED_IN, RETAIL),),
            windows=windows or Windows(),
            members=tuple(Member(row.agent, row.house, row.fuse_w, row.grid_node) for row in self.roster.members),
        )
        self.now_s = START - 1000
        self.tap: Tap = lambda _sender, _topic, payload: payload
        self.sent: list[tuple[str, str, bytes]] = []
        self.receipts: dict[str, bytes] = {}
        self._queue: deque[tuple[str, str, bytes]] = deque()
        for house in self.houses.values():
            house.load_history()
            house.restart(self.hood, self.roster, self.now_s)

    def kill(self, name: str) -> None:
        """The process ends: nothing reaches it, what it had not committed is gone."""
        self.houses[name].alive = False

    def revive(self, name: str) -> None:
        """The process starts again and finds its broker."""
        self.houses[name].restart(self.hood, self.roster, self.now_s)
        self.handle(name, LinkRestored())

    def handle(self, name: str, event: Event) -> None:
        """Give an event to an agent and everything that follows to the bus."""
        house = self.houses[name]
        if not house.alive:
            return
        commands = house.engine.handle(event, self.now_s)
        house.trades.commit()
        for command in commands:
            if isinstance(command, Publish):
                self._queue.append((name, command.topic, command.payload))
            elif isinstance(command, CommitReadings):
                house.readings.commit()
                self.handle(name, ReadingsCommitted())

    def deliver(self) -> None:
        """Deliver everything that was sent, and what that makes others send."""
        while self._queue:
            sender, topic, payload = self._queue.popleft()
            self.sent.append((sender, topic, payload))
            changed = self.tap(sender, topic, payload)
            if changed is not None:
                self.inject(topic, changed)

    def inject(self, topic: str, payload: bytes) -> None:
        """A message as the broker delivers it, whoever sent it."""
        parsed = parse_topic(topic)
        if parsed.area == "board":
            slot, gate = parse_round(parsed.detail[0])
            for name in self.houses:
                self.handle(name, BoardPosted(parsed.house, slot, gate, parsed.detail[1], payload))
        elif parsed.area == "in":
            self.handle(parsed.house, InboxArrived(parsed.detail[0], payload))
        elif parsed.detail[1] == "receipt":
            self.receipts[parsed.house] = payload
        else:
            self.handle(parsed.house, RecordArrived(parsed.detail[0], payload))

    def run_until(self, end_s: int, step_s: int = 1) -> None:
        """Let calendar time pass: meters run and sign at slot edges, agents tick every `step_s`, retries every 5 s."""
        while self.now_s < end_s:
            self.now_s += step_s
            if self.now_s % self.hood.slot_s == 0:
                self._slot_edge()
            for name in self.houses:
                self.handle(name, CalendarTicked())
                if self.now_s % 5 == 0:
                    self.handle(name, TransportTicked(self.now_s * 1000))
            self.deliver()

    def _slot_edge(self) -> None:
        for name, house in self.houses.items():
            if self.now_s >= START:
                house.meter.flow(house.home.at(self.now_s - self.hood.slot_s, self.hood.slot_s))
            self.record(name, house.meter.slot_record(self.now_s))

    def books(self, start_s: int = START, end_s: int = 1 << 40) -> list[HomeBooks]:
        """What every household's stores say, verified again."""
        verifier = SignatureVerifier()
        return [
            home_books(house.books(self.hood), self.roster, verifier, verifier, start_s, end_s)
            for house in self.houses.values()
        ]

    def broken_laws(self) -> dict[str, str]:
        """Laws that do not hold, with the first case against each."""
        return {name: verdict.case for name, verdict in check_laws(self.books()).items() if not verdict.holds}

    def record(self, name: str, data: bytes) -> None:
        """A record reaches the household's agent."""
        self.handle(name, RecordArrived(self.houses[name].meter.name, data))
