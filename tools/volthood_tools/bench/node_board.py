"""The board's program compiled, and scripts beside it on MicroPython: what the node's benchmarks have in common."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Self

import volthood_tools
from volthood.errors import LocalError
from volthood_tools.release.build import compile_tree
from volthood_tools.virtual_board import find_micropython, search_path

KIB = 1024
SCRIPTS = Path(__file__).parent
LIMIT_S = 1800


@dataclass
class Compiled:
    """The program of both boards, compiled into a folder that goes when the `with` block ends.

    Attributes:
        virtual, esp32: the folders.
        micropython: the interpreter.
    """

    virtual: Path
    esp32: Path
    micropython: Path
    _folder: "TemporaryDirectory[str]"

    @classmethod
    def make(cls) -> Self:
        """Compiles. Raises LocalError, ReleaseError."""
        micropython = find_micropython()
        if micropython is None:
            raise LocalError("no micropython beside this Python or on the PATH")
        folder = TemporaryDirectory(prefix="volthood-bench-")
        virtual, esp32 = Path(folder.name, "virtual"), Path(folder.name, "esp32")
        compile_tree(virtual, for_unix=True)
        compile_tree(esp32, for_unix=False)
        return cls(virtual, esp32, micropython, folder)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._folder.cleanup()

    def run(self, script: str, heap: str) -> list[str]:
        """The lines that a script prints on the virtual board's interpreter. Raises LocalError."""
        return run(script, heap, str(self.virtual))


def run(script: str, heap: str, path: str) -> list[str]:
    """The lines that a script prints on MicroPython, with the compiled program in `path`. Raises LocalError."""
    micropython = find_micropython()
    if micropython is None:
        raise LocalError("no micropython beside this Python or on the PATH")
    command = [str(micropython), "-X", f"heapsize={heap}", "-c", script]
    environment = os.environ | {"MICROPYPATH": search_path(path, Path(volthood_tools.__path__[0]).parent)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=LIMIT_S)
    if done.returncode:
        raise LocalError(f"with a heap of {heap}: {done.stdout[-500:]}{done.stderr[-500:]}")
    return done.stdout.split("\n")[:-1]


def sizes(folder: Path) -> dict[str, int]:
    """Bytes of each compiled module, by its dotted name."""
    found = {}
    for path in folder.rglob("*.mpy"):
        name = path.relative_to(folder).with_suffix("").as_posix().removesuffix("/__init__").replace("/", ".")
        found[name] = path.stat().st_size
    return found


@contextmanager
def simulated_meter(link: Path, *options: str) -> Iterator[None]:
    """A simulated meter behind `link`. Raises LocalError."""
    program = [sys.executable, "-c", "from volthood_tools.simmeter.cli import main; main()"]
    command = [*program, "--link", str(link), "--power", "1840", *options]
    meter = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        if meter.stdout is None or not meter.stdout.readline():
            raise LocalError("the simulated meter did not start")
        yield
    finally:
        meter.terminate()
        meter.wait(10)
        if meter.stdout is not None:
            meter.stdout.close()
