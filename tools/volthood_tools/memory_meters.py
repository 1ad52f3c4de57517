"""A node in memory with simulated meters on its bus and on its network, and somebody at its console."""

import asyncio
import json
from collections.abc import Coroutine
from typing import Any

from volthood_tools.memory_board import MemoryBoard, MemoryFlash, MemoryStream
from volthood_tools.simmeter.answering import Answering
from volthood_tools.simmeter.clock import MeterClock
from volthood_tools.simmeter.meters import SimulatedMeter, simulated
from volthood_tools.simmeter.settings import MeterSettings
from voltnode.main import Node
from voltnode.settings import change

START_MS = 1_750_000_500_000 // 900_000 * 900_000
ANSWER_MS = 30
REQUEST = bytes(8)


class BoardClock(MeterClock):
    """The meters count by the board's time, which began `at_ms` behind a slot edge."""

    def __init__(self, board: MemoryBoard, at_ms: int) -> None:
        super().__init__(None)
        self._board = board
        self._start_ms = START_MS + at_ms

    def now_ms(self) -> int:
        """See `MeterClock`."""
        return self._start_ms + self._board.now_ms()


class MeterUart:
    """An RS-485 bus with simulated meters, each heard only in its own line settings.

    Attributes:
        meters: by their addresses.
        lines: (baud, parity, stop bits) of the meters by address; without an entry all are.
        asked: the addresses of all requests.
    """

    def __init__(self, board: MemoryBoard, meters: dict[int, SimulatedMeter]) -> None:
        self._board = board
        self.meters = meters
        self._answering = Answering({unit: meter.read for unit, meter in meters.items()})
        self._coming = b""
        self._at_ms = 0
        self.settings = (0, "N", 1)
        self.lines: dict[int, tuple[int, str, int]] = {}
        self.asked: list[int] = []

    def configure(self, baud: int, parity: str, stop_bits: int) -> None:
        """See `voltnode.bus.Uart`."""
        self.settings = (baud, parity, stop_bits)

    def write(self, buf: bytes | bytearray) -> None:
        """See `voltnode.bus.Uart`."""
        self.asked.append(buf[0])
        self._coming = b""
        if self.lines.get(buf[0], self.settings) == self.settings:
            self._coming = b"".join(answer for _, answer in self._answering.feed(bytes(buf)))
            self._at_ms = self._board.now_ms() + ANSWER_MS + self._request_ms()

    def _request_ms(self) -> int:
        """Until the request has left the line."""
        baud = self.settings[0]
        return len(REQUEST) * 11_000 // baud if baud else 0

    def any(self) -> bool:
        """See `voltnode.bus.Uart`."""
        return bool(self._coming) and self._board.now_ms() >= self._at_ms

    def readinto(self, buf: bytearray) -> int | None:
        """See `voltnode.bus.Uart`."""
        if not self.any():
            return None
        count = min(len(buf), len(self._coming))
        buf[:count], self._coming = self._coming[:count], self._coming[count:]
        return count

    async def wait_readable(self, timeout_ms: int) -> bool:
        """See `voltnode.bus.Uart`."""
        left_ms = max(1, self._at_ms - self._board.now_ms()) if self._coming else timeout_ms
        await self._board.sleep_ms(min(timeout_ms, left_ms))
        return self.any()


class MeterBench:
    """The node, with meters by their tables: `rtu` by address, `tcp` by HOST:PORT and address.

    Args:
        at_ms: when it starts, behind a slot edge; only the meters know.
        settings: what `config set` would change.
    """

    def __init__(
        self,
        rtu: dict[int, str],
        tcp: dict[str, dict[int, str]] | None = None,
        flash: MemoryFlash | None = None,
        at_ms: int = 0,
        **settings: Any,
    ) -> None:
        flash = MemoryFlash() if flash is None else flash
        if settings:
            change(flash, MemoryBoard(flash).defaults, settings)
        self.board = MemoryBoard(flash)
        clock = BoardClock(self.board, at_ms)
        self.uart = MeterUart(self.board, {unit: meter(table, unit, clock) for unit, table in rtu.items()})
        self.uart.configure(*[self.board.settings[name] for name in ("baud", "parity", "stop_bits")])
        self.board.uart = self.uart  # type: ignore[assignment]
        self._served: list[asyncio.Task[None]] = []
        self._tcp = {
            where: {unit: meter(table, unit + 100, clock).read for unit, table in units.items()}
            for where, units in (tcp or {}).items()
        }
        self.board.dial = self._dial
        self.node = Node(self.board)

    def _dial(self, host: str, port: int) -> MemoryStream:
        where = f"{host}:{port}"
        if where not in self._tcp:
            raise ConnectionRefusedError(111, where)
        mine, theirs = MemoryStream.pair()
        self._served.append(asyncio.get_running_loop().create_task(self._serve(theirs, where)))
        return mine

    async def _serve(self, stream: MemoryStream, where: str) -> None:
        answering = Answering(self._tcp[where], tcp=True)
        while data := await stream.read(300):
            for _, answer in answering.feed(data):
                await stream.write(answer)

    def run(self, *work: Coroutine[Any, Any, Any], run_ms: int) -> None:
        """Lets the node and this work run for so long."""

        async def play() -> None:
            loop = asyncio.get_running_loop()
            tasks = [loop.create_task(one) for one in (self.node.run(), *work)]
            await self.board.advance(run_ms)
            for task in [*tasks, *self._served]:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

        asyncio.run(play())

    def type(self, *keys: bytes, run_ms: int = 3000, every_ms: int = 1000) -> str:
        """What the console shows when these keys are pressed one after the other, while the node runs; b"" is a pause."""
        self.board.console.shown = b""

        async def press() -> None:
            for key in keys:
                if key:
                    self.board.console.type(key)
                await self.board.sleep_ms(every_ms)

        self.run(press(), run_ms=run_ms)
        return self.board.console.shown.decode()

    def ask(self, command: str, run_ms: int = 5000, first_ms: int = 1500) -> dict[str, Any]:
        """The one JSON object that answers, asked when the node has run for a while. Raises AssertionError for another."""
        shown = self.type(b"", command.encode() + b" --json\r", run_ms=run_ms, every_ms=first_ms)
        objects = [line[line.find("{") :] for line in shown.split("\r\n") if "{" in line]
        if len(objects) != 1:
            raise AssertionError(shown)
        answer: dict[str, Any] = json.loads(objects[0])
        return answer


def meter(table: str, serial: int, clock: MeterClock) -> SimulatedMeter:
    """A simulated meter at 1500 W."""
    return simulated(MeterSettings(name="meter", tcp=0, power_w="1500", table=table, serial=serial), clock)
