"""Board messages that nobody honest posts are refused, told by their reason, and change nothing.

They are slipped in just before the first order of a round arrives: the moment at which they could do most.
"""

import pytest

from volthood.testing.forging import Posted, flipped, on_board, order, posted
from volthood.testing.intruder import Attacks, Intruder, bundlers, outcome
from volthood.testing.neighbourhood import START, Home, Household, Neighbourhood
from volthood.wire import limits
from volthood.wire.market import BUY, SELL, Ask, Bundle, Evidence, Give, Order

SLOT, GATE = START + 900, 0
HOMES = [Home("h0", 500), Home("h1", -800), Home("h2", 250), Home("h3", -100), Home("h4", 400)]
END_S = SLOT + 900 + 700
OTHER_SLOT = SLOT + 900
VICTIM, SELLER, BUYER = "h0", "h1", "h2"


@pytest.fixture(scope="module")
def undisturbed() -> list[object]:
    hood = Neighbourhood(HOMES)
    hood.run_until(END_S)
    return outcome(hood)


def stranger(hood: Neighbourhood) -> Household:
    return Household(Home("stranger", 100))


def buy(n: Neighbourhood, house: str, /, *steps: tuple[int, int], slot: int = SLOT, **values: object) -> Order:
    return order(n, house, slot, GATE, side=BUY, steps=steps, **values)


def signed_order(hood: Neighbourhood, house: str, energy_wh: int = 100) -> bytes:
    return posted(hood, house, buy(hood, house, (15_000, energy_wh)))[1]


def unsigned_order(hood: Neighbourhood) -> bytes:
    """An order whose signature has a flipped bit."""
    data = signed_order(hood, BUYER)
    return flipped(data, 8 * len(data) - 1)


def by_a_stranger(hood: Neighbourhood) -> Posted:
    payload = stranger(hood).keys.sign(Order.KIND, buy(hood, BUYER, (15_000, 100)).to_cbor())
    return on_board(hood, BUYER, SLOT, GATE, "order", payload)


def not_a_bundler(hood: Neighbourhood) -> str:
    return min(set(hood.houses) - set(bundlers(hood, SLOT, GATE)))


def bundler(hood: Neighbourhood) -> str:
    return bundlers(hood, SLOT, GATE)[0]


def bundle(hood: Neighbourhood, house: str, /, orders: tuple[bytes, ...], **values: object) -> Posted:
    fields: dict[str, object] = {"hood": hood.hood.hood_id, "slot": SLOT, "gate": GATE, "evidence": (), "counter": 99}
    return posted(hood, house, Bundle(orders=orders, **(fields | values)))


def evidence(hood: Neighbourhood, first: bytes, second: bytes) -> Posted:
    body = Evidence(hood=hood.hood.hood_id, slot=SLOT, gate=GATE, what=1, first=first, second=second, counter=99)
    return posted(hood, SELLER, body)


def order_of_another_round(hood: Neighbourhood) -> bytes:
    return posted(hood, BUYER, buy(hood, BUYER, (15_000, 100), slot=OTHER_SLOT))[1]


def on(hood: Neighbourhood, house: str, kind: str, payload: bytes) -> Posted:
    return on_board(hood, house, SLOT, GATE, kind, payload)


