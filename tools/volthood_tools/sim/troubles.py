"""When things go wrong: each slot's crashes, partitions, broker restarts and forgeries, planned from the seed.

Most of it is aimed at the minute in which a round runs: an agent that dies in a quiet hour learns nothing.
"""

import random
from typing import TYPE_CHECKING

from volthood_tools.demo.dataset import SLOT_S
from volthood_tools.sim.attack import Attacker
from volthood_tools.sim.faults import FaultPlan
from volthood_tools.sim.household import SimHousehold

if TYPE_CHECKING:
    from volthood_tools.sim.world import World

MOST_STEPS = 6
"""A dying agent lives through so many steps of its last event at most: the commit is the first, then each command."""


class Troubles:
    """Plans a world's faults, slot by slot."""

    def __init__(self, world: "World", faults: FaultPlan, seed: str) -> None:
        self._world = world
        self._faults = faults
        self._draws = {name: random.Random(f"{seed}/{name}") for name in ("vanish", "crash", "split", "broker")}
        self._attacker = Attacker(world.hood, list(world.houses.values()), seed)
        self._vanishing: dict[tuple[str, int], int | None] = {}

    def begin(self) -> None:
        """Plan the planning: at the start of every slot that has a round of this run."""
        world = self._world
        first_s = world.now_s // SLOT_S * SLOT_S
        for at_s in range(first_s, world.slots.stop + 2 * SLOT_S, SLOT_S):
            world.at(max(world.now_ms, at_s * 1000), self._plan, at_s)

    def calm(self) -> None:
        """Let nothing more go wrong."""
        self._faults = FaultPlan()

    def _plan(self, at_s: int) -> None:
        faults, world = self._faults, self._world
        if faults.crash:
            self._plan_crashes(at_s)
        if faults.partition and self._draws["split"].random() < faults.partition:
            world.at(self._moment_ms(at_s, self._draws["split"]), self._split)
        if faults.broker_restart and self._draws["broker"].random() < faults.broker_restart:
            world.at(self._moment_ms(at_s, self._draws["broker"]), self._stop_broker)
        for _ in range(faults.forged):
            world.at(self._moment_ms(at_s, self._attacker.draw), self._attack)

    def _moment_ms(self, at_s: int, draw: random.Random) -> int:
        """A time in this slot: four in five while one of its rounds runs."""
        hood = self._world.hood
        gates_s = [hood.gate_s(slot, gate) for slot, gate in hood.rounds_between(at_s, at_s + SLOT_S - 1)]
        if draw.random() < 0.8:
            return draw.choice(gates_s) * 1000 + draw.randint(-1000, hood.windows.total_s * 1000)
        return at_s * 1000 + draw.randrange(SLOT_S * 1000)

    # --- agents ---

    def vanishes(self, house: SimHousehold, slot: int, gate: int) -> bool:
        """Whether an agent is gone now that it has posted its order, at most once in a round."""
        faults, draw = self._faults, self._draws["vanish"]
        if not faults.vanish:
            return False
        key, gates = (house.name, slot), self._world.hood.gates
        if faults.vanish_in == "each":
            key, gates = (f"{house.name}/{gate}", slot), (self._world.hood.gate[gate],)
        elif faults.vanish_in == "forward":
            gates = gates[:1]
        if key not in self._vanishing:
            chosen = draw.choice(gates).index
            self._vanishing[key] = chosen if draw.random() < faults.vanish else None
        if self._vanishing[key] != gate:
            return False
        self._vanishing[key] = None
        return True

    def _plan_crashes(self, at_s: int) -> None:
        draw = self._draws["crash"]
        for house in self._world.houses.values():
            if draw.random() < self._faults.crash:
                self._world.at(self._moment_ms(at_s, draw), self._doom, house, draw.randint(0, MOST_STEPS))

    def _doom(self, house: SimHousehold, steps: int) -> None:
        if self._faults.crash:
            house.doom = steps

    # --- the network ---

    def _split(self) -> None:
        self._world.counts["partitioned"] += 1
        names = list(self._world.houses)
        self._draws["split"].shuffle(names)
        middle = self._draws["split"].randint(1, max(1, len(names) // 2))
        self._world.network.split({name: int(number < middle) for number, name in enumerate(names)})
        self._world.at(self._world.now_ms + self._faults.partition_s * 1000, self._join, frozenset(names[:middle]))

    def _join(self, cut_off: frozenset[str]) -> None:
        self._world.network.join()
        for name, house in self._world.houses.items():
            if name in cut_off:
                self._world.restore_link(house)

    def _stop_broker(self) -> None:
        self._world.counts["broker_restarted"] += 1
        self._world.network.stop()
        self._world.at(self._world.now_ms + self._faults.broker_s * 1000, self._start_broker)

    def _start_broker(self) -> None:
        self._world.network.start()
        for house in self._world.houses.values():
            self._world.restore_link(house)

    # --- strangers ---

    def overhear(self, topic: str, payload: bytes) -> None:
        """Let the attacker know what was said."""
        if self._faults.forged:
            self._attacker.overhear(topic, payload)

    def _attack(self) -> None:
        if not self._faults.forged:
            return
        forged = self._attacker.forge(self._world.now_s)
        self._world.inject(forged.topic, forged.payload, forged.receivers)
