"""The counters: no rseq and no boot number is ever used twice, wherever the power is cut."""

import pytest

from volthood_tools.memory_board import WHOLE, MemoryFlash, PowerCutError
from voltnode.sequence import BLOCK, FILE, Sequence


def test_numbers_begin_at_one_and_have_no_gap() -> None:
    sequence = Sequence(MemoryFlash(), 0, 0)
    taken = []
    for _ in range(3 * BLOCK):
        taken.append(sequence.reserve())
        sequence.used()
    assert taken == list(range(1, 3 * BLOCK + 1))
    assert sequence.boot == 1
    assert sequence.unused is None


def test_a_number_that_was_not_used_serves_again() -> None:
    sequence = Sequence(MemoryFlash(), 0, 0)
    assert sequence.reserve() == sequence.reserve() == 1


def test_a_restart_gives_up_the_rest_of_the_block() -> None:
    flash = MemoryFlash()
    first = Sequence(flash, 0, 0)
    first.reserve()
    first.used()
    again = Sequence(flash, 1, 1)
    assert again.unused == (2, BLOCK)
    assert again.reserve() == BLOCK + 1
    assert again.boot == 2


@pytest.mark.parametrize("torn", [0, WHOLE])
def test_no_number_comes_twice_over_power_cuts(torn: int) -> None:
    for cut_at in range(1, 12):
        flash = MemoryFlash()
        flash.cut_at, flash.torn = cut_at, torn
        used: list[int] = []
        boots: list[int] = []
        for _ in range(4):
            try:
                sequence = Sequence(flash, used[-1] if used else 0, boots[-1] if boots else 0)
                boots.append(sequence.boot)
                for _ in range(BLOCK + 5):
                    used.append(sequence.reserve())
                    sequence.used()
            except PowerCutError:
                flash = MemoryFlash(flash.files)
        assert len(used) == len(set(used))
        assert used == sorted(used)
        assert len(boots) == len(set(boots))


@pytest.mark.parametrize("damage", [b"", b"00000000{}", b"rubbish", b"\xff" * 40])
def test_a_damaged_file_skips_far_enough(damage: bytes) -> None:
    flash = MemoryFlash({FILE: damage})
    sequence = Sequence(flash, 500, 17)
    assert sequence.reserve() > 500 + BLOCK
    assert sequence.boot == 18


def test_a_flash_that_refuses_gives_no_number() -> None:
    flash = MemoryFlash()
    sequence = Sequence(flash, 0, 0)
    flash.full = True
    with pytest.raises(OSError, match="no space"):
        sequence.reserve()
    flash.full = False
    assert sequence.reserve() == 1
