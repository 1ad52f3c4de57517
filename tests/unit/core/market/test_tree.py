"""The auction's pieces on their own: curves, their parts, and the optimum against one found by trying everything."""

from itertools import product
from random import Random

import pytest

from volthood.core.grid import GridMap, GridNode
from volthood.core.market import rules
from volthood.core.market.tree import Half, OwnCurve
from volthood.testing.markets import Orders, agent, book_of, hood_of, random_grid, random_nodes
from volthood.wire.market import BUY, SELL


def test_a_curve_says_its_export_around_a_price() -> None:
    curve = OwnCurve({10: 5, 20: 3}, bought_wh=5)
    assert [curve.below(price) for price in (5, 10, 15, 20, 25)] == [-5, -5, 0, 0, 3]
    assert [curve.above(price) for price in (5, 10, 15, 20, 25)] == [-5, 0, 0, 3, 3]


def test_a_curve_says_where_it_contains_an_export() -> None:
    curve = OwnCurve({10: 5, 20: 3}, bought_wh=5)
    assert curve.prices_at(0) == (10, 20)
    assert curve.prices_at(-2) == (10, 10)
    assert curve.prices_at(2) == (20, 20)
    assert curve.prices_at(3)[0] == 20 < curve.prices_at(3)[1]
    assert curve.prices_at(-5)[1] == 10 > curve.prices_at(-5)[0]


@pytest.mark.parametrize(
    ("capacity", "keys", "total"), [(9, [1, 4, 6], 9), (8, [1, 4, 6], 8), (5, [4, 6], 5), (2, [6], 2), (0, [], 0)]
)
def test_a_half_is_clipped_far_from_zero_first(capacity: int, keys: list[int], total: int) -> None:
    half = Half([1, 4, 6], [3, 4, 2])
    half.clip(capacity)
    assert (half.keys, half.total_wh, sum(half.energies)) == (keys, total, total)


def test_halves_lowered_differently_add_up() -> None:
    one, other = Half([1, 5, 9], [1, 1, 1]), Half([6], [2])
    one.lower(1)
    other.lower(2)
    both = one.absorb(other)
    assert both.take_above(-100) == [(0, 1), (4, 3), (8, 1)]
    assert both.total_wh == 0


def welfare_uct(grid: GridMap, nodes: dict[str, str], orders: Orders, amounts_wh: dict[str, int]) -> int | None:
    """What it is worth when agents trade these amounts; None where the grid cannot carry it."""
    layout = grid.layout
    exports, gain = [0] * len(layout), 0
    for name, (side, ((limit, _),)) in orders.items():
        sign = -1 if side == BUY else 1
        exports[layout.number[nodes[name]]] += sign * amounts_wh[name]
        gain -= sign * limit * amounts_wh[name]
    for node in range(len(layout) - 1, 0, -1):
        up, down = layout.nodes[node].up_wh, layout.nodes[node].down_wh
        if (up is not None and exports[node] > up) or (down is not None and -exports[node] > down):
            return None
        gain -= layout.fee[node] * abs(exports[node])
        exports[layout.parent[node]] += exports[node]
    return gain if exports[0] == 0 else None


def most_uct(grid: GridMap, nodes: dict[str, str], orders: Orders) -> int:
    """The best of all ways to trade in steps of 10 Wh."""
    ranges = [range(0, steps[0][1] + 1, 10) for _, steps in orders.values()]
    tried = (welfare_uct(grid, nodes, orders, dict(zip(orders, amounts, strict=True))) for amounts in product(*ranges))
    return max(gain for gain in tried if gain is not None)


@pytest.mark.parametrize("seed", range(40))
def test_nothing_beats_the_auction(seed: int) -> None:
    draw = Random(seed)
    grid = random_grid(draw, 4, [0, 1, 2000], [None, 0, 20])
    orders: Orders = {
        f"a{index}": (
            draw.choice((BUY, SELL)),
            ((draw.choice((9000, 12000, 14000, 20000)), draw.choice((10, 20, 30))),),
        )
        for index in range(5)
    }
    nodes = random_nodes(draw, grid, orders)
    clearing = rules.clear(book_of(orders), hood_of("auction/1", grid, nodes))
    traded = {name: clearing.traded_wh.get(agent(name), 0) for name in orders}
    assert welfare_uct(grid, nodes, orders, traded) == most_uct(grid, nodes, orders)


def test_a_long_chain_is_no_deep_recursion() -> None:
    grid = GridMap((GridNode("n0"), *(GridNode(f"n{index}", f"n{index - 1}", 1) for index in range(1, 3000))))
    orders: Orders = {"ann": (SELL, ((8000, 500),)), "bob": (BUY, ((30000, 500),))}
    for algorithm in rules.RULES:
        hood = hood_of(algorithm, grid, {"ann": "n0", "bob": "n2999"})
        (trade,) = rules.clear(book_of(orders), hood).trades
        assert (trade.energy_wh, trade.path_fee) == (500, 2999)
