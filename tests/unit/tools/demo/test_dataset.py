"""The packaged data keeps what its notice says; a household's own file becomes the same kind of thing."""

import csv
import datetime as dt
import importlib.resources
from pathlib import Path

import pytest

from volthood.core.energy import spread
from volthood.errors import LocalError
from volthood.wire.topics import check_name
from volthood_tools.demo.dataset import (
    DAY_S,
    SLOT_S,
    Dataset,
    load_file,
    load_packaged,
    with_homes,
    with_tariff,
)


@pytest.fixture(scope="module")
def data() -> Dataset:
    return load_packaged()


def hours(path: Path, count: int, first: int = 0) -> Path:
    lines = ["utc,home,load_wh,pv_wh"]
    for hour in range(first, first + count):
        instant = dt.datetime(2024, 6, 1, tzinfo=dt.UTC) + dt.timedelta(hours=hour)
        lines += [f"{instant.isoformat()},{home},{hour * 7 + 3},{pv}" for home, pv in (("sun", hour * 3), ("shade", 0))]
    path.write_text("\n".join(lines))
    return path


def test_the_packaged_data_is_small_and_carries_its_licence() -> None:
    folder = importlib.resources.files("volthood_tools.demo") / "data"
    assert sum(len(file.read_bytes()) for file in folder.iterdir()) <= 300_000
    assert "MIT License" in (folder / "NOTICE").read_text(encoding="utf-8")


def test_every_choice_of_homes_has_both_kinds(data: Dataset) -> None:
    for count in range(2, 11):
        homes = with_homes(data, count).homes
        with_pv = [home for home in homes if home.has_pv]
        assert len(homes) == count
        assert len(with_pv) == (count + 1) // 2
        assert all(sum(home.pv_wh) > 0 for home in with_pv)
        assert all(sum(home.pv_wh) == 0 for home in homes if not home.has_pv)


def test_the_broken_home_is_out_and_the_flagged_ones_say_so(data: Dataset) -> None:
    quality = {home.source: home.quality for home in data.homes}
    assert "ca12" not in quality
    assert quality["ca14"].startswith("pv_partial")
    assert quality["ca15"].startswith("pv_dead")
    assert not next(home for home in data.homes if home.source == "ca15").has_pv
    assert all(check_name(home.name) for home in data.homes)


