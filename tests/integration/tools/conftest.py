"""The simulated meter and the node's reader as processes, for the tests that let others talk to them."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from volthood_tools.processes import tether
from volthood_tools.virtual_board import find_micropython, search_path

SIMMETER = (sys.executable, "-c", "from volthood_tools.simmeter.cli import main; main()")


class Processes:
    """Starts meters and readers, and ends them."""

    def __init__(self, folder: Path, root: Path) -> None:
        self.folder = folder
        self._root = root
        self._started: list[subprocess.Popen[str]] = []

    def meter(self, *arguments: object) -> str:
        """Starts a simulated meter: where it is, once it is there."""
        process = self._start([*SIMMETER, *map(str, arguments)], os.environ | {"PYTHONUNBUFFERED": "1"})
        assert process.stdout is not None
        said = process.stdout.readline()
        assert said, "the simulated meter ended"
        return said.split(", ")[0].split(": ", 1)[1]

    def node(
        self, interpreter: list[str], where: str, count: int, model: str, unit: int = 0
    ) -> list[dict[str, object]]:
        """What the node's reader prints: the serial number, so many readings, the counters."""
        script = self._root / "tests/firmware/check_bus_port.py"
        command = [sys.executable, "-I", "-S", tether.__file__, str(os.getpid()), *interpreter]
        command += [str(script), where, str(count), model, str(unit)]
        path = search_path(self._root / "firmware", self._root / "agent")
        environment = os.environ | {"MICROPYPATH": path}
        # As the supervisor starts the node: leader of a session, which a terminal that ends could hang up.
        done = subprocess.run(
            command, capture_output=True, text=True, env=environment, start_new_session=True, check=True, timeout=30
        )
        return [json.loads(line) for line in done.stdout.splitlines()]

    def end(self) -> None:
        """Ends them all."""
        for process in self._started:
            process.kill()
            process.wait()
            if process.stdout is not None:
                process.stdout.close()

    def _start(self, command: list[str], environment: dict[str, str]) -> "subprocess.Popen[str]":
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=self.folder, env=environment)
        self._started.append(process)
        return self._started[-1]


@pytest.fixture
def processes(tmp_path: Path, repo_root: Path) -> Iterator[Processes]:
    """Starts meters and readers in the test's folder, and ends them with it."""
    found = Processes(tmp_path, repo_root)
    yield found
    found.end()


@pytest.fixture(params=["cpython", "micropython"])
def interpreter(request: pytest.FixtureRequest) -> list[str]:
    """The command of each of the node's interpreters."""
    if request.param == "cpython":
        return [sys.executable, "-u"]
    found = find_micropython()
    if found is None:
        pytest.skip("no micropython beside this Python or on the PATH")
    return [str(found), "-X", "heapsize=110k"]
