"""When a silent child is taken for one that hangs, and when it is not."""

from collections.abc import Iterator

import pytest

from volthood.adapters.watchdog import Watchdog
from volthood_tools.processes.pulse import Pulse


@pytest.fixture
def pulse() -> Iterator[Pulse]:
    made = Pulse(10)
    yield made
    made.close()


@pytest.fixture
def child(pulse: Pulse) -> Iterator[Watchdog]:
    watchdog = Watchdog.asked_for(pulse.environment)
    assert watchdog is not None
    yield watchdog
    watchdog.close()


def lost(pulse: Pulse, first_s: int, last_s: int) -> list[int]:
    """The seconds at which the child counts as lost, looked at once a second."""
    return [now_s for now_s in range(first_s, last_s) if pulse.is_lost(now_s)]


def test_a_child_that_never_gave_a_sign_is_waited_for(pulse: Pulse) -> None:
    assert lost(pulse, 100, 200) == []


def test_silence_after_a_sign_is_a_hang(pulse: Pulse, child: Watchdog) -> None:
    assert lost(pulse, 100, 103) == []
    child.beat(0)
    assert lost(pulse, 103, 116) == [114, 115]


def test_signs_in_time_keep_it(pulse: Pulse, child: Watchdog) -> None:
    for now_s in range(100, 200, 5):
        child.beat(now_s * 1000)
        assert lost(pulse, now_s, now_s + 5) == []


def test_a_new_child_has_not_been_heard(pulse: Pulse, child: Watchdog) -> None:
    child.beat(0)
    assert lost(pulse, 100, 112) == [111]
    child.beat(6000)
    pulse.forget()
    assert lost(pulse, 112, 200) == []


def test_time_in_which_nobody_looked_says_nothing_of_the_child(pulse: Pulse, child: Watchdog) -> None:
    child.beat(0)
    assert lost(pulse, 100, 102) == []
    assert lost(pulse, 4000, 4012) == [4011]


def test_two_children_are_heard_apart(pulse: Pulse, child: Watchdog) -> None:
    other = Pulse(10)
    child.beat(0)
    assert pulse.environment["NOTIFY_SOCKET"] != other.environment["NOTIFY_SOCKET"]
    assert lost(other, 100, 120) == []
    assert lost(pulse, 100, 112) == [111]
    other.close()
