"""Agents that cheat, each in one way, with the real engine underneath: only what they say is bent.

Which agents cheat, and which bundlers lie in a round, is drawn from the seed. What a liar says to whom is decided when it
publishes: a message becomes one for all, different ones for different members, or none.
"""

import random
from collections.abc import Collection
from dataclasses import dataclass

from volthood.core.market.round import bundlers_of
from volthood.engine.ordering import Ordering
from volthood.wire.market import BUY, WATCH, Bundle, Order, unpack_eddsa
from volthood_tools.sim.faults import LIES, FaultPlan
from volthood_tools.sim.household import SimHousehold

GREEDY, OVERORDER, TWO_ORDERS = "greedy", "overorder", "two_orders"
OVERORDER_FACTOR = 3


@dataclass(frozen=True)
class Posting:
    """A message to some houses: `audience` None is everybody who listens."""

    payload: bytes
    audience: frozenset[str] | None = None


class RunOrdering(Ordering):
    """Orders for the slots of a run, and none for those after it, where the simulated world ends."""

    end_s = 1 << 40

    def order(self, slot: int, gate: int) -> Order:
        """The order of a round; empty beyond the run's end."""
        if slot < self.end_s:
            return super().order(slot, gate)
        hood = self._desk.hood
        counter = self._desk.trades.next_counter("board")
        return Order(hood=hood.hood_id, slot=slot, gate=gate, algorithm=hood.algorithm, counter=counter)


class GreedyOrdering(RunOrdering):
    """Takes any price that the hood allows, so as to be first wherever price decides."""

    def order(self, slot: int, gate: int) -> Order:
        """The honest amount at the far end of the collar."""
        honest = super().order(slot, gate)
        low, high = self._desk.hood.collar(slot)
        limit = high if honest.side == BUY else low
        return _changed(honest, tuple((limit, energy_wh) for _, energy_wh in honest.steps))


class Overordering(RunOrdering):
    """Orders three times what it needs, so as to get more where amounts are short."""

    def order(self, slot: int, gate: int) -> Order:
        """The honest price for thrice the amount, inside the fuse."""
        honest = super().order(slot, gate)
        step_wh = self._desk.hood.gate[gate].step_wh
        fuse_wh = self._desk.hood.fuse_wh(self._desk.me.fuse_w) // step_wh * step_wh
        return _changed(honest, tuple((price, min(fuse_wh, OVERORDER_FACTOR * wh)) for price, wh in honest.steps))


ORDERINGS: dict[str | None, type[RunOrdering]] = {GREEDY: GreedyOrdering, OVERORDER: Overordering}


def _changed(order: Order, steps: tuple[tuple[int, int], ...]) -> Order:
    return Order(
        hood=order.hood,
        slot=order.slot,
        gate=order.gate,
        algorithm=order.algorithm,
        side=order.side,
        steps=steps,
        counter=order.counter,
    )


def draw_liars(names: Collection[str], faults: FaultPlan, seed: str) -> dict[str, str]:
    """How each lying house lies, by its name; at most one way each."""
    draw, liars = random.Random(f"{seed}/liars"), {}
    for name in names:
        for lie, share in ((GREEDY, faults.greedy), (OVERORDER, faults.overorder), (TWO_ORDERS, faults.two_orders)):
            if draw.random() < share and name not in liars:
                liars[name] = lie
    return liars


class Lies:
    """What becomes of the board messages of liars."""

    def __init__(self, liars: dict[str, str], houses: dict[str, SimHousehold], faults: FaultPlan, seed: str) -> None:
        self._liars = liars
        self._houses = houses
        self._agents = frozenset(house.agent for house in houses.values())
        self._faults = faults
        self._draw = random.Random(f"{seed}/lies")
        self._told: dict[tuple[str, int, int, str], list[Posting]] = {}

    def postings(self, house: SimHousehold, slot: int, gate: int, kind: str, payload: bytes) -> list[Posting]:
        """What is said in place of a board message, and to whom; the same again when it is posted again."""
        key = (house.name, slot, gate, kind)
        if kind == "order" and self._liars.get(house.name) == TWO_ORDERS:
            if key not in self._told:
                self._told[key] = self._two_orders(house, payload)
        elif kind == "bundle" and self._lies_as_bundler(house, slot, gate, payload):
            if key not in self._told:
                self._told[key] = self._bundles(house, payload)
        else:
            return [Posting(payload)]
        return self._told[key]

    def bad_bundlers(self, round_id: tuple[bytes, int, int]) -> tuple[bytes, ...]:
        """The bundlers of a round that lie."""
        return bundlers_of(round_id, self._agents)[: self._faults.bad_bundlers]

    def _lies_as_bundler(self, house: SimHousehold, slot: int, gate: int, payload: bytes) -> bool:
        if not self._faults.bad_bundlers:
            return False
        bundle = Bundle.from_cbor(unpack_eddsa(payload, Bundle.MAX_BYTES).payload)
        return house.agent in self.bad_bundlers((bundle.hood, slot, gate))

    def _halves(self) -> tuple[frozenset[str], frozenset[str]]:
        names = sorted(self._houses)
        self._draw.shuffle(names)
        middle = len(names) // 2
        return frozenset(names[:middle]), frozenset(names[middle:])

    def _two_orders(self, house: SimHousehold, payload: bytes) -> list[Posting]:
        """The true order to one half, an empty one to the other; now and then both to everybody."""
        order = Order.from_cbor(unpack_eddsa(payload, Order.MAX_BYTES).payload)
        if order.side == WATCH:
            return [Posting(payload)]
        other = Order(
            hood=order.hood, slot=order.slot, gate=order.gate, algorithm=order.algorithm, counter=order.counter + 1
        )
        return self._shown(payload, house.keys.sign(Order.KIND, other.to_cbor()))

    def _shown(self, one: bytes, other: bytes) -> list[Posting]:
        """One version to one half, the other to the other half; or both to everybody, since such things get about."""
        first, second = self._halves()
        if self._draw.random() < 0.5:
            return [Posting(one), Posting(other)]
        return [Posting(one, first), Posting(other, second)]

    def _bundles(self, house: SimHousehold, payload: bytes) -> list[Posting]:
        lie = self._faults.lie
        if lie == "mixed":
            lie = self._draw.choice([known for known in LIES if known != "mixed"])
        if lie == "silent":
            return []
        if lie == "censor":
            return [Posting(self._censored(house, payload, 1))]
        return self._shown(self._censored(house, payload, 1), self._censored(house, payload, 2))

    def _censored(self, house: SimHousehold, payload: bytes, version: int) -> bytes:
        """The bundle with about half of its orders left out."""
        bundle = Bundle.from_cbor(unpack_eddsa(payload, Bundle.MAX_BYTES).payload)
        kept = Bundle(
            hood=bundle.hood,
            slot=bundle.slot,
            gate=bundle.gate,
            orders=tuple(order for order in bundle.orders if self._draw.random() < 0.5),
            evidence=bundle.evidence,
            counter=bundle.counter + version,
        )
        return house.keys.sign(Bundle.KIND, kept.to_cbor())
