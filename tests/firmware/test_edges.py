"""Which readings become records: nearest to the edge, none twice, none too far, gaps said."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voltnode.edges import MINUTE_MS, Cut, EdgeCutter, tolerance_ms

SLOT_S = 900
SLOT_MS = SLOT_S * 1000
DAY_MS = 86_400_000
START_MS = 19_900 * DAY_MS
TOLERANCE = tolerance_ms(SLOT_S, 1000, 1)


def cutter(last_ms: int | None = None, last_slot_ms: int | None = None, tolerance: int = TOLERANCE) -> EdgeCutter:
    return EdgeCutter(SLOT_S, tolerance, last_ms, last_slot_ms)


def run(times_ms: list[int], cutting: EdgeCutter | None = None) -> list[Cut]:
    """Readings that are their own time."""
    cutting = cutting or cutter()
    return [cut for time_ms in times_ms for cut in cutting.feed(time_ms, time_ms)]


def times(cuts: list[Cut]) -> list[int]:
    return [cut.time_ms - START_MS for cut in cuts]


def test_the_tolerance_is_a_minute_or_four_readings_and_never_over_a_quarter_slot() -> None:
    assert tolerance_ms(900, 1000, 1) == 60_000
    assert tolerance_ms(900, 250, 120) == 120_000
    assert tolerance_ms(900, 250, 240) == 225_000
    assert tolerance_ms(3600, 1000, 240) == 900_000
    assert tolerance_ms(3600, 250, 240) == 240_000


@pytest.mark.parametrize(
    ("readings", "expected"),
    [
        ([-3000, 2000], [2000]),
        ([-2000, 3000], [-2000]),
        ([-2000, 2000], [-2000]),
        ([-1000, 0], [0]),
        ([0], [0]),
        ([-61_000, 59_000], [-61_000, 59_000]),
    ],
)
def test_the_nearest_reading_stands_for_the_edge(readings: list[int], expected: list[int]) -> None:
    first = START_MS + SLOT_MS
    cuts = run([first + offset for offset in readings])
    assert [cut.time_ms - first for cut in cuts if cut.time_ms - first in expected] == expected


def test_a_day_at_one_reading_a_second_has_every_edge_exactly() -> None:
    cuts = run(list(range(START_MS, START_MS + DAY_MS // 4, 1000)))
    assert times(cuts) == list(range(0, DAY_MS // 4, MINUTE_MS))
    assert [cut.time_ms - START_MS for cut in cuts if cut.is_slot] == list(range(0, DAY_MS // 4, SLOT_MS))
    assert not any(cut.gap for cut in cuts)


def test_no_minute_record_is_made_of_the_reading_of_the_record_before() -> None:
    step = 100_000
    cuts = run(list(range(START_MS, START_MS + 10 * SLOT_MS, step)), cutter(tolerance=200_000))
    assert all(one.time_ms != other.time_ms for one, other in pairwise(cuts) if not other.is_slot)
    assert len([cut for cut in cuts if cut.is_slot]) == 10


def test_a_slot_edge_has_one_record() -> None:
    cuts = run(list(range(START_MS, START_MS + 2 * SLOT_MS + 1, 1000)))
    assert [cut.is_slot for cut in cuts if cut.time_ms == START_MS + SLOT_MS] == [True]


def test_silence_decides_an_edge_as_soon_as_nothing_nearer_can_come() -> None:
    cutting = cutter()
    edge = START_MS + SLOT_MS
    run([edge - 8000], cutting)
    assert cutting.tick(edge + 7000) == []
    [cut] = cutting.tick(edge + 8000)
    assert (cut.time_ms, cut.is_slot) == (edge - 8000, True)
    assert cutting.tick(edge + 9000) == []


def test_an_edge_in_a_silence_has_no_record_and_the_next_says_gap() -> None:
    cutting = cutter()
    edge = START_MS + SLOT_MS
    run([edge - 100_000], cutting)
    assert [cut.time_ms - edge for cut in cutting.tick(edge + 300_000) if cut.is_slot] == []
    cuts = run([edge + 300_000], cutting)
    assert [cut.gap for cut in cuts] == [True]
    assert cutting.missed_slots == 1


def test_a_reading_after_a_silence_may_still_be_the_nearest_to_an_edge_behind_it() -> None:
    cutting = cutter()
    edge = START_MS + SLOT_MS
    run([edge - 100_000], cutting)
    cuts = run([edge + 50_000], cutting)
    assert [cut.time_ms - edge for cut in cuts if cut.is_slot] == [50_000]


def test_a_restart_just_after_a_slot_edge_still_records_it() -> None:
    edge = START_MS + SLOT_MS
    cuts = run([edge + 40_000], cutter(last_ms=edge - 60_000, last_slot_ms=edge - SLOT_MS))
    assert [(cut.time_ms - edge, cut.is_slot) for cut in cuts] == [(40_000, True)]


def test_a_restart_does_not_record_an_edge_again() -> None:
    edge = START_MS + SLOT_MS
    cuts = run([edge + 40_000, edge + 61_000], cutter(last_ms=edge - 2000, last_slot_ms=edge - 2000))
    assert [(cut.time_ms - edge, cut.is_slot) for cut in cuts] == [(61_000, False)]


def test_a_clock_set_back_a_little_does_not_record_a_slot_edge_again() -> None:
    edge = START_MS + SLOT_MS
    cuts = run(list(range(edge - 200_000, edge + 70_000, 1000)), cutter(last_ms=edge + 30_000, last_slot_ms=edge))
    assert [cut for cut in cuts if cut.is_slot] == []


def test_a_clock_set_back_far_records_its_edges_again() -> None:
    edge = START_MS + SLOT_MS
    ahead = edge + 100 * SLOT_MS
    cuts = run(list(range(edge - 5000, edge + 5000, 1000)), cutter(last_ms=ahead, last_slot_ms=ahead))
    assert [cut.time_ms for cut in cuts if cut.is_slot] == [edge]


def test_a_calendar_that_is_not_known_has_no_slot_edges() -> None:
    cuts = run(list(range(0, 2 * SLOT_MS, 1000)), EdgeCutter(0, TOLERANCE, None, None))
    assert len(cuts) == 30
    assert not any(cut.is_slot for cut in cuts)


@given(st.lists(st.integers(1, 400_000), min_size=1, max_size=80), st.sampled_from([60_000, 120_000, 225_000]))
def test_each_slot_edge_has_its_nearest_reading_once_or_none(steps: list[int], tolerance: int) -> None:
    readings = [START_MS - 300_000]
    for step in steps:
        readings.append(readings[-1] + step)
    cuts = run(readings, cutter(tolerance=tolerance))
    slots = {round(cut.time_ms / SLOT_MS) * SLOT_MS: cut.time_ms for cut in cuts if cut.is_slot}
    assert len(slots) == len([cut for cut in cuts if cut.is_slot])
    edges = [edge for edge in range(START_MS, readings[-1] + 1, SLOT_MS) if edge - readings[0] >= tolerance]
    for edge in edges:
        nearest = min(abs(reading - edge) for reading in readings)
        if nearest <= tolerance:
            assert abs(slots[edge] - edge) == nearest
        else:
            assert edge not in slots
    assert all(one.time_ms <= other.time_ms for one, other in pairwise(cuts))


@given(st.lists(st.tuples(st.integers(1, 90_000), st.booleans()), min_size=1, max_size=120))
def test_ticks_in_between_change_nothing_but_the_moment(steps: list[tuple[int, bool]]) -> None:
    """Whether the silent moments are asked about or not, the same readings become records."""
    asked, unasked = cutter(), cutter()
    with_ticks: list[Cut] = []
    without: list[Cut] = []
    now_ms = START_MS
    for step, answered in steps:
        now_ms += step
        if answered:
            with_ticks += asked.feed(now_ms, now_ms)
            without += unasked.feed(now_ms, now_ms)
        else:
            with_ticks += asked.tick(now_ms)
    without += unasked.tick(now_ms)
    with_ticks += asked.tick(now_ms)
    seen = [(cut.time_ms, cut.is_slot, cut.gap) for cut in with_ticks]
    assert seen == [(cut.time_ms, cut.is_slot, cut.gap) for cut in without]
