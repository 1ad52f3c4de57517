"""A port on a pseudo-terminal: raw, locked, and honest about what is wrong."""

import errno
import os
import pty
from collections.abc import Iterator
from pathlib import Path

import pytest

from volthood.errors import DeviceError, LocalError
from volthood_tools.console.port import Port, lock_holder


@pytest.fixture
def board() -> Iterator[tuple[int, Path]]:
    """The board's end of a cable, and where ours is."""
    master, slave = pty.openpty()
    yield master, Path(os.ttyname(slave))
    for descriptor in (master, slave):
        os.close(descriptor)


def test_bytes_go_through_unchanged(board: tuple[int, Path]) -> None:
    master, path = board
    everything = bytes(range(256))
    with Port.open(path) as port:
        port.write(everything)
        assert os.read(master, 1000) == everything
        os.write(master, everything)
        assert port.read(1.0) == everything
        assert port.read(0.0) == b""


def test_a_second_program_is_told_who_has_the_port(board: tuple[int, Path]) -> None:
    with Port.open(board[1]):
        with pytest.raises(DeviceError, match=f"in use: process {os.getpid()} has it open") as caught:
            Port.open(board[1])
        assert caught.value.retry is True
    Port.open(board[1]).close()


def test_a_board_that_goes_is_told() -> None:
    master, slave = pty.openpty()
    path = Path(os.ttyname(slave))
    os.close(slave)
    with Port.open(path) as port:
        os.close(master)
        with pytest.raises(DeviceError, match="the board is gone"):
            port.read(1.0)
        with pytest.raises(DeviceError, match="the board is gone"):
            port.write(b"help\r")


def test_no_port(tmp_path: Path) -> None:
    with pytest.raises(LocalError, match="no such port"):
        Port.open(tmp_path / "ttyUSB0")


def test_not_a_port(tmp_path: Path) -> None:
    file = tmp_path / "notes.txt"
    file.write_text("x")
    with pytest.raises(LocalError, match=r"notes\.txt is no serial port"):
        Port.open(file)


def test_a_folder_is_no_port(tmp_path: Path) -> None:
    with pytest.raises(LocalError, match=os.strerror(errno.EISDIR)):
        Port.open(tmp_path)


def test_without_the_kernels_table_the_holder_is_unknown(tmp_path: Path) -> None:
    assert lock_holder(tmp_path, tmp_path / "locks") is None
    (tmp_path / "locks").write_text("1: POSIX  ADVISORY  WRITE 5 00:01:77 0 EOF\n")
    assert lock_holder(tmp_path, tmp_path / "locks") is None
