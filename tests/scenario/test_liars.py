"""Members that lie, each in one way. Nobody must be trusted: the worst is that a slot goes to the tariff."""

from collections.abc import Callable

import pytest

from volthood.core.deals import Deal, Role, Status
from volthood.core.laws import check_laws
from volthood.engine.events import BoardPosted
from volthood.testing.forging import changed, opened, order, posted, resealed, sealed
from volthood.testing.intruder import bundlers
from volthood.testing.neighbourhood import START, Home, Neighbourhood
from volthood.wire import cose, inbox, limits
from volthood.wire.market import BUY, Allocation, Bundle, Settlement, Void
from volthood.wire.topics import parse_topic

SLOT, GATE = START + 900, 0
ROUND = f"{SLOT}.{GATE}"
HOMES = [Home("h0", 500), Home("h1", -800), Home("h2", 250), Home("h3", -100), Home("h4", 400)]
END_S = SLOT + 900 + 700


def neighbourhood(homes: list[Home] = HOMES) -> Neighbourhood:
    return Neighbourhood(homes)


def deals(hood: Neighbourhood, slot: int = SLOT) -> dict[str, list[Deal]]:
    return {name: house.deals.of_slot(slot) for name, house in hood.houses.items()}


def delivered_wh(hood: Neighbourhood, slot: int = SLOT, gate: int | None = None) -> int:
    return sum(
        deal.delivered_wh
        for rows in deals(hood, slot).values()
        for deal in rows
        if deal.role is Role.BUYER and gate in {None, deal.contract.gate}
    )


def books_of_the_round(hood: Neighbourhood) -> set[bytes]:
    notes = [note for house in hood.houses.values() for note in house.trades.round_notes(SLOT)]
    return {note.book for note in notes if note.gate == GATE}


def is_bundle_of(topic: str, house: str) -> bool:
    parsed = parse_topic(topic)
    return parsed.house == house and parsed.area == "board" and parsed.detail == (ROUND, "bundle")


def without_first_order(hood: Neighbourhood, house: str, payload: bytes) -> bytes:
    bundle = Bundle.from_cbor(cose.unpack_sign1(payload, Bundle.MAX_BYTES).payload)
    less = changed(bundle, orders=bundle.orders[1:], counter=bundle.counter + 1)
    return hood.houses[house].keys.sign(Bundle.KIND, less.to_cbor())


@pytest.fixture(scope="module")
def fair_wh() -> int:
    hood = neighbourhood()
    hood.run_until(END_S)
    return delivered_wh(hood)


# --- bundlers ---


@pytest.mark.parametrize("liar", [0, 1, 2])
def test_of_two_bundles_neither_counts_and_everybody_learns_who_lied(liar: int, fair_wh: int) -> None:
    hood = neighbourhood()
    house = bundlers(hood, SLOT, GATE)[liar]

    def two_faced(sender: str, topic: str, payload: bytes) -> bytes:
        if is_bundle_of(topic, house):
            hood.inject(topic, without_first_order(hood, house, payload))
        return payload

    hood.tap = two_faced
    hood.run_until(END_S)
    assert delivered_wh(hood) == fair_wh
    assert len(books_of_the_round(hood)) == 1
    for name in set(hood.houses) - {house}:
        rows = hood.houses[name].events("BundleEquivocated", "EvidenceSeen")
        assert {row.name for row in rows} == {"BundleEquivocated", "EvidenceSeen"}
        assert all(f"peer={house}" in row.details for row in rows)
        notes = [note for note in hood.houses[name].trades.round_notes(SLOT) if note.gate == GATE]
        assert notes[0].bundles in {2, 3}, "3 where the second bundle came after the clearing"
    assert hood.broken_laws() == {}


def test_two_bundles_that_not_everybody_saw_leave_one_book(fair_wh: int) -> None:
    """Half of the members count two bundles, half three: an order stands for both or for neither."""
    hood = neighbourhood()
    house = bundlers(hood, SLOT, GATE)[0]
    told = [name for name in hood.houses if name != house][:2]

    def two_faced(sender: str, topic: str, payload: bytes) -> bytes:
        if is_bundle_of(topic, house):
            for name in told:
                hood.handle(name, BoardPosted(house, SLOT, GATE, "bundle", without_first_order(hood, house, payload)))
        return payload

    hood.tap = two_faced
    hood.run_until(END_S)
    assert len(books_of_the_round(hood)) == 1
    assert delivered_wh(hood) == fair_wh
    assert hood.broken_laws() == {}


