"""What holds for every book under every price rule, on random trees with fees, ties and closed edges."""

from dataclasses import replace
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from volthood.core.grid import GridMap, GridNode
from volthood.core.hood import Hood
from volthood.core.market import rules
from volthood.core.market.book import Book, BookOrder
from volthood.core.market.clearing import Clearing, Trade
from volthood.core.market.verify import CHECKS, verify
from volthood.testing.markets import BALANCING, FORWARD, book_of, hood_of
from volthood.wire.market import BUY, SELL

Market = tuple[Hood, Book]

FEES = st.sampled_from([0, 0, 1, 2, 999, 4000])
CAPACITIES = st.sampled_from([None, None, 0, 15, 60, 240])
PRICES = st.sampled_from([8000, 12000, 15000, 17001, 18999, 19000, 19001, 22000, 30000])


@st.composite
def grids(draw: st.DrawFn) -> GridMap:
    count = draw(st.integers(1, 6))
    nodes = [GridNode("n0")]
    for index in range(1, count):
        parent = f"n{draw(st.integers(0, index - 1))}"
        nodes.append(GridNode(f"n{index}", parent, draw(FEES), draw(CAPACITIES), draw(CAPACITIES)))
    return GridMap(tuple(nodes))


@st.composite
def markets(draw: st.DrawFn) -> Market:
    grid = draw(grids())
    names = [node.name for node in grid.nodes]
    orders, places = {}, {}
    for index in range(draw(st.integers(0, 8))):
        side = draw(st.sampled_from([BUY, SELL]))
        limits = sorted(draw(st.lists(PRICES, min_size=1, max_size=3)), reverse=side == BUY)
        orders[f"a{index}"] = side, tuple((limit, 10 * draw(st.integers(1, 12))) for limit in limits)
        places[f"a{index}"] = draw(st.sampled_from(names))
    hood = hood_of(draw(st.sampled_from(sorted(rules.RULES))), grid, places)
    return hood, book_of(orders, draw(st.sampled_from([FORWARD, BALANCING])))


def test_every_rule_has_a_check() -> None:
    assert rules.RULES.keys() == CHECKS.keys()


@given(markets())
def test_a_clearing_verifies(market: Market) -> None:
    hood, book = market
    assert verify(book, hood, rules.clear(book, hood)) is None


def steps_of(book: Book) -> dict[bytes, BookOrder]:
    return {order.agent: order for order in book.orders}


@given(markets())
def test_nobody_trades_beyond_its_limits(market: Market) -> None:
    """For every price, what an agent trades at it or worse is covered by steps that allow it."""
    hood, book = market
    clearing, orders = rules.clear(book, hood), steps_of(book)
    for agent in clearing.traded_wh:
        own = [trade for trade in clearing.trades if agent in {trade.seller, trade.buyer}]
        for price in {trade.buyer_price if orders[agent].side == BUY else trade.seller_price for trade in own}:
            if orders[agent].side == BUY:
                bought = sum(trade.energy_wh for trade in own if trade.buyer_price >= price)
                assert bought <= sum(wh for limit, wh in orders[agent].steps if limit >= price)
            else:
                sold = sum(trade.energy_wh for trade in own if trade.seller_price <= price)
                assert sold <= sum(wh for limit, wh in orders[agent].steps if limit <= price)


@given(markets())
def test_energy_and_money_are_conserved(market: Market) -> None:
    hood, book = market
    clearing, orders = rules.clear(book, hood), steps_of(book)
    sold = sum(wh for agent, wh in clearing.traded_wh.items() if orders[agent].side == SELL)
    bought = sum(wh for agent, wh in clearing.traded_wh.items() if orders[agent].side == BUY)
    assert sold == bought == clearing.volume_wh
    assert sum(clearing.account_uct(agent) for agent in orders) == clearing.grid_uct >= 0


@given(markets(), st.randoms(use_true_random=False))
def test_the_order_of_orders_changes_nothing(market: Market, chance: Random) -> None:
    hood, book = market
    shuffled, members = list(book.orders), list(hood.members)
    chance.shuffle(shuffled)
    chance.shuffle(members)
    other = replace(hood, members=tuple(members), grid=GridMap(tuple(reversed(hood.grid.nodes))))
    assert rules.clear(Book(book.round, tuple(shuffled)), other) == rules.clear(book, hood)


