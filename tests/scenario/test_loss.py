"""Messages that get lost, come twice, late or in another order. Liveness degrades in steps, safety never."""

from collections.abc import Callable
from random import Random

import pytest

from volthood.core.deals import Deal, Role, Status
from volthood.testing.forging import equivocations, opened
from volthood.testing.intruder import bundlers
from volthood.testing.neighbourhood import START, Home, Neighbourhood, Route
from volthood.wire import inbox
from volthood.wire.market import BUNDLE, ORDER
from volthood.wire.topics import parse_topic

SLOT, GATE = START + 900, 0
ROUND = f"{SLOT}.{GATE}"
HOMES = [Home("h0", 500), Home("h1", -800), Home("h2", 250), Home("h3", -100), Home("h4", 400)]
END_S = SLOT + 900 + 700
ARRIVES, LOST = (0,), ()


def neighbourhood(homes: list[Home] = HOMES, route: Route | None = None) -> Neighbourhood:
    hood = Neighbourhood(homes)
    if route is not None:
        hood.route = route
    return hood


def of_slot(hood: Neighbourhood, name: str, slot: int = SLOT) -> list[Deal]:
    return [deal for deal in hood.houses[name].trades.deals(slot) if deal.contract.slot == slot]


def delivered_wh(hood: Neighbourhood, slot: int = SLOT, gate: int | None = None) -> int:
    deals = [deal for name in hood.houses for deal in of_slot(hood, name, slot) if deal.role is Role.BUYER]
    return sum(deal.delivered_wh for deal in deals if gate in {None, deal.contract.gate})


def is_sound(hood: Neighbourhood, *also: str) -> None:
    """Laws, one version of everything, nothing under way; refusals only of what is honest and too late, or `also`."""
    assert hood.broken_laws() == {}
    assert equivocations(hood) == []
    for house in hood.houses.values():
        assert set(house.refused()) <= {"replayed", "window_over", "contract_void", *also}
        assert house.engine.unconfirmed == 0
        assert house.ring == {}


def calm(hood: Neighbourhood, seconds: int = 200) -> None:
    """No more faults: what is under way arrives."""
    hood.route = lambda _sender, _receiver, _topic: ARRIVES
    hood.run_until(hood.now_s + seconds)


def on_board(topic: str, kind: str) -> bool:
    parsed = parse_topic(topic)
    return parsed.area == "board" and parsed.detail == (ROUND, kind)


@pytest.fixture(scope="module")
def fair_wh() -> int:
    hood = neighbourhood()
    hood.run_until(END_S)
    return delivered_wh(hood)


# --- one message ---


def test_a_lost_order_is_asked_for_and_given(fair_wh: int) -> None:
    hood = neighbourhood()
    bundler = bundlers(hood, SLOT, GATE)[0]
    author = next(name for name in hood.houses if name != bundler)
    hood.route = lambda sender, receiver, topic: (
        LOST if sender == author and receiver == bundler and on_board(topic, "order") else ARRIVES
    )
    hood.run_until(END_S)
    asked = hood.houses[bundler].events("MessageAskedFor")
    assert [f"want={ORDER} of={author}" in row.details for row in asked] == [True]
    assert [row.time_s for row in asked] == [hood.hood.gate_s(SLOT, GATE) + 10], "from the middle of the window"
    assert sum(topic.endswith("give") for _, topic, _ in hood.sent) == 1, "its author answers, nobody else"
    assert delivered_wh(hood, gate=GATE) == fair_wh
    is_sound(hood)


def test_a_lost_bundle_is_asked_for_and_given_by_anyone(fair_wh: int) -> None:
    """The bundler itself is heard by one member only: that one answers for it."""
    hood = neighbourhood()
    bundler = bundlers(hood, SLOT, GATE)[0]
    hearer, *deaf = [name for name in hood.houses if name != bundler]
    hood.route = lambda sender, receiver, topic: (
        LOST if sender == bundler and receiver in deaf and ROUND in topic and not on_board(topic, "order") else ARRIVES
    )
    hood.run_until(END_S)
    for name in deaf:
        assert any(f"want={BUNDLE} of={bundler}" in row.details for row in hood.houses[name].events("MessageAskedFor"))
    assert any(sender == hearer and topic.endswith("give") for sender, topic, _ in hood.sent)
    assert delivered_wh(hood, gate=GATE) == fair_wh
    is_sound(hood)


