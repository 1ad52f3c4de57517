"""Real children: they come back when killed, and none outlives its parent."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from volthood_tools.processes.memory import memory_of
from volthood_tools.processes.supervisor import Child, Supervisor

SLEEPER = (sys.executable, "-I", "-S", "-c", "import time; time.sleep(600)")


def until(condition: Callable[[], bool], limit_s: float = 5.0) -> float:
    """Wait for a condition; the seconds it took."""
    start_s = time.monotonic()
    while not condition():
        assert time.monotonic() - start_s < limit_s, "it never came"
        time.sleep(0.01)
    return time.monotonic() - start_s


def runs(pid: int) -> bool:
    """Whether a process exists and is no zombie."""
    return memory_of(pid) is not None


@pytest.fixture
def supervisor(tmp_path: Path) -> Iterator[Supervisor]:
    with Supervisor(tmp_path) as made:
        yield made


def test_a_killed_child_is_back_within_a_second(supervisor: Supervisor, tmp_path: Path) -> None:
    supervisor.start(Child("sleeper", SLEEPER))
    before = supervisor.pids()["sleeper"]
    os.kill(before, signal.SIGKILL)
    assert until(lambda: supervisor.pids().get("sleeper", before) != before) < 1.0
    assert supervisor.news() == ["sleeper was ended by SIGKILL; it starts again at once"]
    until(lambda: json.loads((tmp_path / "run" / "pids.json").read_text()) == written(supervisor))


def written(supervisor: Supervisor) -> dict[str, int]:
    return {"supervisor": os.getpid(), **supervisor.pids()}


def test_a_child_that_hangs_is_killed_and_back(supervisor: Supervisor) -> None:
    program = (
        "import os, time\n"
        "from volthood.adapters.watchdog import Watchdog\n"
        "dog = Watchdog.asked_for(os.environ)\n"
        "for beat in range(5):\n"
        "    dog.beat(time.monotonic_ns() // 1_000_000)\n"
        "    time.sleep(0.1)\n"
        "time.sleep(600)\n"
    )
    supervisor.start(Child("hanger", (sys.executable, "-c", program), silent_s=0.4))
    before = supervisor.pids()["hanger"]
    until(lambda: supervisor.pids().get("hanger", before) != before, 20)
    assert supervisor.news()[:2] == [
        "hanger has given no sign of life for 0.4 s; it is killed",
        "hanger was ended by SIGKILL; it starts again at once",
    ]
    assert not runs(before)


def test_a_child_that_dies_at_once_waits_longer_each_time(supervisor: Supervisor, tmp_path: Path) -> None:
    supervisor.start(
        Child("brief", (sys.executable, "-I", "-S", "-c", "print('here', flush=True); raise SystemExit(3)"))
    )
    told: list[str] = []

    def three_told() -> bool:
        told.extend(supervisor.news())
        return len(told) >= 3

    until(three_told)
    assert told[0] == "brief ended with status 3; it starts again at once"
    assert told[2] == "brief ended with status 3; it starts again in 0.9 s (3 times in a row; see logs/brief.log)"
    assert (tmp_path / "logs" / "brief.log").read_text().startswith("here\nhere\n")


def test_a_command_that_is_not_there_is_told_in_the_log(supervisor: Supervisor, tmp_path: Path) -> None:
    supervisor.start(Child("nothing", ("/no/such/program",)))
    until(lambda: bool(supervisor.news()))
    assert "No such file" in (tmp_path / "logs" / "nothing.log").read_text()


def test_the_end_is_in_order_and_takes_grandchildren_along(tmp_path: Path) -> None:
    parent = f"import subprocess, time; print(subprocess.Popen({list(SLEEPER)!r}).pid, flush=True); time.sleep(600)"
    stubborn = "import signal, time; signal.signal(15, signal.SIG_IGN); print('up', flush=True); time.sleep(600)"
    with Supervisor(tmp_path) as supervisor:
        supervisor.start(Child("first", (sys.executable, "-I", "-S", "-c", parent)))
        supervisor.start(Child("second", (sys.executable, "-I", "-S", "-c", stubborn)))
        logs = [tmp_path / "logs" / f"{name}.log" for name in ("first", "second")]
        until(lambda: all(log.read_text() for log in logs))
        pids = [*supervisor.pids().values(), int(logs[0].read_text())]
        assert all(runs(pid) for pid in pids)
    assert not any(runs(pid) for pid in pids)


def test_no_child_outlives_a_parent_that_is_killed(tmp_path: Path) -> None:
    program = f"""
import time
from pathlib import Path
from volthood_tools.processes.supervisor import Child, Supervisor
with Supervisor(Path({str(tmp_path)!r})) as supervisor:
    supervisor.start(*[Child(f"sleeper{{n}}", {SLEEPER!r}) for n in range(3)])
    time.sleep(600)
"""
    parent = subprocess.Popen([sys.executable, "-c", program])
    pids_file = tmp_path / "run" / "pids.json"
    until(lambda: pids_file.exists() and len(json.loads(pids_file.read_text())) == 4, 20)
    pids = json.loads(pids_file.read_text()).values()
    parent.kill()
    parent.wait()
    until(lambda: not any(runs(pid) for pid in pids))
