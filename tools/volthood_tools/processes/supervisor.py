"""Keeps a set of child processes running, and ends them in order.

Rules, and why:

- A dead child is started again at once. One that dies young again and again waits longer each time, and every death is
  told: a loop that nobody sees helps nobody.
- A child that hangs is not dead. One that was asked for signs of life (systemd's protocol, sd_notify(3)), has given some and
  then gives none for its limit, is killed, and so comes back. Silence counts from when we could have heard it: neither a
  machine that slept nor a child that still waits for its turn is taken for a hang.
- Children end with their parent, even by `kill -9` (`tether`). The kernel ties a child to the *thread* that started it:
  all are started by the supervisor's one thread, which lives until they are gone.
- Each child has its own process group, so that Ctrl-C in the terminal reaches the supervisor alone and the end is in
  order: those started last end first, SIGTERM before SIGKILL, and what a child left behind in its group goes too. It
  leads no session: a serial port that it opens must not become its controlling terminal.
"""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from volthood_tools.processes import tether
from volthood_tools.processes.pulse import Pulse

FIRST_PAUSE_S = 0.1
LONGEST_PAUSE_S = 10.0
GROWTH = 3.0
YOUNG_S = 5.0
"""A child that lived this long did not die at once."""
CHECK_INTERVAL_S = 0.05
GRACE_S = 3.0
"""How long a child may take to end after SIGTERM."""


@dataclass(frozen=True)
class Child:
    """A process to keep: its unique name, its command, and what its environment adds to ours.

    Its output goes to its log, unless `terminal` is a descriptor of a terminal that it talks on. With `silent_s` it is asked
    for signs of life, and is killed when none comes for so many seconds after the last.
    """

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    terminal: int | None = None
    silent_s: float | None = None


def restart_pause_s(young_deaths: int) -> float:
    """Seconds to wait before a start, after so many young deaths in a row."""
    return min(LONGEST_PAUSE_S, FIRST_PAUSE_S * GROWTH ** max(0, young_deaths - 1))


def ending(status: int) -> str:
    """How a process ended, in words, from the return code of `subprocess`."""
    return f"ended with status {status}" if status >= 0 else f"was ended by {signal.Signals(-status).name}"


@dataclass
class _Kept:
    child: Child
    stage: int
    started: threading.Event = field(default_factory=threading.Event)
    process: subprocess.Popen[bytes] | None = None
    since_s: float = 0.0
    due_s: float = 0.0
    young_deaths: int = 0
    pulse: Pulse | None = None


