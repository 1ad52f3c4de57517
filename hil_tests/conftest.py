"""The bench: a board with a console, and a meter on its bus. Tests never learn whether the board is real.

`--board virtual` (the default) starts the node's program on MicroPython's unix port, or on this Python, and gives it a
simulated meter on a pty. `--board PORT --meter-port PORT` uses an ESP32 on one serial port and, on another one with an
RS-485 adapter, the simulated meter; `README.md` has the wiring.
"""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from volthood_tools.console.node import NodeConsole
from volthood_tools.console.port import Port
from volthood_tools.virtual_board import VirtualBoard, find_micropython

POWER_W = 1840
SERIAL = 4711


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("hardware in the loop")
    group.addoption("--board", default="virtual", help="virtual, or the serial port of a real board")
    group.addoption("--meter-port", default=None, help="serial port of the RS-485 adapter at a real board's bus")


@pytest.fixture(scope="session")
def power_w() -> int:
    """What the meter on the bus shows."""
    return POWER_W


@pytest.fixture(scope="session")
def console(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[NodeConsole]:
    """The console of a board that answers, with a meter on its bus."""
    board = request.config.getoption("--board", "virtual")
    folder = tmp_path_factory.mktemp("bench")
    meter_port = request.config.getoption("--meter-port", None)
    if board != "virtual" and meter_port is None:
        raise pytest.UsageError("--board PORT needs --meter-port PORT: the simulated meter's RS-485 adapter")
    where = ["--link", str(folder / "meter")] if board == "virtual" else ["--port", str(meter_port)]
    meter = _simulated_meter(where)
    try:
        if board == "virtual":
            yield from _virtual(folder)
        else:
            yield from _on_port(Path(board))
    finally:
        meter.terminate()
        meter.wait(10)
        if meter.stdout is not None:
            meter.stdout.close()


def _simulated_meter(where: list[str]) -> "subprocess.Popen[str]":
    program = [sys.executable, "-c", "from volthood_tools.simmeter.cli import main; main()"]
    command = [*program, *where, "--power", str(POWER_W), "--serial", str(SERIAL)]
    meter = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    if meter.stdout is None or not meter.stdout.readline():
        raise RuntimeError("the simulated meter did not start")
    return meter


def _virtual(folder: Path) -> Iterator[NodeConsole]:
    board = VirtualBoard(
        flash=folder / "flash",
        uart=folder / "meter",
        console=folder / "console",
        micropython=find_micropython(),
        sample_ms=250,
    )
    with board:
        process = board.start()
        try:
            yield from _on_port(board.console)
        finally:
            process.kill()
            process.wait(10)


def _on_port(path: Path) -> Iterator[NodeConsole]:
    with Port.open(path) as port:
        console = NodeConsole(port, str(path))
        console.wait_ready()
        yield console
