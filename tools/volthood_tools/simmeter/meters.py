"""Simulated meters, put together from their settings and set on their lines."""

import time
from collections.abc import Iterable
from pathlib import Path

from volthood.errors import LocalError
from volthood_tools.simmeter.answering import Answering, Read
from volthood_tools.simmeter.clock import MeterClock
from volthood_tools.simmeter.faults import FaultPlan, Strike
from volthood_tools.simmeter.ports import Line, Port, Pty, Serial, SerialLine, TcpLine
from volthood_tools.simmeter.quantities import SHARES, quantities
from volthood_tools.simmeter.registers import DEVICE_FAILURE, ReadRefusedError, RegisterMap
from volthood_tools.simmeter.series import PowerSeries
from volthood_tools.simmeter.settings import MeterSettings, year_start_ms
from volthood_tools.simmeter.sunspec import SunSpecMap
from voltnode.meters import MeterTable, load

SPLIT_SHARES = (60, 40)
"""Percent of the power in each half of a split phase."""


class SimulatedMeter:
    """One meter that shows what its series says at the calendar time of now."""

    def __init__(self, settings: MeterSettings, series: PowerSeries, clock: MeterClock) -> None:
        self._settings = settings
        self._series = series
        self._clock = clock
        self._registers = _registers(settings.table)
        self._shares = settings.shares or _shares(self._registers.table)

    def now_ms(self) -> int:
        """Calendar time; that of the series' beginning while nobody knows it."""
        try:
            now_ms = self._clock.now_ms()
        except LocalError:
            now_ms = None
        return self._series.start_ms if now_ms is None else now_ms

    def read(self, function: int, address: int, count: int, strike: Strike) -> list[int]:
        """The words of a read of now. Raises: `ReadRefusedError`."""
        try:
            now_ms = self._clock.now_ms()
        except LocalError as error:
            raise ReadRefusedError(DEVICE_FAILURE) from error
        return self.read_at(function, address, count, self._series.start_ms if now_ms is None else now_ms, strike)

    def read_at(self, function: int, address: int, count: int, at_ms: int, strike: Strike) -> list[int]:
        """The words of a read at a calendar time. Raises: `ReadRefusedError`."""
        settings = self._settings
        nominal = settings.voltage_v * 1000, settings.frequency_hz * 1000
        values = strike.values(quantities(self._series, at_ms, settings.start_wh(), *nominal, self._shares))
        return self._registers.read(function, address, count, values, settings.serial)


def _registers(table: str) -> RegisterMap | SunSpecMap:
    """The registers of a simulated model."""
    if table.startswith("sunspec_"):
        return SunSpecMap(int(table.removeprefix("sunspec_")))
    return RegisterMap(load(table, unverified=True))


def _shares(table: MeterTable) -> tuple[int, ...]:
    """How the power is spread over a meter's phases."""
    quantities = {register.quantity for register in table.registers}
    if quantities & {"voltage", "current"}:
        return (100,)
    return SPLIT_SHARES if "power_l2" in quantities and "power_l3" not in quantities else SHARES


def simulated(settings: MeterSettings, clock: MeterClock) -> SimulatedMeter:
    """A meter from its settings. Raises: `LocalError`."""
    settings.check()
    phases = len(_shares(_registers(settings.table).table))
    if settings.shares and len(settings.shares) != phases:
        raise LocalError(f"meter {settings.name}: {settings.table} has {phases} phases, so many shares")
    real_ms = time.time_ns() // 1_000_000
    calendar_ms = clock.now_ms()
    default_start_ms = year_start_ms(real_ms if calendar_ms is None else calendar_ms)
    return SimulatedMeter(settings, settings.power(default_start_ms), clock)


def lines(
    meters: Iterable[MeterSettings],
    clock: MeterClock,
    plan: FaultPlan | None = None,
    paced: bool = False,
    exact: bool = False,
) -> list[Line]:
    """The meters on their ports; those with one link or port share a line. Raises: `LocalError`."""
    found: dict[object, list[tuple[MeterSettings, SimulatedMeter]]] = {}
    for settings in meters:
        free = settings.tcp == 0
        where = settings.link or settings.port or (settings.host, settings.name if free else settings.tcp)
        found.setdefault(where, []).append((settings, simulated(settings, clock)))
    return [_line(members, plan or FaultPlan(), paced, exact) for members in found.values()]


def _line(members: list[tuple[MeterSettings, SimulatedMeter]], plan: FaultPlan, paced: bool, exact: bool) -> Line:
    """The line of some meters. Raises: `LocalError`."""
    units: dict[int, Read] = {}
    for settings, meter in members:
        if units.setdefault(settings.unit, meter.read) != meter.read:
            where = settings.link or settings.port or f"TCP port {settings.tcp}"
            raise LocalError(f"meter {settings.name}: address {settings.unit} is taken on {where}")
    first, meter = members[0]
    answering = Answering(units, plan, meter.now_ms, first.tcp is not None)
    names = tuple(settings.name for settings, _ in members)
    if first.tcp is not None:
        return TcpLine(first.host, first.tcp, answering, names)
    bits = 10 if first.parity == "N" else 11
    return SerialLine(_port(first, exact), answering, names, bits * 1000 / first.baud if paced else 0)


def _port(settings: MeterSettings, exact: bool) -> Port:
    if settings.link is not None:
        return Pty(settings.link, settings.baud if exact else 0)
    return Serial(settings.port or Path(), settings.baud, settings.parity, 1)
