"""The bus keeps its pace while records are signed, in real time on MicroPython. Prints what was measured, in µs.

check_pace.py ROUNDS
"""

import asyncio
import sys
import time
from os import urandom

import flashes  # type: ignore[import-not-found]
from bus_line import registers  # type: ignore[import-not-found]

from voltnode.bus.master import Bus
from voltnode.sign.signer import SoftwareSigner

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

ANSWER_MS = 12
POLLS = 40
_time: "Any" = time
_asyncio: "Any" = asyncio


class RealClock:
    """Transport time."""

    def now_ms(self) -> int:
        """See `Board`."""
        return int(_time.ticks_ms())

    def ticks_us(self) -> int:
        """See `Board`."""
        return int(_time.ticks_us())

    def pause_us(self, duration_us: int) -> None:
        """See `Board`."""
        _time.sleep_us(duration_us)

    async def sleep_ms(self, duration_ms: int) -> None:
        """See `Board`."""
        await _asyncio.sleep_ms(duration_ms)

    def speed(self) -> int:
        """See `Board`."""
        return 1


class AnsweringUart:
    """Answers after `ANSWER_MS`."""

    def __init__(self) -> None:
        self._answer = b""
        self._at = 0

    def configure(self, baud: int, parity: str, stop_bits: int) -> None:
        """See `Uart`."""

    def write(self, buf: "bytes | bytearray") -> None:
        """See `Uart`."""
        self._answer = registers(bytes(buf))
        self._at = _time.ticks_ms()

    def any(self) -> bool:
        """See `Uart`."""
        return bool(self._answer) and _time.ticks_diff(_time.ticks_ms(), self._at) >= ANSWER_MS

    def readinto(self, buf: bytearray) -> "int | None":
        """See `Uart`."""
        if not self.any():
            return None
        count = min(len(buf), len(self._answer))
        buf[:count] = self._answer[:count]
        self._answer = self._answer[count:]
        return count

    async def wait_readable(self, timeout_ms: int) -> bool:
        """See `Uart`."""
        began = _time.ticks_ms()
        while not self.any():
            if _time.ticks_diff(_time.ticks_ms(), began) >= timeout_ms:
                return False
            await _asyncio.sleep_ms(1)
        return True


def usual(values: "list[int]") -> int:
    """The lower quartile: what it takes while the machine has nothing else to do."""
    return sorted(values)[len(values) // 4]


async def polls(bus: Bus) -> "list[int]":
    """How long each of `POLLS` took, from asking to the next asking."""
    took = []
    for _ in range(POLLS):
        began = _time.ticks_us()
        await bus.read(1, 4, 0, 40)
        took.append(_time.ticks_diff(_time.ticks_us(), began))
    return took


async def measure(rounds: int) -> None:
    """Polls alone and while the node signs without a pause, in turns."""
    signer = SoftwareSigner(int.from_bytes(urandom(31), "big") + 1, urandom)
    bus = Bus(AnsweringUart(), RealClock(), 0)
    signatures = 0

    async def sign() -> None:
        nonlocal signatures
        while True:
            await signer.sign_between(urandom(100), flashes.no_pause)
            signatures += 1

    alone, signing = [], []
    for _ in range(rounds):
        alone += await polls(bus)
        task = asyncio.create_task(sign())
        signing += await polls(bus)
        task.cancel()
    print("alone", usual(alone), "signing", usual(signing), "longest", max(signing), "signatures", signatures)


def steps(rounds: int) -> None:
    """How long a signature takes, and the longest of its steps: of each step the shortest time seen."""
    signer = SoftwareSigner(12345, urandom)
    best: list[int] = []
    for _ in range(10 * rounds):
        work = signer.sign_steps(urandom(100))
        parts = []
        try:
            while True:
                began = _time.ticks_us()
                next(work)
                parts.append(_time.ticks_diff(_time.ticks_us(), began))
        except StopIteration:
            parts.append(_time.ticks_diff(_time.ticks_us(), began))
        best = [min(pair) for pair in zip(parts, best)] if best else parts  # noqa: B905 - the board has no `strict`
    print("signature", sum(best), "step", max(best))


asyncio.run(measure(int(sys.argv[1])))
steps(int(sys.argv[1]))
