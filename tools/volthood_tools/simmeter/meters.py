"""Simulated meters, put together from their settings and set on their lines."""

import time
from collections.abc import Iterable
from pathlib import Path

from volthood.errors import LocalError
from volthood_tools.simmeter.answering import Answering, Read
from volthood_tools.simmeter.clock import MeterClock
from volthood_tools.simmeter.ports import Line, Port, Pty, Serial
from volthood_tools.simmeter.quantities import quantities
from volthood_tools.simmeter.registers import DEVICE_FAILURE, ReadRefusedError, RegisterMap
from volthood_tools.simmeter.series import PowerSeries
from volthood_tools.simmeter.settings import MeterSettings, year_start_ms
from voltnode.meters import load


class SimulatedMeter:
    """One meter that shows what its series says at the calendar time of now."""

    def __init__(self, settings: MeterSettings, series: PowerSeries, clock: MeterClock) -> None:
        self._settings = settings
        self._series = series
        self._clock = clock
        self._registers = RegisterMap(load(settings.table))

    def read(self, function: int, address: int, count: int) -> list[int]:
        """The words of a read of now. Raises: `ReadRefusedError`."""
        try:
            now_ms = self._clock.now_ms()
        except LocalError as error:
            raise ReadRefusedError(DEVICE_FAILURE) from error
        return self.read_at(function, address, count, self._series.start_ms if now_ms is None else now_ms)

    def read_at(self, function: int, address: int, count: int, at_ms: int) -> list[int]:
        """The words of a read at a calendar time. Raises: `ReadRefusedError`."""
        settings = self._settings
        values = quantities(
            self._series, at_ms, settings.start_wh(), settings.voltage_v * 1000, settings.frequency_hz * 1000
        )
        return self._registers.read(function, address, count, values, settings.serial)


def simulated(settings: MeterSettings, clock: MeterClock) -> SimulatedMeter:
    """A meter from its settings. Raises: `LocalError`."""
    settings.check()
    real_ms = time.time_ns() // 1_000_000
    calendar_ms = clock.now_ms()
    default_start_ms = year_start_ms(real_ms if calendar_ms is None else calendar_ms)
    return SimulatedMeter(settings, settings.power(default_start_ms), clock)


def lines(meters: Iterable[MeterSettings], clock: MeterClock) -> list[Line]:
    """The meters on their ports; those with one link or port share a line. Raises: `LocalError`."""
    reads: dict[Path, dict[int, Read]] = {}
    first: dict[Path, MeterSettings] = {}
    for settings in meters:
        meter = simulated(settings, clock)
        where = settings.link or settings.port or Path()
        units = reads.setdefault(where, {})
        if units.setdefault(settings.unit, meter.read) != meter.read:
            raise LocalError(f"meter {settings.name}: address {settings.unit} is taken on {where}")
        first.setdefault(where, settings)
    return [Line(_port(first[where]), Answering(units)) for where, units in reads.items()]


def _port(settings: MeterSettings) -> Port:
    if settings.link is not None:
        return Pty(settings.link)
    return Serial(settings.port or Path(), settings.baud, settings.parity, 1)
