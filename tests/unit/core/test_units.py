"""Units and slots."""

import pytest

from volthood.core.units import energy_wh, is_slot, money_uct, slot_end, slot_of


def test_money_is_exact() -> None:
    assert money_uct(5200, 15000) == 78_000_000
    assert money_uct(3, -7) == -21


@pytest.mark.parametrize(
    ("instant", "slot"), [(0, 0), (899, 0), (900, 900), (1_470_700_801, 1_470_700_800), (-1, -900)]
)
def test_an_instant_lies_in_one_slot(instant: int, slot: int) -> None:
    assert slot_of(instant, 900) == slot
    assert slot <= instant < slot_end(slot, 900)


def test_slots_begin_on_multiples() -> None:
    assert [is_slot(instant, 1800) for instant in (0, 900, 1800, -1800)] == [True, False, True, True]


def test_a_fuse_carries_whole_wh() -> None:
    assert energy_wh(17_250, 900) == 4312