@pytest.mark.parametrize("liar", [0, 1, 2])
def test_a_censoring_bundler_changes_nothing(liar: int, fair_wh: int) -> None:
    hood = neighbourhood()
    house = bundlers(hood, SLOT, GATE)[liar]
    hood.tap = lambda _sender, topic, payload: (
        without_first_order(hood, house, payload) if is_bundle_of(topic, house) else payload
    )
    hood.run_until(END_S)
    assert delivered_wh(hood) == fair_wh
    assert hood.broken_laws() == {}


def test_of_two_bundlers_a_censoring_one_can_only_send_the_slot_to_balancing() -> None:
    hood = neighbourhood([Home("h0", 500), Home("h1", -800)])
    hood.tap = lambda _sender, topic, payload: (
        without_first_order(hood, "h0", payload) if is_bundle_of(topic, "h0") else payload
    )
    hood.run_until(END_S)
    assert delivered_wh(hood, gate=GATE) == 0
    assert delivered_wh(hood, gate=255) == 500
    assert hood.broken_laws() == {}


def test_a_silent_bundler_costs_the_early_end(fair_wh: int) -> None:
    hood = neighbourhood()
    house = bundlers(hood, SLOT, GATE)[0]
    hood.tap = lambda sender, topic, payload: (
        None if sender == house and ROUND in topic and not topic.endswith("order") else payload
    )
    hood.run_until(END_S)
    assert delivered_wh(hood) == fair_wh
    plan = hood.hood.round_plan(SLOT, GATE)
    for name in set(hood.houses) - {house}:
        cleared = [row for row in hood.houses[name].events("BookCleared") if f"slot={SLOT} gate={GATE}" in row.details]
        assert [row.time_s for row in cleared] == [plan.bundles_end_s]
        assert hood.houses[name].events("MessageAskedFor")
    assert hood.broken_laws() == {}


# --- members with two orders ---


def second_order(hood: Neighbourhood, house: str) -> bytes:
    return posted(hood, house, order(hood, house, SLOT, GATE, side=BUY, steps=((15_000, 10),)))[1]


def with_two_orders(seen_by: Callable[[list[str]], list[str]]) -> Neighbourhood:
    """h0 shows a second order to some of the bundlers before they get its first one."""
    hood = neighbourhood()
    told = seen_by([name for name in bundlers(hood, SLOT, GATE) if name != "h0"])

    def two_faced(sender: str, topic: str, payload: bytes) -> bytes:
        parsed = parse_topic(topic)
        if sender == "h0" and parsed.area == "board" and parsed.detail == (ROUND, "order"):
            other = second_order(hood, "h0")
            for name in told:
                hood.handle(name, BoardPosted("h0", SLOT, GATE, "order", other))
        return payload

    hood.tap = two_faced
    hood.run_until(END_S)
    assert hood.broken_laws() == {}
    assert len(books_of_the_round(hood)) == 1
    return hood


def test_a_member_with_two_orders_has_none_and_is_convicted() -> None:
    hood = with_two_orders(lambda names: names)
    assert hood.houses["h0"].deals.of_round(SLOT, GATE) == []
    assert hood.houses["h0"].deals.of_round(SLOT, 255)
    for name in bundlers(hood, SLOT, GATE):
        if name != "h0":
            assert hood.houses[name].events("OrderEquivocated")
    for name in set(hood.houses) - {"h0"}:
        assert any("peer=h0" in row.details for row in hood.houses[name].events("EvidenceSeen", "OrderEquivocated"))


def test_two_orders_that_one_bundler_saw_leave_one_book() -> None:
    hood = with_two_orders(lambda names: names[:1])
    assert hood.houses["h0"].deals.of_slot(SLOT)


# --- settlement ---


def with_lie(homes: list[Home], liar: str, kind: int, lie: Callable[[Neighbourhood, bytes], bytes]) -> Neighbourhood:
    """The liar's messages of a kind about the slot carry another body, signed by it and under the same number."""
    hood = Neighbourhood(homes, settle_within_s=3600)

    def lying(sender: str, topic: str, payload: bytes) -> bytes:
        if sender != liar or parse_topic(topic).area != "in":
            return payload
        envelope = opened(hood, topic, payload)
        if envelope.kind != kind:
            return payload
        return resealed(hood, sender, topic, envelope, lie(hood, envelope.body))

    hood.tap = lying
    return hood


def restated(hood: Neighbourhood, body: bytes) -> bytes:
    """The whole contract, whatever the meter says."""
    stated = Allocation.from_cbor(cose.unpack_sign1(body, limits.MAX_INBOX_BYTES).payload)
    deal = hood.houses["h1"].deals.get(stated.slot, stated.contract)
    assert deal is not None
    return hood.houses["h1"].keys.sign(Allocation.KIND, changed(stated, allocated_wh=deal.contract.energy_wh).to_cbor())


