"""The virtual board: the node's program on the MicroPython unix port, or on this Python where there is none.

The board's UART0, its console, is the process's standard input and output. MicroPython cannot make a pty, so whoever
starts a board makes it and keeps it: the board may be killed and started again while a technician stays connected, and
the link to the pty stays the same. The process must not lead a session and ignores SIGHUP, because MicroPython opens the
meter's pty in a way that would make it a controlling terminal.
"""

import os
import shutil
import subprocess
import sys
import tty
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Self

import volthood
import voltnode

FROZEN = ".frozen"
"""The modules inside the interpreter, asyncio among them: MICROPYPATH replaces the whole path, so it must name them."""
HEAP = "448k"
"""Enough to compile the sources at the start, and a console command's whenever it is asked; objects and code are twice
the size of the ESP32's, which has its code compiled."""

COMPILED_HEAP = "256k"
"""Enough for the compiled program with everything connected over TLS, and any command of its console."""

_IGNORE_HANG_UP = ("sh", "-c", 'trap "" HUP; exec "$@"', "node")


def search_path(*folders: Path | str) -> str:
    """The value of MICROPYPATH for these folders."""
    return os.pathsep.join([*map(str, folders), FROZEN])


def find_micropython() -> Path | None:
    """The `micropython` beside this Python, else the one on the PATH; None where there is none."""
    beside = Path(sys.executable).with_name("micropython")
    found = str(beside) if beside.exists() else shutil.which("micropython")
    return Path(found) if found else None


class VirtualBoard:
    """A board that can be started, killed and started again. Close it when it is no longer needed.

    Args:
        flash: the folder that is its flash.
        uart: the meter's pty or serial port, or a link to it.
        console: where the link to the console's pty is made; an old link is replaced.
        clock: the clock file of a demonstration; without it the board asks for the time.
        time_server: HOST:PORT of whom it asks; None for the agent's machine.
        sample_ms: transport time between two readings.
        unit: the meter's Modbus address; 0 for its model's usual one.
        micropython: the interpreter; None for this Python.
        heap: MicroPython's heap; None for one that is enough.
        code: a folder of compiled modules (`volthood_tools.release.build.compile_tree`); None for the sources.
        root: the root of a board's file system (`volthood_tools.release.layout.lay_out`), whose selector starts one of the
            programs there; in place of `code`.
        more: options of `voltnode.hal.unix` that are not named here.

    Attributes:
        command: starts the node, with `environment` added to that of this process and `terminal` as standard input and
            output; for a supervisor that starts processes itself.
        interpreter: which one runs, in words.
    """

    def __init__(
        self,
        *,
        flash: Path,
        uart: Path,
        console: Path,
        micropython: Path | None,
        clock: Path | None = None,
        time_server: str | None = None,
        sample_ms: int = 1000,
        unit: int = 0,
        heap: str | None = None,
        code: Path | None = None,
        root: Path | None = None,
        more: Sequence[str] = (),
    ) -> None:
        options = [*more, "--dir", flash, "--uart", uart, "--unit", unit, "--sample-ms", sample_ms]
        if clock is not None:
            options += ["--clock", clock]
        if time_server is not None:
            options += ["--time-server", time_server]
        heap = heap or (HEAP if code is None and root is None else COMPILED_HEAP)
        start = [sys.executable] if micropython is None else [micropython, "-X", f"heapsize={heap}"]
        node = ["-m", "voltnode.hal.unix"] if root is None else [root / "main.py", "--root", root]
        self.command: tuple[str, ...] = (*_IGNORE_HANG_UP, *map(str, start + node + options))
        self.environment = {"MICROPYPATH": search_path(*_folders(code, root))}
        self.interpreter = "CPython (no micropython found)" if micropython is None else f"MicroPython ({micropython})"
        self.console = console
        self.terminal, self._far_end = os.openpty()
        os.set_inheritable(self.terminal, True)
        # A console that nobody reads must never hold the node up.
        os.set_blocking(self.terminal, False)
        tty.setraw(self._far_end)
        _link(console, os.ttyname(self._far_end))

    def start(self, log: IO[bytes] | None = None) -> "subprocess.Popen[bytes]":
        """Starts the node; what goes wrong below it is written to `log`."""
        return subprocess.Popen(
            self.command,
            stdin=self.terminal,
            stdout=self.terminal,
            stderr=subprocess.DEVNULL if log is None else log,
            env={**os.environ, **self.environment},
        )

    def close(self) -> None:
        """Takes the pty and its link away."""
        os.close(self.terminal)
        os.close(self._far_end)
        self.console.unlink(missing_ok=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()


def _folders(code: Path | None, root: Path | None) -> list[Path]:
    """Where modules are looked for; the selector adds its own."""
    if root is not None:
        return []
    return [Path(package.__path__[0]).parent for package in (voltnode, volthood)] if code is None else [code]


def _link(link: Path, target: str) -> None:
    """Makes or replaces a link in one step, so that nobody finds none."""
    link.parent.mkdir(parents=True, exist_ok=True)
    beside = link.with_name(link.name + ".new")
    beside.unlink(missing_ok=True)
    beside.symlink_to(target)
    beside.replace(link)