class Supervisor:
    """Children under one roof: logs in `folder/logs`, process ids in `folder/run/pids.json`."""

    def __init__(self, folder: Path) -> None:
        self._logs = folder / "logs"
        self._pids_file = folder / "run" / "pids.json"
        self._kept: dict[str, _Kept] = {}
        self._news: list[str] = []
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="supervisor", daemon=True)

    def __enter__(self) -> Self:
        self._logs.mkdir(parents=True, exist_ok=True)
        self._pids_file.parent.mkdir(parents=True, exist_ok=True)
        self._thread.start()
        return self

    def __exit__(self, *_exc: object) -> None:
        self.stop()

    def start(self, *children: Child) -> None:
        """Start a stage of children and return when their processes exist."""
        with self._lock:
            stage = 1 + max((kept.stage for kept in self._kept.values()), default=0)
            stage_of = [_Kept(child, stage) for child in children]
            self._kept.update({kept.child.name: kept for kept in stage_of})
        self._wake.set()
        for kept in stage_of:
            kept.started.wait()

    def pids(self) -> dict[str, int]:
        """The process ids of the children that run, by name."""
        with self._lock:
            return self._pids()

    def news(self) -> list[str]:
        """What happened since the last call, in words for a person."""
        with self._lock:
            news, self._news = self._news, []
        return news

    def stop(self) -> None:
        """End all children, the last started first, and wait until none is left."""
        self._stopping = True
        self._wake.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopping:
            self._wake.wait(CHECK_INTERVAL_S)
            self._wake.clear()
            with self._lock:
                if self._tend():
                    self._write_pids()
        self._end_all()

    def _tend(self) -> bool:
        """Note deaths, start what is due. Whether anything changed."""
        changed = False
        now_s = time.monotonic()
        for kept in self._kept.values():
            if kept.process is not None and kept.process.poll() is not None:
                self._bury(kept, now_s)
                changed = True
            if kept.process is None and now_s >= kept.due_s and not self._stopping:
                self._spawn(kept)
                changed = True
            elif kept.process is not None and kept.pulse is not None and kept.pulse.is_lost(now_s):
                self._end_hanging(kept.child, kept.process)
                kept.pulse.forget()
        return changed

    def _end_hanging(self, child: Child, process: subprocess.Popen[bytes]) -> None:
        self._news.append(f"{child.name} has given no sign of life for {child.silent_s:g} s; it is killed")
        _signal_group(process, signal.SIGKILL)

    def _bury(self, kept: _Kept, now_s: float) -> None:
        process = kept.process
        if process is None:
            return
        _signal_group(process, signal.SIGKILL)
        kept.process = None
        self._try_again(kept, now_s, ending(process.returncode))

    def _try_again(self, kept: _Kept, now_s: float, what_happened: str) -> None:
        kept.young_deaths = kept.young_deaths + 1 if now_s - kept.since_s < YOUNG_S else 1
        pause_s = restart_pause_s(kept.young_deaths)
        kept.due_s = now_s + pause_s
        name = kept.child.name
        again = "at once"
        if kept.young_deaths > 1:
            again = f"in {pause_s:.1f} s ({kept.young_deaths} times in a row; see logs/{name}.log)"
        self._news.append(f"{name} {what_happened}; it starts again {again}")

    def _spawn(self, kept: _Kept) -> None:
        kept.since_s = time.monotonic()
        if kept.child.silent_s is not None:
            kept.pulse = kept.pulse or Pulse(kept.child.silent_s)
            kept.pulse.forget()
        try:
            kept.process = self._popen(kept.child, kept.pulse)
        except OSError as error:
            self._try_again(kept, kept.since_s, f"cannot start ({error})")
        kept.started.set()

    def _popen(self, child: Child, pulse: Pulse | None) -> subprocess.Popen[bytes]:
        tied = (sys.executable, "-I", "-S", tether.__file__, str(os.getpid()))
        with (self._logs / f"{child.name}.log").open("ab") as log:
            return subprocess.Popen(
                tied + child.command,
                stdin=subprocess.DEVNULL if child.terminal is None else child.terminal,
                stdout=log if child.terminal is None else child.terminal,
                stderr=log,
                process_group=0,
                env={**os.environ, **child.environment, **(pulse.environment if pulse is not None else {})},
            )

    def _pids(self) -> dict[str, int]:
        return {name: kept.process.pid for name, kept in self._kept.items() if kept.process is not None}

    def _write_pids(self) -> None:
        draft = self._pids_file.with_suffix(".new")
        draft.write_text(json.dumps({"supervisor": os.getpid(), **self._pids()}, indent=1) + "\n")
        draft.replace(self._pids_file)

    def _end_all(self) -> None:
        with self._lock:
            for stage in sorted({kept.stage for kept in self._kept.values()}, reverse=True):
                running = [kept.process for kept in self._kept.values() if kept.stage == stage and kept.process]
                _end(running)
            for kept in self._kept.values():
                kept.process = None
                kept.started.set()
                if kept.pulse is not None:
                    kept.pulse.close()
            self._write_pids()


def _end(processes: list[subprocess.Popen[bytes]]) -> None:
    """SIGTERM, a time of grace, SIGKILL for what is left of each group."""
    for process in processes:
        _signal_group(process, signal.SIGTERM)
    deadline_s = time.monotonic() + GRACE_S
    for process in processes:
        try:
            process.wait(max(0.0, deadline_s - time.monotonic()))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        _signal_group(process, signal.SIGKILL)


def _signal_group(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    """Signal a child and what it started. A group without members is no error."""
    try:
        os.killpg(process.pid, number)
    except ProcessLookupError:
        return