def test_more_than_the_meter_showed_is_not_accepted() -> None:
    """The seller forecast 800 Wh and made 300: it states 500, and its own records give it the lie."""
    homes = [Home("h0", 500), Home("h1", -300, seen_wh=-800)]
    hood = with_lie(homes, "h1", inbox.ALLOCATION, restated)
    hood.run_until(SLOT + 900 + 3600 + 10)
    assert "allocation_exceeds_meter" in hood.houses["h0"].refused()
    assert {deal.status for deal in hood.houses["h0"].trades.deals(START) if deal.contract.slot == START} == {
        Status.FAILED
    }
    assert hood.broken_laws() == {}


def other_numbers(hood: Neighbourhood, body: bytes) -> bytes:
    agreed = Settlement.from_cbor(cose.unpack_sign1(body, limits.MAX_INBOX_BYTES).payload)
    less = changed(agreed, seller_wh=agreed.delivered_wh - 1, delivered_wh=agreed.delivered_wh - 1)
    return hood.houses["h1"].keys.sign(Settlement.SELLER_KIND, less.to_cbor())


def test_a_settlement_with_other_numbers_is_disputed() -> None:
    hood = with_lie([Home("h0", 500), Home("h1", -800)], "h1", inbox.SETTLEMENT, other_numbers)
    hood.run_until(SLOT + 900 + 700)
    assert "settlement_differs" in hood.houses["h0"].refused()
    assert {deal.status for deal in hood.houses["h0"].deals.of_slot(START)} == {Status.DISPUTED}
    laws = {name for name, verdict in check_laws(hood.books()).items() if not verdict.holds}
    assert laws == {"both_sides_agree", "money_sums_to_zero"}, "the liar alone books what its buyer never signed for"


def state_again(hood: Neighbourhood, less_wh: int) -> None:
    """h1 states another allocation for its newest settled or open contract with h0."""
    deal = hood.houses["h1"].deals.of_slot(SLOT)[0]
    start, end = hood.houses["h1"].readings.slot_records(SLOT, SLOT + 1800)[:2]
    body = Allocation(
        hood=deal.contract.hood,
        slot=SLOT,
        gate=deal.contract.gate,
        contract=deal.id,
        allocated_wh=deal.contract.energy_wh - less_wh,
        start=start.data,
        end=end.data,
    )
    hood.inject(
        *sealed(hood, "h1", "h0", inbox.ALLOCATION, hood.houses["h1"].keys.sign(Allocation.KIND, body.to_cbor()))
    )


def test_an_allocation_that_changes_before_it_is_signed_is_disputed() -> None:
    """h0's meter is late, so h1's first number waits; then h1 says another."""
    hood = Neighbourhood([Home("h0", 500), Home("h1", -800)])
    hood.route = lambda _sender, receiver, topic: (
        () if topic.endswith("record") and receiver == "h0" and SLOT + 900 <= hood.now_s < SLOT + 1000 else (0,)
    )
    hood.run_until(SLOT + 900 + 50)
    state_again(hood, 10)
    assert hood.houses["h0"].refused() == ["allocation_changed"]
    hood.run_until(SLOT + 900 + 700)
    assert [deal.status for deal in hood.houses["h0"].deals.of_round(SLOT, GATE)] == [Status.DISPUTED]
    assert hood.broken_laws() == {}


def test_an_allocation_that_changes_after_it_was_signed_changes_nothing() -> None:
    hood = Neighbourhood([Home("h0", 500), Home("h1", -800)])
    hood.run_until(SLOT + 900 + 50)
    state_again(hood, 10)
    assert hood.houses["h0"].refused() == ["allocation_changed"]
    assert [deal.status for deal in hood.houses["h0"].deals.of_round(SLOT, GATE)] == [Status.COMPLETED]
    assert hood.broken_laws() == {}


def test_a_void_after_the_settlement_was_signed_frees_nothing() -> None:
    hood = Neighbourhood([Home("h0", 500), Home("h1", -800)])
    hood.run_until(SLOT + 900 + 50)
    deal = hood.houses["h0"].deals.of_slot(SLOT)[0]
    body = Void(hood=deal.contract.hood, slot=SLOT, gate=deal.contract.gate, contract=deal.id)
    signed = hood.houses["h0"].keys.sign(Void.KIND, body.to_cbor())
    hood.inject(*sealed(hood, "h0", "h1", inbox.VOID, signed))
    assert hood.houses["h1"].refused() == ["already_signed"]
    hood.run_until(SLOT + 900 + 700)
    assert delivered_wh(hood) == 500
    assert hood.broken_laws() == {}
