"""Power cuts: a day's log and an update, swept by the scripts of tests/firmware, so from a checkout of the repository alone."""

import json
import os
import re
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec

import volthood
import voltnode
from volthood.errors import LocalError
from volthood_tools.bench.figures import Figure
from volthood_tools.bench.node_board import LIMIT_S, Compiled
from volthood_tools.release.bundle import Contents, make_bundle
from volthood_tools.release.signing import public_of
from volthood_tools.virtual_board import search_path

DAY_MINUTES = 1440
SHARDS = 12
QUICK_EVERY = 331
UPDATE_BYTES = (40, 9000, 1, 5000)
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
    update = _swept_update(compiled, QUICK_EVERY // 10 if quick else 1)
    failures.append(update["half"])
    yield Figure("power_cuts_of_an_update", update["operations"], "1", update["starts"], seed, (update["operations"],))
    yield Figure("power_cuts_of_a_day", sum(swept), "1", len(swept), seed, tuple(swept))
    yield Figure("power_cut_losses", sum(failures), "1", len(failures), seed, tuple(failures))


def _swept(compiled: Compiled, kind: str, every: int, first: int) -> dict[str, int]:
    """The numbers of a day's log, by their names."""
    return _run(compiled, "check_power_cuts.py", "unreadable", kind, DAY_MINUTES, every, first)


def _swept_update(compiled: Compiled, every: int) -> dict[str, int]:
    """The numbers of an update, by their names. Its files are small: what counts is how many there are of each operation."""
    key = ec.derive_private_key(1, ec.SECP256R1())
    files = {f"voltnode/part{i}.mpy": bytes([65 + i]) * size for i, size in enumerate(UPDATE_BYTES)}
    sent = make_bundle(Contents("0.2.0", "esp32", files, 0), key)
    release = {"signed": sent.signed.hex(), "stream": sent.stream.hex(), "key": public_of(key.public_key()).hex()}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "release.json")
        path.write_text(json.dumps(release | {"list_bytes": sent.manifest.list_bytes}))
        return _run(compiled, "check_update_power.py", "half", path, every)


def _run(compiled: Compiled, name: str, last: str, *arguments: object) -> dict[str, int]:
    """The numbers that a sweep prints, by the words before them, `last` the last one."""
    roots = [Path(package.__path__[0]).parent for package in (voltnode, volthood)]
    tests = roots[0].parent / "tests" / "firmware"
    script = tests / name
    if not script.exists():
        raise LocalError("power cuts are swept from a checkout of the repository")
    command = [compiled.micropython, "-X", f"heapsize={HEAP}", script, *arguments]
    environment = os.environ | {"MICROPYPATH": search_path(tests, *roots, roots[0].parent / "tools")}
    done = subprocess.run(
        list(map(str, command)), env=environment, capture_output=True, text=True, check=False, timeout=LIMIT_S
    )
    found = {word: int(number) for word, number in re.findall(r"(\w+) (\d+)", done.stdout)}
    if last not in found:
        raise LocalError(f"the sweep ended with status {done.returncode}: {done.stderr[-500:]}")
    return found
