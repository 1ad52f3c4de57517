"""How long a dead child waits, and how its end is told."""

import itertools

import pytest

from volthood_tools.processes.supervisor import LONGEST_PAUSE_S, ending, restart_pause_s


def test_the_first_restart_comes_within_a_second() -> None:
    assert restart_pause_s(0) < 1
    assert restart_pause_s(1) < 1


def test_pauses_grow_up_to_a_limit() -> None:
    pauses = [restart_pause_s(deaths) for deaths in range(1, 12)]
    assert all(before < after or after == LONGEST_PAUSE_S for before, after in itertools.pairwise(pauses))
    assert pauses[-1] == LONGEST_PAUSE_S


@pytest.mark.parametrize(
    ("status", "words"),
    [(0, "ended with status 0"), (3, "ended with status 3"), (-9, "was ended by SIGKILL")],
)
def test_an_end_is_told_in_words(status: int, words: str) -> None:
    assert ending(status) == words
