"""A market in a file: there and back, what is wrong with one by name, and no rubbish that upsets the reader."""

import copy
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from volthood.core.market import rules
from volthood.core.market.market_file import Market, market_fault, market_from_values, market_to_values
from volthood.errors import PeerError
from volthood.testing.markets import book_of, hood_of, random_grid, random_nodes, random_orders
from volthood.wire import cbor

DOCS = Path(__file__).parents[4] / "agent" / "docs"
SAMPLE = json.loads((DOCS / "samples" / "market.json").read_text())


def sample() -> Any:
    return copy.deepcopy(SAMPLE)


@pytest.mark.parametrize("algorithm", ["mid-market/1", "auction/1"])
@pytest.mark.parametrize("seed", range(5))
def test_there_and_back(algorithm: str, seed: int) -> None:
    draw = Random(seed)
    grid = random_grid(draw, 6, [0, 500, 1001], [None, 700])
    orders = random_orders(draw, 12, 3)
    hood = hood_of(algorithm, grid, random_nodes(draw, grid, orders))
    book = book_of(orders)
    market = Market(hood, book, rules.clear(book, hood))
    assert market_from_values(json.loads(json.dumps(market_to_values(market)))) == market
    assert market_from_values(cbor.decode(cbor.encode(market_to_values(market)))) == market
    assert market_fault(market) is None


def test_a_market_without_a_clearing() -> None:
    values = sample()
    del values["clearing"]
    market = market_from_values(values)
    assert market_to_values(market) == values
    with pytest.raises(PeerError, match="clearing is missing"):
        market_fault(market)


def test_the_sample_holds_and_is_what_the_rule_yields() -> None:
    market = market_from_values(sample())
    assert market_fault(market) is None
    assert rules.clear(market.book, market.hood) == market.clearing
    assert market_to_values(market) == SAMPLE


def test_the_order_of_trades_does_not_matter() -> None:
    values = sample()
    values["clearing"]["trades"].reverse()
    assert market_from_values(values) == market_from_values(sample())


FAULTS: dict[str, tuple[Callable[[Any], object], str]] = {
    "over the fuse": (
        lambda values: values["hood"]["members"][0].update(fuse_w=7000),
        "fails: every order counts; node left; 2000 Wh; anna: over_fuse",
    ),
    "outside the collar": (
        lambda values: values["book"]["orders"][1].update(steps=[[35001, 500]]),
        "fails: every order counts; node left; 500 Wh; bob: outside_collar",
    ),
    "one Wh more than the edge": (
        lambda values: values["clearing"]["trades"][1].update(energy_wh=601),
        "fails: flow within the capacity; node left; 8000 mct/kWh; 601 Wh",
    ),
    "another price": (
        lambda values: values["clearing"]["node_prices"].update(station=22001),
        "fails: flow downwards: the price falls by the fee at least; node right; 24000 mct/kWh; -600 Wh",
    ),
    "another rule": (
        lambda values: values["clearing"].update(algorithm="mid-market/1"),
        "fails: algorithm; mid-market/1, the hood has auction/1",
    ),
    "a rule nobody knows": (
        lambda values: [values[part].update(algorithm="guess/1") for part in ("hood", "clearing")],
        "fails: algorithm; guess/1 is unknown here",
    ),
    "a pair twice": (
        lambda values: values["clearing"]["trades"].append(values["clearing"]["trades"][0]),
        "fails: trades in order, one a pair; 500 Wh",
    ),
}


@pytest.mark.parametrize("name", FAULTS)
def test_what_does_not_hold_is_named(name: str) -> None:
    spoil, words = FAULTS[name]
    values = sample()
    spoil(values)
    assert str(market_fault(market_from_values(values))) == words


def deep(values: Any, path: str, value: object) -> Any:
    """The values with one of them replaced, or taken out where it is `...`."""
    *way, last = [int(step) if step.isdigit() else step for step in path.split(".")]
    at = values
    for step in way:
        at = at[step]
    if value is ...:
        del at[last]
    else:
        at[last] = value
    return values


