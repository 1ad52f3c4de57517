"""The watch finds what is broken: one thing is spoilt after a sound run, and the law that forbids it must say so.

A simulator that never finds anything proves nothing.
"""

from collections.abc import Callable
from dataclasses import replace

import pytest

from volthood.core.deals import Deal, Role
from volthood_tools.sim.faults import FaultPlan
from volthood_tools.sim.generate import generate
from volthood_tools.sim.household import SimHousehold
from volthood_tools.sim.run import Settings
from volthood_tools.sim.watch import Watch
from volthood_tools.sim.world import World

SLOTS = 1
SETTINGS = Settings(slots=SLOTS)


def sound_world() -> World:
    """A hood some time after its last slot, with settled contracts in each of them."""
    world = World(generate(4, SLOTS, 3), SLOTS, SETTINGS.market, FaultPlan(), "3")
    world.run_until(world.slots.stop + 3600)
    return world


def settled(world: World, role: Role) -> tuple[SimHousehold, Deal]:
    for house in world.houses.values():
        for deal in house.trades.deals(0):
            if deal.settled and deal.delivered_wh and deal.role is role:
                return house, deal
    pytest.fail("nothing was traded")


def judged(world: World) -> set[str]:
    watch = Watch(world)
    watch.check_all()
    return {breach.law for breach in watch.breaches}


def test_a_sound_run_breaks_no_law() -> None:
    world = sound_world()
    settled(world, Role.BUYER)
    for slot in world.slots:
        world.watch.check_slot(slot)
    world.watch.check_all()
    assert world.watch.breaches == []
    assert set(world.watch.judged) >= {
        "no_regret",
        "money_sums_to_zero",
        "one_message_a_round",
        "acknowledged_is_stored",
    }
    assert world.quiet


def _without_signature(deal: Deal) -> Deal:
    return replace(deal, seller_signature=None)


def _forged_signature(deal: Deal) -> Deal:
    assert deal.buyer_signature is not None
    return replace(deal, buyer_signature=deal.buyer_signature[:-1] + bytes([deal.buyer_signature[-1] ^ 1]))


def _more_than_metered(deal: Deal) -> Deal:
    return replace(deal, own_wh=10**6, peer_wh=10**6)


def _less_than_stated(deal: Deal) -> Deal:
    return replace(deal, own_wh=1)


def _unsettled(deal: Deal) -> Deal:
    return replace(deal, own_settlement=None)


def _worse_price(deal: Deal) -> Deal:
    return _changed(deal, buyer_price=30_000)


def _changed(deal: Deal, **values: int) -> Deal:
    contract = deal.contract
    fields = {field.name: getattr(contract, field.name) for field in contract.FIELDS}
    return replace(deal, payload=type(contract)(**(fields | values)).to_cbor())


@pytest.mark.parametrize(
    ("role", "spoil", "law"),
    [
        (Role.BUYER, _without_signature, "two_signatures"),
        (Role.BUYER, _forged_signature, "two_signatures"),
        (Role.SELLER, _more_than_metered, "no_wh_allocated_twice"),
        (Role.BUYER, _more_than_metered, "all_energy_is_billed"),
        (Role.SELLER, _less_than_stated, "both_sides_agree"),
        (Role.SELLER, _less_than_stated, "stated_once"),
        (Role.SELLER, _unsettled, "no_money_in_flight"),
        (Role.SELLER, _less_than_stated, "money_sums_to_zero"),
        (Role.BUYER, _worse_price, "one_contract_a_pair"),
        (Role.SELLER, _worse_price, "both_keep_the_contract"),
    ],
)
def test_a_spoilt_deal_is_found(role: Role, spoil: Callable[[Deal], Deal], law: str) -> None:
    world = sound_world()
    house, deal = settled(world, role)
    house.trades.save_deal(spoil(deal))
    assert law in judged(world)


def _with_a_better_tariff() -> tuple[World, SimHousehold]:
    """A world in which a buyer had logged a tariff that beats what its neighbours asked."""
    world = sound_world()
    house, deal = settled(world, Role.BUYER)
    (first, *_) = house.trades.slot_notes(deal.contract.slot)
    house.trades.save_slot_note(replace(first, import_mct_per_kwh=1))
    return world, house


def test_a_household_that_paid_more_than_its_tariff_is_found() -> None:
    world, _ = _with_a_better_tariff()
    assert "no_regret" in judged(world)


def test_an_agent_that_bends_its_own_orders_may_regret_it() -> None:
    world, house = _with_a_better_tariff()
    world.liars[house.name] = "greedy"
    assert "no_regret" not in judged(world)


def test_both_sides_in_one_slot_are_found() -> None:
    world = sound_world()
    house, deal = settled(world, Role.BUYER)
    house.trades.save_deal(replace(_changed(deal, gate=9), role=Role.SELLER))
    assert "one_side_a_slot" in judged(world)


def test_a_second_version_of_a_message_is_found() -> None:
    world = sound_world()
    watch = Watch(world)
    watch.posted("home0001", 900, 0, "order", b"one")
    watch.posted("home0001", 900, 0, "order", b"one")
    assert watch.breaches == []
    watch.posted("home0001", 900, 0, "order", b"two")
    assert [breach.law for breach in watch.breaches] == ["one_message_a_round"]


def test_a_confirmed_record_that_is_not_there_is_found() -> None:
    world = sound_world()
    watch = Watch(world)
    watch.confirmed("home0001", 2)
    watch.check_all()
    assert watch.breaches == []
    watch.confirmed("home0001", 99)
    watch.check_all()
    assert {breach.law for breach in watch.breaches} == {"acknowledged_is_stored"}
