"""The whole market against its marks: books by themselves, the simulator, and real agents on a real broker.

Each part is an area of its own too (`sim`, `broker`), for whoever looks at one only. The whole takes half an hour.
"""

from collections.abc import Iterator

from volthood_tools.bench import books, broker, sim
from volthood_tools.bench.figures import Figure


def measure(quick: bool, seed: int) -> Iterator[Figure]:
    """Yields every figure of `market.md`'s table, and the curves that have no mark."""
    for part in (books, sim, broker):
        yield from part.measure(quick, seed)
