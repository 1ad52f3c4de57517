"""Power cuts: a day's log and an update, swept by the scripts of tests/firmware, so from a checkout of the repository alone."""

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import volthood
import voltnode
from volthood.errors import LocalError
from volthood_tools.bench.figures import Figure
from volthood_tools.bench.node_board import LIMIT_S, Compiled
from volthood_tools.virtual_board import search_path

DAY_MINUTES = 1440
SHARDS = 12
QUICK_EVERY = 331
HEAP = "96m"
"""The chips are in it."""
KINDS = ("lfs2", "lfs2+raw")


def measure(compiled: Compiled, quick: bool, seed: int) -> Iterator[Figure]:
    """Yields what was lost over all operations swept, and how many they were. Raises LocalError."""
    swept: list[float] = []
    failures: list[float] = []
    for kind in KINDS:
        shards = [(QUICK_EVERY, QUICK_EVERY // 2)] if quick else [(SHARDS, shard) for shard in range(SHARDS)]
        for every, first in shards:
            found = _swept(compiled, kind, every, first)
            swept.append(found["states"])
            failures.append(found["lost"] + found["unreadable"])
    yield Figure("power_cuts_of_a_day", sum(swept), "1", len(swept), seed, tuple(swept))
    yield Figure("power_cut_losses", sum(failures), "1", len(failures), seed, tuple(failures))


def _swept(compiled: Compiled, kind: str, every: int, first: int) -> dict[str, int]:
    """The numbers that the sweep prints, by the words before them."""
    roots = [Path(package.__path__[0]).parent for package in (voltnode, volthood)]
    tests = roots[0].parent / "tests" / "firmware"
    script = tests / "check_power_cuts.py"
    if not script.exists():
        raise LocalError("power cuts are swept from a checkout of the repository")
    command = [compiled.micropython, "-X", f"heapsize={HEAP}", script, kind, DAY_MINUTES, every, first]
    environment = os.environ | {"MICROPYPATH": search_path(tests, *roots, roots[0].parent / "tools")}
    done = subprocess.run(
        list(map(str, command)), env=environment, capture_output=True, text=True, check=False, timeout=LIMIT_S
    )
    found = {word: int(number) for word, number in re.findall(r"(\w+) (\d+)", done.stdout)}
    if "unreadable" not in found:
        raise LocalError(f"the sweep ended with status {done.returncode}: {done.stderr[-500:]}")
    return found
