"""What to simulate: from a TOML file or from the command line.

`clock = "clock.json"` at the top of the file, then a table `[[meter]]` for each. Paths are relative to the file.
"""

import datetime as dt
from dataclasses import dataclass, field
from pathlib import Path

from volthood.config.toml import build, read_toml, setting
from volthood.errors import LocalError
from volthood_tools.simmeter.series import PowerSeries, instant_ms, read_series, watts_to_mw
from voltnode.meters import NAMES, UNVERIFIED
from voltnode.meters.sunspec import FLOAT_MODELS, INTEGER_MODELS

TABLES = (
    *(name for name in NAMES if name != "sunspec"),
    *(f"sunspec_{model}" for model in INTEGER_MODELS + FLOAT_MODELS),
    *UNVERIFIED,
)
"""The models that can be simulated."""

MAX_SERIAL = 2**32 - 1
MAX_UNIT = 247


@dataclass(frozen=True)
class MeterSettings:
    """One meter. It has one of `link`, `port` and `tcp`, and either `series` or `power_w`."""

    name: str = setting("what the messages call it")
    serial: int = setting("serial number, 1 to 4294967295", default=10_000_001)
    link: Path | None = field(default=None, metadata={"help": "makes a pty and this link to it"})
    port: Path | None = field(default=None, metadata={"help": "serial port to serve"})
    tcp: int | None = setting("Modbus TCP port to serve; 0 for a free one", default=None)
    host: str = setting("address of the TCP port", default="127.0.0.1")
    series: Path | None = field(default=None, metadata={"help": "CSV file, utc and power_w"})
    power_w: str | None = setting("constant power in W, import positive", default=None)
    since: str | None = setting("from when on the constant power counts", default=None)
    unit: int = setting("Modbus address, 1 to 247; meters with one link or port share it", default=1)
    table: str = setting("model; a SunSpec one with its number, as sunspec_203", default="eastron_sdm630")
    baud: int = setting("speed of the serial port", default=9600)
    parity: str = setting("N, E or O", default="N")
    import_wh: int | None = setting("import register at the start; from the serial number without it", default=None)
    export_wh: int | None = setting("export register at the start; from the serial number without it", default=None)
    voltage_v: int = setting("nominal voltage", default=230)
    frequency_hz: int = setting("nominal frequency", default=50)
    shares: tuple[int, ...] = setting(
        "percent of the power in each phase, 100 in all; below 0 where one feeds in while the others draw", default=()
    )

    def start_wh(self) -> tuple[int, int]:
        """The registers at the start of the series: 1,000 to 4,000 kWh, where a float32 still shows each Wh."""
        import_wh = 1_000_000 + self.serial * 7919 % 3_000_000 if self.import_wh is None else self.import_wh
        export_wh = 1_000_000 + self.serial * 104_729 % 3_000_000 if self.export_wh is None else self.export_wh
        return import_wh, export_wh

    def check(self) -> None:
        """Raises: `LocalError` with what is wrong."""
        for wrong, what in (
            ([self.link, self.port, self.tcp].count(None) != 2, "either a link or a port or a TCP port"),
            ((self.series is None) == (self.power_w is None), "either a series or a constant power"),
            (not 1 <= self.unit <= MAX_UNIT, f"unit is 1 to {MAX_UNIT}"),
            (not 1 <= self.serial <= MAX_SERIAL, f"serial is 1 to {MAX_SERIAL}"),
            (self.table not in TABLES, f"table is one of {', '.join(TABLES)}"),
            (self.tcp is not None and not 0 <= self.tcp <= 0xFFFF, "tcp is 0 to 65535"),
            (self.parity not in ("N", "E", "O"), "parity is N, E or O"),
            (min(self.start_wh()) < 0, "registers start at 0 or more"),
            (not 100 <= self.voltage_v <= 400, "voltage_v is 100 to 400"),
            (not 40 <= self.frequency_hz <= 70, "frequency_hz is 40 to 70"),
            (len(self.shares) > 3 or sum(self.shares or (100,)) != 100, "shares are three at most, 100 in all"),
        ):
            if wrong:
                raise LocalError(f"meter {self.name}: {what}")

    def power(self, default_start_ms: int) -> PowerSeries:
        """Its power; constant power counts from `since` or else `default_start_ms` on. Raises: `LocalError`."""
        if self.series is not None:
            return read_series(self.series)
        try:
            start_ms = default_start_ms if self.since is None else instant_ms(self.since)
            return PowerSeries([(start_ms, watts_to_mw(self.power_w or ""))])
        except ValueError as error:
            raise LocalError(f"meter {self.name}: {error}") from error


def read_settings(path: Path) -> tuple[Path | None, list[MeterSettings]]:
    """The clock file and the meters that a TOML file describes. Raises: `LocalError`."""
    file = read_toml(path)
    unknown = set(file) - {"clock", "meter"}
    if unknown:
        raise LocalError(f"{path}: unknown key {min(unknown)}; known here: clock, meter")
    tables, clock = file.get("meter", []), file.get("clock")
    if not isinstance(tables, list) or not tables:
        raise LocalError(f"{path}: a table [[meter]] for each meter")
    if clock is not None and not isinstance(clock, str):
        raise LocalError(f"{path}: clock is the path of a file")
    meters = [build(MeterSettings, table, path, f"meter[{i}].") for i, table in enumerate(tables)]
    return None if clock is None else path.parent / clock, meters


def year_start_ms(now_ms: int) -> int:
    """The beginning of the year, UTC: constant power counts from there, so that a day's restarts do not show."""
    year = dt.datetime.fromtimestamp(now_ms // 1000, dt.UTC).year
    return int(dt.datetime(year, 1, 1, tzinfo=dt.UTC).timestamp()) * 1000
