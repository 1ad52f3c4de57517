"""Which orders count, the book's hash, and the lots."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from volthood.core.hood import Hood
from volthood.core.market.book import Book, BookOrder, Lots, RoundId, refusal
from volthood.errors import PeerError
from volthood.testing.markets import HOOD_ID, agent, book_of, hood_of
from volthood.wire.cbor import WireError, encode
from volthood.wire.keys import hash_of
from volthood.wire.limits import MAX_ORDER_STEPS
from volthood.wire.market import BUY, SELL, WATCH, Order

FUSE_W = 17_250
FUSE_WH = 4312
"""17,250 W for a quarter of an hour, in whole Wh."""
ROUND = RoundId(HOOD_ID, 900, 0)


@pytest.fixture(scope="module")
def hood() -> Hood:
    return hood_of("mid-market/1")


def order(**changes: Any) -> Order:
    fields: dict[str, Any] = {"hood": HOOD_ID, "slot": 900, "gate": 0, "algorithm": "mid-market/1", "counter": 1}
    return Order(**{**fields, "side": BUY, "steps": ((30000, 500), (20000, 100)), **changes})


GOOD: dict[str, Order] = {
    "two falling buy steps": order(),
    "two rising sell steps": order(side=SELL, steps=((8000, 10), (9000, 10))),
    "two steps at one price": order(steps=((20000, 10), (20000, 20))),
    "a watcher": order(side=WATCH, steps=()),
    "all that the fuse carries in tens": order(steps=((30000, 4310),)),
    "prices on the collar": order(steps=((35000, 10), (3000, 10))),
    "as many steps as there may be": order(steps=((20000, 10),) * MAX_ORDER_STEPS),
    "a balancing gate": order(gate=255),
    "metered energy to the Wh": order(gate=255, steps=((20000, 11),)),
}

BAD: dict[str, tuple[str, Callable[[], Any]]] = {
    "another hood": ("wrong_hood", lambda: order(hood=bytes(32))),
    "a gate that the hood does not have": ("gate_unknown", lambda: order(gate=7)),
    "between two slots": ("slot_misaligned", lambda: order(slot=1000)),
    "another price rule": ("algorithm_differs", lambda: order(algorithm="auction/1")),
    "another version of the rule": ("algorithm_differs", lambda: order(algorithm="mid-market/2")),
    "an unknown side": ("side_unknown", lambda: bare(side=3)),
    "a watcher with steps": ("watcher_with_steps", lambda: bare(side=WATCH)),
    "a buyer without steps": ("no_steps", lambda: bare(steps=())),
    "one step too many": ("too_many_steps", lambda: bare(steps=((20000, 10),) * (MAX_ORDER_STEPS + 1))),
    "a step of nothing": ("energy_not_positive", lambda: order(steps=((20000, 0),))),
    "a step of less than nothing": ("energy_not_positive", lambda: bare(steps=((20000, -10),))),
    "a forecast beside the tens": ("energy_not_in_tens", lambda: order(steps=((20000, 11),))),
    "more than the fuse carries": ("over_fuse", lambda: order(steps=((20000, 4320),))),
    "steps that together exceed the fuse": ("over_fuse", lambda: order(steps=((30000, 2200), (20000, 2120)))),
    "below the collar": ("outside_collar", lambda: order(steps=((2999, 10),))),
    "above the collar": ("outside_collar", lambda: order(side=SELL, steps=((8000, 10), (35001, 10)))),
    "rising buy steps": ("buy_prices_rise", lambda: order(steps=((20000, 10), (20001, 10)))),
    "falling sell steps": ("sell_prices_fall", lambda: order(side=SELL, steps=((20001, 10), (20000, 10)))),
}


def bare(**changes: Any) -> SimpleNamespace:
    """What the wire would not even decode."""
    fields = {
        "hood": HOOD_ID,
        "slot": 900,
        "gate": 0,
        "algorithm": "mid-market/1",
        "side": BUY,
        "steps": ((20000, 10),),
    }
    return SimpleNamespace(**{**fields, **changes})


@pytest.mark.parametrize("name", sorted(GOOD))
def test_an_order_that_counts(hood: Hood, name: str) -> None:
    assert refusal(GOOD[name], hood, FUSE_W) is None


@pytest.mark.parametrize("name", sorted(BAD))
def test_an_order_that_does_not_count(hood: Hood, name: str) -> None:
    reason, make = BAD[name]
    assert refusal(make(), hood, FUSE_W) == reason


def test_the_fuse_is_rounded_down(hood: Hood) -> None:
    assert hood.fuse_wh(FUSE_W) == FUSE_WH


def test_a_book_leaves_watchers_out_and_stands_in_order() -> None:
    orders = {agent("b"): order(), agent("w"): order(side=WATCH, steps=()), agent("s"): order(side=SELL)}
    book = Book.of_orders(ROUND, orders)
    assert [row.agent for row in book.orders] == sorted([agent("b"), agent("s")])
    assert book == Book.of_orders(ROUND, dict(reversed(orders.items())))


def test_a_watcher_changes_no_hash_and_an_order_does() -> None:
    one = Book.of_orders(ROUND, {agent("b"): order()})
    watched = Book.of_orders(ROUND, {agent("b"): order(), agent("w"): order(side=WATCH, steps=())})
    more = Book.of_orders(ROUND, {agent("b"): order(steps=((30000, 510),))})
    later = Book.of_orders(ROUND._replace(slot=1800), {agent("b"): order()})
    assert one.digest == watched.digest
    assert len({one.digest, more.digest, later.digest}) == 3


def test_a_book_hash_is_that_of_its_rows() -> None:
    book = Book.of_orders(ROUND, {agent("b"): order()})
    assert book.digest == hash_of([HOOD_ID, 900, 0], [[agent("b"), BUY, [[30000, 500], [20000, 100]]]])


@pytest.mark.parametrize(
    ("reason", "agents"), [("agent_twice", [agent("a"), agent("a")]), ("agent_unknown", [b"too short"])]
)
def test_a_book_refuses(reason: str, agents: list[bytes]) -> None:
    with pytest.raises(PeerError) as caught:
        Book(ROUND, tuple(BookOrder(name, BUY, ((20000, 10 + at),)) for at, name in enumerate(agents)))
    assert caught.value.reason == reason


def test_lots_are_the_hashes_that_the_rules_name() -> None:
    lots = Lots(ROUND)
    assert lots.agent(agent("a")) == hash_of([HOOD_ID, 900, 0], agent("a"))
    assert lots.node("far") == hash_of([HOOD_ID, 900, 0], "far")
    assert lots.nodes("near", "far") == lots.nodes("far", "near") == hash_of([HOOD_ID, 900, 0], "far", "near")


def test_a_book_that_was_kept_is_the_same_book() -> None:
    book = book_of({"ann": (SELL, ((8000, 300), (9000, 20))), "ben": (BUY, ((30_000, 500),))})
    assert Book.from_encoded(book.encoded) == book
    assert Book.from_encoded(book.encoded).digest == book.digest


@pytest.mark.parametrize("data", [b"", encode([1, 2]), encode([[b"h", 1], []]), encode([[b"h", 1, 2], [[b"a", 1]]])])
def test_what_is_no_book_is_refused(data: bytes) -> None:
    with pytest.raises(WireError):
        Book.from_encoded(data)
