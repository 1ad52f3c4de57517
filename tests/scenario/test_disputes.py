"""A household whose node shows two different registers at one slot edge: disputed, both records kept, the rest goes on."""

from collections.abc import Callable

from volthood.core.deals import Deal, Status
from volthood.testing.forging import changed, opened, resealed
from volthood.testing.neighbourhood import START, Home, Neighbourhood
from volthood.wire import cose, inbox, limits
from volthood.wire.market import Allocation
from volthood.wire.record import record_hash, unpack_record
from volthood.wire.topics import parse_topic

SLOT = START + 900
BUYER, LIAR, THIRD = "h0", "h1", "h2"
HOMES = [Home(BUYER, 500), Home(LIAR, -800), Home(THIRD, -400)]
Lie = Callable[[Neighbourhood, Allocation], Allocation]


def stated(body: bytes) -> Allocation:
    return Allocation.from_cbor(cose.unpack_sign1(body, limits.MAX_INBOX_BYTES).payload)


def lying_about(hood: Neighbourhood, slot: int, gate: int, lie: Lie) -> None:
    """The liar's allocations of a round carry records that its node signed beside the true ones."""

    def lying(sender: str, topic: str, payload: bytes) -> bytes:
        if sender != LIAR or parse_topic(topic).area != "in":
            return payload
        envelope = opened(hood, topic, payload)
        if envelope.kind != inbox.ALLOCATION:
            return payload
        body = stated(envelope.body)
        if (body.slot, body.gate) != (slot, gate):
            return payload
        forged = hood.houses[LIAR].keys.sign(Allocation.KIND, lie(hood, body).to_cbor())
        return resealed(hood, sender, topic, envelope, forged)

    hood.tap = lying


def less_at_the_start(hood: Neighbourhood, body: Allocation) -> Allocation:
    """The slot's start shows less export than the end of the slot before: 100 Wh are in both slots."""
    return changed(body, start=with_export(hood, body.start, -100))


def more_at_the_end(hood: Neighbourhood, body: Allocation) -> Allocation:
    return changed(body, end=with_export(hood, body.end, 100))


def with_export(hood: Neighbourhood, data: bytes, more_wh: int) -> bytes:
    _, record = unpack_record(data)
    return hood.houses[LIAR].meter.sign(changed(record, export_wh=record.export_wh + more_wh))


def with_liar(hood: Neighbourhood, slot: int, name: str = BUYER) -> list[Deal]:
    """The buyer's deals of a slot with the liar, by gate."""
    return [deal for deal in hood.houses[name].deals.of_slot(slot) if hood.house_of(deal.peer) == LIAR]


def records_kept(deals: list[Deal]) -> set[str]:
    """Hashes of the slot records in the allocations that the buyer has kept."""
    bodies = [stated(deal.peer_evidence) for deal in deals if deal.peer_evidence is not None]
    return {record_hash(data).hex() for body in bodies for data in (body.start, body.end)}


def hashes_told(hood: Neighbourhood) -> set[str]:
    [row] = hood.houses[BUYER].events("SlotRecordsContradicted")
    words = dict(word.split("=") for word in row.details.split())
    assert words["peer"] == LIAR
    return {words["first"], words["second"]}


def test_a_start_that_is_not_the_end_of_the_slot_before_is_disputed() -> None:
    hood = Neighbourhood(HOMES)
    lying_about(hood, SLOT, 0, less_at_the_start)
    hood.run_until(SLOT + 900 + 500)
    assert hood.houses[BUYER].refused() == ["slot_records_contradict", "contract_not_open"], "proof, then settlement"
    before, disputed = with_liar(hood, START) + with_liar(hood, SLOT)
    assert before.status in {Status.COMPLETED, Status.PARTIAL}, "what both have signed stays"
    assert disputed.status is Status.DISPUTED
    told = hashes_told(hood)
    assert len(told) == 2
    assert told <= records_kept(hood.houses[BUYER].trades.deals(START))
    others = [deal for deal in hood.houses[BUYER].deals.of_slot(SLOT) if hood.house_of(deal.peer) == THIRD]
    assert [deal.status for deal in others] == [Status.COMPLETED]
    assert hood.broken_laws() == {}


def test_the_liar_trades_on_once_its_records_agree_again() -> None:
    hood = Neighbourhood(HOMES)
    lying_about(hood, SLOT, 0, less_at_the_start)
    hood.run_until(SLOT + 1800 + 500)
    assert Status.DISPUTED not in {deal.status for deal in with_liar(hood, SLOT + 900)}
    assert with_liar(hood, SLOT + 900)
    assert hood.broken_laws() == {}


def test_two_ends_of_one_slot_are_disputed() -> None:
    """The liar makes more than it forecast, so the same two trade again in the balancing round."""
    hood = Neighbourhood([Home(BUYER, 500), Home(LIAR, -800, seen_wh=-300)])
    lying_about(hood, START, 255, more_at_the_end)
    hood.run_until(START + 900 + 800)
    assert [deal.status for deal in with_liar(hood, START)] == [Status.COMPLETED, Status.DISPUTED]
    assert hashes_told(hood) <= records_kept(with_liar(hood, START))
    assert hood.broken_laws() == {}


def test_what_was_not_signed_yet_is_disputed_with_it() -> None:
    """The buyer's own record of the edge between the slots comes late: it has signed for neither of them."""
    hood = Neighbourhood([Home(BUYER, 500), Home(LIAR, -800)], settle_within_s=7200)
    hood.route = lambda _sender, receiver, topic: (
        () if topic.endswith("record") and receiver == BUYER and SLOT <= hood.now_s < SLOT + 1000 else (0,)
    )
    lying_about(hood, SLOT, 0, less_at_the_start)
    hood.run_until(SLOT + 900 + 50)
    deals = with_liar(hood, START) + with_liar(hood, SLOT)
    assert {deal.status for deal in deals if deal.contract.gate == 0} == {Status.DISPUTED}
    hood.run_until(SLOT + 900 + 7200 + 10)
    assert hood.broken_laws() == {}


def test_the_dispute_outlives_a_restart() -> None:
    hood = Neighbourhood(HOMES)
    lying_about(hood, SLOT, 0, less_at_the_start)
    hood.run_until(SLOT + 900 + 100)
    hood.houses[BUYER].die()
    hood.revive(BUYER)
    assert [deal.status for deal in with_liar(hood, SLOT)] == [Status.DISPUTED]
    hood.run_until(SLOT + 900 + 700)
    assert [deal.status for deal in with_liar(hood, SLOT) if deal.contract.gate == 0] == [Status.DISPUTED]
    assert hood.broken_laws() == {}
