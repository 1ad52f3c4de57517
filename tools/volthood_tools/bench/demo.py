"""What the demonstration costs: times from its start, memory by process, messages, and how long a round takes.

What is counted: `messages_...` are all messages on the board (orders, bundles, asks, gives, evidence) of the rounds of
the run's slots, by members and rounds; `letters_...` are sealed messages (contracts, allocations, settlements, receipts),
all over the run. A round's time runs from its gate to the moment at which the last of its contracts had both signatures
at both sides, as the agents noted it in calendar time. Memory is the sum of proportional set sizes at its peak; that of a
kind of process the greatest resident peak among them.
"""

import json
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from volthood.cli.household import Household, agent_files
from volthood.errors import LocalError
from volthood_tools.bench.figures import Figure, median

HOMES = 6
QUICK = ("--slots", "3", "--speed", "240")
LIMIT_S = 600
KIB_PER_MB = 1000 * 1000 / 1024


def measure(quick: bool, seed: int) -> Iterator[Figure]:
    """Yields the figures of one run of six homes; the data is the packaged one, so nothing is drawn at random."""
    with tempfile.TemporaryDirectory(prefix="volthood-bench-") as folder:
        result = run(Path(folder), QUICK if quick else ())
        rounds_s = round_times_s(Path(folder))
    figures = result["figures"]
    yield one("start_up", figures["ready_s"], "s", seed)
    if figures["first_settled_s"] is not None:
        yield one("first_trade", figures["first_settled_s"], "s", seed)
    yield one("whole_run", figures["wall_s"], "s", seed)
    yield one("wall_per_slot", figures["wall_s"] / result["slots"], "s", seed)
    if rounds_s:
        yield median("gate_to_last_contract", "s", seed, rounds_s)
        yield Figure("gate_to_last_contract_worst", max(rounds_s), "s", len(rounds_s), seed, tuple(rounds_s))
    yield one("memory", figures["total_kib"] / KIB_PER_MB, "MB", seed)
    for kind, peaks in by_kind(figures["peak_kib"]).items():
        yield Figure(f"memory_{kind}", max(peaks), "MB", len(peaks), seed, tuple(peaks))
    if figures["rounds"]:
        per_agent = figures["board_messages"] / (figures["rounds"] * HOMES)
        yield one("messages_per_agent_and_round", per_agent, "1", seed)
        yield one("messages_share", per_agent / (1 + 3 / HOMES), "of 1 + 3/n", seed)
        yield one("letters_per_agent_and_round", figures["inbox_messages"] / (figures["rounds"] * HOMES), "1", seed)


def run(folder: Path, options: tuple[str, ...]) -> dict[str, Any]:
    """The JSON object of a demonstration in a folder. Raises `LocalError` where it does not end well."""
    program = "from volthood.cli import main; main()"
    demo = ["demo", "--homes", str(HOMES), "--json", "--keep", str(folder), *options]
    command = [sys.executable, "-c", program, *demo]
    done = subprocess.run(command, check=False, stdout=subprocess.PIPE, text=True, timeout=LIMIT_S)
    if done.returncode != 0:
        raise LocalError(f"`volthood demo` ended with status {done.returncode}")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def round_times_s(folder: Path) -> list[float]:
    """Real seconds from the gate to the last contract of each round that has contracts, by time."""
    speed = json.loads((folder / "clock.json").read_text(encoding="utf-8"))["speed"]
    last_s: dict[tuple[int, int], int] = {}
    gate_s: dict[tuple[int, int], int] = {}
    for path in agent_files(folder):
        with Household.open(path) as household:
            for event in household.trades.events(0, ("ContractSigned",)):
                words = dict(word.split("=", 1) for word in event.details.split())
                key = int(words["slot"]), int(words["gate"])
                last_s[key] = max(last_s.get(key, 0), event.time_s)
                gate_s[key] = household.hood.round_plan(*key).gate_s
    return [(last_s[key] - gate_s[key]) / speed for key in sorted(last_s)]


def by_kind(peak_kib: dict[str, int]) -> dict[str, list[float]]:
    """Peaks in MB of all processes of a kind: the first word of a process's name."""
    kinds: dict[str, list[float]] = defaultdict(list)
    for name, kib in sorted(peak_kib.items()):
        kinds[name.partition("-")[0]].append(kib / KIB_PER_MB)
    return kinds


def one(name: str, value: float, unit: str, seed: int) -> Figure:
    """The figure of a single measurement."""
    return Figure(name, value, unit, 1, seed, (value,))
