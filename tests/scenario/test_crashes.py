"""Processes that die at any step, and disks that fail: afterwards the laws hold and nobody looks like a liar.

A sweep kills whoever handles the k-th event, for each k of a short run and each moment of handling it, and starts it again
a second later. A sample of the sweep runs always, all of it with the marker `long`.
"""

import pytest

from volthood.core.deals import Role, Status
from volthood.engine.desk import OFF, ON, TRADING
from volthood.testing.forging import equivocations
from volthood.testing.household import CommitFault
from volthood.testing.neighbourhood import START, Crash, Home, Moment, Neighbourhood
from volthood.wire.market import Order, unpack_eddsa

HOMES = [Home("h0", 500, seen_wh=400), Home("h1", -800), Home("h2", 250)]
SLOT = START
END_S = SLOT + 900 + 600 + 120
"""A slot with its forward and its balancing round, and time to settle."""
EVENTS = 300
"""More than a run of this length has."""


def neighbourhood() -> Neighbourhood:
    hood = Neighbourhood(HOMES)
    hood.restart_after_s = 1
    return hood


def delivered_wh(hood: Neighbourhood, slot: int = SLOT) -> int:
    deals = [deal for house in hood.houses.values() for deal in house.trades.deals(0)]
    return sum(deal.delivered_wh for deal in deals if deal.role is Role.BUYER and deal.contract.slot == slot)


def is_sound(hood: Neighbourhood) -> None:
    assert hood.broken_laws() == {}
    assert equivocations(hood) == []
    assert all(house.alive for house in hood.houses.values())
    for house in hood.houses.values():
        assert house.ring == {}, "every record was confirmed at last"
        assert set(house.refused()) <= {"replayed", "window_over"}, "the voices of the risen, at worst too late"
        assert [row.rseq for row in house.readings.all_records()] == list(range(1, house.meter.last.rseq + 1))


def crashes(numbers: range) -> list[Crash]:
    return [Crash(number, moment) for number in numbers for moment in Moment]


def test_a_run_has_fewer_events_than_the_sweep() -> None:
    hood = neighbourhood()
    hood.run_until(END_S)
    assert EVENTS - 60 < hood.handled < EVENTS
    assert delivered_wh(hood) == 750
    is_sound(hood)


def survives(crash: Crash) -> int:
    hood = neighbourhood()
    hood.crash = crash
    hood.run_until(END_S)
    hood.crash = None
    hood.run_until(END_S + 30)
    is_sound(hood)
    return delivered_wh(hood)


@pytest.mark.parametrize("crash", crashes(range(7, EVENTS, 43)), ids=lambda c: f"{c.number}-{c.moment.name}")
def test_a_crash_at_some_step(crash: Crash) -> None:
    assert survives(crash) >= 500


@pytest.mark.long
@pytest.mark.parametrize("crash", crashes(range(1, EVENTS)), ids=lambda c: f"{c.number}-{c.moment.name}")
def test_a_crash_at_every_step(crash: Crash) -> None:
    assert survives(crash) >= 500


@pytest.mark.long
@pytest.mark.parametrize("first", range(20, EVENTS, 10))
def test_two_crashes(first: int) -> None:
    """The second one strikes while the first is being recovered from."""
    for gap in (1, 2, 3, 5, 8, 13):
        hood = neighbourhood()
        hood.crash = Crash(first, Moment.AFTER_COMMIT)
        hood.run_until(START - 899)
        while hood.now_s < END_S:
            if hood.handled > first and hood.crash.number == first:
                hood.crash = Crash(hood.handled + gap, Moment.BEFORE_COMMIT)
            hood.run_until(hood.now_s + 1)
        hood.crash = None
        hood.run_until(END_S + 30)
        is_sound(hood)


@pytest.mark.parametrize("victim", ["h0", "h1"])
def test_a_restart_between_clearing_and_signature_signs_no_second_contract(victim: str) -> None:
    """Dies with the contract window open, comes back without the bundles: what it signed stands, nothing is added."""
    hood = neighbourhood()
    hood.restart_after_s = None
    seen: list[str] = []

    def losing(sender: str, topic: str, payload: bytes) -> bytes | None:
        if "/in/" in topic and not seen:
            seen.append(topic)
            hood.kill(victim)
        lost = "/board/" in topic and topic.endswith("give") and hood.houses[victim].alive and seen
        return None if lost else payload

    hood.tap = losing
    hood.run_until(SLOT - 900 + 5)
    hood.revive(victim)
    hood.run_until(END_S)
    is_sound(hood)


