"""Clocks that differ, processes that sleep, meters that are late or silent."""

import pytest

from volthood.core.deals import Deal, Role, Status
from volthood.engine.events import ClockJudged
from volthood.testing.forging import equivocations
from volthood.testing.neighbourhood import START, Home, Neighbourhood

SLOT, GATE = START + 900, 0
HOMES = [Home("h0", 500), Home("h1", -800), Home("h2", 250)]
FAIR_WH = 750
END_S = SLOT + 900 + 700


def neighbourhood(settle_within_s: int = 48 * 3600) -> Neighbourhood:
    return Neighbourhood(HOMES, settle_within_s=settle_within_s)


def of_slot(hood: Neighbourhood, name: str, slot: int = SLOT) -> list[Deal]:
    return [deal for deal in hood.houses[name].trades.deals(slot) if deal.contract.slot == slot]


def delivered_wh(hood: Neighbourhood, slot: int = SLOT, gate: int | None = None) -> int:
    deals = [deal for name in hood.houses for deal in of_slot(hood, name, slot) if deal.role is Role.BUYER]
    return sum(deal.delivered_wh for deal in deals if gate in {None, deal.contract.gate})


@pytest.mark.parametrize("skews_s", [(0, 1, -1), (2, 0, 0), (-2, 0, 0), (0, 2, 2)])
def test_clocks_within_the_guard_cost_nothing(skews_s: tuple[int, ...]) -> None:
    hood = neighbourhood()
    for house, skew_s in zip(hood.houses.values(), skews_s, strict=True):
        house.skew_s = skew_s
    hood.run_until(END_S)
    assert delivered_wh(hood, gate=GATE) == FAIR_WH
    assert [house.refused() for house in hood.houses.values()] == [[], [], []]
    assert hood.broken_laws() == {}


@pytest.mark.parametrize("skew_s", [-30, 30])
def test_a_clock_beyond_the_guard_costs_its_owner_the_trade_and_is_told(skew_s: int) -> None:
    hood = neighbourhood()
    hood.houses["h0"].skew_s = skew_s
    hood.run_until(END_S)
    told = hood.houses["h1"].refused() if skew_s > 0 else doubts(hood, "h0")
    assert "window_over" in told or f"this_clock_is_{-skew_s}_s_or_more_behind_most_neighbours'" in told
    assert [deal for deal in of_slot(hood, "h0") if deal.counted and deal.contract.gate == GATE] == []
    assert delivered_wh(hood, gate=GATE) == 250
    assert hood.broken_laws() == {}


def doubts(hood: Neighbourhood, name: str) -> list[str]:
    """The reasons for which a house doubted its clock."""
    return [row.details.removeprefix("reason=") for row in hood.houses[name].events("ClockDoubted")]


def test_a_clock_that_runs_behind_the_neighbours_sits_rounds_out_until_it_is_right() -> None:
    hood = neighbourhood()
    hood.houses["h0"].skew_s = -30
    hood.run_until(SLOT + 4 * 900)
    assert [row.name for row in hood.houses["h0"].events("ClockDoubted", "ClockTrusted")] == ["ClockDoubted"]
    sat_out = hood.houses["h0"].events("RoundSatOut")
    assert len(sat_out) >= 6
    assert not [topic for sender, topic, _ in hood.sent if sender == "h0" and topic.endswith(("order", "bundle"))]
    hood.houses["h0"].skew_s = 0
    hood.run_until(SLOT + 7 * 900)
    assert hood.houses["h0"].events("ClockTrusted")
    assert any(deal.counted for deal in of_slot(hood, "h0", SLOT + 6 * 900))
    assert hood.broken_laws() == {}


def test_a_machine_that_does_not_trust_its_clock_sits_out_and_says_why() -> None:
    hood = neighbourhood()
    doubt = "the system's clock is not synchronised (no NTP server heard)"
    hood.handle("h0", ClockJudged(doubt))
    hood.run_until(SLOT + 900 + 700)
    assert doubts(hood, "h0") == [doubt.replace(" ", "_")]
    assert of_slot(hood, "h0") == []
    assert {note.reason for note in hood.houses["h0"].trades.slot_notes(SLOT)} == {doubt}
    assert delivered_wh(hood) == 250
    hood.handle("h0", ClockJudged(None))
    hood.run_until(SLOT + 3 * 900 + 700)
    assert any(deal.counted for deal in of_slot(hood, "h0", SLOT + 2 * 900))
    assert hood.broken_laws() == {}