BOARD: Attacks = {
    "an order of a stranger": ("stranger", by_a_stranger),
    "a house that nobody knows": ("stranger", lambda n: on(n, "h9", "order", signed_order(n, BUYER))),
    "an order under another's topic": (
        "wrong_house",
        lambda n: posted(n, SELLER, buy(n, SELLER, (15_000, 100)), as_house=BUYER),
    ),
    "an order of another round": ("wrong_round", lambda n: on(n, BUYER, "order", order_of_another_round(n))),
    "an order of another hood": (
        "wrong_hood",
        lambda n: posted(n, BUYER, buy(n, BUYER, (15_000, 100), hood=b"x" * 32)),
    ),
    "an order of another gate": (
        "wrong_round",
        lambda n: on(n, BUYER, "order", posted(n, BUYER, changed_gate(n))[1]),
    ),
    "an order above the collar": ("outside_collar", lambda n: posted(n, BUYER, buy(n, BUYER, (27_001, 100)))),
    "an order below the collar": ("outside_collar", lambda n: posted(n, BUYER, buy(n, BUYER, (2_999, 100)))),
    "an order above the fuse": ("over_fuse", lambda n: posted(n, BUYER, buy(n, BUYER, (15_000, 4_320)))),
    "buy steps that rise": (
        "buy_prices_rise",
        lambda n: posted(n, BUYER, buy(n, BUYER, (15_000, 10), (16_000, 10))),
    ),
    "sell steps that fall": (
        "sell_prices_fall",
        lambda n: posted(n, SELLER, order(n, SELLER, SLOT, GATE, side=SELL, steps=((16_000, 10), (15_000, 10)))),
    ),
    "an odd energy": ("energy_not_in_tens", lambda n: posted(n, BUYER, buy(n, BUYER, (15_000, 105)))),
    "another algorithm": (
        "algorithm_differs",
        lambda n: posted(n, BUYER, buy(n, BUYER, (15_000, 100), algorithm="auction/1")),
    ),
    "an order with a flipped signature bit": (
        "bad_signature",
        lambda n: on(n, BUYER, "order", unsigned_order(n)),
    ),
    "an order signed as something else": (
        "bad_signature",
        lambda n: on(n, BUYER, "order", n.houses[BUYER].keys.sign(Ask.KIND, buy(n, BUYER, (15_000, 10)).to_cbor())),
    ),
    "an order one byte too long": ("too_large", lambda n: on(n, BUYER, "order", bytes(limits.MAX_ORDER_BYTES + 1))),
    "a bundle one byte too long": ("too_large", lambda n: on(n, BUYER, "bundle", bytes(limits.MAX_BUNDLE_BYTES + 1))),
    "an ask one byte too long": ("too_large", lambda n: on(n, BUYER, "ask", bytes(limits.MAX_ASK_BYTES + 1))),
    "a give one byte too long": ("too_large", lambda n: on(n, BUYER, "give", bytes(limits.MAX_GIVE_BYTES + 1))),
    "evidence one byte too long": (
        "too_large",
        lambda n: on(n, BUYER, "evidence", bytes(limits.MAX_EVIDENCE_BYTES + 1)),
    ),
    "a gate that the hood lacks": (
        "gate_unknown",
        lambda n: on_board(n, BUYER, SLOT, 7, "order", signed_order(n, BUYER)),
    ),
    "a slot that is none": (
        "gate_unknown",
        lambda n: on_board(n, BUYER, SLOT + 1, GATE, "order", signed_order(n, BUYER)),
    ),
    "a round that is over": (
        "window_over",
        lambda n: posted(n, BUYER, buy(n, BUYER, (15_000, 100), slot=SLOT - 900)),
    ),
    "a round that is far away": (
        "window_over",
        lambda n: on_board(n, BUYER, SLOT + 9000, GATE, "order", signed_order(n, BUYER)),
    ),
    "a bundle of who is no bundler": ("not_a_bundler", lambda n: bundle(n, not_a_bundler(n), ())),
    "a bundle with an order twice": (
        "bundle_order",
        lambda n: bundle(n, bundler(n), (signed_order(n, BUYER),) * 2),
    ),
    "a bundle with a stranger's order": (
        "stranger",
        lambda n: bundle(n, bundler(n), (by_a_stranger(n)[1],)),
    ),
    "a bundle with an order of another round": (
        "wrong_round",
        lambda n: bundle(n, bundler(n), (order_of_another_round(n),)),
    ),
    "a bundle that convicts with two members' orders": (
        "evidence_proves_nothing",
        lambda n: bundle(n, bundler(n), (), evidence=((signed_order(n, BUYER), signed_order(n, VICTIM)),)),
    ),
    "a bundle of another round": ("wrong_round", lambda n: on(n, bundler(n), "bundle", other_bundle(n))),
    "evidence that shows two members": (
        "evidence_proves_nothing",
        lambda n: evidence(n, signed_order(n, BUYER), signed_order(n, VICTIM)),
    ),
    "evidence that shows two rounds": (
        "wrong_round",
        lambda n: evidence(n, signed_order(n, BUYER), order_of_another_round(n)),
    ),
    "evidence with a forged order": (
        "bad_signature",
        lambda n: evidence(n, signed_order(n, BUYER), unsigned_order(n)),
    ),
    "evidence under another's topic": (
        "wrong_house",
        lambda n: on(n, BUYER, "evidence", evidence(n, signed_order(n, BUYER), signed_order(n, BUYER, 200))[1]),
    ),
    "an ask under another's topic": ("wrong_house", lambda n: on(n, BUYER, "ask", ask(n, SLOT)[1])),
    "an ask of another round": ("wrong_round", lambda n: on(n, SELLER, "ask", ask(n, OTHER_SLOT)[1])),
    "a give of another round": ("wrong_round", lambda n: on(n, SELLER, "give", give(n, OTHER_SLOT, b"x")[1])),
    "a give of garbage": ("truncated", lambda n: give(n, SLOT, b"\x18")),
    "a give of an order of another round": ("wrong_round", lambda n: give(n, SLOT, order_of_another_round(n))),
}


def changed_gate(hood: Neighbourhood) -> Order:
    return order(hood, BUYER, SLOT, 255, side=BUY, steps=((15_000, 100),))


def other_bundle(hood: Neighbourhood) -> bytes:
    return bundle(hood, bundler(hood), (), slot=OTHER_SLOT)[1]


def ask(hood: Neighbourhood, slot: int) -> Posted:
    member = hood.houses[VICTIM].member().agent
    return posted(hood, SELLER, Ask(hood=hood.hood.hood_id, slot=slot, gate=GATE, want=1, member=member, counter=99))


def give(hood: Neighbourhood, slot: int, body: bytes) -> Posted:
    return posted(hood, SELLER, Give(hood=hood.hood.hood_id, slot=slot, gate=GATE, what=1, body=body, counter=99))


def test_board_messages(undisturbed: list[object]) -> None:
    hood = Neighbourhood(HOMES)
    intruder = Intruder(hood, SLOT, GATE, "order", BOARD)
    hood.tap = intruder
    hood.run_until(END_S)
    assert intruder.told == {name: {reason} for name, (reason, _) in BOARD.items()}
    assert outcome(hood) == undisturbed
    assert hood.broken_laws() == {}