@given(markets())
def test_a_step_split_in_two_changes_nothing(market: Market) -> None:
    hood, book = market
    split = tuple(
        order._replace(
            steps=tuple((limit, part) for limit, wh in order.steps for part in (wh - wh // 3, wh // 3) if part)
        )
        for order in book.orders
    )
    assert rules.clear(Book(book.round, split), hood) == rules.clear(book, hood)


@given(markets())
def test_flows_stay_within_the_capacities(market: Market) -> None:
    """Gross per direction, as mid-market counts them; the auction's net flows are verify's to look at."""
    hood, book = market
    if hood.algorithm.startswith("auction"):
        return
    layout, limits = hood.grid.layout, hood.capacities(book.round.gate)
    up, down = [0] * len(layout), [0] * len(layout)
    for trade in rules.clear(book, hood).trades:
        ends = [layout.number[hood.member[agent].node] for agent in (trade.seller, trade.buyer)]
        for node in range(1, len(layout)):
            inside = [node <= end < layout.end[node] for end in ends]
            up[node] += trade.energy_wh if inside == [True, False] else 0
            down[node] += trade.energy_wh if inside == [False, True] else 0
    for node, (most_up, most_down) in enumerate(limits):
        assert most_up is None or up[node] <= most_up
        assert most_down is None or down[node] <= most_down


@st.composite
def spoilt(draw: st.DrawFn) -> tuple[Market, Clearing]:
    """A market and a clearing of it that one has changed a little."""
    market = draw(markets())
    hood, book = market
    clearing = rules.clear(book, hood)
    change = draw(st.sampled_from(sorted(CHANGES)))
    return market, CHANGES[change](draw, clearing, book)


def with_trades(clearing: Clearing, trades: list[Trade]) -> Clearing:
    return replace(clearing, trades=tuple(sorted(trade for trade in trades if trade.energy_wh > 0)))


def change_a_trade(draw: st.DrawFn, clearing: Clearing, _book: Book) -> Clearing:
    if not clearing.trades:
        return clearing
    at = draw(st.integers(0, len(clearing.trades) - 1))
    name = draw(st.sampled_from(["energy_wh", "seller_price", "buyer_price", "path_fee"]))
    by = draw(st.sampled_from([-10, -1, 1, 10]))
    trades = list(clearing.trades)
    trades[at] = trades[at]._replace(**{name: getattr(trades[at], name) + by})
    return with_trades(clearing, trades)


def drop_a_trade(draw: st.DrawFn, clearing: Clearing, _book: Book) -> Clearing:
    at = draw(st.integers(0, max(0, len(clearing.trades) - 1)))
    return with_trades(clearing, [trade for index, trade in enumerate(clearing.trades) if index != at])


def add_a_trade(draw: st.DrawFn, clearing: Clearing, book: Book) -> Clearing:
    sellers = [order.agent for order in book.orders if order.side == SELL]
    buyers = [order.agent for order in book.orders if order.side == BUY]
    if not sellers or not buyers:
        return clearing
    pair = draw(st.sampled_from(sellers)), draw(st.sampled_from(buyers))
    if any((trade.seller, trade.buyer) == pair for trade in clearing.trades):
        return clearing
    return with_trades(clearing, [*clearing.trades, Trade(*pair, 10, 19000, 19000, 0)])


def exchange_partners(draw: st.DrawFn, clearing: Clearing, _book: Book) -> Clearing:
    """Two trades swap part of their partners, so that everybody trades as much as before."""
    if len(clearing.trades) < 2:
        return clearing
    first, second = draw(st.permutations(clearing.trades))[:2]
    part = draw(st.integers(1, min(first.energy_wh, second.energy_wh)))
    energies = {(trade.seller, trade.buyer): trade for trade in clearing.trades}
    for seller, buyer, by, like in (
        (first.seller, first.buyer, -part, first),
        (second.seller, second.buyer, -part, second),
        (first.seller, second.buyer, part, first),
        (second.seller, first.buyer, part, second),
    ):
        held = energies.get((seller, buyer), like._replace(seller=seller, buyer=buyer, energy_wh=0))
        energies[seller, buyer] = held._replace(energy_wh=held.energy_wh + by)
    return with_trades(clearing, list(energies.values()))


def shift_between_sellers(draw: st.DrawFn, clearing: Clearing, _book: Book) -> Clearing:
    """One seller gives another some of its trade with a buyer."""
    if len(clearing.trades) < 2:
        return clearing
    first, second = draw(st.permutations(clearing.trades))[:2]
    part = draw(st.integers(1, first.energy_wh))
    energies = {(trade.seller, trade.buyer): trade for trade in clearing.trades}
    energies[first.seller, first.buyer] = first._replace(energy_wh=first.energy_wh - part)
    target = energies.get((second.seller, first.buyer), second._replace(buyer=first.buyer, energy_wh=0))
    energies[second.seller, first.buyer] = target._replace(energy_wh=target.energy_wh + part)
    return with_trades(clearing, list(energies.values()))


def change_a_node_price(draw: st.DrawFn, clearing: Clearing, _book: Book) -> Clearing:
    if not clearing.node_prices:
        return replace(clearing, node_prices=(("n0", 19000),))
    at, by = draw(st.integers(0, len(clearing.node_prices) - 1)), draw(st.sampled_from([-1, 1, 500]))
    prices = list(clearing.node_prices)
    prices[at] = prices[at][0], prices[at][1] + by
    return replace(clearing, node_prices=tuple(prices))


CHANGES = {
    change.__name__: change
    for change in (
        change_a_trade,
        drop_a_trade,
        add_a_trade,
        exchange_partners,
        shift_between_sellers,
        change_a_node_price,
    )
}


@given(spoilt())
def test_every_other_clearing_fails(case: tuple[Market, Clearing]) -> None:
    (hood, book), clearing = case
    fault = verify(book, hood, clearing)
    if clearing == rules.clear(book, hood):
        assert fault is None
    else:
        assert fault is not None
        assert str(fault).startswith("fails: ")


@pytest.mark.long
@settings(max_examples=20_000, deadline=None)
@given(markets())
def test_a_clearing_verifies_at_length(market: Market) -> None:
    hood, book = market
    assert verify(book, hood, rules.clear(book, hood)) is None
