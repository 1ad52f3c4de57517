"""When everything happens in a run, and what cannot be asked for."""

import pytest

from volthood.errors import LocalError
from volthood_tools.demo.dataset import SLOT_S
from volthood_tools.demo.plan import BUDGET_S, DEFAULT_SLOTS, MAX_SPEED, RunPlan, make_plan, most_slots

START = 1_472_227_200
PLENTY = 200


def test_the_usual_run() -> None:
    plan = make_plan(START, PLENTY, homes=6, slots=None, speed=120)
    assert (plan.slots, plan.start) == (DEFAULT_SLOTS, START)
    assert list(plan.slot_starts)[-1] == START + 15 * SLOT_S


@pytest.mark.parametrize(
    ("speed", "windows", "guard_s"),
    [
        (1, (20, 10, 20), 2),
        (7, (20, 14, 20), 3),
        (15, (30, 30, 30), 5),
        (120, (240, 240, 240), 36),
        (240, (240, 240, 240), 72),
    ],
)
def test_windows_last_one_real_second_or_two_and_the_guard_300_ms(
    speed: int, windows: tuple[int, int, int], guard_s: int
) -> None:
    plan = RunPlan(START, 4, speed, 2)
    assert (plan.order_s, plan.bundle_s, plan.contract_s) == windows
    assert plan.guard_s == guard_s


@pytest.mark.parametrize("speed", [1, 120, MAX_SPEED])
def test_a_round_ends_before_its_slot_begins(speed: int) -> None:
    plan = RunPlan(START, 4, speed, 10)
    assert plan.first_gate_s + plan.order_s + plan.bundle_s + plan.contract_s <= START


@pytest.mark.parametrize("homes", range(2, 11))
def test_calendar_time_starts_some_real_seconds_before_the_first_gate(homes: int) -> None:
    plan = RunPlan(START, 4, 240, homes)
    real_s = (plan.first_gate_s - plan.calendar_start_s) / plan.speed
    assert 1.5 <= real_s <= 4


def test_the_run_ends_after_the_windows_of_the_last_balancing_round() -> None:
    plan = RunPlan(START, 2, 120, 2)
    assert plan.end_s == START + 2 * SLOT_S + 600 + 3 * 240
    assert plan.calendar_real_s == (plan.end_s - plan.calendar_start_s) / 120


def test_three_minutes_carry_more_than_the_usual_slots_with_any_number_of_homes() -> None:
    assert all(DEFAULT_SLOTS <= most_slots(homes) < 24 for homes in range(2, 11))
    plan = make_plan(START, PLENTY, 6, most_slots(6), 120)
    assert BUDGET_S - 35 < plan.calendar_real_s < BUDGET_S


@pytest.mark.parametrize(
    ("slots", "speed", "available", "reason"),
    [
        (4, 241, PLENTY, r"--speed 241: 1 to 240 are possible\. Only calendar time is faster"),
        (4, 0, PLENTY, r"--speed 0: 1 to 240"),
        (0, 120, PLENTY, r"--slots 0: 1 to \d+ are possible with 6 homes"),
        (60, 120, PLENTY, r"--slots 60: 1 to \d+ .* within 3 minutes at the default speed of 120"),
        (12, 120, 8, r"--slots 12: the data has 8 slots"),
    ],
)
def test_what_cannot_be_is_refused_with_the_reason(slots: int, speed: int, available: int, reason: str) -> None:
    with pytest.raises(LocalError, match=reason):
        make_plan(START, available, 6, slots, speed)


def test_short_data_makes_a_short_run() -> None:
    assert make_plan(START, 5, 6, None, 120).slots == 5
