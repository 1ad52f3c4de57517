"""One hood in virtual time: a heap of things to come, the agents they happen to, and the network between them.

Times are integer milliseconds; what falls on one instant happens in the order in which it was planned. Nothing reads a
clock and every draw comes from the seed, so a run is a function of its settings, to the last byte.
"""

import hashlib
import heapq
import random
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import lru_cache

from volthood.core.hood import Gate, Hood, Member, ReferenceStep, Windows
from volthood.core.market.round import bundlers_of
from volthood.engine.desk import Members
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
from volthood.wire.roster import Roster
from volthood.wire.topics import parse_round, parse_topic
from volthood_tools.demo.dataset import SLOT_S, Dataset
from volthood_tools.demo.hoodfile import steps
from volthood_tools.demo.streets import GRIDS, make_streets
from volthood_tools.sim.faults import FaultPlan
from volthood_tools.sim.household import Shared, SimHousehold
from volthood_tools.sim.liars import ORDERINGS, Lies, RunOrdering, draw_liars
from volthood_tools.sim.network import Network
from volthood_tools.sim.troubles import Troubles
from volthood_tools.sim.watch import Watch

LEAD_S = 60
"""Agents start so long before the first gate."""
NODE_DELAY_MS = 2000
"""A node's record reaches its agent within this."""
RESEND_TICK_MS = 2000
"""How often an agent with unconfirmed messages is asked to send them again."""
RECEIPT_TICK_MS = 500
"""How soon an agent's transport clock ticks where it owes receipts, as in homes."""
LINK_UP_MS = (200, 2000)
"""How long a client takes to find its broker again."""
ONE_A_ROUND = ("order", "bundle")
"""Board messages of which an agent signs one a round."""

FORWARD = Gate(0, -900)
BALANCING = (Gate(254, 600), Gate(255, 1500))


@dataclass(frozen=True)
class Market:
    """The hood's rules in a run."""

    price_rule: str = "mid-market"
    grid: str = GRIDS[1]
    gates: tuple[Gate, ...] = (FORWARD, *BALANCING)
    windows: Windows = field(default_factory=Windows)


_parsed = lru_cache(maxsize=4096)(parse_topic)
"""A house publishes to the same inboxes again and again."""