BAD: dict[str, tuple[str, object, str]] = {
    "another format": ("format", "volthood/2/market", "format is 'volthood/2/market', not 'volthood/1/market'"),
    "no book": ("book", ..., "book is missing"),
    "unknown key": ("colour", 1, "colour is unknown"),
    "unknown key inside": ("hood.grid.0.colour", 1, "hood.grid[0].colour is unknown"),
    "missing key inside": ("book.orders.1.side", ..., "book.orders[1].side is missing"),
    "a fraction": ("book.slot", 0.5, "book.slot = 0.5 is not a whole number"),
    "true": ("book.gate", True, "book.gate = True is not a whole number"),
    "a number without end": ("book.slot", 10**30, "is not a whole number"),
    "a list for a map": ("hood.windows", [], "hood.windows = [] is not a map"),
    "a row that is none": ("hood.gates.0", 3, "hood.gates[0] is not a map"),
    "null": ("hood.grid.0.name", None, "hood.grid[0].name = None is not text"),
    "text for a capacity": ("hood.grid.0.up_wh", "9", "hood.grid[0].up_wh = 9 is not a whole number or null"),
    "no hex": ("hood.hood_id", "zz", "hood.hood_id is not hex"),
    "a short hash": ("hood.members.0.agent", "00", "hood.members[0].agent is 1 bytes, not 32"),
    "a house twice": ("hood.members.0.house", "bob", "a house stands twice"),
    "a range": ("hood.slot_s", 60, "slot_s = 60 is not one of 900, 1800, 3600 s"),
    "a range of the grid": ("hood.grid.0.fee_mct_per_kwh", -1, "fee_mct_per_kwh = -1 is outside"),
    "a cycle": ("hood.grid.2.parent", "left", "one node is without a parent"),
    "a gate that is none": ("book.gate", 7, "book.gate = 7 is none of the hood's"),
    "a slot that is none": ("book.slot", 7, "book.slot = 7 is not a multiple of 900 s"),
    "before 1970": ("book.slot", -900, "book.slot = -900 is not"),
    "a stranger": ("book.orders.0.house", "eve", "book.orders[0]: house 'eve' is no member"),
    "a stranger's trade": ("clearing.trades.0.buyer", "eve", "clearing.trades[0]: house 'eve' is no member"),
    "a side": ("book.orders.0.side", "give", "book.orders[0].side = 'give' is not one of buy, sell, watch"),
    "a step of one": ("book.orders.0.steps", [[1]], "a step is [limit in mct/kWh, energy in Wh]"),
    "a step of text": ("book.orders.0.steps", [["1", 2]], "a step is [limit in mct/kWh, energy in Wh]"),
    "a price that is none": (
        "clearing.node_prices",
        {"left": None},
        "clearing.node_prices: a price in mct/kWh by node",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_no_market_is_named(name: str) -> None:
    path, value, words = BAD[name]
    with pytest.raises(PeerError) as caught:
        market_from_values(deep(sample(), path, value))
    assert words in caught.value.detail


def test_two_orders_of_one_house() -> None:
    values = sample()
    values["book"]["orders"].append(values["book"]["orders"][0])
    with pytest.raises(PeerError, match="agent_twice"):
        market_from_values(values)


@pytest.mark.parametrize("values", [None, 3, [], {}, {"format": "volthood/1/market"}])
def test_rubbish_is_refused(values: object) -> None:
    with pytest.raises(PeerError):
        market_from_values(values)


def places(values: Any, path: str = "") -> list[str]:
    """Every place in a file."""
    rows = values.items() if isinstance(values, dict) else enumerate(values) if isinstance(values, list) else ()
    found = []
    for key, value in rows:
        here = f"{path}.{key}" if path else str(key)
        found += [here, *places(value, here)]
    return found


def judged(values: object) -> tuple[Market | None, str]:
    """The market of a file, or why there is none."""
    try:
        return market_from_values(values), ""
    except PeerError as error:
        return None, error.reason


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.sampled_from(["anna", "left", "sell"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=4,
)


@given(place=st.sampled_from(places(SAMPLE)), value=st.just(...) | ANYTHING)
def test_whatever_stands_in_one_place_is_judged_or_refused(place: str, value: object) -> None:
    market, reason = judged(deep(sample(), place, value))
    if market is None:
        assert reason in {"market_file", "agent_twice"}
    elif market.clearing is not None and market_fault(market) is None:
        assert rules.clear(market.book, market.hood) == market.clearing


def test_every_key_stands_on_the_page() -> None:
    page = (DOCS / "market-file.md").read_text()
    names = {place.rpartition(".")[2] for place in places(SAMPLE) if "node_prices." not in place}
    keys = {name for name in names if not name.isdigit()}
    assert sorted(key for key in keys if f"`{key}`" not in page) == []


def test_an_unknown_rule_can_be_read() -> None:
    market = market_from_values(deep(sample(), "hood.algorithm", "guess/1"))
    assert replace(market, clearing=None).hood.algorithm == "guess/1"