@pytest.mark.parametrize("victim", ["h0", "h1", "h2"])
def test_a_restart_in_mid_round_keeps_the_story_of_what_was_counted(victim: str) -> None:
    """The board is silent when it comes back: it counts its own bundle at most, and what it signed came of three."""
    hood = neighbourhood()
    hood.restart_after_s = None
    hood.run_until(SLOT - 900 + 2)
    store = hood.houses[victim].trades
    [before] = store.round_notes(SLOT)
    book = store.book((SLOT, 0))
    assert (before.orders, before.bundles, before.traded_wh) == (3, 3, 650)
    hood.kill(victim)
    hood.tap = lambda _sender, topic, payload: None if "/board/" in topic else payload
    hood.run_until(SLOT - 900 + 4)
    hood.revive(victim)
    hood.run_until(SLOT - 900 + 60)
    assert hood.houses[victim].events("BookClearedAgain")
    assert store.round_notes(SLOT) == [before]
    assert store.book((SLOT, 0)) == book
    hood.tap = lambda _sender, _topic, payload: payload
    hood.run_until(END_S)
    is_sound(hood)


def test_an_agent_that_is_away_for_the_whole_slot_settles_when_it_is_back() -> None:
    hood = neighbourhood()
    hood.restart_after_s = None
    hood.run_until(SLOT + 100)
    hood.kill("h1")
    hood.run_until(SLOT + 900 + 900)
    assert delivered_wh(hood) == 0
    hood.revive("h1")
    hood.run_until(SLOT + 900 + 1000)
    assert delivered_wh(hood) == 400 + 250
    is_sound(hood)


def test_everybody_dies_at_once_and_rises() -> None:
    hood = neighbourhood()
    for at_s in (SLOT - 899, SLOT + 450, SLOT + 900 + 1, SLOT + 1500 + 1):
        hood.run_until(at_s)
        for name in hood.houses:
            hood.kill(name)
    hood.run_until(END_S)
    assert delivered_wh(hood) == 750
    is_sound(hood)


@pytest.mark.parametrize("fault", CommitFault)
@pytest.mark.parametrize("at_s", [SLOT - 901, SLOT - 1, SLOT + 899, SLOT + 1499])
@pytest.mark.parametrize("name", ["h0", "h1"])
def test_a_store_that_fails(fault: CommitFault, at_s: int, name: str) -> None:
    """The process that cannot write stops before it says anything; the next one says the same bytes, once."""
    hood = neighbourhood()
    hood.run_until(at_s)
    before = len(hood.sent)
    hood.houses[name].trades.fault = fault
    hood.run_until(at_s + 1)
    assert hood.houses[name].trades.fault is None
    assert not hood.houses[name].alive
    assert [entry for entry in hood.sent[before:] if entry[0] == name] == []
    hood.run_until(END_S)
    assert delivered_wh(hood) == 750
    is_sound(hood)


def orders_wh(hood: Neighbourhood, name: str, since: int) -> list[int]:
    """Energy of each order that a house posted since so many messages."""
    payloads = [payload for sender, topic, payload in hood.sent[since:] if sender == name and topic.endswith("/order")]
    orders = [Order.from_cbor(unpack_eddsa(payload, Order.MAX_BYTES).payload) for payload in payloads]
    return [sum(wh for _, wh in order.steps) for order in orders]


def test_trading_off_ends_orders_not_contracts_and_survives_a_restart() -> None:
    hood = neighbourhood()
    hood.run_until(SLOT + 100)
    store = hood.houses["h0"].trades
    store.set_setting(TRADING, OFF)
    store.commit()
    since = len(hood.sent)
    hood.run_until(SLOT + 1000)
    hood.kill("h0")
    hood.run_until(SLOT + 2700)
    assert set(orders_wh(hood, "h0", since)) == {0}
    contracted = [deal for deal in store.deals(0) if deal.contract.slot in {SLOT, SLOT + 900}]
    assert {deal.status for deal in contracted} == {Status.COMPLETED}
    assert not [deal for deal in store.deals(0) if deal.contract.slot > SLOT + 900]
    store.set_setting(TRADING, ON)
    store.commit()
    since = len(hood.sent)
    hood.run_until(SLOT + 4500)
    assert 0 not in orders_wh(hood, "h0", since)[:1]
    is_sound(hood)
