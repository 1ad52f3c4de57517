"""Reads a meter over a pty or TCP on either interpreter: `check_bus_port.py PORT COUNT [MODEL [UNIT]]`.

PORT is a path, or HOST:PORT. Prints one JSON object for each read.
"""

import asyncio
import json
import sys
import time

from voltnode.bus.master import Bus
from voltnode.bus.meter import Meter, MeterError
from voltnode.bus.tcp import TcpBus
from voltnode.console.reading_rows import reading_rows
from voltnode.hal.serial_unix import SerialPort
from voltnode.meters import load

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from voltnode.bus.meter import Reading


class Clock:
    """Transport time of the machine."""

    def now_ms(self) -> int:
        """Milliseconds, monotonic."""
        return time.ticks_ms() if hasattr(time, "ticks_ms") else time.monotonic_ns() // 1_000_000

    def ticks_us(self) -> int:
        """Microseconds modulo 2^30."""
        return (time.ticks_us() if hasattr(time, "ticks_us") else time.monotonic_ns() // 1000) & 0x3FFFFFFF

    def pause_us(self, duration_us: int) -> None:
        """A moment."""
        time.sleep(duration_us / 1_000_000)

    async def sleep_ms(self, duration_ms: int) -> None:
        """Lets others run."""
        await asyncio.sleep(duration_ms / 1000)

    def speed(self) -> int:
        """Ordinary time."""
        return 1


class NetStream:
    """A TCP connection, as the boards' HAL gives it."""

    def __init__(self, reader: "Any", writer: "Any") -> None:
        self._reader = reader
        self._writer = writer

    async def read(self, most: int) -> bytes:
        """What came; empty at the end."""
        data: bytes = await self._reader.read(most)
        return data

    async def write(self, data: bytes) -> None:
        """All bytes are on their way."""
        self._writer.write(data)
        await self._writer.drain()

    def close(self) -> None:
        """Frees the socket."""
        self._writer.close()


async def connect(host: str, port: int) -> NetStream:
    """As the boards do."""
    return NetStream(*await asyncio.open_connection(host, port))


def bus_at(where: str) -> "Bus | TcpBus":
    """The bus at a path, or at a host and port."""
    if "/" not in where and ":" in where:
        host, port = where.split(":")
        return TcpBus(connect, Clock(), host, int(port), timeout_ms=400)
    return Bus(SerialPort(where), Clock(), timeout_ms=400, late_ms=100)


async def main(where: str, count: int, model: str, unit: int) -> None:
    """Reads until so many readings are there, and says what went wrong in between."""
    bus = bus_at(where)
    meter = Meter(bus, load(model, True), unit)
    print(json.dumps({"serial": await meter.serial()}))
    done = 0
    while done < count:
        try:
            print(json.dumps(shown(await meter.read())))
            done += 1
        except MeterError as error:
            print(json.dumps({"error": error.reason}))
            await asyncio.sleep(0.05)
    print(json.dumps(bus.counters(meter.unit).as_dict()))


def shown(reading: "Reading") -> "dict[str, object]":
    """What a reading holds, for the test to compare."""
    names = ("power_w", "import_wh", "export_wh", "voltage_mv", "current_ma", "phase_power_w")
    found: dict[str, object] = {name: getattr(reading, name) for name in names}
    found["frequency_mhz"] = reading.frequency_mhz
    found["power_factor_permille"] = reading.power_factor_permille
    found["resolution_wh"] = reading.resolution_wh
    found["rows"] = [[row[0], row[2], row[3].hex(), row[4]] for row in reading_rows(reading)]
    return found


model_wanted = sys.argv[3] if len(sys.argv) > 3 else "eastron_sdm630"
asyncio.run(main(sys.argv[1], int(sys.argv[2]), model_wanted, int(sys.argv[4]) if len(sys.argv) > 4 else 0))
