"""The Modbus RTU master: one request at a time, by whoever waits longest.

An answer that comes after its time must not be taken for the next one. So a unit that still owes an answer is not asked
again before `LATE_MS` have passed, and whatever comes before a request has left the line is read away. Units that answer
are not held up by one that does not: the bus is free while that one is waited for.
"""

import asyncio

from voltnode.bus import frames
from voltnode.bus.frames import EXCEPTION, OK

TYPE_CHECKING = False
if TYPE_CHECKING:
    from voltnode.bus import Clock, Uart

TIMEOUT_MS = 500
"""From the end of a request to the end of its answer, beside the time that the bytes take."""

LATE_MS = 500
"""How long after its time an answer may still come."""

QUIET_MS = 50
"""After so long without a byte a frame that has begun will not end. USB adapters deliver every 16 ms."""


class BusError(Exception):
    """A read without a result.

    Attributes:
        reason: timeout, short, crc, foreign, garbage, exception (the meter said no), port (nothing to talk through).
        code: Modbus exception code, with `exception`.
    """

    def __init__(self, reason: str, code: int = 0) -> None:
        super().__init__("%s %d" % (reason, code) if code else reason)
        self.reason = reason
        self.code = code


class Counters:
    """What became of the requests to one unit.

    Each request ends in one of `ok` to `port_errors`. `late` counts requests before which bytes were read away,
    `skipped` good answers with something else before them.
    """

    NAMES = (
        "requests",
        "ok",
        "exceptions",
        "timeouts",
        "short",
        "crc_errors",
        "foreign",
        "garbage",
        "port_errors",
        "late",
        "skipped",
    )

    def __init__(self) -> None:
        self.requests = self.ok = self.exceptions = self.timeouts = self.short = 0
        self.crc_errors = self.foreign = self.garbage = self.port_errors = self.late = self.skipped = 0

    def as_dict(self) -> "dict[str, int]":
        """Every counter by its name."""
        return {name: getattr(self, name) for name in self.NAMES}

    def ended(self, verdict: int) -> None:
        """Counts how a request ended."""
        name = ("ok", "exceptions", "timeouts", "short", "crc_errors", "foreign", "garbage")[verdict - OK]
        setattr(self, name, getattr(self, name) + 1)


class Bus:
    """One RS-485 bus.

    Args:
        uart: the port, open at the right speed.
        clock: transport time.
        baud: for the pauses between frames; 0 for a line without a speed (a pty).
    """

    def __init__(
        self,
        uart: "Uart",
        clock: "Clock",
        baud: int = 0,
        timeout_ms: int = TIMEOUT_MS,
        late_ms: int = LATE_MS,
    ) -> None:
        self.clock = clock
        self.timeout_ms = timeout_ms
        self.late_ms = late_ms
        self._uart = uart
        self._baud = baud
        self._lock = asyncio.Lock()
        self._request = bytearray(frames.REQUEST_BYTES)
        self._chunk = bytearray(64)
        self._answer = frames.Answer()
        self._counters: dict[int, Counters] = {}
        self._owing_until: dict[int, int] = {}
        self._free_at_ms = clock.now_ms()

    def counters(self, unit: int) -> Counters:
        """The counters of a unit."""
        if unit not in self._counters:
            self._counters[unit] = Counters()
        return self._counters[unit]

    async def read(self, unit: int, function: int, address: int, count: int) -> bytes:
        """The words of `count` registers from `address` on, two bytes each, big-endian.

        Raises:
            BusError: no answer, a broken one, or a refusal.
        """
        await self._until_nothing_is_owed(unit)
        async with self._lock:
            counters = self.counters(unit)
            counters.requests += 1
            try:
                verdict = await self._transaction(unit, function, address, count, counters)
            except OSError:
                counters.port_errors += 1
                raise BusError("port")
            counters.ended(verdict)
            answer = self._answer
            if verdict == OK:
                return bytes(memoryview(answer.buffer)[answer.start : answer.end])
            raise BusError(frames.NAMES[verdict], answer.code)

    async def _until_nothing_is_owed(self, unit: int) -> None:
        """Waits until no late answer of this unit can come any more."""
        while unit in self._owing_until:
            left_ms = self._owing_until[unit] - self.clock.now_ms()
            if left_ms <= 0:
                del self._owing_until[unit]
            else:
                await self.clock.sleep_ms(left_ms)

    async def _transaction(self, unit: int, function: int, address: int, count: int, counters: Counters) -> int:
        """One request and its answer: the verdict. Raises: OSError."""
        self._answer.expect(unit, function, count)
        await self.clock.sleep_ms(max(0, self._free_at_ms - self.clock.now_ms()))
        late = self._drained()
        frames.put_request(self._request, unit, function, address, count)
        self._uart.write(self._request)
        wait_ms = self.timeout_ms + self._line_ms(2 * frames.REQUEST_BYTES + 2 * count)
        deadline_ms = self.clock.now_ms() + wait_ms
        # Noted before waiting: who is cancelled while waiting leaves an answer behind.
        self._owing_until[unit] = deadline_ms + self.late_ms
        if self._baud:
            await self.clock.sleep_ms(8 * 1000 * frames.REQUEST_BYTES // self._baud)
            late = self._drained() or late
        counters.late += late
        verdict = await self._listen(deadline_ms)
        self._free_at_ms = self.clock.now_ms() + self._gap_ms()
        if verdict <= EXCEPTION:
            del self._owing_until[unit]
            if self._answer.skipped():
                counters.skipped += 1
        return verdict

    def _drained(self) -> bool:
        """Reads away what nobody asked for. Whether there was any. Raises: OSError."""
        found = False
        while self._uart.readinto(self._chunk):
            found = True
        return found

    async def _listen(self, deadline_ms: int) -> int:
        """Takes bytes until the answer is there, or time is up, or the line has gone quiet in mid-frame."""
        heard = False
        while True:
            left_ms = deadline_ms - self.clock.now_ms()
            if heard:
                left_ms = min(left_ms, QUIET_MS + self._gap_ms())
            if left_ms <= 0 or not await self._uart.wait_readable(left_ms):
                return self._answer.close()
            count = self._uart.readinto(self._chunk)
            if count:
                heard = True
                verdict = self._answer.take(self._chunk, count)
                if verdict:
                    return verdict

    def _line_ms(self, count: int) -> int:
        """How long so many characters of 11 bits take, rounded up."""
        return -(-count * 11_000 // self._baud) if self._baud else 0

    def _gap_ms(self) -> int:
        """3.5 characters, 1.75 ms above 19200 baud, rounded up."""
        if not self._baud:
            return 0
        return 2 if self._baud > 19_200 else -(-38_500 // self._baud)