def test_who_hears_that_somebody_answered_is_silent() -> None:
    """Four members hold the bundle that one misses; by turns and by listening far fewer than four answer."""
    hood = neighbourhood()
    bundler = bundlers(hood, SLOT, GATE)[0]
    deaf = next(name for name in hood.houses if name != bundler)
    hood.route = lambda sender, receiver, topic: (
        LOST if sender == bundler and receiver == deaf and ROUND in topic and not on_board(topic, "order") else ARRIVES
    )
    hood.run_until(END_S)
    gives = [sender for sender, topic, _ in hood.sent if topic.endswith("give")]
    assert len([sender for sender in gives if sender != bundler]) <= 3
    is_sound(hood)


INBOX_KINDS = {
    "proposals": inbox.CONTRACT_BUYER,
    "countersignatures": inbox.CONTRACT_SELLER,
    "allocations": inbox.ALLOCATION,
    "settlements": inbox.SETTLEMENT,
    "receipts": inbox.RECEIPT,
}


@pytest.mark.parametrize("kind", INBOX_KINDS)
def test_what_an_inbox_loses_comes_again_as_the_same_bytes(kind: str, fair_wh: int) -> None:
    hood = neighbourhood()
    lost: set[tuple[str, bytes]] = set()

    def losing_each_once(_sender: str, topic: str, payload: bytes) -> bytes | None:
        if parse_topic(topic).area != "in" or opened(hood, topic, payload).kind != INBOX_KINDS[kind]:
            return payload
        fresh = (topic, payload) not in lost and hood.now_s < SLOT + 950
        lost.add((topic, payload))
        return None if fresh else payload

    hood.tap = losing_each_once
    hood.run_until(END_S)
    assert lost
    assert delivered_wh(hood, gate=GATE) == fair_wh
    is_sound(hood)


def test_records_that_come_late_are_settled_late() -> None:
    """The seller's node cannot reach its agent until long after the balancing round."""
    hood = neighbourhood()
    hood.route = lambda _sender, receiver, topic: (
        LOST if receiver == "h1" and topic.endswith("/record") and SLOT <= hood.now_s < SLOT + 2400 else ARRIVES
    )
    hood.run_until(SLOT + 2300)
    assert {deal.status for deal in of_slot(hood, "h1") if deal.contract.gate == GATE} == {Status.CONTRACTED}
    assert delivered_wh(hood) < 750
    hood.run_until(SLOT + 2600)
    assert {deal.status for deal in of_slot(hood, "h1") if deal.contract.gate == GATE} == {Status.COMPLETED}
    is_sound(hood)


def test_a_late_countersignature_voids_and_balancing_takes_the_energy() -> None:
    hood = neighbourhood([Home("h0", 500), Home("h1", -800)])

    def slow(sender: str, receiver: str, topic: str) -> tuple[int, ...]:
        gate_s = hood.hood.gate_s(SLOT, GATE)
        waits = sender == "h1" and receiver == "h0" and parse_topic(topic).area == "in"
        return (gate_s + 60 - hood.now_s,) if waits and gate_s <= hood.now_s <= gate_s + 50 else ARRIVES

    hood.route = slow
    hood.run_until(END_S)
    for name in ("h0", "h1"):
        assert [(deal.contract.gate, deal.status) for deal in of_slot(hood, name)] in (
            [(GATE, Status.FAILED), (255, Status.COMPLETED)],
            [(255, Status.COMPLETED), (GATE, Status.FAILED)],
        )
        assert hood.houses[name].events("ContractVoided")
    assert delivered_wh(hood, gate=255) == 500
    is_sound(hood)


def test_a_lost_countersignature_that_never_comes_leaves_the_energy_to_balancing() -> None:
    """The seller's inbox messages to one buyer are lost for the whole slot: the buyer orders again, nothing is sold twice."""
    hood = neighbourhood([Home("h0", 500), Home("h1", -800)])
    hood.route = lambda sender, receiver, topic: (
        LOST
        if sender == "h1"
        and receiver == "h0"
        and parse_topic(topic).area == "in"
        and SLOT - 900 <= hood.now_s < SLOT + 1000
        else ARRIVES
    )
    hood.run_until(END_S)
    assert delivered_wh(hood) == 500
    is_sound(hood)


