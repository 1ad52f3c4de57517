"""Modbus TCP: meters and gateways over the network, read by the same tables as those on the bus.

(MODBUS Messaging on TCP/IP Implementation Guide V1.0b.) Here an answer names its request, by a transaction number. So one
that comes too late is told from the next, and nothing is owed; everything else is as on the bus: one request at a time,
and a meter that stays silent is asked more and more rarely. The connection is made when it is needed, and again after any
error of it; while the network is away each read fails with `port` at once or within the timeout.
"""

import asyncio

from voltnode.bus import frames
from voltnode.bus.frames import EXCEPTION, FOREIGN, GARBAGE, OK, SILENCE
from voltnode.bus.outcome import BusError, Counters, Patience

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from typing import Any, Protocol

    from voltnode.bus import Clock, Trace

    class Stream(Protocol):
        """A TCP connection, as `voltnode.hal.Stream`."""

        async def read(self, most: int) -> bytes:
            """What came; empty at the end. Raises: OSError."""

        async def write(self, data: bytes) -> None:
            """All bytes are on their way. Raises: OSError."""

        def close(self) -> None:
            """Frees the socket."""


TCP_PORT = 502
TIMEOUT_MS = 1000
"""For connection and answer: behind a gateway the bus needs its time too."""

GATEWAY_PATH, GATEWAY_SILENT = 10, 11
"""Exception codes of a gateway that cannot reach the meter: to us the meter is silent."""

_HEADER_BYTES = 7
_MAX_BODY_BYTES = 254


def request(transaction: int, unit: int, function: int, address: int, count: int) -> bytes:
    """The request for `count` registers from `address` on."""
    body = (unit, function, address >> 8, address & 0xFF, count >> 8, count & 0xFF)
    return bytes((transaction >> 8, transaction & 0xFF, 0, 0, 0, len(body)) + body)


class Inbox:
    """What came over a connection, cut into answers."""

    def __init__(self) -> None:
        self._data = b""

    def add(self, data: bytes) -> None:
        """More of it."""
        self._data += data

    def take(self) -> "tuple[int, int, bytes] | None":
        """(transaction, unit, function and data) of the next whole answer; None for none yet.

        Raises:
            ValueError: this is no Modbus; the connection is worth nothing any more.
        """
        data = self._data
        if len(data) < _HEADER_BYTES:
            return None
        length = data[4] << 8 | data[5]
        if data[2] or data[3] or not 2 < length <= _MAX_BODY_BYTES:
            raise ValueError("no Modbus header")
        if len(data) < 6 + length:
            return None
        self._data = data[6 + length :]
        return data[0] << 8 | data[1], data[6], data[7 : 6 + length]


def verdict_on(body: bytes, function: int, count: int) -> int:
    """What an answer with the right transaction and unit is: `OK`, `EXCEPTION` or `FOREIGN`."""
    if len(body) == 2 and body[0] == function | 0x80:
        return EXCEPTION
    fits = len(body) == 2 + 2 * count and body[0] == function and body[1] == 2 * count
    return OK if fits else FOREIGN


class TcpBus:
    """A Modbus TCP meter, or a gateway with meters behind it. Reads as `voltnode.bus.master.Bus` does.

    Args:
        connect: makes a connection to host and port, as `voltnode.hal.Board.connect`.
        clock: transport time.
    """

    def __init__(
        self,
        connect: "Callable[[str, int], Awaitable[Stream]]",
        clock: "Clock",
        host: str,
        port: int = TCP_PORT,
        timeout_ms: int = TIMEOUT_MS,
    ) -> None:
        self.clock = clock
        self.timeout_ms = timeout_ms
        self.trace: Trace | None = None
        self._connect = connect
        self._place = (host, port)
        self._lock = asyncio.Lock()
        self._stream: Stream | None = None
        self._inbox = Inbox()
        self._transaction = 0
        self._counters: dict[int, Counters] = {}
        self._patience: dict[int, Patience] = {}
        self._came = b""

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
        counters = self.counters(unit)
        patience = self._patience.setdefault(unit, Patience())
        if patience.holds(self.clock.now_ms()):
            counters.held_back += 1
            raise BusError(patience.reason)
        async with self._lock:
            counters.requests += 1
            try:
                verdict, body = await self._ask(unit, function, address, count, counters)
            except OSError:
                self.close()
                counters.port_errors += 1
                raise BusError("port")
        counters.ended(verdict)
        if verdict <= EXCEPTION:
            patience.answered()
        else:
            patience.failed(self.clock.now_ms(), frames.NAMES[verdict])
        if verdict == OK:
            return body[2:]
        raise BusError(frames.NAMES[verdict], body[1] if verdict == EXCEPTION else 0)

    def close(self) -> None:
        """Ends the connection; the next read makes a new one."""
        if self._stream is not None:
            self._stream.close()
            self._stream = None
            self._inbox = Inbox()

    async def _ask(self, unit: int, function: int, address: int, count: int, counters: Counters) -> "tuple[int, bytes]":
        """One request and its answer. Raises: OSError."""
        began_ms = self.clock.now_ms()
        self._transaction = self._transaction + 1 & 0xFFFF
        sent = request(self._transaction, unit, function, address, count)
        self._came = b""
        try:
            if self._stream is None:
                self._stream = await _within(self._connect(*self._place), self.timeout_ms)
            await _within(self._stream.write(sent), self.timeout_ms)
        except asyncio.TimeoutError:
            raise OSError("no connection")
        verdict, body = await self._answer(unit, function, count, counters, began_ms + self.timeout_ms)
        if self.trace is not None:
            self.trace(sent, self._came, frames.NAMES[verdict], self.clock.now_ms() - began_ms)
        return verdict, body

    async def _answer(
        self, unit: int, function: int, count: int, counters: Counters, deadline_ms: int
    ) -> "tuple[int, bytes]":
        """The answer to the request sent last. Raises: OSError."""
        while True:
            try:
                found = self._inbox.take()
            except ValueError:
                self.close()
                return GARBAGE, b""
            if found is None:
                data = await self._more(deadline_ms)
                if not data:
                    return SILENCE, b""
                self._inbox.add(data)
                self._came += data
            elif found[0] != self._transaction:
                counters.late += 1
            elif found[1] != unit:
                return FOREIGN, b""
            else:
                verdict = verdict_on(found[2], function, count)
                unreachable = verdict == EXCEPTION and found[2][1] in (GATEWAY_PATH, GATEWAY_SILENT)
                return (SILENCE, b"") if unreachable else (verdict, found[2])

    async def _more(self, deadline_ms: int) -> bytes:
        """What comes next; empty when time is up. Raises: OSError, also at the end of the connection."""
        left_ms = deadline_ms - self.clock.now_ms()
        if left_ms <= 0 or self._stream is None:
            return b""
        try:
            data: bytes = await _within(self._stream.read(_MAX_BODY_BYTES + _HEADER_BYTES), left_ms)
        except asyncio.TimeoutError:
            return b""
        if not data:
            raise OSError("connection closed")
        return data


async def _within(work: "Awaitable[Any]", timeout_ms: int) -> "Any":
    """What it gives. Raises: asyncio.TimeoutError; whatever it raises."""
    if hasattr(asyncio, "wait_for_ms"):
        return await asyncio.wait_for_ms(work, timeout_ms)
    return await asyncio.wait_for(work, timeout_ms / 1000)
