"""Whatever comes up the cable of an enrolled board, wrong PINs too, on both interpreters: it goes on and counts it."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from hil_tests.corpus import corpus

from volthood.errors import DeviceError
from volthood_tools.console.node import NodeConsole
from volthood_tools.console.port import Port
from volthood_tools.virtual_board import VirtualBoard, find_micropython

PIECES = 250
ENROLMENT = '{"house": "house01", "link_key": "%s", "broker": "127.0.0.1:1", "tls": false, "pin": "1234"}' % ("ab" * 32)


class Cable:
    """A board whose meter is silent, and somebody at its cable."""

    def __init__(self, port: Port, process: "subprocess.Popen[bytes]") -> None:
        self.port = port
        self.process = process
        self.console = NodeConsole(port, "board")

    def send(self, data: bytes) -> None:
        self.port.write(data)
        while self.port.read(0.01):
            pass


@pytest.fixture(params=["micropython", "cpython"])
def cable(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Cable]:
    micropython = find_micropython() if request.param == "micropython" else None
    if request.param == "micropython" and micropython is None:
        pytest.skip("no micropython")
    board = VirtualBoard(
        flash=tmp_path / "flash", uart=tmp_path / "nothing", console=tmp_path / "console", micropython=micropython
    )
    with board, (tmp_path / "board.log").open("wb") as log:
        process = board.start(log)
        try:
            with Port.open(board.console) as port:
                yield Cable(port, process)
        finally:
            process.kill()
            process.wait(10)


@pytest.mark.parametrize("seed", [1, pytest.param(2, marks=pytest.mark.long), pytest.param(3, marks=pytest.mark.long)])
def test_no_line_breaks_a_board(cable: Cable, seed: int) -> None:
    before = cable.console.wait_ready()
    cable.console.ask("enrol " + ENROLMENT)
    boots = cable.console.ask("status")["boots"]
    for piece in corpus(PIECES, seed, pins=True):
        cable.send(piece)
    while "public_key" not in cable.console.wait_ready(60):
        pass
    while cable.port.read(2):
        pass
    assert cable.console.wait_ready(60) == before | {"house": "house01"}
    assert cable.process.poll() is None
    assert cable.console.ask("status")["boots"] == boots
    counts = cable.console.ask("log")["counts"]
    assert isinstance(counts, dict)
    assert "task_failed" not in counts
    assert {"refused unknown_command", "refused line_too_long", "refused not_text", "refused pin_wrong"} <= set(counts)


def test_wrong_pins_bar_every_command_that_changes_something(cable: Cable) -> None:
    cable.console.wait_ready()
    cable.console.ask("enrol " + ENROLMENT)
    changing = (
        ENROLMENT[:-1].replace("1234", "%s") + ', "again": true}',
        "config set %s sample_ms=500",
        "factory-reset %s",
        'config set {"pin": "%s", "sample_ms": 500}',
    )
    commands = ("enrol " + changing[0], *changing[1:])
    for command in commands[:3]:
        with pytest.raises(DeviceError, match="pin_wrong"):
            cable.console.ask(command % "9999")
    for command in commands:
        for pin in ("9999", "1234"):
            with pytest.raises(DeviceError, match="pin_barred"):
                cable.console.ask(command % pin)
    assert cable.console.ask("id")["house"] == "house01"
