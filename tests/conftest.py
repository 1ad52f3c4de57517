"""Fixtures for every test: where the repository is, and how a script runs on the board's interpreter.

A script of checks that both interpreters can run takes its inputs as arguments, prints what it found, and ends with a
status other than 0 when something is wrong; see `tests/firmware/check_sign.py`.
"""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import settings

from volthood_tools.virtual_board import find_micropython, search_path

RunScript = Callable[..., str]
"""run(script, *arguments, heap="110k", path=None) -> what it printed; fails the test when its status is not 0.

`heap` is MicroPython's heap. `path` takes the place of firmware/, agent/ and tools/ where modules are looked for.
"""

ROOT = Path(__file__).resolve().parents[1]
SOURCES = (ROOT / "firmware", ROOT / "agent", ROOT / "tools")
LIMIT_S = 300

if settings.get_current_profile_name() == "default":  # not under `dev.py fuzz`, which has its own
    # An example's time says more about the machine's other work than about the code.
    settings.register_profile("unhurried", deadline=None)
    settings.load_profile("unhurried")


@pytest.fixture(scope="session")
def repo_root() -> Path:
    """The repository's root."""
    return ROOT


@pytest.fixture(scope="session")
def micropython() -> Path:
    """The MicroPython unix port."""
    found = find_micropython()
    if found is None:
        pytest.skip("no micropython beside this Python or on the PATH (its wheel exists for x86-64 Linux)")
    return found


@pytest.fixture(scope="session")
def run_on_micropython(micropython: Path) -> RunScript:
    """A function that runs a script on MicroPython."""

    def run(script: Path, *arguments: object, heap: str = "110k", path: Path | None = None) -> str:
        command = [str(micropython), "-X", f"heapsize={heap}", str(script), *map(str, arguments)]
        return _run(command, "MICROPYPATH", search_path(*_where(path)))

    return run


@pytest.fixture(scope="session")
def run_on_cpython() -> RunScript:
    """The same function for this Python; `heap` says nothing to it."""

    def run(script: Path, *arguments: object, heap: str = "", path: Path | None = None) -> str:
        return _run(
            [sys.executable, str(script), *map(str, arguments)], "PYTHONPATH", os.pathsep.join(map(str, _where(path)))
        )

    return run


@pytest.fixture(params=["cpython", "micropython"])
def run_on_both(request: pytest.FixtureRequest) -> RunScript:
    """The same function; the test that uses it runs once on each interpreter."""
    run: RunScript = request.getfixturevalue(f"run_on_{request.param}")
    return run


def _where(path: Path | None) -> tuple[Path, ...]:
    return SOURCES if path is None else (path,)


def _run(command: list[str], variable: str, value: str) -> str:
    environment = os.environ | {variable: value}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=LIMIT_S)
    if done.returncode != 0:
        pytest.fail(f"{' '.join(command)} ended with {done.returncode}\n{done.stdout}{done.stderr}", pytrace=False)
    return done.stdout