def test_slots_sum_exactly_to_the_sources_hours(data: Dataset) -> None:
    with (importlib.resources.files("volthood_tools.demo") / "data" / "slots.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            home = data.home(row["home"])
            first = data.index(int(dt.datetime.fromisoformat(row["utc"]).timestamp()))
            assert sum(home.load_wh[first : first + 4]) == int(row["load_wh"])
            assert sum(home.pv_wh[first : first + 4]) == (int(row["pv_wh"]) if home.has_pv else 0)


def test_the_run_starts_on_a_sunny_morning_with_history_and_neighbours_to_trade(data: Dataset) -> None:
    assert data.start == dt.datetime(2016, 8, 26, 16, tzinfo=dt.UTC).timestamp()
    assert len(data.history_slots) >= 14 * 96
    assert len(data.slots) >= 96
    for count in (2, 6, 10):
        homes = with_homes(data, count).homes
        for index in range(data.index(data.start), data.index(data.start) + 16):
            net_wh = [home.load_wh[index] - home.pv_wh[index] for home in homes]
            assert max(net_wh) > 0
            if index >= data.index(data.start) + 4:
                assert min(net_wh) < 0


def test_prices_are_the_datas_and_the_stated_feed_in(data: Dataset) -> None:
    for home in data.homes:
        assert set(home.retail_mct_per_kwh) == {22_000, 40_000, 54_000}
        assert set(home.feed_in_mct_per_kwh) == {8_000}
    evening = int(dt.datetime(2016, 8, 27, 0, tzinfo=dt.UTC).timestamp())
    assert data.reference(evening) == (8_000, 54_000)
    assert data.reference(data.start) == (8_000, 22_000)


def test_the_power_series_carries_the_energy_exactly(data: Dataset) -> None:
    for home in data.homes:
        series = data.power_series(home.name)
        assert len(series) == len(home.load_wh)
        assert sum(w * SLOT_S for w in series) == 3600 * (sum(home.load_wh) - sum(home.pv_wh))
    assert all(isinstance(w, int) for w in data.power_series("house01"))


def test_the_notes_say_what_the_gain_depends_on(data: Dataset) -> None:
    text = " ".join(with_homes(data, 10).notes)
    for needle in (
        "load only",
        "house02",
        "four equal 15-minute slots",
        "clear August morning",
        "mix",
        "pv_dead",
        "MIT",
    ):
        assert needle in text


def test_history_ends_where_the_run_starts(data: Dataset) -> None:
    history = list(data.history("house01"))
    assert len(history) == len(data.history_slots)
    assert history[0] == (data.first_slot, data.homes[0].load_wh[0], data.homes[0].pv_wh[0])
    assert history[-1][0] == data.start - SLOT_S


def test_a_slot_outside_the_data_or_an_unknown_home_is_refused(data: Dataset) -> None:
    for slot in (data.first_slot - SLOT_S, data.end, data.start + 1):
        with pytest.raises(LocalError, match="no slot of the data"):
            data.index(slot)
    with pytest.raises(LocalError, match="no home 'house99'"):
        data.home("house99")


@pytest.mark.parametrize(("count", "start_h"), [(1, 0), (24, 0), (47, 0), (48, 24), (49, 24), (72, 24)])
def test_a_file_starts_at_its_second_day_when_it_has_two(count: int, start_h: int, tmp_path: Path) -> None:
    if count == 1:
        with pytest.raises(LocalError, match="too few"):
            load_file(hours(tmp_path / "x.csv", count))
        return
    data = load_file(hours(tmp_path / "x.csv", count))
    assert data.start - data.first_slot == start_h * 3600
    assert data.end - data.first_slot == count * 3600


def test_a_file_keeps_its_pv_names_and_says_what_is_assumed(tmp_path: Path) -> None:
    data = load_file(hours(tmp_path / "x.csv", 48), currency="EUR", timezone="Europe/Berlin")
    assert [(home.name, home.has_pv) for home in data.homes] == [("sun", True), ("shade", False)]
    assert (data.currency, data.timezone) == ("EUR", "Europe/Berlin")
    assert data.reference(data.start) == (8_000, 22_000)
    assert "assumption" in data.tariff_note
    assert data.start == data.first_slot + DAY_S
    assert "PV: sun; without: shade." in data.notes


def test_quarter_and_half_hours(tmp_path: Path) -> None:
    for minutes, parts, note in ((15, 1, "15-minute slots"), (30, 2, "two equal")):
        lines = ["utc,home,load_wh,pv_wh,retail,feed_in"]
        for number in range(4):
            clock = f"{number * minutes // 60:02}:{number * minutes % 60:02}"
            lines += [f"2024-06-01T{clock}Z,{home},5,1,0.3,-0.01" for home in "ab"]
        (tmp_path / "x.csv").write_text("\n".join(lines))
        data = load_file(tmp_path / "x.csv")
        assert data.homes[0].load_wh == tuple(spread(5, parts)) * 4
        assert data.reference(data.start) == (-1_000, 30_000)
        assert data.tariff_note == "Retail price: the file's; feed-in: the file's."
        assert note in " ".join(data.notes)


def test_too_few_slots(tmp_path: Path) -> None:
    lines = ["utc,home,load_wh,pv_wh", *[f"2024-06-01T00:{m:02}Z,{home},5,1" for m in (0, 15, 30) for home in "ab"]]
    (tmp_path / "x.csv").write_text("\n".join(lines))
    with pytest.raises(LocalError, match=r"line 6, column utc: 3 slots; at least 4"):
        load_file(tmp_path / "x.csv")


@pytest.mark.parametrize("count", [-1, 0, 1, 11])
def test_a_wrong_number_of_homes_is_refused(data: Dataset, count: int) -> None:
    with pytest.raises(LocalError, match="2 to 10 are possible"):
        with_homes(data, count)


def test_prices_from_the_command_line_replace_the_datas(data: Dataset) -> None:
    flat = with_tariff(data, retail="0.315", feed_in="-0.02")
    assert set(flat.homes[3].retail_mct_per_kwh) == {31_500}
    assert set(flat.homes[3].feed_in_mct_per_kwh) == {-2_000}
    assert "0.315 USD" in flat.tariff_note
    assert "time-of-use" not in flat.tariff_note
    half = with_tariff(data, feed_in="0.1")
    assert half.homes[0].retail_mct_per_kwh == data.homes[0].retail_mct_per_kwh
    assert "time-of-use" in half.tariff_note
    assert with_tariff(data) == data
    for option in ({"retail": "dear"}, {"feed_in": "0,1"}):
        with pytest.raises(LocalError, match=r"--(retail|feed-in): .* is not a decimal"):
            with_tariff(data, **option)
