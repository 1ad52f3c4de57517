"""The uniform rule."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from volthood.core.market.uniform import share, share_between

CASES = {
    "nobody": (100, {}, {}),
    "nothing to share": (0, {"a": 10, "b": 5}, {"a": 0, "b": 0}),
    "enough for everybody": (100, {"a": 10, "b": 5}, {"a": 10, "b": 5}),
    "just enough": (15, {"a": 10, "b": 5}, {"a": 10, "b": 5}),
    "alike": (10, {"a": 10, "b": 10}, {"a": 5, "b": 5}),
    "the small want is met, the rest shared": (100, {"a": 10, "b": 200, "c": 80}, {"a": 10, "b": 45, "c": 45}),
    "what is left over goes to the first in line": (11, {"c": 9, "a": 9, "b": 9}, {"c": 4, "a": 4, "b": 3}),
    "one Wh for three": (1, {"b": 9, "a": 9, "c": 9}, {"b": 1, "a": 0, "c": 0}),
    "who has all gets nothing of the rest": (8, {"a": 2, "b": 9, "c": 9}, {"a": 2, "b": 3, "c": 3}),
    "who wants nothing": (7, {"a": 0, "b": 9}, {"a": 0, "b": 7}),
}


@pytest.mark.parametrize("name", sorted(CASES))
def test_shares(name: str) -> None:
    volume, wants, expected = CASES[name]
    assert share(volume, wants) == expected


BOUNDS = {
    "the sure amount counts": (90, [(60, 120), (0, 90)], [75, 75]),
    "who is far ahead waits": (30, [(100, 200), (0, 90)], [100, 30]),
    "a left-over Wh": (3, [(0, 9), (0, 9), (5, 9)], [2, 1, 5]),
    "fixed": (0, [(4, 4)], [4]),
    "all of it": (99, [(1, 5), (2, 3)], [5, 3]),
}


@pytest.mark.parametrize("name", sorted(BOUNDS))
def test_totals_between_bounds(name: str) -> None:
    volume, bounds, expected = BOUNDS[name]
    assert share_between(volume, bounds) == expected


@given(st.integers(0, 400), st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50)), max_size=8))
def test_the_level_is_one_and_nothing_is_lost(volume: int, pairs: list[tuple[int, int]]) -> None:
    bounds = [(min(pair), max(pair)) for pair in pairs]
    parts = share_between(volume, bounds)
    room = sum(high - low for low, high in bounds)
    assert sum(part - low for part, (low, _) in zip(parts, bounds, strict=True)) == min(volume, room)
    assert all(low <= part <= high for part, (low, high) in zip(parts, bounds, strict=True))
    held = [part for part, (low, high) in zip(parts, bounds, strict=True) if part < high]
    raised = [part for part, (low, high) in zip(parts, bounds, strict=True) if part > low]
    assert not held or not raised or max(raised) <= min(held) + 1
