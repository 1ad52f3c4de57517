"""Damaged and foreign files on flash: the same corpus on both interpreters."""

from collections.abc import Callable
from pathlib import Path

import pytest

from volthood_tools.memory_board import MemoryFlash
from voltnode.boots import MIRROR_FILE, NOTE_FILE
from voltnode.clock import FLOOR_FILE
from voltnode.config import FILE as CONFIG_FILE
from voltnode.damage import BOARD, CONFIG, CRASH, NUMBERS, damaged
from voltnode.pin import FAILURES_FILE
from voltnode.ring import RECEIPT_FILE
from voltnode.sealed import MAX_BYTES, MAX_WHOLE, read_sealed, whole, write_sealed
from voltnode.sequence import FILE as NUMBERS_FILE
from voltnode.settings import FILE as BOARD_FILE

FUZZ = Path(__file__).with_name("check_flash_fuzz.py")


def test_the_node_starts_whatever_stands_in_its_files(run_on_both: Callable[..., str], tmp_path: Path) -> None:
    assert "key" in run_on_both(FUZZ, tmp_path / "flash", 131, heap="2m")


@pytest.mark.long
def test_the_node_starts_whatever_single_byte_is_wrong(run_on_both: Callable[..., str], tmp_path: Path) -> None:
    assert "key" in run_on_both(FUZZ, tmp_path / "flash", 1, heap="2m")


def test_every_small_file_is_looked_at() -> None:
    written = {MIRROR_FILE, NOTE_FILE, FLOOR_FILE, CONFIG_FILE, FAILURES_FILE, RECEIPT_FILE, NUMBERS_FILE, BOARD_FILE}
    assert written == {*NUMBERS, CONFIG, BOARD, CRASH}


def test_a_damaged_file_is_named_with_what_is_wrong() -> None:
    flash = MemoryFlash({"receipt": b"rubbish!", "crash": b"\xff" * 40, "m000001": b"rubbish"})
    write_sealed(flash, "numbers", {"boot": -1, "reserved": 5})
    write_sealed(flash, "pin-failures", {"count": 5})
    write_sealed(flash, "config", {"enrolment": {"house": "a"}, "pin": {}})
    assert damaged(flash) == [
        ("numbers", "boot"),
        ("receipt", "check sum"),
        ("config", "link_key_invalid"),
        ("crash", "check sum"),
    ]
    assert damaged(MemoryFlash()) == []


def test_limits_of_a_sealed_file() -> None:
    flash = MemoryFlash()
    write_sealed(flash, "config", {"a": "x" * (MAX_BYTES - 17)})
    assert flash.size("config") == MAX_BYTES
    assert read_sealed(flash, "config") is not None
    write_sealed(flash, "config", {"a": "x" * (MAX_BYTES - 16)})
    assert read_sealed(flash, "config") is None
    assert (whole(MAX_WHOLE, 7), whole(MAX_WHOLE + 1, 7), whole(-1, 7), whole(True, 7)) == (MAX_WHOLE, 7, 7, 7)
