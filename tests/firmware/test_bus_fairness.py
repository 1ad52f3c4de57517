"""A dead meter never slows the others: measured on one bus, in virtual time that passes for all of them together."""

import asyncio
import heapq
from collections.abc import Coroutine

import pytest

from voltnode.bus.frames import crc16
from voltnode.bus.master import TIMEOUT_MS, Bus
from voltnode.bus.outcome import BusError

BAUD = 9600
RUN_MS = 120_000
EVERY_MS = 1000


class Together:
    """Time for many tasks: it passes when all of them wait, to the earliest of what they wait for."""

    def __init__(self) -> None:
        self.now = 0
        self._waiting: list[tuple[int, int, asyncio.Future[None]]] = []
        self._count = 0

    def now_ms(self) -> int:
        return self.now

    def ticks_us(self) -> int:
        return self.now * 1000 & 0x3FFFFFFF

    def pause_us(self, duration_us: int) -> None:
        assert 0 < duration_us <= 1000

    def speed(self) -> int:
        return 1

    async def sleep_ms(self, duration_ms: int) -> None:
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._count += 1
        heapq.heappush(self._waiting, (self.now + max(0, duration_ms), self._count, future))
        await future

    async def run(self, *work: Coroutine[None, None, None]) -> None:
        tasks = [asyncio.create_task(one) for one in work]
        while not all(task.done() for task in tasks):
            for _ in range(12):  # whoever can go on does
                await asyncio.sleep(0)
            if self._waiting:
                at, _, future = heapq.heappop(self._waiting)
                self.now = max(self.now, at)
                if not future.done():
                    future.set_result(None)
        await asyncio.gather(*tasks)


class SharedLine:
    """A bus on which some units answer at the speed of the wire, and the others never."""

    def __init__(self, clock: Together, alive: set[int]) -> None:
        self._clock = clock
        self._alive = alive
        self._coming: list[tuple[int, bytes]] = []

    def write(self, buf: bytes | bytearray) -> None:
        self._coming = []
        if buf[0] in self._alive:
            body = bytes(buf[:2]) + bytes([2 * buf[5]]) + bytes(2 * buf[5])
            crc = crc16(body, 0, len(body))
            took_ms = (13 + 2 * buf[5]) * 10_000 // BAUD + 8
            self._coming = [(self._clock.now + took_ms, body + bytes([crc & 0xFF, crc >> 8]))]

    def any(self) -> bool:
        return bool(self._coming) and self._coming[0][0] <= self._clock.now

    def readinto(self, buf: bytearray) -> int | None:
        if not self.any():
            return None
        at_ms, data = self._coming.pop()
        count = min(len(buf), len(data))
        buf[:count] = data[:count]
        if data[count:]:
            self._coming = [(at_ms, data[count:])]
        return count

    def configure(self, baud: int, parity: str, stop_bits: int) -> None:
        raise NotImplementedError

    async def wait_readable(self, timeout_ms: int) -> bool:
        until = self._clock.now + timeout_ms
        wake = min(until, self._coming[0][0]) if self._coming else until
        await self._clock.sleep_ms(wake - self._clock.now)
        return self.any()


def readings(alive: set[int], dead: set[int]) -> dict[int, tuple[int, int]]:
    """For each living meter: readings in `RUN_MS` of one a second, and the longest time between two."""
    clock = Together()
    bus = Bus(SharedLine(clock, alive), clock, BAUD)
    found = {unit: [0, 0, 0] for unit in alive}

    async def keep_reading(unit: int) -> None:
        due_ms = 0
        while clock.now < RUN_MS:
            try:
                await bus.read(unit, 4, 0, 40)
            except BusError:
                assert unit in dead
            else:
                count, last_ms, longest_ms = found[unit]
                found[unit] = [count + 1, clock.now, max(longest_ms, clock.now - last_ms)]
            due_ms = max(due_ms + EVERY_MS, clock.now)
            await clock.sleep_ms(due_ms - clock.now)

    asyncio.run(clock.run(*(keep_reading(unit) for unit in sorted(alive | dead))))
    return {unit: (count, longest_ms) for unit, (count, _, longest_ms) in found.items()}


@pytest.mark.parametrize(("dead", "share"), [({9}, 0.97), ({7, 8, 9}, 0.94), (set(range(100, 110)), 0.80)])
def test_a_dead_meter_never_slows_the_others(dead: set[int], share: float) -> None:
    alone, beside = readings({1, 2}, set()), readings({1, 2}, dead)
    for unit, (count, longest_ms) in beside.items():
        print(f"unit {unit} beside {len(dead)} dead: {count} of {alone[unit][0]} readings, longest gap {longest_ms} ms")
        assert count >= share * alone[unit][0]
        # At most the timeouts of the dead lie between two readings, each once.
        assert longest_ms <= EVERY_MS + len(dead) * (TIMEOUT_MS + 120) + 300


def test_living_meters_share_the_bus() -> None:
    counts = {count for count, _ in readings({1, 2, 3, 4}, set()).values()}
    assert max(counts) - min(counts) <= 1
    assert min(counts) >= RUN_MS // EVERY_MS - 1
