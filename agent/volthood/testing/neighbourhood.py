"""A whole neighbourhood in one process: the real engine, real keys, stores in memory, a bus one can break.

Time moves only when told, from one thing that is due to the next. The bus delivers what agents publish to who subscribed,
in order, and lets a test look at, drop, delay, repeat or forge any message. A process can be made to die at any step.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from volthood.adapters.crypto import SignatureVerifier
from volthood.core.grid import GridMap
from volthood.core.hood import Gate, Hood, Member, ReferenceStep, Windows
from volthood.core.laws import HomeBooks, check_laws
from volthood.engine.books import home_books
from volthood.engine.events import (
    BoardPosted,
    CalendarTicked,
    Command,
    CommitReadings,
    Event,
    InboxArrived,
    LinkRestored,
    Publish,
    ReadingsCommitted,
    RecordArrived,
    TransportTicked,
)
from volthood.errors import LocalError
from volthood.testing.household import FEED_IN, RETAIL, START, Home, Household
from volthood.wire.roster import Roster
from volthood.wire.topics import hood_level, node_topic, parse_round, parse_topic

__all__ = ["FEED_IN", "RETAIL", "START", "Crash", "Home", "Household", "Moment", "Neighbourhood", "Route", "Tap"]

RETRY_S = 5
"""How often what was not confirmed is looked at."""

Tap = Callable[[str, str, bytes], "bytes | None"]
"""(sender, topic, payload) -> payload to deliver, or None to lose it."""

Route = Callable[[str, str, str], "tuple[int, ...]"]
"""(sender, receiver, topic) -> after how many seconds the message arrives, each time it does; () loses it.

