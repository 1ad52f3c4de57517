"""A whole simulation: one hood or several, slot by slot, judged after each, and what it came to.

All hoods live in one process and go forward slot by slot together, so that the memory of thousands of agents is that of a
run. Nothing of the machine's clock enters a hood: how long it took is measured around it.
"""

import gc
import hashlib
import os
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from volthood.core.hood import Gate
from volthood_tools.demo.dataset import SLOT_S, Dataset
from volthood_tools.processes.memory import memory_of
from volthood_tools.sim.faults import FaultPlan
from volthood_tools.sim.watch import Breach
from volthood_tools.sim.welfare import SlotFigures
from volthood_tools.sim.world import BALANCING, FORWARD, Market, World

SETTLE_S = 1800
"""So long after its last round a slot is judged."""
CALM_STEP_S, MOST_CALM_STEPS = 300, 24
"""At the end nothing more goes wrong, and so often the world goes on until nothing is under way."""

SLOTS_A_COLLECTION = 24
"""How often garbage is collected."""

Progress = Callable[[int, int], None]
"""(slots done, slots in all)"""


@dataclass(frozen=True)
class Settings:
    """What a run is a function of.

    Attributes:
        grid: `one` node for all homes, or a `tree` of streets with fees.
        balancing: number of balancing gates, 1 or 2.
    """

    slots: int = 8
    price_rule: str = "mid-market"
    grid: str = "one"
    balancing: int = 2
    faults: FaultPlan = FaultPlan()  # noqa: RUF009 # frozen, and equal wherever it is made
    seed: int = 1

    @property
    def market(self) -> Market:
        """The hood's rules."""
        gates: tuple[Gate, ...] = BALANCING if self.balancing == 2 else (Gate(255, 600),)
        return Market(price_rule=self.price_rule, grid=self.grid, gates=(FORWARD, *gates))


@dataclass(frozen=True)
class HoodResult:
    """What one hood's run came to.

    Attributes:
        digest: SHA-256 over every delivery, in hex.
        counts: messages and deliveries by kind.
        refused: refused messages by reason.
        liars: how each lying house lies.
        judged: how often each law was judged.
    """

    homes: int
    slots: tuple[SlotFigures, ...]
    breaches: tuple[Breach, ...]
    judged: dict[str, int]
    counts: dict[str, int]
    refused: dict[str, int]
    liars: dict[str, str]
    digest: str

    @property
    def welfare(self) -> float:
        """Welfare over all slots, of the optimum."""
        return share(self.slots)


@dataclass(frozen=True)
class SimResult:
    """What a simulation came to. `wall_s`, `cpu_s` and `peak_kib` are the machine's, all else is the seed's."""

    settings: Settings
    hoods: tuple[HoodResult, ...]
    wall_s: float
    cpu_s: float
    peak_kib: int

    @property
    def digest(self) -> str:
        """SHA-256 over the digests of all hoods, in hex: the same for the same settings, whatever the machine."""
        return hashlib.sha256("".join(hood.digest for hood in self.hoods).encode()).hexdigest()

    @property
    def slots(self) -> list[SlotFigures]:
        """The slots of all hoods."""
        return [slot for hood in self.hoods for slot in hood.slots]

    @property
    def welfare(self) -> float:
        """Welfare of all hoods and slots, of their optimum."""
        return share(self.slots)

    @property
    def breaches(self) -> list[tuple[int, Breach]]:
        """(hood, breach) of every law that did not hold."""
        return [(number, breach) for number, hood in enumerate(self.hoods) for breach in hood.breaches]


def share(slots: Iterable[SlotFigures]) -> float:
    """Welfare of some slots as a part of their optimum; 1 where there was nothing to gain."""
    slots = list(slots)
    optimum_uct = sum(slot.optimum_uct for slot in slots)
    return sum(slot.welfare_uct for slot in slots) / optimum_uct if optimum_uct else 1.0


def simulate(hoods: list[Dataset], settings: Settings, progress: Progress = lambda _done, _all: None) -> SimResult:
    """Run every hood through its slots. Raises `LocalError` where a dataset cannot be run."""
    started_s, started_cpu_s = time.perf_counter(), time.process_time()
    worlds = [
        World(data, settings.slots, settings.market, settings.faults, f"{settings.seed}/{number}")
        for number, data in enumerate(hoods)
    ]
    gc.disable()
    gc.freeze()
    try:
        results = _lived(worlds, settings, progress)
    finally:
        gc.unfreeze()
        gc.enable()
    memory = memory_of(os.getpid())
    wall_s, cpu_s = time.perf_counter() - started_s, time.process_time() - started_cpu_s
    return SimResult(settings, results, wall_s, cpu_s, memory.peak_kib if memory else 0)


def _lived(worlds: list[World], settings: Settings, progress: Progress) -> tuple[HoodResult, ...]:
    """All worlds through all slots. Little of what a slot makes is cyclic: it is collected now and then, not all the time."""
    after_s = SLOT_S + settings.market.gates[-1].offset_s + settings.market.windows.total_s + SETTLE_S
    for done in range(settings.slots):
        for world in worlds:
            slot = world.slots[done]
            world.run_until(slot + after_s)
            world.watch.check_slot(slot)
        if done % SLOTS_A_COLLECTION == SLOTS_A_COLLECTION - 1:
            gc.collect()
        progress(done + 1, settings.slots)
    return tuple(_finished(world) for world in worlds)


def _finished(world: World) -> HoodResult:
    world.calm()
    for _ in range(MOST_CALM_STEPS):
        if world.quiet:
            break
        world.run_until(world.now_s + CALM_STEP_S)
    world.watch.check_all()
    refusals: Counter[str] = Counter()
    for house in world.houses.values():
        for event in house.trades.events(0, ("MessageRefused",)):
            refusals[event.details.split(" ", 1)[0].removeprefix("reason=")] += 1
    return HoodResult(
        homes=len(world.houses),
        slots=world.watch.measure(),
        breaches=tuple(world.watch.breaches),
        judged=dict(sorted(world.watch.judged.items())),
        counts=dict(sorted(world.counts.items())),
        refused=dict(sorted(refusals.items())),
        liars=dict(world.liars),
        digest=world.digest.hexdigest(),
    )