class World:
    """A hood that lives through the slots of a dataset.

    Attributes:
        slots: the slots that are traded and judged.
        liars: how each lying house lies.
        digest: over every delivery: time, receiver, topic, payload.
        counts: deliveries by what became of them, published messages by kind.
    """

    def __init__(self, data: Dataset, slots: int, market: Market, faults: FaultPlan, seed: str) -> None:
        self._data = data
        self.slots = data.slots[:slots]
        self._faults = faults
        self._draw = random.Random(f"{seed}/world")
        self._streets = make_streets(market.grid, data.homes)
        self.liars = draw_liars([home.name for home in data.homes], faults, seed)
        self.houses = {home.name: self._house(home.name, seed) for home in data.homes}
        self.roster = Roster(1, None, data.start, data.start, tuple(house.member for house in self.houses.values()))
        self.hood = self._hood(market)
        self._members = Members(self.roster)
        self.members = self._members.by_agent
        self._by_agent = {house.agent: house for house in self.houses.values()}
        self._bundlers: dict[tuple[int, int], list[SimHousehold]] = {}
        self._lies = Lies(self.liars, self.houses, faults, seed)
        self.network = Network(faults, seed)
        self._shared = Shared()
        self.verifier = self._shared.verifier
        self._heap: list[tuple[int, int, Callable[..., None], tuple[object, ...]]] = []
        self._planned = 0
        self.counts: Counter[str] = Counter()
        self.digest = hashlib.sha256()
        self.watch = Watch(self)
        first_gate_s = min(self.hood.gate_s(self.slots[0], gate.index) for gate in market.gates)
        self.now_ms = (first_gate_s - LEAD_S) * 1000
        self._troubles = Troubles(self, faults, seed)
        self._begin()

    def _house(self, name: str, seed: str) -> SimHousehold:
        base = ORDERINGS.get(self.liars.get(name), RunOrdering)
        ordering = type(base.__name__, (base,), {"end_s": self.slots.stop})
        return SimHousehold(self._data.home(name), self._data, seed, self._streets.node_of[name], ordering)

    def _hood(self, market: Market) -> Hood:
        data = self._data
        reference = steps((slot, data.reference(slot)) for slot in (*data.history_slots, *data.slots))
        return Hood(
            hood_id=self.roster.digest,
            currency=data.currency,
            reference=tuple(ReferenceStep(start, *prices) for start, prices in reference),
            gates=market.gates,
            windows=market.windows,
            algorithm=market.price_rule + "/1",
            grid=self._streets.grid,
            members=tuple(Member(row.agent, row.house, row.fuse_w, row.grid_node) for row in self.roster.members),
        )

    def _begin(self) -> None:
        for house in self.houses.values():
            house.skew_ms = self._draw.randint(-self._faults.skew_ms, self._faults.skew_ms)
            self._start(house)
        for edge_s in range(self.slots.start, self.slots.stop + 1, SLOT_S):
            self.at(edge_s * 1000, self._measure, edge_s)
        self._troubles.begin()

    def calm(self) -> None:
        """No more faults from now on: what is under way may arrive."""
        self._faults = FaultPlan()
        self.network.calm()
        self._troubles.calm()
        for house in self.houses.values():
            if house.up:
                self.restore_link(house)

    @property
    def quiet(self) -> bool:
        """Whether all agents are there, every message is confirmed and every contract settled."""
        houses = self.houses.values()
        return all(house.up and not house.trades.waiting and not house.trades.open_deals() for house in houses)

    # --- time ---

    def at(self, time_ms: int, action: Callable[..., None], *arguments: object) -> None:
        """Plan something."""
        self._planned += 1
        heapq.heappush(self._heap, (time_ms, self._planned, action, arguments))

    def run_until(self, end_s: int) -> None:
        """Let everything happen that is planned before an instant."""
        end_ms = end_s * 1000
        heap = self._heap
        while heap and heap[0][0] < end_ms:
            self.now_ms, _, action, arguments = heapq.heappop(heap)
            action(*arguments)
        self.now_ms = end_ms

    @property
    def now_s(self) -> int:
        """The true time."""
        return self.now_ms // 1000

    # --- agents ---

    def give(self, house: SimHousehold, event: Event) -> None:
        """Let something happen to an agent, commit, and carry out what it wants, up to the step at which it dies."""
        if not house.up:
            return
        commands = house.engine.handle(event, house.now_s(self.now_ms))
        doom, house.doom = house.doom, None
        if doom == 0:
            self.kill(house, 1000, self._faults.crash_s * 1000)
            return
        house.trades.commit()
        if self._carry_out(house, commands, doom):
            if doom is not None:
                self.kill(house, 1000, self._faults.crash_s * 1000)
            else:
                self._plan_ticks(house)

    def _carry_out(self, house: SimHousehold, commands: list[Command], doom: int | None) -> bool:
        """Carry out all commands, or those before the doomed step; whether the agent is still there."""
        life = house.life
        for command in commands if doom is None else commands[: doom - 1]:
            if isinstance(command, Publish):
                self._publish(house, command.topic, command.payload)
            elif isinstance(command, CommitReadings):
                house.readings.commit()
                self.at(self.now_ms, self.give, house, ReadingsCommitted())
            if house.life != life:
                return False
        return True

    def _plan_ticks(self, house: SimHousehold) -> None:
        due_s = house.engine.next_due_s()
        if due_s is not None:
            due_ms = max(due_s, house.now_s(self.now_ms) + 1) * 1000 - house.skew_ms
            if house.tick_ms is None or due_ms < house.tick_ms:
                house.tick_ms = due_ms
                self.at(due_ms, self._tick, house, due_ms)
        if house.engine.owed_receipts or house.trades.waiting:
            due_ms = self.now_ms + (RECEIPT_TICK_MS if house.engine.owed_receipts else RESEND_TICK_MS)
            if house.resend_ms is None or due_ms < house.resend_ms:
                house.resend_ms = due_ms
                self.at(due_ms, self._tick_transport, house, due_ms)

    def _tick(self, house: SimHousehold, due_ms: int) -> None:
        if house.tick_ms == due_ms:
            house.tick_ms = None
            self.give(house, CalendarTicked())

    def _tick_transport(self, house: SimHousehold, due_ms: int) -> None:
        if house.resend_ms == due_ms:
            house.resend_ms = None
            self.give(house, TransportTicked(self.now_ms))

    def _start(self, house: SimHousehold) -> None:
        house.start(self.hood, self._members, self._shared, self.now_ms)
        for data in house.unconfirmed.values():
            self.at(self.now_ms, self.give, house, RecordArrived(house.meter.name, data))
        if self.network.up:
            self.restore_link(house)
        self._plan_ticks(house)

    def restore_link(self, house: SimHousehold) -> None:
        """An agent's client finds the broker again, soon."""
        self.at(self.now_ms + self._draw.randint(*LINK_UP_MS), self.give, house, LinkRestored())

    def kill(self, house: SimHousehold, least_ms: int, most_ms: int) -> None:
        """An agent's process dies; it starts again after a time in between."""
        house.die()
        self.counts["died"] += 1
        self.at(self.now_ms + self._draw.randint(least_ms, max(least_ms, most_ms)), self._start, house)

    def _vanish(self, house: SimHousehold, life: int) -> None:
        if house.life == life:
            self.kill(house, self._faults.vanish_s * 1000, self._faults.vanish_s * 1000)

    def _measure(self, edge_s: int) -> None:
        for house in self.houses.values():
            data = house.measure(edge_s, first=edge_s == self.slots.start)
            delay_ms = self._draw.randint(0, NODE_DELAY_MS)
            self.at(self.now_ms + delay_ms, self.give, house, RecordArrived(house.meter.name, data))

    # --- messages ---

    def _publish(self, house: SimHousehold, name: str, payload: bytes) -> None:
        topic = _parsed(name)
        if topic.area == "node":
            rseq = house.confirm(payload)
            if rseq is not None:
                self.watch.confirmed(house.name, rseq)
        elif topic.area == "in":
            self._hand_over(house, name, InboxArrived(house.name, payload), payload, [self.houses[topic.house]])
        else:
            slot, gate = parse_round(topic.detail[0])
            self._post(house, name, slot, gate, topic.detail[1], payload)

    def _post(self, house: SimHousehold, name: str, slot: int, gate: int, kind: str, payload: bytes) -> None:
        if kind in ONE_A_ROUND:
            self.watch.posted(house.name, slot, gate, kind, payload)
        for posting in self._lies.postings(house, slot, gate, kind, payload):
            event = BoardPosted(house.name, slot, gate, kind, posting.payload)
            receivers = [
                other
                for other in self._listeners(kind, slot, gate)
                if other is not house and (posting.audience is None or other.name in posting.audience)
            ]
            self._hand_over(house, name, event, posting.payload, receivers)
        if kind == "order" and self._troubles.vanishes(house, slot, gate):
            # What else falls on this instant is still posted: an agent may order in two rounds at once.
            self.at(self.now_ms, self._vanish, house, house.life)

    def _listeners(self, kind: str, slot: int, gate: int) -> Iterable[SimHousehold]:
        """Who listens to a board topic: only bundlers need orders."""
        if kind != "order":
            return self.houses.values()
        if (slot, gate) not in self._bundlers:
            bundlers = bundlers_of((self.hood.hood_id, slot, gate), frozenset(self._by_agent))
            self._bundlers[slot, gate] = [self._by_agent[agent] for agent in bundlers]
        return self._bundlers[slot, gate]

    def _hand_over(
        self, house: SimHousehold, topic: str, event: Event, payload: bytes, receivers: list[SimHousehold]
    ) -> None:
        """Give a message to the broker, which hands it out."""
        self.counts["published_" + topic.rsplit("/", 1)[-1] if "/board/" in topic else "published_in"] += 1
        self._troubles.overhear(topic, payload)
        if not self.network.accepts():
            self.counts["lost"] += len(receivers)
            return
        for receiver in receivers:
            self._send(topic, event, payload, receiver, self.network.delays_ms(house.name, receiver.name))

    def inject(self, topic: str, payload: bytes, receivers: Iterable[SimHousehold]) -> None:
        """Hand out a message that no agent published."""
        parsed = parse_topic(topic)
        event: Event = InboxArrived(parsed.detail[0], payload)
        if parsed.area == "board":
            event = BoardPosted(parsed.house, *parse_round(parsed.detail[0]), parsed.detail[1], payload)
        self.counts["forged"] += 1
        for receiver in receivers:
            self._send(topic, event, payload, receiver, self.network.delays_ms(receiver.name, receiver.name))

    def _send(self, topic: str, event: Event, payload: bytes, receiver: SimHousehold, delays_ms: list[int]) -> None:
        if not delays_ms:
            self.counts["lost"] += 1
        for delay_ms in delays_ms:
            self.at(self.now_ms + delay_ms, self._deliver, self.network.epoch, receiver, topic, event, payload)

    def _deliver(self, epoch: int, receiver: SimHousehold, topic: str, event: Event, payload: bytes) -> None:
        if epoch != self.network.epoch or not receiver.up:
            self.counts["lost"] += 1
            return
        self.counts["delivered"] += 1
        self.digest.update(f"{self.now_ms} {receiver.name} {topic} {len(payload)} ".encode())
        self.digest.update(payload)
        self.give(receiver, event)
