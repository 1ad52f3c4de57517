"""The Modbus RTU master: one request at a time, by whoever waits longest.

An answer that comes after its time must not be taken for the next one. So a unit that still owes an answer is not asked
again before `LATE_MS` have passed, and whatever comes before a request has left the line is read away. Units that answer
are not held up by one that does not: the bus is free while that one's late answer is waited for, and one that stays
silent is asked more and more rarely (`outcome`).

Cheap adapters hear themselves: the request comes back before its answer. That is recognised, read away and counted.
"""

import asyncio

from voltnode.bus import frames
from voltnode.bus.frames import EXCEPTION, OK
from voltnode.bus.outcome import BusError, Counters, Patience

TYPE_CHECKING = False
if TYPE_CHECKING:
    from voltnode.bus import Clock, Trace, Uart

    Line = tuple[int, str, int]
    """Baud, parity, stop bits."""

TIMEOUT_MS = 500
"""From the end of a request to the end of its answer, beside the time that the bytes take."""

LATE_MS = 500
"""How long after its time an answer may still come."""

_TICKS = 0x3FFFFFFF

QUIET_MS = 50
"""After so long without a byte a frame that has begun will not end. USB adapters deliver every 16 ms."""


class Bus:
    """One RS-485 bus.

    Args:
        uart: the port, open at the right speed.
        clock: transport time.
        baud: for the pauses between frames; 0 for a line without a speed (a pty).
        parity, stop_bits: of the line, as the port is set; with parity or a second stop bit a character has 11 bits.

    Attributes:
        line: (baud, parity, stop bits) as they are now.
        trace: is told of every transaction; None for nobody.
        lock, owing_until, answer: for `once` too, which is loaded rarely.
    """

    def __init__(
        self,
        uart: "Uart",
        clock: "Clock",
        baud: int = 0,
        timeout_ms: int = TIMEOUT_MS,
        late_ms: int = LATE_MS,
        parity: str = "N",
        stop_bits: int = 1,
    ) -> None:
        self.clock = clock
        self.timeout_ms = timeout_ms
        self.late_ms = late_ms
        self._uart = uart
        self._set_bits((baud, parity, stop_bits))
        self.trace: Trace | None = None
        self.lock = asyncio.Lock()
        self._request = bytearray(frames.REQUEST_BYTES)
        self._chunk = bytearray(64)
        self.answer = frames.Answer()
        self._counters: dict[int, Counters] = {}
        self._patience: dict[int, Patience] = {}
        self.owing_until: dict[int, int] = {}
        self._free_at_ms = clock.now_ms()
        self._ended_us = clock.ticks_us()

    def counters(self, unit: int) -> Counters:
        """The counters of a unit."""
        if unit not in self._counters:
            self._counters[unit] = Counters()
        return self._counters[unit]

    async def configure(self, baud: int, parity: str = "N", stop_bits: int = 1) -> None:
        """Changes the line's settings between two transactions, to look for a meter; nothing is owed afterwards.

        Raises:
            ValueError: a speed that the port does not have.
        """
        async with self.lock:
            self.set_line((baud, parity, stop_bits))
            self._patience = {}
            self.owing_until = {}

    def _set_bits(self, line: "Line") -> None:
        self.line = line
        self._baud = line[0]
        self._bits = 9 + line[2] + (line[1] != "N")

    def set_line(self, line: "Line") -> None:
        """Other line settings; the caller has the lock."""
        self._uart.configure(*line)
        self._set_bits(line)

    async def idle(self) -> None:
        """Returns between two transactions; none begins before the caller waits for something else."""
        async with self.lock:
            pass

    async def read(self, unit: int, function: int, address: int, count: int) -> bytes:
        """The words of `count` registers from `address` on, two bytes each, big-endian.

        Raises:
            BusError: no answer, a broken one, or a refusal.
        """
        counters = self.counters(unit)
        patience = self._patience.setdefault(unit, Patience())
        if patience.holds(self.clock.now_ms()):
            counters.held_back += 1
            raise BusError(patience.reason)
        await self._take_turn(unit)
        try:
            counters.requests += 1
            try:
                verdict = await self.transaction(unit, function, address, count, counters)
            except OSError:
                counters.port_errors += 1
                raise BusError("port")
            counters.ended(verdict)
            answer = self.answer
            if verdict <= EXCEPTION:
                patience.answered()
            else:
                patience.failed(self.clock.now_ms(), frames.NAMES[verdict])
            if verdict == OK:
                return bytes(memoryview(answer.buffer)[answer.start : answer.end])
            raise BusError(frames.NAMES[verdict], answer.code)
        finally:
            self.lock.release()

    async def _take_turn(self, unit: int) -> None:
        """Takes the bus, once no late answer of this unit can come any more. The others have it while that is waited for.

        Whether one can is seen with the bus in hand alone: before, somebody else's request to this unit may be under way.
        """
        while True:
            await self.lock.acquire()
            now_ms = self.clock.now_ms()
            left_ms = self.owing_until.get(unit, now_ms) - now_ms
            if left_ms <= 0:
                self.owing_until.pop(unit, None)
                return
            self.lock.release()
            await self.clock.sleep_ms(left_ms)

    async def transaction(self, unit: int, function: int, address: int, count: int, counters: Counters) -> int:
        """One request and its answer: the verdict. Raises: OSError."""
        await self._until_free()
        late = self._drained()
        frames.put_request(self._request, unit, function, address, count)
        self.answer.expect(unit, function, count)
        self._uart.write(self._request)
        began_ms = self.clock.now_ms()
        wait_ms = self.timeout_ms + self._line_ms(2 * frames.REQUEST_BYTES + 2 * count)
        # Noted before waiting: who is cancelled while waiting leaves an answer behind.
        self.owing_until[unit] = began_ms + wait_ms + self.late_ms
        echo = False
        if self._baud:
            await self.clock.sleep_ms((self._bits - 1) * 1000 * frames.REQUEST_BYTES // self._baud)
            echo, too_early = self._drained_echo()
            late = late or too_early
        counters.late += late
        verdict = await self._listen(began_ms + wait_ms)
        self._ended_us = self.clock.ticks_us()
        self._free_at_ms = self.clock.now_ms() + self._gap_us() // 1000 + 2
        if verdict <= EXCEPTION:
            del self.owing_until[unit]
        self._note(counters, verdict, echo)
        if self.trace is not None:
            self.trace(bytes(self._request), self.answer.came(), frames.NAMES[verdict], self.clock.now_ms() - began_ms)
        return verdict

    def _note(self, counters: Counters, verdict: int, echo: bool) -> None:
        """Counts what came before the answer."""
        heard = self.answer.echo(self._request)
        counters.echoes += echo or heard
        if verdict <= EXCEPTION and self.answer.skipped() > (frames.REQUEST_BYTES if heard or echo else 0):
            counters.skipped += 1

    def _drained(self) -> bool:
        """Reads away what nobody asked for. Whether there was any. Raises: OSError."""
        found = False
        while self._uart.readinto(self._chunk):
            found = True
        return found

    def _drained_echo(self) -> "tuple[bool, bool]":
        """Reads away what came while the request left: whether that was its echo, and whether anything else. Raises: OSError."""
        at, other = 0, False
        while True:
            count = self._uart.readinto(self._chunk)
            if not count:
                # The end of the echo may still be under way: it then stands before the answer and is skipped there.
                return at > 0 and not other, other
            for i in range(count):
                if at < frames.REQUEST_BYTES and self._chunk[i] == self._request[at]:
                    at += 1
                else:
                    other = True

    async def _listen(self, deadline_ms: int) -> int:
        """Takes bytes until the answer is there, or time is up, or the line has gone quiet in mid-frame."""
        heard = False
        while True:
            left_ms = deadline_ms - self.clock.now_ms()
            if heard:
                left_ms = min(left_ms, QUIET_MS + self._gap_us() // 1000)
            if left_ms <= 0 or not await self._uart.wait_readable(left_ms):
                return self.answer.close()
            count = self._uart.readinto(self._chunk)
            if count:
                heard = True
                verdict = self.answer.take(self._chunk, count)
                if verdict:
                    return verdict

    def _line_ms(self, count: int) -> int:
        """How long so many characters take, rounded up."""
        return -(-count * self._bits * 1000 // self._baud) if self._baud else 0

    def _gap_us(self) -> int:
        """3.5 characters, 1.75 ms above 19200 baud."""
        if not self._baud:
            return 0
        return 1750 if self._baud > 19_200 else 3_500_000 * self._bits // self._baud

    async def _until_free(self) -> None:
        """Waits for the end of the gap behind the last frame: asleep for whole ms, the rest in place."""
        if self.clock.now_ms() >= self._free_at_ms:
            return
        left_us = self._gap_left_us()
        if left_us >= 1000:
            await self.clock.sleep_ms(left_us // 1000)
            left_us = self._gap_left_us()
        if left_us > 0:
            self.clock.pause_us(min(left_us, 1000))

    def _gap_left_us(self) -> int:
        return self._gap_us() - (self.clock.ticks_us() - self._ended_us & _TICKS)
