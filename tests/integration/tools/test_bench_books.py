"""The market's benchmark: its figures are those of the marks, and what it says of a liar is what arithmetic says."""

import pytest

from volthood.core.market import rules
from volthood.testing.markets import BALANCING, FEED_IN, RETAIL, book_of, hood_of
from volthood.wire.market import BUY, SELL
from volthood_tools.bench import misreport
from volthood_tools.bench.books import measure
from volthood_tools.bench.figures import Figure, judged, read_marks
from volthood_tools.bench.misreport import Truth

MARKED = {
    "clearing_1000_steps",
    "clearing_10000_steps",
    "verify_1000_steps",
    "auction_welfare",
    "mid_market_welfare_flat",
    "misreport_gain_mid_balancing",
    "misreport_gain_auction_30",
    "misreport_gain_auction_100",
}
"""What even the quick run holds against a mark."""


@pytest.fixture(scope="module")
def figures() -> dict[str, Figure]:
    return {figure.name: figure for figure in measure(quick=True, seed=3)}


def test_the_figures_are_those_of_the_marks(figures: dict[str, Figure]) -> None:
    marks = read_marks()
    results = {name: judged("market", figure, marks) for name, figure in figures.items()}
    assert {name for name, result in results.items() if result["mark"] is not None} == MARKED
    assert all(figure.samples == len(figure.raw) for figure in figures.values())


def test_what_does_not_depend_on_the_machine_holds(figures: dict[str, Figure]) -> None:
    assert figures["auction_welfare"].figure == 100
    assert figures["mid_market_welfare_flat"].figure == 100
    assert figures["misreport_gain_mid_balancing"].figure == 0
    assert all(0 <= figures[name].figure <= 100 for name in figures if "loss" in name or "gain" in name)


def test_the_same_seed_gives_the_same_gains() -> None:
    assert misreport._auction_gain(6, "5") == misreport._auction_gain(6, "5") > 0
    assert misreport._forward_gain("5") == misreport._forward_gain("5")


def test_a_seller_who_turns_the_auction() -> None:
    """Ann's 300 and ben's 300 meet cleo's 400 at 8,000. If ann says 90, sellers are short: 30,000 for her 90 Wh."""
    truths = {"ann": Truth(SELL, FEED_IN, 300), "ben": Truth(SELL, FEED_IN, 300), "cleo": Truth(BUY, RETAIL, 400)}
    hood = hood_of("auction/1", nodes=dict.fromkeys(truths, "root"))
    honest = rules.clear(book_of(misreport._said(truths), BALANCING), hood)
    assert dict(honest.node_prices) == {"root": FEED_IN}
    lies = set(misreport._lies(truths, "ann"))
    assert (FEED_IN, 90) in lies
    lie = {**misreport._said(truths), "ann": (SELL, ((FEED_IN, 90),))}
    assert dict(rules.clear(book_of(lie, BALANCING), hood).node_prices) == {"root": RETAIL}


def test_two_rounds_deliver_a_meter_once() -> None:
    """Ann orders 90 of a need of 50 before the slot: 50 Wh are worth 11,000 mct/kWh each, and no more than that."""
    truths = {"ann": Truth(BUY, RETAIL, 50), "ben": Truth(SELL, FEED_IN, 90)}
    hood = hood_of("mid-market/1", nodes=dict.fromkeys(truths, "root"))
    orders = {**misreport._said(truths), "ann": (BUY, ((RETAIL, 90),))}
    assert misreport._both_rounds(hood, truths, orders) == {"ann": 50 * 11_000, "ben": 50 * 11_000}
