"""The whole node starts from any flash, serves its console, and erases what it must: files, key and partition."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from volthood_tools.memory_board import MemoryBoard
from volthood_tools.nor import BLANK_BLOCK, NorDevice
from voltnode.board_key import KEY_FILE
from voltnode.damage import BOARD, CONFIG, CRASH, NUMBERS
from voltnode.hal.nor_file import NorFile
from voltnode.hal.partition import Partition, size_bytes
from voltnode.main import Node
from voltnode.rawring import RING_BYTES, wipe

ENROLMENT = {"house": "house01", "link_key": "ab" * 32, "broker": "127.0.0.1:18830", "pin": "2580", "tls": False}
DAMAGES = (b"", b"00000000{}", b"rubbish that is no file of ours", b"\xff" * 200, b"\x00" * 200, b"7" * 9000)


def ask(node: Node, board: MemoryBoard, command: str) -> dict[str, Any]:
    """The console's answer."""

    async def run() -> bytes:
        board.console.shown = b""
        task = asyncio.get_running_loop().create_task(node.session.run())
        board.console.type(command.encode() + b" --json\r\n")
        await board.advance(200)
        task.cancel()
        await asyncio.sleep(0)
        return board.console.shown

    [line] = [line for line in asyncio.run(run()).split(b"\r\n") if b"{" in line]
    answer = json.loads(line[line.find(b"{") :])
    assert isinstance(answer, dict)
    return answer


def enrolled(raw: NorDevice | None = None) -> MemoryBoard:
    """A board that an installer has enrolled and that has written a record."""
    board = MemoryBoard()
    board.raw = None if raw is None else Partition(raw)
    node = Node(board)
    assert ask(node, board, "enrol " + json.dumps(ENROLMENT))["enrolled"]
    node.ring.write(node.sequence.reserve(), b"a record", True)
    node.ring.accept_receipt(1)
    node.ring.save_receipt()
    return board


@pytest.mark.parametrize("name", [*NUMBERS, CONFIG, BOARD, CRASH])
@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_file_is_counted_and_named_and_the_node_starts(name: str, damage: bytes) -> None:
    flash = enrolled().flash
    flash.files[name] = damage
    board = MemoryBoard(flash)
    node = Node(board)
    named = [line for line in node.log.lines if "file_damaged" in line and f"file={name}" in line]
    assert len(named) == node.log.counts.get("file_damaged", 0) == (1 if damage else 0)
    assert ask(node, board, "status")["recording"] is (name != CONFIG)


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_key_is_said_and_nothing_is_signed_with_another(damage: bytes) -> None:
    flash = enrolled().flash
    flash.files[KEY_FILE] = damage
    board = MemoryBoard(flash)
    node = Node(board)
    assert node.log.counts["key_unusable"] == 1
    assert "factory-reset" in ask(node, board, "id")["key_error"]
    assert node.link.broker.state == "off"
    assert ask(node, board, "enrol " + json.dumps(ENROLMENT | {"again": True}))["error"] == "key_unusable"
    assert flash.files[KEY_FILE] == damage
    code = ask(node, board, "factory-reset 2580")["code"]
    ask(node, board, f"factory-reset 2580 {code}")
    assert KEY_FILE not in flash.files
    assert Node(MemoryBoard(flash)).no_key == ""


def test_a_new_key_finds_a_blank_partition() -> None:
    raw = NorDevice(RING_BYTES // len(BLANK_BLOCK))
    board = enrolled(raw)
    assert bytes(raw.image).rstrip(b"\xff")
    del board.flash.files[KEY_FILE]
    again = MemoryBoard(board.flash)
    again.raw = board.raw
    node = Node(again)
    assert not bytes(raw.image).rstrip(b"\xff")
    assert node.ring.reader().next() is None
    assert sum(raw.erases) == 1
    wipe(Partition(raw))
    assert sum(raw.erases) == 1


def test_the_partition_of_the_virtual_board_refuses_to_set_a_bit(tmp_path: Path) -> None:
    device = NorFile(str(tmp_path / "raw"), RING_BYTES)
    assert size_bytes(device) == RING_BYTES == (tmp_path / "raw").stat().st_size
    raw = Partition(device)
    raw.program(5000, b"\x0f\x10")
    with pytest.raises(OSError, match="5"):
        raw.program(5000, b"\xff\x10")
    raw.program(5000, b"\x0e\x00")
    device.close()
    device = NorFile(str(tmp_path / "raw"), RING_BYTES)
    raw = Partition(device)
    assert raw.read(4999, 4) == b"\xff\x0e\x00\xff"
    raw.erase(4096)
    assert raw.read(5000, 2) == b"\xff\xff"
    device.close()
    with pytest.raises(OSError, match="5"):
        NorFile(str(tmp_path / "raw"), RING_BYTES + 1)
