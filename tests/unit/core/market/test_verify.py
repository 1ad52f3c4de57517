"""What the check says: which condition, at which node, price and energy."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from volthood.core.grid import GridMap, GridNode
from volthood.core.hood import Hood
from volthood.core.market import rules
from volthood.core.market.book import Book
from volthood.core.market.clearing import Clearing, Trade
from volthood.core.market.verify import verify
from volthood.core.market.verify.ground import Fault
from volthood.testing.markets import agent, book_of, hood_of
from volthood.wire.market import BUY, SELL

GRID = GridMap((GridNode("root"), GridNode("left", "root", 1000, up_wh=600), GridNode("right", "root", 500)))
PLACES = {"ann": "left", "ben": "left", "bob": "left", "cleo": "right"}
ORDERS = {
    "ann": (SELL, ((8000, 900),)),
    "ben": (SELL, ((8000, 900),)),
    "bob": (BUY, ((30000, 500),)),
    "cleo": (BUY, ((24000, 1000),)),
}


def market(algorithm: str) -> tuple[Hood, Book]:
    return hood_of(algorithm, GRID, PLACES), book_of(ORDERS)


def with_trade(clearing: Clearing, seller: str, buyer: str, **changes: Any) -> Clearing:
    """The clearing with one trade changed, or added where the pair has none."""
    kept = {(trade.seller, trade.buyer): trade for trade in clearing.trades}
    pair = agent(seller), agent(buyer)
    kept[pair] = kept.get(pair, Trade(*pair, 0, 19000, 19000, 0))._replace(**changes)
    return replace(clearing, trades=tuple(sorted(kept.values())))


def with_price(clearing: Clearing, node: str, price: int) -> Clearing:
    return replace(clearing, node_prices=tuple(sorted({**dict(clearing.node_prices), node: price}.items())))


def a_trade(clearing: Clearing, buyer: str) -> Trade:
    return next(trade for trade in clearing.trades if trade.buyer == agent(buyer))


def name_of(key_hash: bytes) -> str:
    return next(name for name in PLACES if agent(name) == key_hash)


def change_first(clearing: Clearing, buyer: str, **changes: Any) -> Clearing:
    return with_trade(clearing, name_of(a_trade(clearing, buyer).seller), buyer, **changes)


Spoil = Callable[[Clearing], Clearing]

MID_MARKET: dict[str, tuple[str, Spoil]] = {
    "one Wh more": ("energy of the stage", lambda clearing: change_first(clearing, "cleo", energy_wh=301)),
    "a better price for the seller": (
        "price paid to the seller",
        lambda clearing: change_first(clearing, "cleo", seller_price=18251),
    ),
    "a better price for the buyer": (
        "price paid by the buyer",
        lambda clearing: change_first(clearing, "cleo", buyer_price=19749),
    ),
    "a missing trade": (
        "every trade of the stages is there",
        lambda clearing: replace(clearing, trades=clearing.trades[1:]),
    ),
    "a price at a node": ("no node prices under mid-market", lambda clearing: with_price(clearing, "left", 19000)),
}

AUCTION: dict[str, tuple[str, Spoil]] = {
    "a full step cut": (
        "steps better than the price are filled",
        lambda clearing: change_first(clearing, "bob", energy_wh=1),
    ),
    "left dearer": ("steps better than the price are filled", lambda clearing: with_price(clearing, "left", 8001)),
    "root cheap": (
        "room downwards: the price falls by the fee at most",
        lambda clearing: with_price(clearing, "root", 23499),
    ),
    "root dear": (
        "flow downwards: the price falls by the fee at least",
        lambda clearing: with_price(clearing, "root", 23501),
    ),
    "a node without a price": (
        "a price for every node, by name",
        lambda clearing: replace(clearing, node_prices=clearing.node_prices[1:]),
    ),
    "nothing trades": ("steps better than the price are filled", lambda clearing: replace(clearing, trades=())),
    "a seller paid more": (
        "sellers are paid their node's price",
        lambda clearing: change_first(clearing, "bob", seller_price=9000),
    ),
    "a buyer charged less": (
        "buyers pay their node's price",
        lambda clearing: change_first(clearing, "bob", buyer_price=7999),
    ),
}

BOTH: dict[str, tuple[str, Spoil]] = {
    "another rule": ("algorithm", lambda clearing: replace(clearing, algorithm="guess/1")),
    "trades out of order": (
        "trades in order, one a pair",
        lambda clearing: replace(clearing, trades=tuple(reversed(clearing.trades))),
    ),
    "a trade of nothing": ("energy above zero", lambda clearing: change_first(clearing, "bob", energy_wh=0)),
    "a forgotten fee": ("path fee", lambda clearing: change_first(clearing, "cleo", path_fee=0)),
    "a buyer who sells": (
        "parties have ordered on their side",
        lambda clearing: with_trade(clearing, "bob", "cleo", energy_wh=1),
    ),
}

CASES = [
    (algorithm, name, condition, spoil)
    for algorithm, table in (("mid-market/1", {**BOTH, **MID_MARKET}), ("auction/1", {**BOTH, **AUCTION}))
    for name, (condition, spoil) in table.items()
]


@pytest.mark.parametrize(
    ("algorithm", "name", "condition", "spoil"), CASES, ids=[f"{rule}: {name}" for rule, name, _, _ in CASES]
)
def test_the_condition_is_named(algorithm: str, name: str, condition: str, spoil: Spoil) -> None:
    hood, book = market(algorithm)
    fault = verify(book, hood, spoil(rules.clear(book, hood)))
    assert fault is not None
    assert fault.condition == condition


def test_a_rule_that_nobody_knows() -> None:
    hood, book = market("guess/1")
    assert str(verify(book, hood, Clearing("guess/1"))) == "fails: algorithm; guess/1 is unknown here"


def test_unequal_shares_are_not_canonical() -> None:
    """Moving a Wh between two sellers alike keeps the optimum, and is not the one that the rule names."""
    hood, book = market("auction/1")
    clearing = rules.clear(book, hood)
    trade = a_trade(clearing, "cleo")
    other = "ben" if trade.seller == agent("ann") else "ann"
    less = with_trade(clearing, name_of(trade.seller), "cleo", energy_wh=trade.energy_wh - 1)
    held = next((held for held in less.trades if (held.seller, held.buyer) == (agent(other), agent("cleo"))), trade)
    more_wh = 1 if held is trade else held.energy_wh + 1
    moved = with_trade(less, other, "cleo", energy_wh=more_wh, seller_price=8000, buyer_price=24000, path_fee=1500)
    fault = verify(book, hood, moved)
    assert fault is not None
    assert (fault.condition, fault.node, fault.price_mct_per_kwh) == ("shares at a node", "left", 8000)


def test_an_unneeded_flow_is_no_canonical_volume() -> None:
    """Over a free edge a trade of zero surplus would be optimal, but it is not canonical."""
    grid = GridMap((GridNode("root"), GridNode("left", "root")))
    hood = hood_of("auction/1", grid, {"ann": "left", "bob": "root"})
    book = book_of({"ann": (SELL, ((12000, 700),)), "bob": (BUY, ((12000, 700),))})
    traded = replace(rules.clear(book, hood), trades=(Trade(agent("ann"), agent("bob"), 700, 12000, 12000, 0),))
    assert verify(book, hood, traded) == Fault("volume", "root", 12000, 0)


def test_a_fault_reads_as_a_sentence() -> None:
    fault = Fault("shares at a node", "left", 8000, 551, "the rule gives 550 Wh")
    assert str(fault) == "fails: shares at a node; node left; 8000 mct/kWh; 551 Wh; the rule gives 550 Wh"
