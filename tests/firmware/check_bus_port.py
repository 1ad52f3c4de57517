"""Reads a meter over a pty on either interpreter: `check_bus_port.py PORT COUNT`. Prints one JSON object for each read."""

import asyncio
import json
import sys
import time

from voltnode.bus.master import Bus
from voltnode.bus.meter import Meter, MeterError
from voltnode.hal.serial_unix import SerialPort
from voltnode.meters import load

TYPE_CHECKING = False
if TYPE_CHECKING:
    from voltnode.bus.meter import Reading


class Clock:
    """Transport time of the machine."""

    def now_ms(self) -> int:
        """Milliseconds, monotonic."""
        return time.ticks_ms() if hasattr(time, "ticks_ms") else time.monotonic_ns() // 1_000_000

    async def sleep_ms(self, duration_ms: int) -> None:
        """Lets others run."""
        await asyncio.sleep(duration_ms / 1000)

    def speed(self) -> int:
        """Ordinary time."""
        return 1


async def main(path: str, count: int) -> None:
    """Reads until so many readings are there, and says what went wrong in between."""
    bus = Bus(SerialPort(path), Clock(), timeout_ms=400, late_ms=100)
    meter = Meter(bus, load("eastron_sdm630"))
    print(json.dumps({"serial": await meter.serial()}))
    done = 0
    while done < count:
        try:
            print(json.dumps(shown(await meter.read())))
            done += 1
        except MeterError as error:
            print(json.dumps({"error": error.reason}))
            await asyncio.sleep(0.05)
    print(json.dumps(bus.counters(1).as_dict()))


def shown(reading: "Reading") -> "dict[str, object]":
    """What a reading holds, for the test to compare."""
    names = ("power_w", "import_wh", "export_wh", "voltage_mv", "current_ma", "phase_power_w")
    found: dict[str, object] = {name: getattr(reading, name) for name in names}
    found["frequency_mhz"] = reading.frequency_mhz
    found["power_factor_permille"] = reading.power_factor_permille
    found["resolution_wh"] = reading.resolution_wh
    found["rows"] = [[row[0], row[2], row[3].hex(), row[4]] for row in reading.rows()]
    return found


asyncio.run(main(sys.argv[1], int(sys.argv[2])))
