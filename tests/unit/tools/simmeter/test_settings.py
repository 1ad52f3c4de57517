"""Settings of simulated meters: what is taken, and what is refused in words."""

from pathlib import Path

import pytest

from volthood.errors import LocalError
from volthood_tools.simmeter.clock import MeterClock
from volthood_tools.simmeter.meters import lines, simulated
from volthood_tools.simmeter.settings import MeterSettings, read_settings, year_start_ms


def settings(**values: object) -> MeterSettings:
    usual: dict[str, object] = {"name": "house01", "link": Path("meter"), "power_w": "5"}
    return MeterSettings(**{**usual, **values})  # type: ignore[arg-type]


def test_a_file(tmp_path: Path) -> None:
    path = tmp_path / "simmeter.toml"
    path.write_text(
        'clock = "clock.json"\n'
        '[[meter]]\nname = "a"\nserial = 7\nlink = "meters/a"\nseries = "a.csv"\n'
        '[[meter]]\nname = "b"\nport = "/dev/ttyUSB0"\npower_w = "-3.5"\nunit = 2\n'
    )
    clock, meters = read_settings(path)
    assert clock == tmp_path / "clock.json"
    assert (meters[0].link, meters[0].series) == (tmp_path / "meters/a", tmp_path / "a.csv")
    assert (meters[1].port, meters[1].power_w, meters[1].unit) == (Path("/dev/ttyUSB0"), "-3.5", 2)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "a table"),
        ("meter = 5", "a table"),
        ('[[meter]]\nname = "a"\ncolour = "red"', "unknown key meter.0..colour"),
        ("[[meter]]\nname = 5", "not of type str"),
        ('speed = 5\n[[meter]]\nname = "a"', "unknown key speed"),
        ('clock = 5\n[[meter]]\nname = "a"', "clock is the path"),
        ("[[meter]", "simmeter.toml"),
    ],
)
def test_a_wrong_file_is_refused(tmp_path: Path, text: str, reason: str) -> None:
    path = tmp_path / "simmeter.toml"
    path.write_text(text)
    with pytest.raises(LocalError, match=reason):
        read_settings(path)


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"port": Path("/dev/null")}, "either a link or a port"),
        ({"link": None}, "either a link or a port"),
        ({"power_w": None}, "either a series or a constant power"),
        ({"series": Path("a.csv")}, "either a series or a constant power"),
        ({"unit": 0}, "unit is 1 to 247"),
        ({"unit": 248}, "unit is 1 to 247"),
        ({"serial": 0}, "serial is 1 to"),
        ({"serial": 2**32}, "serial is 1 to"),
        ({"table": "abacus"}, "table is one of abb_b23"),
        ({"parity": "X"}, "parity is N, E or O"),
        ({"import_wh": -1}, "registers start at 0"),
        ({"voltage_v": 23}, "voltage_v is 100 to 400"),
        ({"frequency_hz": 5}, "frequency_hz is 40 to 70"),
        ({"power_w": "much"}, "house01: 'much' is no power"),
        ({"since": "yesterday"}, "house01: Invalid isoformat"),
    ],
)
def test_wrong_values_are_refused(values: dict[str, object], reason: str) -> None:
    with pytest.raises(LocalError, match=reason):
        simulated(settings(**values), MeterClock(None))


def test_two_meters_with_one_address_on_one_line_are_refused() -> None:
    with pytest.raises(LocalError, match="house02: address 1 is taken on meter"):
        lines([settings(), settings(name="house02")], MeterClock(None))


def test_registers_start_where_a_float32_shows_each_wh() -> None:
    starts = [settings(serial=serial).start_wh() for serial in range(1, 2**32, 40_000_003)]
    assert all(1_000_000 <= start_wh < 4_000_000 for start in starts for start_wh in start)
    assert settings(import_wh=0, export_wh=7).start_wh() == (0, 7)


def test_the_year_starts_in_utc() -> None:
    assert year_start_ms(1_470_700_800_000) == 1_451_606_400_000
