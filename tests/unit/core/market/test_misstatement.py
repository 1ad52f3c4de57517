"""Mid-market with known amounts (balancing): no misstatement of limit or amount gains anything.

Every agent of a small book tries every other order, all others staying truthful. What it trades beyond what its meter
measured is not delivered: its metered energy goes to its contracts by the uniform rule, as settlement allocates it.
"""

from collections.abc import Iterator
from itertools import product
from random import Random

import pytest

from volthood.core.grid import GridMap, GridNode
from volthood.core.hood import Hood
from volthood.core.market import rules
from volthood.testing.markets import BALANCING, Orders, book_of, hood_of, random_nodes
from volthood.testing.welfare import gain_uct
from volthood.wire.market import BUY, SELL

LIMITS = (8000, 16000, 18000, 19000, 20000, 22000, 30000)
AMOUNTS_WH = ((10, 20, 30, 50, 90), (1, 2, 3, 4, 7))
"""What an agent may have metered, and say; a book has one of these scales."""
GRIDS = (
    GridMap((GridNode("root"),)),
    GridMap((GridNode("root"), GridNode("left", "root", 1000), GridNode("right", "root", 2000))),
    GridMap((GridNode("root"), GridNode("left", "root"), GridNode("right", "left", 3001))),
)


def amounts(seed: int) -> tuple[int, ...]:
    return AMOUNTS_WH[seed // len(GRIDS) % len(AMOUNTS_WH)]


def small_market(seed: int) -> tuple[Hood, Orders]:
    draw, amounts_wh = Random(seed), amounts(seed)
    grid = GRIDS[seed % len(GRIDS)]
    orders: Orders = {
        f"a{index}": (draw.choice((BUY, SELL)), ((draw.choice(LIMITS), draw.choice(amounts_wh)),))
        for index in range(draw.randint(2, 5))
    }
    return hood_of("mid-market/1", grid, random_nodes(draw, grid, orders)), orders


def lies(orders: Orders, name: str, amounts_wh: tuple[int, ...]) -> Iterator[tuple[int, Orders]]:
    """Every other order that an agent could have posted, and the book with it."""
    side, _ = orders[name]
    for limit, wh in product(LIMITS, (0, *amounts_wh)):
        steps = ((limit, wh),) if wh else ()
        yield limit, {**orders, name: (side, steps)}
    for low, high in product(LIMITS, LIMITS):
        if low < high:
            first, second = (high, low) if side == BUY else (low, high)
            yield low, {**orders, name: (side, ((first, amounts_wh[1]), (second, amounts_wh[2])))}


def search(seeds: range) -> int:
    """How many misstatements were tried; none gained."""
    tried = 0
    for seed in seeds:
        hood, orders = small_market(seed)
        truth = rules.clear(book_of(orders, BALANCING), hood)
        for name, (side, ((limit, metered_wh),)) in orders.items():
            honest_uct = gain_uct(truth, name, side, limit, metered_wh)
            for _, book in lies(orders, name, amounts(seed)):
                clearing = rules.clear(book_of(book, BALANCING), hood)
                assert gain_uct(clearing, name, side, limit, metered_wh) <= honest_uct, (seed, name, book[name])
                tried += 1
    return tried


def test_no_misstatement_gains_in_balancing() -> None:
    assert search(range(40)) > 5000


@pytest.mark.long
def test_no_misstatement_gains_in_balancing_at_length() -> None:
    assert search(range(40, 4000)) > 500_000
