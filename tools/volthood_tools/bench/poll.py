"""How near the bus comes to what the wire allows: one block of 40 registers, asked again and again.

The board's own bus runs on MicroPython against a simulated meter that paces whole frames by their deadlines, over a pty. A
poll takes T at best: (13 + 2n) characters of b bits, and two gaps of 3.5 characters (1.75 ms above 19200 baud).
"""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from volthood_tools.bench.node_board import run, simulated_meter

REGISTERS = 40
_FIRST = 0x18
"""A block of the SDM630 that begins and ends with a whole value."""
_BITS = 10

# Every poll's time, so that a busy machine's outliers can be told from the bus.
_SCRIPT = """
import asyncio, time
from voltnode.bus.master import Bus
from voltnode.hal.serial_unix import SerialPort

class Clock:
    def now_ms(self):
        return time.ticks_ms()
    def ticks_us(self):
        return time.ticks_us() & 0x3FFFFFFF
    async def sleep_ms(self, duration_ms):
        await asyncio.sleep_ms(duration_ms)
    def pause_us(self, duration_us):
        time.sleep_us(duration_us)
    def speed(self):
        return 1

async def main():
    bus = Bus(SerialPort({port!r}, {baud}), Clock(), {baud})
    await bus.read(1, 4, {first}, {registers})
    took = []
    for _ in range({polls}):
        began = time.ticks_us()
        await bus.read(1, 4, {first}, {registers})
        took.append(time.ticks_diff(time.ticks_us(), began))
    for us in took:
        print(us)

"""
_POLL = "asyncio.run(main())"


_GARBAGE_SCRIPT = """
import gc
from voltnode.bus.meter import Meter
from voltnode.meters import load

async def garbage():
    meter = Meter(Bus(SerialPort({port!r}, {baud}), Clock(), {baud}), load("eastron_sdm630"))
    for _ in range(3):
        await meter.read()
    for _ in range({readings}):
        gc.collect()
        gc.disable()
        before = gc.mem_alloc()
        reading = await meter.read()
        after = gc.mem_alloc()
        gc.enable()
        print(after - before)
        reading = None

asyncio.run(garbage())
"""


def limit_us(baud: int, registers: int = REGISTERS) -> int:
    """T: the least that a poll of so many registers takes on the wire, us."""
    gap_us = 1750 if baud > 19_200 else 3_500_000 * _BITS // baud
    return (13 + 2 * registers) * _BITS * 1_000_000 // baud + 2 * gap_us


def poll_us(baud: int, polls: int, path: str) -> list[int]:
    """How long each of so many polls took, us. `path`: a folder with the compiled packages `voltnode` and `volthood`.

    Raises OSError where there is no MicroPython.
    """
    with tempfile.TemporaryDirectory() as folder, _paced_meter(folder, baud) as port:
        script = _SCRIPT.format(port=str(port), baud=baud, first=_FIRST, registers=REGISTERS, polls=polls)
        return [int(line) for line in run(script + _POLL, "192k", path)]


def garbage_bytes(readings: int, path: str) -> list[int]:
    """What each of so many whole readings of an SDM630 left on the heap of the 64-bit unix port, the reading itself included.

    Raises OSError where there is no MicroPython.
    """
    baud = 115_200
    with tempfile.TemporaryDirectory() as folder, _paced_meter(folder, baud) as port:
        values = {"port": str(port), "baud": baud, "first": _FIRST, "registers": REGISTERS, "polls": 0}
        script = _SCRIPT.format(**values) + _GARBAGE_SCRIPT.format(readings=readings, **values)
        return [int(line) for line in run(script, "192k", path)]


@contextmanager
def _paced_meter(folder: str, baud: int) -> Iterator[Path]:
    """The port of a meter that answers when the wire would have brought the answer."""
    port = Path(folder, "meter")
    with simulated_meter(port, "--paced", "--baud", str(baud)):
        yield port
