"""The node over a day, and what it costs its flash: heap by the hour, the smallest heap for its tasks, erases of the chip.

The board's halves are `board_day` and `board_wear`; both run on the MicroPython unix port, the first from compiled files. For
the area `node`, which `yield from`s `measure`.
"""

import os
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import volthood
import volthood_tools
import voltnode
from volthood_tools.bench.figures import Figure
from volthood_tools.release.build import compile_source, compile_tree, strip_types
from volthood_tools.virtual_board import find_micropython, search_path

SAMPLE_MS = 1000
QUICK_SAMPLE_MS = 30_000
HEAP = "192k"
SETTLED_HOURS = 3
"""The broker is away for each third hour: two hours that are whole periods apart saw the same."""
TASKS = tuple(
    "voltnode." + name
    for name in (
        "hal.folder",
        "segments",
        "metering",
        "recorder",
        "link",
        "sequence",
        "config",
        "log",
        "clock",
        "sign.signer",
    )
)
"""What sampling, ring and link are, without the rest of the node."""
HEAPS_KB = range(96, 224, 4)
_DAY = "import gc; gc.threshold(4096); import board_day; board_day.run({folder!r}, {hours}, {sample_ms})"
_WEAR = "from volthood_tools.bench import board_wear; board_wear.run()"
_LIMIT_S = 3600


def measure(quick: bool, seed: int) -> Iterator[Figure]:
    """Yields the day's figures. Raises FileNotFoundError where there is no MicroPython."""
    with tempfile.TemporaryDirectory() as scratch:
        program = Path(scratch, "program")
        compile_day(program)
        heaps = heap_by_hour(program, QUICK_SAMPLE_MS if quick else SAMPLE_MS)
        kb = tuple(size / 1024 for size in heaps)
        growth = (heaps[-1] / heaps[SETTLED_HOURS] - 1) * 100
        yield Figure("heap_growth", growth, "%", len(kb), seed, kb)
        smallest = smallest_heap_kb(program)
        yield Figure("tasks_heap", smallest, "KB", 1, seed, (smallest,))
    for name, (erases, most) in erases_by_case().items():
        yield Figure(f"erases_{name}", erases, "erases", 1, seed, (erases, most))


def compile_day(to: Path) -> None:
    """The compiled program of the node's tasks, and `board_day` beside it."""
    compile_tree(to, for_unix=True, always=TASKS)
    source = Path(__file__).with_name("board_day.py").read_text()
    (to / "board_day.mpy").write_bytes(compile_source(strip_types(source), "board_day.py"))


def heap_by_hour(program: Path, sample_ms: int = SAMPLE_MS, hours: int = 24, heap: str = HEAP) -> list[int]:
    """Bytes in use after a collection: at the start, and then after each hour. Raises RuntimeError where a task failed."""
    with tempfile.TemporaryDirectory() as folder:
        script = _DAY.format(folder=f"{folder}/flash", hours=hours, sample_ms=sample_ms)
        lines = [line.split() for line in _run(script, heap, program)]
    summary = dict(zip(lines[-1][::2], map(int, lines[-1][1::2]), strict=True))
    if summary["failed"] or summary["records"] < hours * 60 or summary["receipt"] != summary["held"]:
        raise RuntimeError(f"the day did not go well: {summary}")
    return [int(line[2]) for line in lines if line[0] == "heap"]


def smallest_heap_kb(program: Path) -> int:
    """The smallest heap, in steps of 4 KB, in which the tasks run for four hours: one absence of the broker and its end."""
    for size_kb in HEAPS_KB:
        try:
            heap_by_hour(program, QUICK_SAMPLE_MS, SETTLED_HOURS + 1, f"{size_kb}k")
        except (subprocess.CalledProcessError, RuntimeError):
            continue
        return size_kb
    return HEAPS_KB.stop


def erases_by_case() -> dict[str, tuple[int, int]]:
    """(erases, of the block erased most) by case; see `board_wear`."""
    roots = (Path(package.__path__[0]).parent for package in (voltnode, volthood, volthood_tools))
    lines = (line.split() for line in _run(_WEAR, "24m", *roots))
    return {name: (int(erases), int(most)) for name, erases, most in lines}


def _run(script: str, heap: str, *path: Path) -> list[str]:
    micropython = find_micropython()
    if micropython is None:
        raise FileNotFoundError("no micropython beside this Python or on the PATH")
    command = [str(micropython), "-X", f"heapsize={heap}", "-c", script]
    environment = os.environ | {"MICROPYPATH": search_path(*path)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True, timeout=_LIMIT_S)
    return done.stdout.splitlines()
