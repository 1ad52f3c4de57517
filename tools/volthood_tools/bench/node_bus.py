"""The bus: polls on a paced wire as a share of what the wire can do; what a reading leaves on the heap, and what it allocates."""

from collections.abc import Iterator

from volthood_tools.bench import poll
from volthood_tools.bench.figures import Figure, median
from volthood_tools.bench.node_board import Compiled

BAUDS = (9600, 19_200, 115_200)
_LOCKED = "from volthood_tools.bench import board_locked\nboard_locked.run({registers})"


def measure(compiled: Compiled, quick: bool, seed: int) -> Iterator[Figure]:
    """Yields each poll's share of the wire limit at the median, and what readings do to the heap."""
    path = str(compiled.virtual)
    for baud in BAUDS:
        limit_us = poll.limit_us(baud)
        polls = (2_000_000 if quick else 20_000_000) // limit_us
        shares = [100 * limit_us / took_us for took_us in poll.poll_us(baud, polls, path)]
        yield median(f"poll_rate_{baud}", "%", seed, shares)
    yield median("garbage_of_a_reading", "B", seed, poll.garbage_bytes(5 if quick else 100, path))
    found = [float(line) for line in compiled.run(_LOCKED.format(registers=poll.REGISTERS), "192k")]
    yield Figure("registers_read_with_heap_locked", found[0], "1", len(found), seed, tuple(found))
