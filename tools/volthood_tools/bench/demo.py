"""What the demonstration costs: time to the first settled trade, time in all, memory by process, messages on the board."""

import json
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from volthood.errors import LocalError
from volthood_tools.bench.figures import Figure

HOMES = 6
QUICK = ("--slots", "3", "--speed", "240")
LIMIT_S = 600
KIB_PER_MB = 1000 * 1000 / 1024


def measure(quick: bool, seed: int) -> Iterator[Figure]:
    """Yields the figures of one run of six homes; the data is the packaged one, so nothing is drawn at random."""
    result = run(QUICK if quick else ())
    figures = result["figures"]
    if figures["first_settled_s"] is not None:
        yield one("first_trade", figures["first_settled_s"], "s", seed)
    yield one("whole_run", figures["wall_s"], "s", seed)
    yield one("wall_per_slot", figures["wall_s"] / result["slots"], "s", seed)
    yield one("memory", figures["total_kib"] / KIB_PER_MB, "MB", seed)
    for kind, peaks in by_kind(figures["peak_kib"]).items():
        yield Figure(f"memory_{kind}", max(peaks), "MB", len(peaks), seed, tuple(peaks))
    if figures["rounds"]:
        per_agent = figures["board_messages"] / (figures["rounds"] * HOMES)
        yield one("messages_per_agent_and_round", per_agent, "1", seed)
        yield one("messages_share", per_agent / (1 + 3 / HOMES), "of 1 + 3/n", seed)


def run(options: tuple[str, ...]) -> dict[str, Any]:
    """The JSON object of a demonstration. Raises `LocalError` where it does not end well."""
    program = "from volthood.cli import main; main()"
    command = [sys.executable, "-c", program, "demo", "--homes", str(HOMES), "--json", *options]
    done = subprocess.run(command, check=False, stdout=subprocess.PIPE, text=True, timeout=LIMIT_S)
    if done.returncode != 0:
        raise LocalError(f"`volthood demo` ended with status {done.returncode}")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def by_kind(peak_kib: dict[str, int]) -> dict[str, list[float]]:
    """Peaks in MB of all processes of a kind: the first word of a process's name."""
    kinds: dict[str, list[float]] = defaultdict(list)
    for name, kib in sorted(peak_kib.items()):
        kinds[name.partition("-")[0]].append(kib / KIB_PER_MB)
    return kinds


def one(name: str, value: float, unit: str, seed: int) -> Figure:
    """The figure of a single measurement."""
    return Figure(name, value, unit, 1, seed, (value,))
