"""Welfare over loss, over vanishing agents and over the size of the hood: one small run for each point.

What is drawn is the welfare that is lost, in per cent of the optimum, so that nothing lost lies on the axis.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from volthood_tools.sim.faults import FaultPlan
from volthood_tools.sim.homes import Homes
from volthood_tools.sim.run import Settings, simulate

LOSSES = (0.0, 0.02, 0.05, 0.1, 0.2, 0.3)
VANISHING = (0.0, 0.05, 0.1, 0.2, 0.3)
SIZES = (2, 5, 10, 20, 50)
SLOTS = 4
GATES = {"one balancing round": 1, "two balancing rounds": 2}
TROUBLES = {
    "no faults": FaultPlan(),
    "10 % of messages lost": FaultPlan(loss=0.1),
    "10 % of agents vanish": FaultPlan(vanish=0.1),
    "1 of 3 bundlers lies": FaultPlan(bad_bundlers=1),
}


@dataclass(frozen=True)
class Curve:
    """Lines over one quantity: for each name, what is lost at each label, in per cent of the optimum."""

    title: str
    labels: tuple[str, ...]
    lines: dict[str, tuple[float, ...]]


Told = Callable[[int, int], None]
"""(points done, points in all)"""


def measure_curves(source: Homes, settings: Settings, told: Told) -> tuple[Curve, ...]:
    """The three curves; rule and seed are those of the settings, faults are the curves' own."""
    total = len(GATES) * (len(LOSSES) + len(VANISHING)) + len(TROUBLES) * len(SIZES)
    done = 0

    def lost(homes: Homes, balancing: int, faults: FaultPlan) -> float:
        nonlocal done
        run = replace(settings, slots=SLOTS, balancing=balancing, faults=faults)
        result = simulate(homes.datasets(SLOTS, run.seed), run)
        done += 1
        told(done, total)
        return 100 * (1 - result.welfare)

    one = source.of_size(source.homes)
    return (
        Curve(
            f"Welfare lost over lost messages, {one.homes} homes",
            tuple(f"{100 * loss:g} %" for loss in LOSSES),
            {name: tuple(lost(one, gates, FaultPlan(loss=loss)) for loss in LOSSES) for name, gates in GATES.items()},
        ),
        Curve(
            f"Welfare lost over vanishing agents, {one.homes} homes",
            tuple(f"{100 * share:g} %" for share in VANISHING),
            {
                name: tuple(lost(one, gates, FaultPlan(vanish=share)) for share in VANISHING)
                for name, gates in GATES.items()
            },
        ),
        Curve(
            "Welfare lost over the number of homes",
            tuple(map(str, SIZES)),
            {
                name: tuple(lost(source.of_size(size), settings.balancing, faults) for size in SIZES)
                for name, faults in TROUBLES.items()
            },
        ),
    )