# --- many messages ---


def random_loss(share: float, seed: int) -> Route:
    draw = Random(seed)
    return lambda _sender, _receiver, _topic: LOST if draw.random() < share else ARRIVES


def storm(seed: int) -> Route:
    """Messages come once, twice, late, or in another order; never not at all."""
    draw = Random(seed)
    return lambda _sender, _receiver, _topic: tuple(
        draw.choice((0, 0, 0, 1, 2, 4)) for _ in range(draw.choice((1, 1, 2)))
    )


@pytest.mark.parametrize("seed", [1, 2])
def test_one_message_in_ten_lost(seed: int) -> None:
    hood = neighbourhood(route=random_loss(0.1, seed))
    hood.run_until(START + 4 * 900 + 700)
    calm(hood)
    traded_wh = sum(delivered_wh(hood, START + number * 900) for number in range(4))
    assert traded_wh >= 4 * 900 * 8 // 10
    is_sound(hood)


@pytest.mark.parametrize("seed", [1, 2])
def test_a_storm_of_copies_out_of_order(seed: int, fair_wh: int) -> None:
    hood = neighbourhood(route=storm(seed))
    hood.run_until(END_S)
    calm(hood)
    assert delivered_wh(hood) == fair_wh
    is_sound(hood)


@pytest.mark.long
@pytest.mark.parametrize("seed", range(100, 130))
@pytest.mark.parametrize("weather", [lambda seed: random_loss(0.1, seed), lambda seed: random_loss(0.4, seed), storm])
def test_any_weather(seed: int, weather: Callable[[int], Route]) -> None:
    hood = neighbourhood(route=weather(seed))
    hood.run_until(START + 8 * 900 + 700)
    calm(hood)
    is_sound(hood, "contract_not_cleared")


# --- partitions ---


def cut_off(hood: Neighbourhood, name: str, start_s: int, end_s: int) -> Route:
    """A house that hears and is heard by nobody for a while; its own node still reaches it."""

    def route(sender: str, receiver: str, topic: str) -> tuple[int, ...]:
        crosses = sender != receiver and name in {sender, receiver}
        return LOST if crosses and start_s <= hood.now_s < end_s else ARRIVES

    return route


def test_a_house_cut_off_for_a_round_trades_in_balancing() -> None:
    hood = neighbourhood()
    gate_s = hood.hood.gate_s(SLOT, GATE)
    hood.route = cut_off(hood, "h0", gate_s - 5, gate_s + 60)
    hood.run_until(END_S)
    assert [deal for deal in of_slot(hood, "h0") if deal.contract.gate == GATE and deal.counted] == []
    assert delivered_wh(hood, gate=GATE) == 650, "the others traded without it"
    assert sum(deal.delivered_wh for deal in of_slot(hood, "h0")) > 0
    assert delivered_wh(hood) == 900
    is_sound(hood)


def test_a_house_cut_off_while_contracts_are_signed_is_made_whole() -> None:
    """From the bundles on it is alone: what it signed never counted, and balancing serves it."""
    hood = neighbourhood()
    gate_s = hood.hood.gate_s(SLOT, GATE)
    seen: list[str] = []

    def route(sender: str, receiver: str, topic: str) -> tuple[int, ...]:
        if parse_topic(topic).area == "in" and gate_s <= hood.now_s:
            seen.append(topic)
        crosses = sender != receiver and "h1" in {sender, receiver}
        return LOST if crosses and seen and hood.now_s < gate_s + 120 else ARRIVES

    hood.route = route
    hood.run_until(END_S)
    assert delivered_wh(hood) == 900
    is_sound(hood)


def test_two_halves_that_do_not_hear_each_other_never_sell_a_wh_twice() -> None:
    hood = neighbourhood()
    east = {"h0", "h1"}
    gate_s = hood.hood.gate_s(SLOT, GATE)
    hood.route = lambda sender, receiver, _topic: (
        LOST if (sender in east) != (receiver in east) and gate_s <= hood.now_s < SLOT + 1000 else ARRIVES
    )
    hood.run_until(END_S)
    calm(hood)
    assert delivered_wh(hood) >= 0
    is_sound(hood)
