"""Every meter table: what the simulated meter shows, the node reads back, value by value and by nobody else's code."""

import asyncio
from fractions import Fraction
from pathlib import Path

import pytest

from volthood_tools.simmeter.answering import Answering
from volthood_tools.simmeter.clock import MeterClock
from volthood_tools.simmeter.meters import SimulatedMeter
from volthood_tools.simmeter.quantities import quantities
from volthood_tools.simmeter.series import PowerSeries
from volthood_tools.simmeter.settings import TABLES, MeterSettings
from voltnode.bus.master import Bus
from voltnode.bus.meter import NO_SERIAL, Meter
from voltnode.console.reading_rows import reading_rows
from voltnode.meters import DETAIL, MeterTable, load

AT_MS = 3_600_000
IMPORT_WH, EXPORT_WH = 2_000_000, 1_000_000


class StandingClock(MeterClock):
    """Calendar time that does not pass."""

    def now_ms(self) -> int:
        return AT_MS


class Wire:
    """The node's UART and clock, with a simulated meter at the other end; takes no time."""

    def __init__(self, answering: Answering) -> None:
        self._answering = answering
        self._coming = b""
        self.requests = 0

    def write(self, buf: bytes | bytearray) -> None:
        self.requests += 1
        self._coming += b"".join(answer for _, answer in self._answering.feed(bytes(buf)))

    def readinto(self, buf: bytearray) -> int | None:
        count = min(len(buf), len(self._coming))
        buf[:count], self._coming = self._coming[:count], self._coming[count:]
        return count or None

    def any(self) -> bool:
        return bool(self._coming)

    def configure(self, baud: int, parity: str, stop_bits: int) -> None:
        raise NotImplementedError

    async def wait_readable(self, timeout_ms: int) -> bool:
        return bool(self._coming)

    def now_ms(self) -> int:
        return 0

    def ticks_us(self) -> int:
        return 0

    def pause_us(self, duration_us: int) -> None:
        raise NotImplementedError

    async def sleep_ms(self, duration_ms: int) -> None:
        await asyncio.sleep(0)

    def speed(self) -> int:
        return 1


def node_table(name: str) -> MeterTable:
    return load("sunspec" if name.startswith("sunspec") else name, unverified=True)


def settings(name: str) -> MeterSettings:
    return MeterSettings(
        name="m", table=name, link=Path("x"), serial=305_419, import_wh=IMPORT_WH, export_wh=EXPORT_WH, power_w="0"
    )


def wire(name: str, power_mw: int) -> Wire:
    meter = SimulatedMeter(settings(name), PowerSeries([(0, power_mw)]), StandingClock(None))
    return Wire(Answering({1: meter.read}))


@pytest.mark.parametrize("power_w", [0, 4321, -2750])
@pytest.mark.parametrize("name", TABLES)
def test_the_node_reads_back_what_the_simulated_meter_shows(name: str, power_w: int) -> None:
    line = wire(name, power_w * 1000)
    meter = Meter(Bus(line, line), node_table(name), 1, DETAIL)
    reading = asyncio.run(meter.read())
    shares = {1: (100,), 2: (60, 40), 3: (50, 30, 20)}[phases(meter.table)]
    shown = quantities(PowerSeries([(0, power_w * 1000)]), AT_MS, (IMPORT_WH, EXPORT_WH), shares=shares)
    registers = {register.quantity: register for register in meter.table.registers}
    for quantity, _, _, words, value, _ in reading_rows(reading):
        register = registers[quantity]
        if register.kind != "sunssf":
            assert words
            assert value is not None, quantity
            step = max(Fraction(register.numerator, register.denominator), Fraction(coarseness(meter.table, quantity)))
            if register.kind == "float32":
                step = max(Fraction(1), abs(Fraction(shown[quantity])) / 2**22)
            assert abs(Fraction(value) - shown[quantity]) <= step, quantity
    assert abs(reading.power_w - power_w) <= 1
    assert abs(Fraction(reading.import_wh) - shown["energy_import"]) <= reading.resolution_wh
    assert abs(Fraction(reading.export_wh) - shown["energy_export"]) <= reading.resolution_wh


def phases(table: MeterTable) -> int:
    found = {register.quantity for register in table.registers}
    if found & {"voltage", "current"}:
        return 1
    return 2 if "power_l2" in found and "power_l3" not in found else 3


def coarseness(table: MeterTable, quantity: str) -> int:
    """What the simulated SunSpec meter's powers of ten leave of a value, in milli-units."""
    if table.name != "sunspec":
        return 0
    if quantity.startswith("power_factor"):
        return 1
    return {"current": 10, "voltage": 100, "frequency": 10, "power": 1000, "energy": 1}[
        quantity.split("_", maxsplit=1)[0]
    ]


@pytest.mark.parametrize("name", TABLES)
def test_the_serial_number_is_read_back(name: str) -> None:
    line = wire(name, 0)
    serial = asyncio.run(Meter(Bus(line, line), node_table(name), 1).serial())
    has_one = name.startswith("sunspec") or node_table(name).serial is not None
    assert serial == ("305419" if has_one else NO_SERIAL)


@pytest.mark.parametrize("name", TABLES)
def test_the_second_reading_asks_for_nothing_that_was_refused(name: str) -> None:
    line = wire(name, 1_000_000)
    meter = Meter(Bus(line, line), node_table(name), 1)
    asyncio.run(meter.read())
    first, line.requests = line.requests, 0
    asyncio.run(meter.read())
    assert line.requests <= first
    assert line.requests <= 10
