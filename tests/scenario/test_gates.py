"""Several gates to a slot: an hour ahead, a quarter ahead, and two balancing rounds. Orders are net of what was contracted."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from volthood.core.deals import Deal, Role, Status
from volthood.core.grid import GridMap, GridNode
from volthood.core.hood import Gate
from volthood.testing.neighbourhood import START, Home, Neighbourhood

GATES = (Gate(0, -3600), Gate(1, -900), Gate(254, 600), Gate(255, 1500))
FIRST = START + 3600
"""The first slot whose gates all lie ahead."""
SLOTS = range(FIRST, FIRST + 2 * 900, 900)
END_S = SLOTS.stop + 1600
LINE = GridMap((GridNode("station"), GridNode("street", "station", up_wh=401, down_wh=401)))
"""401 Wh a slot: 200 at each of two forward gates, and one Wh that no gate has."""


def lived_through(
    homes: list[Home], gates: Sequence[Gate] = GATES, grid: GridMap | None = None, price_rule: str = "mid-market"
) -> Neighbourhood:
    """Sellers sit in the street, buyers at the station, where there is a grid."""
    hood = Neighbourhood(homes, price_rule)
    rules = replace(hood.hood, gates=tuple(gates))
    if grid is not None:
        sellers = {home.name for home in homes if home.at(START) < 0}
        places = {member.house: "street" if member.house in sellers else "station" for member in rules.members}
        members = tuple(replace(member, node=places[member.house]) for member in rules.members)
        rules = replace(rules, grid=grid, members=members)
    hood.hood = rules
    for house in hood.houses.values():
        house.restart(rules, hood.roster, hood.now_s)
    hood.run_until(END_S)
    return hood


def bought_wh(hood: Neighbourhood, name: str, slot: int) -> dict[int, int]:
    """What a house bought in a slot, by gate."""
    deals = [deal for deal in hood.houses[name].trades.deals(START) if deal.contract.slot == slot]
    assert {deal.role for deal in deals} <= {Role.BUYER}
    return {deal.contract.gate: deal.delivered_wh for deal in deals}


def all_deals(hood: Neighbourhood) -> list[Deal]:
    return [deal for house in hood.houses.values() for deal in house.trades.deals(FIRST) if deal.contract.slot in SLOTS]


def test_every_gate_has_its_round() -> None:
    hood = lived_through([Home("ann", 600), Home("ben", -600), Home("cleo", 100)])
    for slot in SLOTS:
        for house in hood.houses.values():
            assert [note.gate for note in house.trades.round_notes(slot)] == [0, 1, 254, 255]
            assert [note.gate for note in house.trades.slot_notes(slot)] == [0, 1, 254, 255]
    assert [house.refused() for house in hood.houses.values()] == [[]] * 3


def test_what_the_first_gate_traded_is_not_ordered_again() -> None:
    hood = lived_through([Home("ann", 600), Home("ben", -600)])
    for slot in SLOTS:
        assert bought_wh(hood, "ann", slot) == {0: 600}
        for house in hood.houses.values():
            assert [note.order_wh for note in house.trades.slot_notes(slot)] == [600, 0, 0, 0]
    assert hood.broken_laws() == {}


@pytest.mark.parametrize("price_rule", ["mid-market", "auction"])
def test_forward_gates_share_a_capacity_and_balancing_has_none(price_rule: str) -> None:
    """Of 600 Wh each forward gate lets 200 through; the energy has flowed when the first balancing round trades 200."""
    hood = lived_through([Home("ann", 600), Home("ben", -600)], grid=LINE, price_rule=price_rule)
    for slot in SLOTS:
        assert bought_wh(hood, "ann", slot) == {0: 200, 1: 200, 254: 200}
        orders = [[note.order_wh for note in house.trades.slot_notes(slot)] for house in hood.houses.values()]
        assert orders == [[600, 400, 200, 0]] * 2
    assert hood.broken_laws() == {}


def test_a_side_once_taken_is_kept_and_balancing_mends_a_wrong_forecast() -> None:
    """Cleo expects to need 300 and exports 200: what it bought fails, and it sells nothing in that slot."""
    hood = lived_through([Home("ann", 500), Home("ben", -300), Home("cleo", -200, seen_wh=300)])
    deals = all_deals(hood)
    for slot in SLOTS:
        roles = {deal.role for deal in hood.houses["cleo"].trades.deals(FIRST) if deal.contract.slot == slot}
        assert len(roles) <= 1
        delivered = [deal for deal in deals if deal.contract.slot == slot and deal.role is Role.BUYER]
        assert sum(deal.delivered_wh for deal in delivered) >= 300
    assert hood.broken_laws() == {}
    assert {deal.status for deal in deals} <= {Status.COMPLETED, Status.PARTIAL, Status.FAILED}


@pytest.mark.parametrize(
    "gates",
    [
        (Gate(0, -7200), Gate(1, -3600), Gate(2, -1800), Gate(3, -900), Gate(254, 0)),
        (Gate(0, -900),),
        (Gate(255, 0),),
        (Gate(0, -60), Gate(1, -900), Gate(253, -1800), Gate(254, 60), Gate(255, 600)),
    ],
    ids=["four forward", "forward alone", "balancing alone", "indexes against time"],
)
def test_other_calendars_of_gates(gates: tuple[Gate, ...]) -> None:
    hood = lived_through([Home("ann", 600), Home("ben", -600), Home("cleo", 50)], gates)
    for slot in range(SLOTS.stop - 900, SLOTS.stop, 900):
        bought = [deal for deal in all_deals(hood) if deal.role is Role.BUYER and deal.contract.slot == slot]
        assert sum(deal.delivered_wh for deal in bought) == 600
        assert {deal.status for deal in bought} == {Status.COMPLETED}
    assert hood.broken_laws() == {}


def test_a_restart_between_the_gates_orders_only_the_rest() -> None:
    homes = [Home("ann", 600), Home("ben", -600)]
    hood = Neighbourhood(homes)
    hood.hood = replace(hood.hood, gates=GATES)
    for house in hood.houses.values():
        house.restart(hood.hood, hood.roster, hood.now_s)
    hood.run_until(FIRST - 1800)
    for name in hood.houses:
        hood.kill(name)
        hood.revive(name)
    hood.run_until(END_S)
    assert bought_wh(hood, "ann", FIRST) == {0: 600}
    assert hood.broken_laws() == {}
