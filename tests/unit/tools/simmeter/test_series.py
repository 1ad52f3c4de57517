"""Power over time, and its integral to the last mW x ms."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from volthood.errors import LocalError
from volthood_tools.simmeter.series import MW_MS_PER_WH, PowerSeries, instant_ms, read_series, watts_to_mw

HOUR_MS = 3_600_000

rows = st.lists(
    st.tuples(st.integers(0, 10**6), st.integers(-(10**8), 10**8)), min_size=1, max_size=8, unique_by=lambda r: r[0]
)


def test_one_kilowatt_for_an_hour_is_one_kilowatt_hour() -> None:
    series = PowerSeries([(0, 1_000_000), (HOUR_MS, -500_000), (2 * HOUR_MS, 0)])
    assert series.energy_mw_ms(HOUR_MS) == (1000 * MW_MS_PER_WH, 0)
    assert series.energy_mw_ms(HOUR_MS + HOUR_MS // 2) == (1000 * MW_MS_PER_WH, 250 * MW_MS_PER_WH)
    assert series.energy_mw_ms(99 * HOUR_MS) == (1000 * MW_MS_PER_WH, 500 * MW_MS_PER_WH)


def test_before_the_first_row_is_nothing_and_the_last_row_stays() -> None:
    series = PowerSeries([(1000, 7), (2000, -9)])
    assert [series.power_mw(at) for at in (0, 999, 1000, 1999, 2000, 10**15)] == [0, 0, 7, 7, -9, -9]
    assert series.energy_mw_ms(999) == (0, 0)
    assert series.energy_mw_ms(3000) == (7000, 9000)


@given(rows, st.integers(-10, 10**6 + 100))
def test_the_integral_is_the_sum_over_every_millisecond_step(given_rows: list[tuple[int, int]], at_ms: int) -> None:
    ordered = sorted(given_rows)
    imported = exported = 0
    for i, (start_ms, power_mw) in enumerate(ordered):
        end_ms = min(at_ms, ordered[i + 1][0]) if i + 1 < len(ordered) else at_ms
        held_ms = max(0, end_ms - start_ms)
        imported += held_ms * power_mw if power_mw > 0 else 0
        exported -= held_ms * power_mw if power_mw < 0 else 0
    assert PowerSeries(ordered).energy_mw_ms(at_ms) == (imported, exported)


@pytest.mark.parametrize("bad", [[], [(1, 0), (1, 0)], [(2, 0), (1, 0)]])
def test_rows_are_in_order(bad: list[tuple[int, int]]) -> None:
    with pytest.raises(ValueError, match="later than the one before"):
        PowerSeries(bad)


@pytest.mark.parametrize(
    ("text", "power_mw"),
    [("0", 0), ("-0", 0), ("1500", 1_500_000), ("-0.5", -500), ("12.345", 12_345), ("1000000", 10**9)],
)
def test_watts(text: str, power_mw: int) -> None:
    assert watts_to_mw(text) == power_mw


@pytest.mark.parametrize(
    "text", ["", "1e3", "1.2345", "+5", " 5", "5 ", "nan", ".5", "5.", "1,5", "1000000.001", "-", "٣"]
)
def test_what_is_no_power(text: str) -> None:
    with pytest.raises(ValueError, match="W"):
        watts_to_mw(text)


@pytest.mark.parametrize(
    ("text", "ms"),
    [
        ("1970-01-01T00:00:01Z", 1000),
        ("2016-08-09T00:00:00.250+00:00", 1_470_700_800_250),
        ("1970-01-01T02:00+02:00", 0),
    ],
)
def test_instants(text: str, ms: int) -> None:
    assert instant_ms(text) == ms


def test_an_instant_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="time zone"):
        instant_ms("2016-08-09T00:00:00")


def test_a_file(tmp_path: Path) -> None:
    path = tmp_path / "house.csv"
    path.write_text("utc,power_w\n2016-08-09T00:00:00Z,1500\n2016-08-09T00:15:00Z,-20.5\n")
    assert read_series(path).rows == ((1_470_700_800_000, 1_500_000), (1_470_701_700_000, -20_500))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (None, "No such file"),
        ("", "line 1: the columns are utc,power_w"),
        ("utc,power_w\n", "has rows"),
        ("time,watts\n", "not time,watts"),
        ("utc,power_w\n2016-08-09T00:00:00Z,1500,3\n", "line 2"),
        ("utc,power_w\n2016-08-09T00:00:00Z\n", "line 2"),
        ("utc,power_w\n2016-08-09T00:00:00Z,much\n", "line 2: 'much' is no power"),
        ("utc,power_w\nyesterday,5\n", "line 2: Invalid isoformat"),
        ("utc,power_w\n2016-08-09T00:00:00Z,1\n2016-08-09T00:00:00Z,1\n", "later than the one before"),
        ('utc,power_w\n"2016-08-09T00:00:00Z,1\n', "unexpected end of data"),
    ],
)
def test_a_wrong_file_is_refused_with_its_reason(tmp_path: Path, text: str | None, reason: str) -> None:
    path = tmp_path / "house.csv"
    if text is not None:
        path.write_text(text)
    with pytest.raises(LocalError, match=reason) as caught:
        read_series(path)
    assert str(path) in str(caught.value)
