"""A set of ranges against a plain set."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from volthood.core.ranges import Ranges

spans = st.builds(lambda first, width: (first, first + width), st.integers(0, 60), st.integers(0, 8))


@given(st.lists(spans, max_size=20), spans)
def test_ranges_are_a_set(added: list[tuple[int, int]], asked: tuple[int, int]) -> None:
    ranges = Ranges(added)
    numbers = {number for first, last in added for number in range(first, last + 1)}
    wanted = set(range(asked[0], asked[1] + 1))
    assert {number for first, last in ranges for number in range(first, last + 1)} == numbers
    assert ranges.covers(*asked) == (wanted <= numbers)
    assert ranges.touches(*asked) == bool(wanted & numbers)
    outside = ranges.outside(*asked)
    assert {number for first, last in outside for number in range(first, last + 1)} == wanted - numbers
    assert (asked[0] in ranges) == (asked[0] in numbers)


@given(st.lists(spans, max_size=20))
def test_ranges_are_ascending_and_apart(added: list[tuple[int, int]]) -> None:
    found = list(Ranges(added))
    assert len(Ranges(added)) == len(found)
    assert all(first <= last for first, last in found)
    assert all(before[1] + 1 < after[0] for before, after in itertools.pairwise(found))


def test_an_empty_span_is_covered_and_untouched() -> None:
    ranges = Ranges([(3, 5)])
    assert ranges.covers(9, 8)
    assert not ranges.touches(5, 4)
    assert ranges.outside(9, 8) == []


def test_a_copy_is_independent() -> None:
    ranges = Ranges([(1, 2)])
    copy = ranges.copy()
    copy.add(3, 3)
    assert list(ranges) == [(1, 2)]
    assert list(copy) == [(1, 3)]