def test_doubt_in_mid_round_signs_nothing_more() -> None:
    hood = neighbourhood()
    gate_s = hood.hood.gate_s(SLOT, GATE)
    hood.tap = lambda _sender, topic, payload: None if topic.endswith("bundle") and hood.now_s < gate_s + 5 else payload
    hood.run_until(gate_s + 1)
    hood.handle("h0", ClockJudged("the system's clock is not synchronised"))
    hood.run_until(SLOT - 1)
    assert [deal for deal in of_slot(hood, "h0") if deal.counted] == []
    assert hood.broken_laws() == {}


def test_a_clock_that_is_ahead_by_more_than_a_window_is_doubted_too() -> None:
    hood = neighbourhood()
    hood.houses["h0"].skew_s = 25
    hood.run_until(SLOT + 2 * 900)
    assert doubts(hood, "h0")[0].startswith("this_clock_is_")
    assert "ahead" in doubts(hood, "h0")[0]


def test_one_neighbour_whose_clock_is_wrong_makes_nobody_doubt() -> None:
    hood = neighbourhood()
    hood.houses["h0"].skew_s = 45
    hood.run_until(SLOT + 2 * 900)
    assert doubts(hood, "h1") == doubts(hood, "h2") == []


def test_an_old_order_that_comes_again_makes_nobody_doubt() -> None:
    """A broker that repeats itself an hour later tells nothing about clocks."""
    hood = neighbourhood()
    hood.route = lambda _sender, _receiver, topic: (0, 3600) if "/board/" in topic else (0,)
    hood.run_until(SLOT + 3 * 900)
    assert {name: doubts(hood, name) for name in hood.houses} == {"h0": [], "h1": [], "h2": []}
    hood.run_until(SLOT + 6 * 900)
    assert delivered_wh(hood, SLOT + 5 * 900) == FAIR_WH


@pytest.mark.parametrize("asleep_at_s", [-905, -900, -899, -880, -871, -1, 1, 899, 1499, 1501])
def test_a_process_suspended_for_ten_minutes_wakes_up_sound(asleep_at_s: int) -> None:
    """Its messages wait at the broker; then they come all at once, and it sees the time has gone by."""
    hood = neighbourhood()
    hood.run_until(SLOT + asleep_at_s)
    wakes_s = hood.now_s + 600
    hood.houses["h1"].alive = False
    hood.route = lambda _sender, receiver, _topic: (
        (wakes_s - hood.now_s,) if receiver == "h1" and hood.now_s < wakes_s else (0,)
    )
    hood.run_until(wakes_s - 1)
    hood.houses["h1"].alive = True
    hood.run_until(END_S + 900)
    assert delivered_wh(hood) == FAIR_WH
    assert equivocations(hood) == []
    assert hood.broken_laws() == {}
    assert all(house.engine.unconfirmed == 0 for house in hood.houses.values())


def test_a_round_slept_through_signs_nothing_when_it_is_cleared_at_last() -> None:
    """h0 fell asleep with all bundles but one, and wakes ten minutes later without it."""
    hood = neighbourhood()
    gate_s = hood.hood.gate_s(SLOT, GATE)

    def asleep_after_two_bundles(_sender: str, receiver: str, topic: str) -> tuple[int, ...]:
        if receiver == "h0" and topic.endswith("bundle") and gate_s <= hood.now_s < gate_s + 600:
            hood.houses["h0"].alive = False
        return (0,)

    hood.route = asleep_after_two_bundles
    hood.run_until(gate_s + 600)
    hood.houses["h0"].alive = True
    since = len(hood.sent)
    hood.run_until(gate_s + 601)
    said = [
        topic for sender, topic, _ in hood.sent[since:] if sender == "h0" and (f"/{SLOT}." in topic or "/in/" in topic)
    ]
    assert said == []
    assert of_slot(hood, "h0") == []
    hood.run_until(END_S)
    assert delivered_wh(hood, gate=255) > 0
    assert hood.broken_laws() == {}


