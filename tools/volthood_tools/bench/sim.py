"""The simulator against its marks: how long whole days take, what they hold in memory, and what faults cost in welfare.

Every run is a process of its own, so that its memory is its own. Signatures are real; a signature is verified, and a book
cleared, once in the process and remembered by its bytes, and messages are sealed without encryption.
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

from volthood.errors import LocalError
from volthood_tools.bench.figures import Figure

LIMIT_S = 3600
KIB_PER_MB = 1000 * 1000 / 1024
ONE_BALANCING = ("--balancing", "1")
"""The design's times are those of one forward and one balancing round."""

TIMED: dict[str, tuple[str, ...]] = {
    "simulation_10x96": ("--homes", "10", "--slots", "96"),
    "simulation_100x96": ("--homes", "100", "--slots", "96"),
    "simulation_10_hoods": ("--homes", "100", "--hoods", "10", "--slots", "8"),
}
QUICK_TIMED: dict[str, tuple[str, ...]] = {"simulation_10x96": ("--homes", "10", "--slots", "96")}

FAULTS = {
    "loss": ("--loss", "0.1"),
    "vanish": ("--vanish", "0.1"),
    "vanish_forward": ("--vanish", "0.1", "--vanish-in", "forward"),
    "censor": ("--bad-bundlers", "1", "--lie", "censor"),
    "equivocate": ("--bad-bundlers", "1", "--lie", "equivocate"),
}
VANISH_EACH = ("--vanish", "0.1", "--vanish-in", "each")
"""A tenth at every gate anew, so that a fifth is away at a slot's last one: reported, and beyond what the mark asks for."""
Cases = dict[str, tuple[tuple[int, int], ...]]
"""(homes, slots) of each size class."""
SIZES: Cases = {"small": ((10, 16), (30, 8)), "large": ((50, 8), (100, 4))}
QUICK_SIZES: Cases = {"small": ((10, 8),)}


def measure(quick: bool, seed: int) -> Iterator[Figure]:
    """Yields the figures of both parts, and how many laws were broken in all of it."""
    broken: list[float] = []
    yield from _timed(QUICK_TIMED if quick else TIMED, seed, broken)
    yield from _faulty(QUICK_SIZES if quick else SIZES, seed, broken)
    result = run(("--homes", "6", "--slots", "4" if quick else "40", "--all-faults", "--seed", str(seed)))
    broken.append(_breaches(result))
    name = "conservation_breaches"
    yield Figure(name, sum(broken), "1", len(broken), seed, tuple(broken), f"market.{name}")


def _timed(runs: dict[str, tuple[str, ...]], seed: int, broken: list[float]) -> Iterator[Figure]:
    for name, words in runs.items():
        result = run((*words, *ONE_BALANCING, "--seed", str(seed)))
        broken.append(_breaches(result))
        yield one(name, result["wall_s"], "s", seed, f"market.{name}")
        yield one(f"{name}_cpu", result["cpu_s"], "s", seed)
        yield one(f"{name}_memory", result["peak_kib"] / KIB_PER_MB, "MB", seed, f"market.{name}_memory")
        yield one(f"{name}_welfare", 100 * result["welfare"], "%", seed)
        yield one(f"{name}_messages_share", _messages_share(result), "of 1 + 3/n", seed, "market.messages_share")


def _messages_share(result: dict[str, Any]) -> float:
    """Orders and bundles published, of one order an agent and three bundles a round."""
    orders: int = sum(hood["counts"]["published_order"] for hood in result["hoods"])
    bundles: int = sum(hood["counts"]["published_bundle"] for hood in result["hoods"])
    homes: int = result["hoods"][0]["homes"]
    return (orders + bundles) / (orders * (1 + 3 / homes))


def _faulty(sizes: Cases, seed: int, broken: list[float]) -> Iterator[Figure]:
    """For each size class the worst of all faults and sizes, and each of them beside it."""
    for size, cases in sizes.items():
        raw = []
        for homes, slots in cases:
            for fault, words in {"none": (), **FAULTS, "vanish_each": VANISH_EACH}.items():
                result = run(("--homes", str(homes), "--slots", str(slots), "--seed", str(seed), *words))
                broken.append(_breaches(result))
                welfare = 100 * result["welfare"]
                yield Figure(f"welfare_{homes}_{fault}", welfare, "%", slots, seed, tuple(_shares(result)))
                if fault in FAULTS:
                    raw.append(welfare)
        name = f"faulty_welfare_{size}"
        yield Figure(name, min(raw), "%", len(raw), seed, tuple(raw), f"market.{name}")


def _shares(result: dict[str, Any]) -> list[float]:
    return [100 * slot["share"] for hood in result["hoods"] for slot in hood["slots"]]


def _breaches(result: dict[str, Any]) -> int:
    return sum(len(hood["breaches"]) for hood in result["hoods"])


def run(words: tuple[str, ...]) -> dict[str, Any]:
    """The one run of a simulation as JSON. Raises `LocalError` where it says nothing."""
    program = "from volthood_tools.sim.cli import main; main()"
    command = [sys.executable, "-c", program, *words, "--json"]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=LIMIT_S)
    if not done.stdout:
        raise LocalError(f"volthood-sim {' '.join(words)}: {done.stderr[-300:]}")
    result: dict[str, Any] = json.loads(done.stdout)["runs"][0]
    return result


def one(name: str, value: float, unit: str, seed: int, mark: str | None = None) -> Figure:
    """A figure measured once."""
    return Figure(name, value, unit, 1, seed, (value,), mark)
