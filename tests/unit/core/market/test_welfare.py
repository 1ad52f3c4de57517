"""How much of the possible welfare a clearing reaches; the optimum comes from an LP solver (HiGHS)."""

from collections.abc import Sequence
from random import Random

import pytest

from volthood.core.hood import Hood
from volthood.core.market import rules
from volthood.core.market.book import Book
from volthood.testing.markets import book_of, hood_of, random_grid, random_nodes, random_orders
from volthood.testing.welfare import welfare_bound_uct, welfare_uct
from volthood.wire.market import BUY

highspy = pytest.importorskip("highspy")

TIES = [8000, 12000, 19000, 19001, 23000, 30000]
CAPACITIES_WH: Sequence[int | None] = [None, None, 0, 100, 700]
FEES = [0, 0, 1, 500, 3000]


def optimum_uct(hood: Hood, book: Book) -> int:
    """What the LP says: value to buyers less sellers' asks less fees, nodes balanced, flows within the capacities."""
    model = highspy.Highs()
    model.silent()
    layout, infinity = hood.grid.layout, highspy.kHighsInf
    balance = [model.expr(0) for _ in layout.names]
    gain = model.expr(0)
    for order in book.orders:
        node, sign = layout.number[hood.member[order.agent].node], -1 if order.side == BUY else 1
        for limit, wh in order.steps:
            step = model.addVariable(lb=0, ub=wh)
            balance[node] += sign * step
            gain += -sign * limit * step
    for node, (most_up, most_down) in enumerate(hood.capacities(book.round.gate)):
        if node:
            up = model.addVariable(lb=0, ub=infinity if most_up is None else most_up)
            down = model.addVariable(lb=0, ub=infinity if most_down is None else most_down)
            balance[node] += down - up
            balance[layout.parent[node]] += up - down
            gain += -layout.fee[node] * up - layout.fee[node] * down
    for total in balance:
        if total.idxs:
            model.addConstr(total == 0)
    model.maximize(gain)
    value: float = model.getObjectiveValue()
    return round(value)


def a_market(algorithm: str, seed: int, nodes: int | None = None) -> tuple[Hood, Book]:
    draw = Random(seed)
    grid = random_grid(draw, nodes or draw.randint(1, 9), FEES, CAPACITIES_WH)
    prices = TIES if seed % 2 else range(3000, 35001)
    orders = random_orders(draw, draw.randint(0, 14), draw.randint(1, 4), prices)
    return hood_of(algorithm, grid, random_nodes(draw, grid, orders)), book_of(orders)


def check_the_auction(seeds: range) -> None:
    for seed in seeds:
        hood, book = a_market("auction/1", seed)
        assert welfare_uct(hood, book, rules.clear(book, hood)) == optimum_uct(hood, book), f"seed {seed}"


def test_the_auction_loses_nothing() -> None:
    check_the_auction(range(50))


@pytest.mark.long
def test_the_auction_loses_nothing_on_a_thousand_books() -> None:
    check_the_auction(range(50, 1050))


@pytest.mark.parametrize("seed", range(20))
def test_mid_market_loses_nothing_on_a_flat_book_of_one_node(seed: int) -> None:
    """Flat: every buyer at least at R, every seller at most, and all buyers alike, all sellers alike."""
    draw = Random(seed)
    drawn = random_orders(draw, 12, 2)
    flat = {
        name: (side, tuple((30000 if side == BUY else 8000, wh) for _, wh in steps))
        for name, (side, steps) in drawn.items()
    }
    hood, book = hood_of("mid-market/1", nodes=dict.fromkeys(flat, "root")), book_of(flat)
    assert welfare_uct(hood, book, rules.clear(book, hood)) == optimum_uct(hood, book)


@pytest.mark.parametrize("seed", range(20))
def test_mid_market_never_exceeds_the_optimum_nor_loses_money(seed: int) -> None:
    hood, book = a_market("mid-market/1", seed)
    assert 0 <= welfare_uct(hood, book, rules.clear(book, hood)) <= optimum_uct(hood, book)


@pytest.mark.parametrize("seed", range(30))
def test_the_auctions_own_prices_prove_its_welfare(seed: int) -> None:
    """No solver: at the auction's prices the bound is what it yields; at others it is no lower."""
    hood, book = a_market("auction/1", seed)
    clearing = rules.clear(book, hood)
    prices = dict(clearing.node_prices)
    assert welfare_bound_uct(hood, book, prices) == welfare_uct(hood, book, clearing)
    for shift in (-5000, 700):
        bound = welfare_bound_uct(hood, book, {node: price + shift for node, price in prices.items()})
        assert bound is None or bound >= optimum_uct(hood, book)
