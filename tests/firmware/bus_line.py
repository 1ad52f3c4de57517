"""A line in virtual time for the checks of the bus: a UART and a clock that take no time, and meters that misbehave.

The checks are scripts for both interpreters: MicroPython's subset only, no pytest. Each group is a generator of (name,
whether it is so); `run_all` prints a line for each, and gives status 1 when one failed.
"""

import asyncio
import gc
import json
import sys

import board_heap  # type: ignore[import-not-found]  # noqa: F401 - for its effect

from voltnode import meters
from voltnode.bus.frames import crc16
from voltnode.bus.master import Bus
from voltnode.bus.outcome import BusError

try:
    from micropython import heap_lock, heap_unlock  # type: ignore[import-not-found]
except ImportError:

    def heap_lock() -> None:
        """CPython's heap has no lock."""

    heap_unlock = heap_lock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator
    from typing import Any

    Script = Callable[[bytes], list[tuple[int, bytes]]]
    Check = Callable[[], Iterator[tuple[str, bool]]]

TIMEOUT_MS, LATE_MS = 300, 200


class VirtualClock:
    """Transport time that passes when somebody waits."""

    def __init__(self) -> None:
        self.now = 1000
        self.fine_us = 0

    def now_ms(self) -> int:
        """Milliseconds."""
        return self.now

    def ticks_us(self) -> int:
        """Microseconds."""
        return self.now * 1000 + self.fine_us & 0x3FFFFFFF

    async def sleep_ms(self, duration_ms: int) -> None:
        """Lets the others run, then it is later."""
        until = self.now + duration_ms
        await asyncio.sleep(0)
        if until > self.now:
            self.now, self.fine_us = until, 0

    def pause_us(self, duration_us: int) -> None:
        """It is a moment later."""
        self.fine_us += duration_us
        self.now, self.fine_us = self.now + self.fine_us // 1000, self.fine_us % 1000

    def speed(self) -> int:
        """Ordinary time."""
        return 1


class VirtualUart:
    """A UART whose other end answers by a script.

    Args:
        script: takes the bytes of a request and gives [(ms from now, bytes)], in the order of time.
    """

    def __init__(self, clock: VirtualClock, script: "Script") -> None:
        self.clock = clock
        self.script = script
        self.written: list[tuple[int, bytes]] = []
        self.written_us: list[int] = []
        self.coming: list[tuple[int, bytes]] = []
        self.gone = False
        self.settings = (0, "N", 1)

    def write(self, buf: "bytes | bytearray") -> None:
        """Notes the request and lets the script answer."""
        self._check()
        self.written.append((self.clock.now, bytes(buf)))
        self.written_us.append(self.clock.ticks_us())
        self.coming += [(self.clock.now + after_ms, data) for after_ms, data in self.script(bytes(buf))]

    def readinto(self, buf: bytearray) -> "int | None":
        """What has come by now."""
        self._check()
        if not self.any():
            return None
        at_ms, data = self.coming.pop(0)
        count = min(len(buf), len(data))
        buf[:count] = data[:count]
        if data[count:]:
            self.coming.insert(0, (at_ms, data[count:]))
        return count

    def any(self) -> bool:
        """Whether something has come."""
        self._check()
        return bool(self.coming) and self.coming[0][0] <= self.clock.now

    def configure(self, baud: int, parity: str, stop_bits: int) -> None:
        """Notes the settings."""
        self.settings = (baud, parity, stop_bits)

    async def wait_readable(self, timeout_ms: int) -> bool:
        """Lets time pass until something comes."""
        if timeout_ms <= 0:
            raise ValueError("waits for no time")
        await asyncio.sleep(0)
        until = self.clock.now + timeout_ms
        if self.coming:
            until = min(until, self.coming[0][0])
        self.clock.now = max(self.clock.now, until)
        return self.any()

    def _check(self) -> None:
        if self.gone:
            raise OSError(5)


def sealed(body: bytes) -> bytes:
    """A frame of these bytes."""
    crc = crc16(body, 0, len(body))
    return body + bytes([crc & 0xFF, crc >> 8])


def registers(request: bytes, words: bytes = b"") -> bytes:
    """The answer to a request: these words, or the register's own address in each."""
    first, count = request[2] << 8 | request[3], request[4] << 8 | request[5]
    data = words or b"".join([bytes([at >> 8, at & 0xFF]) for at in range(first, first + count)])
    return sealed(request[:2] + bytes([len(data)]) + data)


def refusal(request: bytes, code: int) -> bytes:
    """The answer of a meter that says no."""
    return sealed(bytes([request[0], request[1] | 0x80, code]))


class Line:
    """A bus with a script at the other end."""

    def __init__(self, script: "Script", baud: int = 0) -> None:
        self.clock = VirtualClock()
        self.uart = VirtualUart(self.clock, script)
        self.bus = Bus(self.uart, self.clock, baud, TIMEOUT_MS, LATE_MS)

    async def read(self, unit: int = 1, count: int = 2) -> "tuple[str, bytes, int]":
        """(how it ended, the words, how long it took)."""
        began_ms = self.clock.now
        try:
            data = await self.bus.read(unit, 4, 0, count)
        except BusError as error:
            return str(error), b"", self.clock.now - began_ms
        return "ok", data, self.clock.now - began_ms

    def count(self, name: str, unit: int = 1) -> int:
        """A counter."""
        return self.bus.counters(unit).as_dict()[name]


def cases(name: str) -> "Iterator[dict[str, Any]]":
    """The cases of a vector file, one at a time: the board could not hold them all."""
    with open(sys.argv[1] + "/" + name + ".jsonl") as file:  # noqa: PTH123 - the board has no pathlib
        for line in file:
            yield json.loads(line)


def forget(name: str) -> None:
    """Frees a model's table: the board loads one, not all."""
    module = "voltnode.meters." + name
    if module in sys.modules:
        del sys.modules[module]
        delattr(meters, name)
    gc.collect()


def run(work: "Coroutine[Any, Any, Any]") -> "Any":
    """What a coroutine gives."""
    return asyncio.run(work)


def run_all(*checks: "Check") -> int:
    """Runs all groups: the status to end with."""
    failed = 0
    for check in checks:
        count = 0
        for name, good in check():
            count += 1
            if not good:
                failed += 1
                print("FAILED", check.__name__, name)
        print(check.__name__, count)
    return 1 if failed else 0