@pytest.mark.parametrize("delay_s", [1, 60, 225])
def test_slot_edges_read_late_are_edges(delay_s: int) -> None:
    hood = neighbourhood()
    hood.houses["h0"].edge_delay_s = delay_s
    hood.houses["h1"].edge_delay_s = 60
    hood.run_until(END_S)
    assert delivered_wh(hood) == FAIR_WH
    assert hood.broken_laws() == {}


def test_an_edge_read_too_late_is_none_and_is_told() -> None:
    hood = neighbourhood()
    hood.houses["h0"].edge_delay_s = 226
    hood.run_until(END_S)
    assert set(hood.houses["h0"].refused()) == {"edge_missed"}
    assert {deal.status for deal in of_slot(hood, "h0")} == {Status.CONTRACTED}
    assert delivered_wh(hood) == 250
    assert hood.broken_laws() == {}


def test_a_restart_with_a_record_that_was_no_edge() -> None:
    """What was kept though it is no edge does not keep the agent from starting."""
    hood = neighbourhood()
    hood.houses["h0"].edge_delay_s = 300
    hood.run_until(SLOT + 450)
    hood.kill("h0")
    hood.revive("h0")
    assert hood.houses["h0"].alive


def test_a_slot_without_record_stays_contracted_and_goes_to_the_tariff_in_the_end() -> None:
    """h1's node sleeps through one edge: the two slots beside it cannot be settled, all others are."""
    within_s = 2 * 3600
    hood = neighbourhood(within_s)
    hood.houses["h1"].mute_edges.add(SLOT + 900)
    hood.run_until(SLOT + 4 * 900)
    for slot, settled in ((SLOT - 900, True), (SLOT, False), (SLOT + 900, False), (SLOT + 1800, True)):
        wanted = {Status.COMPLETED} if settled else {Status.CONTRACTED}
        assert {deal.status for deal in of_slot(hood, "h1", slot) if deal.counted} == wanted, slot
    hood.run_until(SLOT + 900 + within_s - 1)
    assert {deal.status for deal in of_slot(hood, "h1")} == {Status.CONTRACTED}
    hood.run_until(SLOT + 900 + within_s + 1)
    for name in hood.houses:
        assert {deal.status for deal in of_slot(hood, name) if deal.counted} <= {Status.FAILED}
        assert hood.houses[name].events("ContractExpired")
    assert {deal.status for deal in of_slot(hood, "h1", SLOT + 900)} == {Status.CONTRACTED}
    assert hood.broken_laws() == {}


def test_what_expires_while_the_agent_is_off_is_failed_when_it_starts() -> None:
    hood = neighbourhood(3600)
    hood.houses["h0"].mute_edges.update(range(SLOT, SLOT + 9000, 900))
    hood.run_until(SLOT + 450)
    hood.kill("h0")
    hood.run_until(SLOT + 900 + 3 * 3600)
    hood.revive("h0")
    assert {deal.status for deal in of_slot(hood, "h0") if deal.counted} == {Status.FAILED}
    assert hood.broken_laws() == {}


def test_a_settlement_signed_in_time_counts_though_it_arrives_too_late() -> None:
    """Both signed within the limit, but h0's signature is under way until after it: the deal is settled on both sides."""
    within_s = 3600
    hood = neighbourhood(within_s)
    hood.route = lambda sender, receiver, topic: (
        () if sender == "h0" and receiver == "h1" and "/in/" in topic and hood.now_s >= SLOT + 900 else (0,)
    )
    hood.run_until(SLOT + 900 + within_s + 100)
    assert Status.FAILED in {deal.status for deal in of_slot(hood, "h1")}
    hood.route = lambda _sender, _receiver, _topic: (0,)
    hood.run_until(hood.now_s + 200)
    assert hood.broken_laws() == {}
    for name, peer in (("h0", "h1"), ("h1", "h0")):
        agent = hood.houses[peer].member().agent
        between = [deal for deal in of_slot(hood, name) if deal.peer == agent]
        assert len({(deal.settled, deal.delivered_wh) for deal in between}) == 1
    both = [
        {
            (deal.id, deal.settled, deal.delivered_wh)
            for deal in of_slot(hood, name)
            if deal.peer == hood.houses[peer].member().agent
        }
        for name, peer in (("h0", "h1"), ("h1", "h0"))
    ]
    assert both[0] == both[1]
