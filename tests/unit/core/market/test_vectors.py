"""Clearings worked out by hand, with the arithmetic beside each: `tests/vectors/market`."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from volthood.core.grid import GridMap, GridNode
from volthood.core.hood import Gate, Hood
from volthood.core.market import rules
from volthood.core.market.book import Book
from volthood.core.market.verify import verify
from volthood.testing.markets import agent, book_of, hood_of
from volthood.wire.market import BUY, SELL

VECTORS = Path(__file__).parents[3] / "vectors" / "market"
SIDES = {"buy": BUY, "sell": SELL}


def cases() -> list[Any]:
    found = []
    for path in sorted(VECTORS.glob("*.json")):
        table = json.loads(path.read_text())
        for case in table["cases"]:
            found.append(pytest.param(table["algorithm"], case, id=f"{path.stem}: {case['name']}"))
    return found


def market_of(algorithm: str, case: dict[str, Any]) -> tuple[Hood, Book]:
    grid = GridMap(tuple(GridNode(**node) for node in case["grid"]))
    orders = {
        name: (SIDES[side], tuple((price, wh) for price, wh in steps))
        for name, (_, side, steps) in case["orders"].items()
    }
    hood = hood_of(algorithm, grid, {name: node for name, (node, _, _) in case["orders"].items()})
    if "forward_gates" in case:
        hood = replace(hood, gates=tuple(Gate(index, -900 + index) for index in range(case["forward_gates"])))
    return hood, book_of(orders, case["gate"])


@pytest.mark.parametrize(("algorithm", "case"), cases())
def test_a_clearing_by_hand(algorithm: str, case: dict[str, Any]) -> None:
    hood, book = market_of(algorithm, case)
    clearing = rules.clear(book, hood)
    if "trades" in case:
        expected = sorted((agent(seller), agent(buyer), *rest) for seller, buyer, *rest in case["trades"])
        assert [tuple(trade) for trade in clearing.trades] == expected
    if "traded_wh" in case:
        assert clearing.traded_wh == {agent(name): wh for name, wh in case["traded_wh"].items()}
    assert dict(clearing.node_prices) == case.get("node_prices", {})
    assert clearing.grid_uct == case["grid_uct"]
    assert verify(book, hood, clearing) is None


def test_there_are_vectors_for_every_rule() -> None:
    assert {json.loads(path.read_text())["algorithm"] for path in VECTORS.glob("*.json")} == rules.RULES.keys()
