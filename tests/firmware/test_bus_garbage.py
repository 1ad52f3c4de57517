"""What a reading leaves on the heap, and how near the bus comes to the wire: on MicroPython, over a pty."""

from pathlib import Path

import pytest

from volthood_tools.bench.poll import garbage_bytes, limit_us, poll_us
from volthood_tools.virtual_board import find_micropython

MOST_BYTES = 10_000
"""Of a whole reading of an SDM630 with 20 quantities, on the 64-bit unix port; the ESP32's objects are half the size."""

pytestmark = pytest.mark.skipif(find_micropython() is None, reason="no micropython")


@pytest.fixture
def sources(repo_root: Path) -> str:
    return f"{repo_root}/firmware:{repo_root}/agent"


def test_the_garbage_of_a_reading_is_bounded(sources: str) -> None:
    left = garbage_bytes(5, sources)
    print(f"a whole reading leaves {max(left)} bytes")
    assert max(left) <= MOST_BYTES


def test_a_poll_never_beats_the_wire(sources: str) -> None:
    """The bench's figure is worth something only if the simulated line keeps the wire's time and the bus its gaps."""
    polls = poll_us(9600, 10, sources)
    assert min(polls) >= limit_us(9600) * 99 // 100


@pytest.mark.parametrize(("baud", "us"), [(9600, 104_165), (19_200, 52_081), (115_200, 11_572)])
def test_the_limit_of_the_wire(baud: int, us: int) -> None:
    assert limit_us(baud) == us
