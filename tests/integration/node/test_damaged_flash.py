"""A board whose flash is damaged comes up on MicroPython, says what is wrong, and takes a factory reset."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from volthood_tools.console.node import NodeConsole
from volthood_tools.console.port import Port
from volthood_tools.processes.supervisor import Child, Supervisor
from volthood_tools.virtual_board import VirtualBoard

SMALL = ("config", "numbers", "receipt", "pin-failures", "floor", "board", "crash")


@pytest.fixture
def board(tmp_path: Path, micropython: Path) -> Iterator[VirtualBoard]:
    """A board whose flash is empty and that reads no meter."""
    made = VirtualBoard(
        flash=tmp_path / "flash", uart=tmp_path / "meter", console=tmp_path / "console", micropython=micropython
    )
    with made:
        yield made


def started(board: VirtualBoard, supervisor: Supervisor) -> None:
    supervisor.start(Child("node", board.command, board.environment, board.terminal))


def test_damaged_files_are_named_and_the_console_answers(board: VirtualBoard, tmp_path: Path) -> None:
    flash = tmp_path / "flash"
    flash.mkdir()
    for at, name in enumerate(SMALL):
        (flash / name).write_bytes((b"rubbish", b"\xff" * 300, b'00000000{"a": 1}')[at % 3])
    for name in ("s000001", "m000007", "m999999", "s999999"):
        (flash / name).write_bytes(bytes(range(256)) * 100)
    with Supervisor(tmp_path) as supervisor:
        started(board, supervisor)
        with Port.open(board.console) as port:
            console = NodeConsole(port, "node")
            console.wait_ready()
            log: dict[str, Any] = console.ask("log")
            assert log["counts"]["file_damaged"] == len(SMALL)
            assert all(any(f"file={name}" in line for line in log["lines"]) for name in SMALL)
            assert console.ask("status")["recording"] is False
            first_pid = supervisor.pids()["node"]
        assert supervisor.pids()["node"] == first_pid
        supervisor.stop()


def test_a_damaged_key_is_said_and_a_factory_reset_makes_a_new_node(board: VirtualBoard, tmp_path: Path) -> None:
    flash = tmp_path / "flash"
    flash.mkdir()
    (flash / "node.key").write_bytes(b"no key at all")
    with Supervisor(tmp_path) as supervisor:
        started(board, supervisor)
        with Port.open(board.console) as port:
            console = NodeConsole(port, "node")
            assert "damaged" in str(console.wait_ready()["key_error"])
            code = console.ask("factory-reset")["code"]
            console.ask(f"factory-reset {code}")
            again = console.wait_ready()
            while again["key_error"]:
                again = console.wait_ready()
        assert (flash / "node.key").stat().st_size > 60
        supervisor.stop()
