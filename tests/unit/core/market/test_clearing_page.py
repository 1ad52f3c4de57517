"""The numbers on the page `agent/docs/clearing.md`: its tables are cleared, its arithmetic is done again."""

import ast
import operator
import re
from pathlib import Path

import pytest

from volthood.core.grid import GridMap, GridNode
from volthood.core.hood import Hood
from volthood.core.market import rules
from volthood.core.market.book import Book
from volthood.core.market.uniform import share
from volthood.core.market.verify import verify
from volthood.testing.markets import FEED_IN, RETAIL, agent, book_of, hood_of
from volthood.wire.market import BUY, SELL

PAGE = (Path(__file__).parents[4] / "agent" / "docs" / "clearing.md").read_text()
OPERATORS = {ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.FloorDiv: operator.floordiv}
ALGORITHMS = {"Mid-market": "mid-market/1", "Auction": "auction/1"}


def section(heading: str) -> str:
    return re.split(r"^## ", PAGE.split(f"## {heading}\n")[1], flags=re.MULTILINE)[0]


def tables(text: str) -> list[list[list[str]]]:
    """The rows below the head of each table."""
    blocks = re.findall(r"(?:^\|.*\n)+", text, flags=re.MULTILINE)
    return [[[cell.strip() for cell in row.split("|")[1:-1]] for row in block.splitlines()[2:]] for block in blocks]


def sums(text: str) -> list[tuple[str, int]]:
    found = re.findall(r"^    (.+) = (\d+)$", text, flags=re.MULTILINE)
    return [(expression, int(value)) for expression, value in found]


def value_of(node: ast.expr) -> int:
    if isinstance(node, ast.BinOp):
        return int(OPERATORS[type(node.op)](value_of(node.left), value_of(node.right)))
    assert isinstance(node, ast.Constant)
    return int(str(node.value))


def market(algorithm: str) -> tuple[Hood, Book]:
    (grid,), (orders,) = tables(section("The hood")), tables(section("The book"))
    nodes = [
        GridNode(name, parent or None, int(fee or 0), int(up) if up else None, int(down) if down else None)
        for name, parent, fee, up, down in grid
    ]
    hood = hood_of(algorithm, GridMap(tuple(nodes)), {name: node for name, node, _, _, _ in orders})
    sides = {"buy": BUY, "sell": SELL}
    return hood, book_of({name: (sides[side], ((int(limit), int(wh)),)) for name, _, side, limit, wh in orders})


@pytest.mark.parametrize("heading", sorted(ALGORITHMS))
def test_the_tables_of_a_rule(heading: str) -> None:
    hood, book = market(ALGORITHMS[heading])
    clearing = rules.clear(book, hood)
    *prices, trades = tables(section(heading))
    expected = sorted((agent(seller), agent(buyer), *map(int, rest)) for seller, buyer, *rest in trades)
    assert [tuple(trade) for trade in clearing.trades] == expected
    assert list(clearing.node_prices) == [(name, int(price)) for table in prices for name, price in table]
    assert verify(book, hood, clearing) is None


@pytest.mark.parametrize("heading", sorted(ALGORITHMS))
def test_the_grid_account_of_a_rule(heading: str) -> None:
    hood, book = market(ALGORITHMS[heading])
    assert rules.clear(book, hood).grid_uct in [value for _, value in sums(section(heading))]


@pytest.mark.parametrize(("expression", "value"), sums(PAGE))
def test_the_arithmetic(expression: str, value: int) -> None:
    assert value_of(ast.parse(expression, mode="eval").body) == value


def test_the_page_does_its_sums() -> None:
    assert len(sums(PAGE)) == len(re.findall(r"^    \S", PAGE, flags=re.MULTILINE)) > 10


def test_the_reference_prices_and_the_collar() -> None:
    hood, _ = market("auction/1")
    low, high = hood.collar(0)
    assert f"feed-in {FEED_IN}, retail {RETAIL}" in PAGE
    assert f"between {low} and {high}, the collar" in PAGE


def test_the_shares() -> None:
    assert list(share(1000, {"a": 200, "b": 500, "c": 900}).values()) == [200, 400, 400]
