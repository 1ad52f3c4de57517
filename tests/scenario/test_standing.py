"""Trade only with standing: who was convicted, or did not keep what it contracted, gets no signature of ours."""

from dataclasses import replace

import pytest

from volthood.core.deals import Deal
from volthood.engine.events import BoardPosted
from volthood.ports.stores import Conviction
from volthood.testing.forging import order, posted
from volthood.testing.intruder import bundlers
from volthood.testing.neighbourhood import START, Home, Neighbourhood
from volthood.wire.market import BUY
from volthood.wire.topics import parse_topic

SLOT, GATE = START + 900, 0
END_S = SLOT + 900 + 700
HOMES = [Home("h0", 500), Home("h1", -800), Home("h2", 250)]


def asking_for(permille: int, *names: str) -> Neighbourhood:
    hood = Neighbourhood(HOMES)
    for name in names:
        hood.houses[name].min_standing_permille = permille
        hood.houses[name].restart(hood.hood, hood.roster, hood.now_s)
    return hood


def convict(hood: Neighbourhood, judge: str, culprit: str) -> None:
    hood.houses[judge].trades.convict(Conviction(hood.houses[culprit].member().agent, START, "OrderEquivocated"))
    hood.houses[judge].trades.commit()


def pairs(hood: Neighbourhood, name: str, slot: int = SLOT) -> set[str]:
    """Houses that `name` has a counted contract with."""
    return {hood.house_of(deal.peer) for deal in hood.houses[name].deals.of_slot(slot) if deal.counted}


def closed_early(hood: Neighbourhood, name: str) -> bool:
    rows = hood.houses[name].events("RoundClosed")
    return any(f"slot={SLOT} gate={GATE} early=True" in row.details for row in rows)


@pytest.mark.parametrize("culprit", ["h0", "h2"])
def test_a_seller_signs_nothing_with_a_convicted_buyer_and_does_not_wait_for_it(culprit: str) -> None:
    hood = asking_for(1, "h1")
    convict(hood, "h1", culprit)
    hood.run_until(END_S)
    assert pairs(hood, "h1") == {"h0", "h2"} - {culprit}
    assert pairs(hood, culprit) == set()
    assert closed_early(hood, "h1")
    assert "standing_too_low" in hood.houses["h1"].refused()
    rows = hood.houses["h1"].events("TradeRefusedByStanding")
    assert all(f"peer={culprit}" in row.details and "standing_permille=0" in row.details for row in rows)
    assert {gate for gate in (0, 255) if any(f"slot={SLOT} gate={gate}" in row.details for row in rows)} == {0, 255}
    assert hood.broken_laws() == {}


def test_a_buyer_signs_nothing_with_a_convicted_seller() -> None:
    hood = asking_for(1, "h0")
    convict(hood, "h0", "h1")
    hood.run_until(END_S)
    assert hood.houses["h0"].deals.of_slot(SLOT) == []
    assert pairs(hood, "h1") == {"h2"}
    assert closed_early(hood, "h0")
    assert hood.houses["h0"].events("TradeRefusedByStanding")
    assert hood.broken_laws() == {}


def test_without_the_setting_a_convicted_member_trades() -> None:
    hood = asking_for(0, "h1")
    convict(hood, "h1", "h0")
    hood.run_until(END_S)
    assert pairs(hood, "h1") == {"h0", "h2"}


def delivered_half(deal: Deal) -> Deal:
    assert deal.peer_wh is not None
    return replace(deal, peer_wh=deal.contract.energy_wh // 2)


@pytest.mark.parametrize(("least", "trades"), [(400, True), (900, False)])
def test_what_a_neighbour_has_covered_so_far_is_its_standing(least: int, trades: bool) -> None:
    hood = asking_for(least, "h0")
    hood.run_until(START + 900 + 100)
    store = hood.houses["h0"].trades
    for deal in store.deals(START - 900):
        if deal.settled:
            store.save_deal(delivered_half(deal))
    store.commit()
    hood.run_until(START + 1800 + 300)
    assert (pairs(hood, "h0", START + 2700) == {"h1"}) is trades


def test_two_orders_cost_the_standing_of_everybody_who_knows() -> None:
    """The bundlers that saw both convict; the others learn it from the board, and a restart forgets nothing."""
    hood = Neighbourhood(HOMES)
    told = [name for name in bundlers(hood, SLOT, GATE) if name != "h0"]

    def two_faced(sender: str, topic: str, payload: bytes) -> bytes:
        parsed = parse_topic(topic)
        if sender == "h0" and parsed.area == "board" and parsed.detail == (f"{SLOT}.{GATE}", "order"):
            other = posted(hood, "h0", order(hood, "h0", SLOT, GATE, side=BUY, steps=((15_000, 10),)))[1]
            for name in told[:1]:
                hood.handle(name, BoardPosted("h0", SLOT, GATE, "order", other))
        return payload

    hood.tap = two_faced
    hood.run_until(SLOT + 100)
    for name in ("h1", "h2"):
        house = hood.houses[name]
        house.min_standing_permille = 1
        assert house.trades.convicted() == [Conviction(house_key(hood, "h0"), SLOT, "OrderEquivocated")]
        house.die()
        hood.revive(name)
    hood.run_until(END_S + 900)
    assert pairs(hood, "h0", SLOT + 1800) == set()
    assert pairs(hood, "h1", SLOT + 1800) == {"h2"}
    assert hood.broken_laws() == {}


def house_key(hood: Neighbourhood, name: str) -> bytes:
    return hood.houses[name].member().agent