A node is named as its house: what goes from the one to the other never leaves it.
"""


class Moment(StrEnum):
    """Where in the handling of an event a process dies."""

    BEFORE_COMMIT = "before the commit"
    AFTER_COMMIT = "after the commit, before anything was sent"
    HALF_SENT = "after the first half of what it had to send"


@dataclass(frozen=True)
class Crash:
    """The death of whichever agent handles the event with this number, counted from 1 over all agents."""

    number: int
    moment: Moment


class Neighbourhood:
    """Several households, a roster, a hood file and a bus.

    Attributes:
        tap, route: what the bus does to messages.
        sent: (sender, topic, payload) of everything published.
        handled: events handled so far.
        crash: the death to come, or None.
        restart_after_s: how long a dead agent stays dead, or None for ever.
    """

    def __init__(
        self,
        homes: list[Home],
        price_rule: str = "mid-market",
        windows: Windows | None = None,
        settle_within_s: int = 48 * 3600,
        grid: GridMap | None = None,
        history_days: int = 5,
    ) -> None:
        self.houses = {home.name: Household(home) for home in homes}
        self.roster = Roster(1, None, START, START, tuple(house.member() for house in self.houses.values()))
        self.hood = Hood(
            hood_id=self.roster.digest,
            currency="USD",
            algorithm=price_rule + "/1",
            gates=(Gate(0, -900), Gate(255, 600)),
            reference=(ReferenceStep(0, FEED_IN, RETAIL),),
            windows=windows or Windows(),
            settle_within_s=settle_within_s,
            grid=grid or GridMap(),
            members=tuple(Member(row.agent, row.house, row.fuse_w, row.grid_node) for row in self.roster.members),
        )
        self.now_s = START - 1000
        self.tap: Tap = lambda _sender, _topic, payload: payload
        self.route: Route = lambda _sender, _receiver, _topic: (0,)
        self.sent: list[tuple[str, str, bytes]] = []
        self.receipts: dict[str, bytes] = {}
        self.handled = 0
        self.crash: Crash | None = None
        self.restart_after_s: int | None = None
        self._revivals: dict[str, int] = {}
        self._queue: deque[tuple[str, str, bytes]] = deque()
        self._later: list[tuple[int, str, str, bytes]] = []
        for house in self.houses.values():
            house.load_history(history_days)
            house.restart(self.hood, self.roster, self.now_s)

    @property
    def level(self) -> str:
        """The hood's level in topics."""
        return hood_level(self.hood.hood_id)

    def house_of(self, agent: bytes) -> str:
        """The house of an agent's hash."""
        return next(member.house for member in self.roster.members if member.agent == agent)

    def kill(self, name: str) -> None:
        """The process ends: nothing reaches it, what it had not committed is gone."""
        self.houses[name].die()
        if self.restart_after_s is not None:
            self._revivals[name] = self.now_s + self.restart_after_s

    def revive(self, name: str) -> None:
        """The process starts again and finds its broker."""
        self._revivals.pop(name, None)
        self.houses[name].restart(self.hood, self.roster, self._clock(name))
        self.handle(name, LinkRestored())

    def _clock(self, name: str) -> int:
        return self.now_s + self.houses[name].skew_s

    def handle(self, name: str, event: Event) -> None:
        """Give an event to an agent and everything that follows to the bus."""
        house = self.houses[name]
        if not house.alive:
            return
        self.handled += 1
        crash = self.crash if self.crash is not None and self.crash.number == self.handled else None
        commands = house.engine.handle(event, self._clock(name))
        if crash is not None and crash.moment is Moment.BEFORE_COMMIT:
            self.kill(name)
            return
        try:
            house.trades.commit()
        except LocalError:
            self.kill(name)
            return
        if crash is not None:
            commands = commands[: len(commands) // 2] if crash.moment is Moment.HALF_SENT else []
        self._carry_out(name, commands)
        if crash is not None:
            self.kill(name)

    def _carry_out(self, name: str, commands: list[Command]) -> None:
        for command in commands:
            if isinstance(command, Publish):
                self._queue.append((name, command.topic, command.payload))
            elif isinstance(command, CommitReadings):
                self._commit_readings(name)

    def _commit_readings(self, name: str) -> None:
        if self.houses[name].alive:
            self.houses[name].readings.commit()
            self.handle(name, ReadingsCommitted())

    def deliver(self) -> None:
        """Deliver everything that was sent, and what that makes others send."""
        while self._queue:
            sender, topic, payload = self._queue.popleft()
            self.sent.append((sender, topic, payload))
            changed = self.tap(sender, topic, payload)
            if changed is None:
                continue
            for receiver in self._receivers(topic):
                for delay_s in self.route(sender, receiver, topic):
                    if delay_s:
                        self._later.append((self.now_s + delay_s, receiver, topic, changed))
                    else:
                        self._hand(receiver, topic, changed)

    def _receivers(self, topic: str) -> list[str]:
        parsed = parse_topic(topic)
        return list(self.houses) if parsed.area == "board" else [parsed.house]

    def inject(self, topic: str, payload: bytes) -> None:
        """A message as the broker delivers it, whoever sent it."""
        for receiver in self._receivers(topic):
            self._hand(receiver, topic, payload)

    def _hand(self, receiver: str, topic: str, payload: bytes) -> None:
        parsed = parse_topic(topic)
        if parsed.area == "board":
            slot, gate = parse_round(parsed.detail[0])
            self.handle(receiver, BoardPosted(parsed.house, slot, gate, parsed.detail[1], payload))
        elif parsed.area == "in":
            self.handle(receiver, InboxArrived(parsed.detail[0], payload))
        elif parsed.detail[1] == "receipt":
            self.receipts[receiver] = payload
            self.houses[receiver].take_receipt(payload)
        else:
            self.handle(receiver, RecordArrived(parsed.detail[0], payload))

    def run_until(self, end_s: int, step_s: int | None = None) -> None:
        """Let calendar time pass until `end_s`: from one thing that is due to the next, or in steps of `step_s`."""
        while self.now_s < end_s:
            self.now_s = self._next_s(end_s) if step_s is None else self.now_s + step_s
            for name in [name for name, due_s in self._revivals.items() if due_s <= self.now_s]:
                self.revive(name)
            self._meters()
            self._arrivals()
            self.deliver()
            for name, house in self.houses.items():
                self.handle(name, CalendarTicked())
                if self.now_s % RETRY_S == 0:
                    self._retry(name, house)
            self.deliver()

    def _next_s(self, end_s: int) -> int:
        slot_s = self.hood.slot_s
        due = [end_s, *self._revivals.values(), *(arrival[0] for arrival in self._later)]
        for house in self.houses.values():
            due.append((self.now_s - house.edge_delay_s) // slot_s * slot_s + slot_s + house.edge_delay_s)
            if house.alive:
                due.append(house.engine.next_due_s() - house.skew_s)
            if house.ring or (house.alive and house.engine.unconfirmed):
                due.append(self.now_s // RETRY_S * RETRY_S + RETRY_S)
        return min(end_s, max(self.now_s + 1, min(due)))

    def _arrivals(self) -> None:
        due = [arrival for arrival in self._later if arrival[0] <= self.now_s]
        self._later = [arrival for arrival in self._later if arrival[0] > self.now_s]
        for _, receiver, topic, payload in due:
            self._hand(receiver, topic, payload)

    def _retry(self, name: str, house: Household) -> None:
        """The node sends again what has no receipt, the agent what has none, and its batch of readings is written."""
        for data in list(house.ring.values()):
            self.record(name, data)
        self._commit_readings(name)
        self.handle(name, TransportTicked(self.now_s * 1000))

    def _meters(self) -> None:
        for name, house in self.houses.items():
            edge_s = self.now_s - house.edge_delay_s
            if edge_s % self.hood.slot_s == 0:
                if edge_s >= START:
                    house.meter.flow(house.home.at(edge_s - self.hood.slot_s, self.hood.slot_s))
                if edge_s not in house.mute_edges:
                    record = house.meter.slot_record(self.now_s)
                    house.keep(record)
                    self.record(name, record)

    def record(self, name: str, data: bytes) -> None:
        """A node sends a record."""
        topic = node_topic(name, self.houses[name].meter.name, "record")
        for delay_s in self.route(name, name, topic):
            if delay_s:
                self._later.append((self.now_s + delay_s, name, topic, data))
            else:
                self._hand(name, topic, data)

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
