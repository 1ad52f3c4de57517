"""A node in a household, everything connected over TLS: memory, code, times. The programs are the real ones.

`resident_code` is what is loaded on a node that is connected and whose console nobody uses: the files of all modules in
`sys.modules`. The virtual board has more code for its serial port, console, TCP and reset than an ESP32 has for its own;
`resident_code_esp32` are the same modules as they are compiled for that.
"""

import json
import os
import signal
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from volthood.errors import DeviceError, LocalError
from volthood_tools.bench.figures import Figure, median
from volthood_tools.bench.node_board import KIB, SCRIPTS, Compiled, simulated_meter, sizes
from volthood_tools.console.node import NodeConsole
from volthood_tools.console.port import Port
from volthood_tools.onehome import OneHome, board_in

HEAPS = ("192k", "208k", "224k", "256k", "320k", "448k")
"""The mark's, and larger ones: a node that does not run in the first has its figures all the same."""
LARGE = ("meter read", "cert", "selftest", "meter list all")
"""Commands that take much memory: a heap in which one of them is refused is too small."""
REST_S = 12.0
"""From a start to the look at what is loaded."""
PAUSE_S, LIMIT_S = 0.3, 120.0
"""Between looks at the queue, and for all of them."""


def measure(compiled: Compiled, quick: bool, seed: int) -> Iterator[Figure]:
    """Yields the figures of one household. Raises LocalError, DeviceError."""
    virtual, esp32 = sizes(compiled.virtual), sizes(compiled.esp32)
    yield _sum("flash_code", esp32, seed)
    heap, seen = _seen(compiled, 10 if quick else 100)
    yield Figure("heap", int(heap[:-1]), "KB", 1, seed, (int(heap[:-1]),))
    yield Figure("heap_used", seen.used_bytes / KIB, "KB", 1, seed, (seen.used_bytes / KIB,))
    resident = {name: virtual[name] for name in seen.modules if name in virtual}
    yield _sum("resident_code", resident, seed)
    board = {name: esp32[name] for name in resident if name in esp32}
    yield _sum("resident_code_esp32", board, seed)
    yield median("written_to_receipt", "ms", seed, seen.receipts_ms)
    yield median("prompt_response", "ms", seed, seen.prompts_ms)
    starts_s = [_first_reading_s(compiled, heap) for _ in range(3 if quick else 10)]
    yield median("start_to_first_reading", "s", seed, starts_s)


@dataclass(frozen=True)
class Seen:
    """What was seen of a connected node: heap after a collection, modules loaded, times in ms."""

    used_bytes: int
    modules: list[str]
    receipts_ms: list[float]
    prompts_ms: list[float]


def _seen(compiled: Compiled, samples: int) -> tuple[str, Seen]:
    """The smallest heap of `HEAPS` in which a household runs, and what was seen there. Raises DeviceError, LocalError."""
    for heap in HEAPS:
        with tempfile.TemporaryDirectory(prefix="volthood-bench-") as folder:
            try:
                return heap, _household(Path(folder), compiled, heap, samples)
            except DeviceError:
                if heap == HEAPS[-1]:
                    raise
    raise LocalError("no heap to try")


def _household(folder: Path, compiled: Compiled, heap: str, samples: int) -> Seen:
    board = board_in(folder, compiled.micropython, heap=heap, code=compiled.virtual)
    watched = folder / "watched.json"
    program = list(board.command)
    at = program.index("-m")
    program[at : at + 2] = [str(SCRIPTS / "board_watch.py"), str(watched)]
    board.command = tuple(program)
    with OneHome(folder, board) as home:
        home.start()
        receipts_ms, prompts_ms = _times_ms(home, samples)
        for command in LARGE:
            home.ask(command)
        # A new start, so that no console was ever used.
        os.kill(home.supervisor.pids()["node"], signal.SIGKILL)
        time.sleep(REST_S)
        used_bytes, _, modules = json.loads(watched.read_text(encoding="utf-8"))
        home.await_(lambda: home.ask("status")["link"] == "connected", "the node's connection")
        return Seen(used_bytes, modules, receipts_ms, prompts_ms)


def _times_ms(home: OneHome, samples: int) -> tuple[list[float], list[float]]:
    """From a record's writing to its receipt, as the node saw it; and from a command to its answer."""
    receipts_ms: list[float] = []
    prompts_ms: list[float] = []
    last = None
    deadline_s = time.monotonic() + LIMIT_S
    while len(receipts_ms) < samples and time.monotonic() < deadline_s:
        began_s = time.monotonic()
        queue = home.ask("queue")
        prompts_ms.append(1000 * (time.monotonic() - began_s))
        after_ms = queue["receipt_after_ms"]
        if queue["receipt"] != last and queue["waiting"] == 0 and isinstance(after_ms, int):
            receipts_ms.append(after_ms)
            last = queue["receipt"]
        time.sleep(PAUSE_S)
    if not receipts_ms:
        raise DeviceError("no record has a receipt", retry=True)
    return receipts_ms, prompts_ms


def _sum(name: str, modules: dict[str, int], seed: int) -> Figure:
    raw = tuple(size / KIB for size in modules.values())
    return Figure(name, sum(raw), "KB", len(raw), seed, raw)


def _first_reading_s(compiled: Compiled, heap: str) -> float:
    """From starting the board to the first answer that has a reading in it."""
    with tempfile.TemporaryDirectory(prefix="volthood-bench-") as folder, simulated_meter(Path(folder, "meter")):
        board = board_in(Path(folder), compiled.micropython, heap=heap, code=compiled.virtual)
        with board, Port.open(board.console) as port:
            began = time.monotonic()
            process = board.start()
            try:
                console = NodeConsole(port, "node")
                while True:
                    try:
                        console.ask("meter read", 1.0)
                        return time.monotonic() - began
                    except DeviceError:
                        if time.monotonic() - began > REST_S:
                            raise
            finally:
                process.kill()
                process.wait(10)
