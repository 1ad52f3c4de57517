"""What a meter cannot have counted is an error, until it says so again and again."""

from voltnode.meters.jumps import CONFIRMED, JumpGuard, Registers

S = 1000


def judged(*readings: tuple[int, int, int], speed: int = 1) -> list[tuple[bool, bool]]:
    """For each (time in s, import, export): whether it is believed, and whether as a new level."""
    guard = JumpGuard()
    found = []
    for at_s, import_wh, export_wh in readings:
        believed = guard.believes(Registers(at_s * S, import_wh, export_wh), 1, speed)
        found.append((believed, guard.level_is_new))
    return found


GOOD, BAD, NEW = (True, False), (False, False), (True, True)


def test_a_counter_that_goes_on_is_believed() -> None:
    assert judged((0, 100, 0), (1, 100, 0), (2, 101, 1), (3600, 90_000, 9)) == [GOOD] * 4


def test_one_wrong_value_is_an_error_and_forgotten() -> None:
    assert judged((0, 100, 0), (1, 9_000_000, 0), (2, 101, 0)) == [GOOD, BAD, GOOD]
    assert judged((0, 100, 5), (1, 100, 0), (2, 101, 5)) == [GOOD, BAD, GOOD]


def test_a_level_that_stays_is_a_new_one() -> None:
    assert judged((0, 100_000, 9), (1, 7, 0), (2, 8, 0), (3, 8, 0), (4, 9, 0)) == [GOOD, BAD, BAD, NEW, GOOD]
    assert CONFIRMED == 3


def test_noise_never_becomes_a_level() -> None:
    wrong = [(at, 10**6 * (at % 7 + 1), 0) for at in range(1, 40)]
    assert judged((0, 100, 0), *wrong) == [GOOD] + [BAD] * 39


def test_a_wrong_value_while_a_new_level_is_confirmed_begins_it_again() -> None:
    found = judged((0, 100_000, 0), (1, 7, 0), (2, 500_000, 0), (3, 8, 0), (4, 8, 0), (5, 8, 0))
    assert found == [GOOD, BAD, BAD, BAD, BAD, NEW]


def test_a_silence_lets_it_count_more() -> None:
    assert judged((0, 0, 0), (3600, 100_000, 0)) == [GOOD, GOOD]
    assert judged((0, 0, 0), (3600, 200_000, 0)) == [GOOD, BAD]


def test_a_demonstration_counts_faster() -> None:
    assert judged((0, 0, 0), (1, 16_000, 0)) == [GOOD, BAD]
    assert judged((0, 0, 0), (1, 16_000, 0), speed=240) == [GOOD, GOOD]


def test_a_table_may_allow_more() -> None:
    guard = JumpGuard(10_000_000)
    assert guard.believes(Registers(0, 0, 0), 1)
    assert guard.believes(Registers(1000, 5_000, 0), 1)
