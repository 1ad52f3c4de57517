"""What each home and the meters are given: read back by those who read it in a run."""

from pathlib import Path

import pytest

from volthood.app.compose import read_history, read_tariff
from volthood.config.agent import load_agent_config
from volthood_tools.demo.dataset import SLOT_S, Dataset, load_file, load_packaged, with_homes
from volthood_tools.demo.folder import Folder, power_csv, write_meters
from volthood_tools.demo.homes import USUAL_FUSE_W, fuse_of, make_home
from volthood_tools.demo.plan import make_plan
from volthood_tools.simmeter.series import MW_MS_PER_WH, read_series
from volthood_tools.simmeter.settings import read_settings


@pytest.fixture(scope="module")
def data() -> Dataset:
    return with_homes(load_packaged(), 3)


def test_a_home_is_as_its_agent_reads_it(data: Dataset, tmp_path: Path) -> None:
    home = data.homes[0]
    folder = make_home(tmp_path, home, data, 18830)
    config = load_agent_config(folder.agent_toml)
    assert (config.agent.house, config.agent.timezone) == (home.name, "America/Los_Angeles")
    assert config.broker.port == 18830
    assert config.clock.file is not None
    assert config.clock.file.resolve() == tmp_path / "clock.json"
    assert config.hood.roster_file.resolve() == tmp_path / "roster.note"
    assert [(path.stat().st_mode & 0o777) for path in (config.agent.key_file, config.node.link_key_file)] == [0o600] * 2
    tariff = read_tariff(config.tariff.file)
    for index, slot in enumerate((*data.history_slots, *data.slots)):
        price = tariff.at(slot)
        assert price.import_mct_per_kwh == home.retail_mct_per_kwh[index]
        assert price.export_mct_per_kwh == home.feed_in_mct_per_kwh[index]
    assert config.history.file is not None
    history = [(row.slot, row.load_wh, row.pv_wh) for row in read_history(config.history.file)]
    assert history == list(data.history(home.name))


def test_meters_count_the_datas_energy_slot_by_slot(data: Dataset, tmp_path: Path) -> None:
    plan = make_plan(data.start, len(data.slots), 3, None, 120)
    for home in data.homes:
        (tmp_path / "power.csv").write_text(power_csv(data, home.name, plan))
        series = read_series(tmp_path / "power.csv")
        assert series.start_ms <= plan.calendar_start_s * 1000
        for slot in plan.slot_starts:
            before, after = (series.energy_mw_ms(edge * 1000) for edge in (slot, slot + SLOT_S))
            imported, exported = ((end - begin) / MW_MS_PER_WH for begin, end in zip(before, after, strict=True))
            index = data.index(slot)
            assert imported - exported == home.load_wh[index] - home.pv_wh[index]


def test_the_meters_configuration_is_read_by_the_simulated_meter(data: Dataset, tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    folder.make()
    child = write_meters(folder, data, make_plan(data.start, len(data.slots), 3, None, 120))
    assert child.command[-2:] == ("--config", str(tmp_path / "simmeter.toml"))
    clock, meters = read_settings(tmp_path / "simmeter.toml")
    assert clock == folder.clock
    assert [meter.link for meter in meters] == [folder.meter(home.name) for home in data.homes]
    assert len({meter.serial for meter in meters}) == 3
    for meter in meters:
        meter.check()


def test_data_without_history_begins_with_its_first_slot(tmp_path: Path) -> None:
    rows = [f"2026-07-01T10:{minute}:00Z,{home},100,0" for minute in ("00", "15", "30", "45") for home in "ab"]
    (tmp_path / "mine.csv").write_text("\n".join(["utc,home,load_wh,pv_wh", *rows, ""]))
    data = load_file(tmp_path / "mine.csv")
    plan = make_plan(data.start, len(data.slots), 2, None, 120)
    assert power_csv(data, "a", plan).splitlines()[1] == "2026-07-01T10:00:00Z,400"


def test_the_fuse_carries_the_homes_power() -> None:
    assert fuse_of((100, -2000)) == USUAL_FUSE_W
    assert fuse_of((100, -40_000)) == 60_000
