"""Forecasts: the median where days are alike, a marked stand-in where there are none, bands that hold the centre."""

from collections.abc import Callable, Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from volthood.core.forecast import MEAN_LOAD_W, MEAN_PV_W, Forecast, Forecaster, Place, Sample, sample_of_net

SLOT_S = 900
DAY = 86_400
MONDAY = 4 * DAY
HERE = Place(SLOT_S)


def days(count: int, load_wh: Callable[[int], int], pv_wh: Callable[[int], int] = lambda _: 0) -> list[Sample]:
    return [Sample(slot, load_wh(slot), pv_wh(slot)) for slot in range(MONDAY, MONDAY + count * DAY, SLOT_S)]


def noon_sun(slot: int) -> int:
    return max(0, 500 - abs(slot % DAY - DAY // 2) // 36)


def forecast(samples: Iterable[Sample], slot: int, place: Place) -> Forecast:
    return Forecaster(samples).forecast(slot, place)


def before(samples: list[Sample], slot: int, lead_s: int = 2 * SLOT_S) -> list[Sample]:
    return [sample for sample in samples if sample.slot <= slot - lead_s]


def test_the_same_every_day_is_forecast_exactly_and_surely() -> None:
    samples = days(10, lambda slot: 100 + slot % DAY // 900, noon_sun)
    slot = MONDAY + 9 * DAY + 40 * SLOT_S
    load_wh, pv_wh = 140, noon_sun(slot)
    net_wh = load_wh - pv_wh
    assert forecast(before(samples, slot), slot, HERE) == Forecast(
        slot, load_wh, pv_wh, net_wh, net_wh, net_wh, "like_days"
    )


def test_one_odd_day_does_not_move_the_median() -> None:
    samples = days(5, lambda slot: 4000 if slot // DAY == 6 else 200)
    slot = MONDAY + 5 * DAY
    assert forecast(samples, slot - slot % DAY, HERE).load_wh == 200


def test_weekends_are_forecast_from_weekends_once_there_are_enough() -> None:
    saturday = MONDAY + 19 * DAY
    samples = days(19, lambda slot: 900 if HERE.weekend(slot) else 100)
    assert forecast([*samples, Sample(saturday, 900, 0)], saturday + 5 * 3600, HERE).load_wh == 900
    assert not HERE.weekend(MONDAY)
    assert [HERE.weekend(MONDAY + day * DAY) for day in range(7)] == [False] * 5 + [True] * 2
    assert Place(SLOT_S, -7 * 3600).weekend(MONDAY)


def test_a_change_since_this_morning_is_believed() -> None:
    usual = days(7, lambda _: 100)
    today = [Sample(MONDAY + 7 * DAY + number * SLOT_S, 600, 0) for number in range(16)]
    after = forecast([*usual, *today], MONDAY + 7 * DAY + 17 * SLOT_S, HERE)
    assert after.load_wh > 500


def test_half_the_sun_of_the_last_hours_is_half_the_sun_to_come() -> None:
    slot = MONDAY + 8 * DAY + DAY // 2
    clouds = [
        Sample(sample.slot, 100, noon_sun(sample.slot) // 2)
        if sample.slot >= slot - DAY // 2
        else Sample(sample.slot, 100, noon_sun(sample.slot))
        for sample in days(9, lambda _: 100)
    ]
    assert abs(forecast(before(clouds, slot), slot, HERE).pv_wh - noon_sun(slot) // 2) <= 5


def test_without_history_the_mean_day_of_the_sample_homes_is_marked() -> None:
    place = Place(SLOT_S, -7 * 3600)
    slot = MONDAY + 19 * 3600
    nothing = forecast([], slot, place)
    load_wh = round(MEAN_LOAD_W[12] / 4)
    assert nothing == Forecast(
        slot, load_wh, 0, load_wh, load_wh - round(load_wh / 2), load_wh + round(load_wh / 2), "mean_profile"
    )


def test_what_was_seen_today_moves_the_mean_day_to_its_level() -> None:
    slot = MONDAY + 12 * 3600
    seen = [
        Sample(slot - number * SLOT_S, round(MEAN_LOAD_W[11] / 8), round(MEAN_PV_W[11] / 2)) for number in (2, 3, 4)
    ]
    moved = forecast(seen, slot, HERE)
    assert moved.method == "mean_profile"
    assert abs(moved.load_wh - MEAN_LOAD_W[12] / 8) <= 1
    assert abs(moved.pv_wh - MEAN_PV_W[12] / 2) <= 2


def test_at_night_a_home_with_sun_in_its_history_makes_none() -> None:
    samples = days(9, lambda _: 100, noon_sun)
    assert forecast(samples, MONDAY + 9 * DAY + SLOT_S, HERE).pv_wh == 0


def test_samples_of_the_slot_itself_or_later_are_not_looked_at() -> None:
    samples = days(10, lambda slot: 100 + slot % 700)
    slot = MONDAY + 7 * DAY + 13 * SLOT_S
    assert forecast(samples, slot, HERE) == forecast(before(samples, slot, SLOT_S), slot, HERE)


@pytest.mark.parametrize(
    ("net_wh", "expected_pv_wh", "load_wh", "pv_wh"),
    [(300, 0, 300, 0), (300, 100, 400, 100), (-300, 0, 0, 300), (-300, 500, 200, 500), (0, 0, 0, 0), (5, -3, 5, 0)],
)
def test_a_grid_meter_is_told_apart_as_expected(net_wh: int, expected_pv_wh: int, load_wh: int, pv_wh: int) -> None:
    assert sample_of_net(0, net_wh, expected_pv_wh) == Sample(0, load_wh, pv_wh)


# Few times of day over many days, so that like days are common.
moments = st.builds(lambda day, time: MONDAY + day * DAY + time * SLOT_S, st.integers(0, 19), st.integers(0, 5))
histories = st.dictionaries(moments, st.tuples(st.integers(0, 5000), st.integers(0, 5000)), max_size=120).map(
    lambda found: [Sample(slot, load, pv) for slot, (load, pv) in found.items()]
)


@given(histories, moments, st.sampled_from([0, 3600, -7 * 3600]))
def test_any_history_gives_whole_wh_in_order_and_the_same_again(
    samples: list[Sample], slot: int, utc_offset_s: int
) -> None:
    place = Place(SLOT_S, utc_offset_s)
    first = forecast(samples, slot, place)
    assert all(isinstance(value, int) for value in (first.load_wh, first.pv_wh, first.q10_wh, first.q90_wh))
    assert first.load_wh >= 0
    assert first.pv_wh >= 0
    assert first.net_wh == first.load_wh - first.pv_wh
    assert first.q10_wh <= first.net_wh <= first.q90_wh
    assert forecast(reversed(samples), slot, place) == first


@given(histories, st.permutations(range(6)), st.sampled_from([0, 3600, -7 * 3600]))
def test_what_was_learnt_and_asked_before_changes_no_forecast(
    samples: list[Sample], times: list[int], utc_offset_s: int
) -> None:
    """Day by day, with a forecast of each time of day in between, or all at once: the same."""
    place, growing = Place(SLOT_S, utc_offset_s), Forecaster()
    for day in range(16, 20):
        slots = [MONDAY + day * DAY + time * SLOT_S for time in times]
        for slot in slots:
            known = [sample for sample in samples if sample.slot < slot]
            for sample in known:
                growing.learn(sample)
            assert growing.forecast(slot, place) == forecast(known, slot, place)


def test_what_the_meter_showed_is_split_once_and_kept() -> None:
    past = Forecaster(days(9, lambda _: 100, noon_sun))
    slot = MONDAY + 9 * DAY
    noon = slot + DAY // 2
    for at in range(slot, noon, SLOT_S):
        assert past.learn_net(at, 100 - noon_sun(at), HERE) is not None
    made = past.learn_net(noon, -400, HERE)
    assert made == Sample(noon, 100, 500)
    assert past.learn_net(noon, -400, HERE) is None
    assert past.learn_net(noon, -600, HERE) == Sample(noon, 0, 600)


def test_the_first_slot_of_a_home_is_split_by_the_mean_day() -> None:
    assert Forecaster().learn_net(MONDAY, -40, HERE) == Sample(MONDAY, 0, 40)
