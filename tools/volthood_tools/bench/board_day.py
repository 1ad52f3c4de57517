"""A day of the node's tasks on MicroPython in virtual time: metering, records, ring and link, and the heap at each hour.

    board_day.run(folder, hours, sample_ms)

A UART answers as an SDM630 does, a broker in memory acknowledges and gives receipts, and is away for each third hour.
Prints `heap <hour> <bytes>` after a collection, and at the end what was read, written and acknowledged. Nothing here is
loaded by the node.
"""

import asyncio
import gc
import struct
from os import urandom

from volthood.wire.cbor_writer import encode
from volthood.wire.cose_writer import pack_mac0, protected_header, to_be_maced
from volthood.wire.mac import hmac_sha256
from voltnode.bus.frames import crc16
from voltnode.clock import Clock
from voltnode.config import Enrolment
from voltnode.hal.folder import FolderFlash
from voltnode.link import Link
from voltnode.log import Log
from voltnode.metering import Metering
from voltnode.mqtt import publish
from voltnode.recorder import Recorder, last_boot
from voltnode.ring import Ring
from voltnode.sequence import Sequence
from voltnode.sign.signer import SoftwareSigner

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

START_MS = 1_750_000_500_000 // 900_000 * 900_000
HOUR_MS = 3_600_000
LINK_KEY = "ab" * 32
AWAY_HOURS, AWAY_EVERY_HOURS = 1, 3
_POWER_W = 1500
_HMAC_256, _RECEIPT_KIND = 5, "volthood/1/receipt"
"""The board's compiled modules have the values of their constants and not the names."""

_asyncio: "Any" = asyncio
_gc: "Any" = gc


class DayUart:
    """A UART with an SDM630 at the other end that imports `_POWER_W`."""

    def __init__(self, board: "DayBoard") -> None:
        self._board = board
        self._answer = b""

    def configure(self, baud: int, parity: str, stop_bits: int) -> None:
        """See `Uart`."""

    def write(self, buf: "bytes | bytearray") -> None:
        """See `Uart`."""
        first, count = struct.unpack(">HH", buf[2:6])
        out = bytearray([buf[0], buf[1], 2 * count])
        for at in range(first, first + count, 2):
            out += self._value(at)
        crc = crc16(out, 0, len(out))
        self._answer = bytes(out) + bytes([crc & 255, crc >> 8])

    def _value(self, at: int) -> bytes:
        if at == 0xFC00:
            return b"\x00\x98\x96\x81"
        value = 0.0
        if at <= 4:
            value = 230.0 + self._board.now % 7
        elif at in (0x34, 0x0C):
            value = float(_POWER_W)
        elif at == 0x46:
            value = 50.0
        elif at == 0x48:
            value = 1000 + self._board.now * _POWER_W / 3_600_000 / 1000
        return struct.pack(">f", value)

    def readinto(self, buf: bytearray) -> "int | None":
        """See `Uart`."""
        count = min(len(buf), len(self._answer))
        buf[:count] = self._answer[:count]
        self._answer = self._answer[count:]
        return count or None

    def any(self) -> bool:
        """See `Uart`."""
        return bool(self._answer)

    async def wait_readable(self, timeout_ms: int) -> bool:
        """See `Uart`."""
        if not self._answer:
            await self._board.sleep_ms(timeout_ms)
        return bool(self._answer)


class DayBroker:
    """A broker with an agent behind it: see `voltnode.hal.Stream`."""

    def __init__(self, board: "DayBoard") -> None:
        self._board = board
        self._out: list[bytes] = []
        self._came = asyncio.Event()
        self.open = True

    async def read(self, _most: int) -> bytes:
        """See `Stream`."""
        while self.open and not self._out:
            self._came.clear()
            await self._came.wait()
        return self._out.pop(0) if self._out else b""

    async def write(self, data: bytes) -> None:
        """See `Stream`; a write is one packet."""
        kind = data[0] >> 4
        if kind == 1:
            self._say(b"\x20\x02\x00\x00")
        elif kind == 12:
            self._say(b"\xd0\x00")
        elif kind == 3 and data[0] & 6:
            topic = data.find(b"vh/1/")
            at = topic + (data[topic - 2] << 8 | data[topic - 1])
            self._say(b"\x40\x02" + data[at : at + 2])
            if data[at - 7 : at] == b"/record":
                self._say(self._board.receipt())

    def _say(self, packet: bytes) -> None:
        self._out.append(packet)
        self._came.set()

    def close(self) -> None:
        """See `Stream`."""
        self.open = False
        self._came.set()


class DayBoard:
    """Transport time that passes when nobody has anything left to do.

    Attributes:
        now: of the transport clock.
        held: records that the agent holds, which is the rseq of its receipt.
    """

    def __init__(self, folder: str, sample_ms: int) -> None:
        self.now = 0
        self.held = 0
        self.kid = b""
        self.flash = FolderFlash(folder)
        self.uart = DayUart(self)
        meter = {"model": "eastron_sdm630", "unit": 0, "where": "rtu", "accept_unverified": False}
        self.settings = {"baud": 0, "parity": "N", "stop_bits": 1, "sample_ms": sample_ms, "meters": [meter]}
        self._broker: DayBroker | None = None
        self._sleepers: list[tuple[int, Any]] = []

    def now_ms(self) -> int:
        """See `Board`."""
        return self.now

    def ticks_us(self) -> int:
        """See `Board`."""
        return self.now * 1000 & 0x3FFFFFFF

    def pause_us(self, _: int) -> None:
        """See `Board`."""

    def given_ms(self) -> int:
        """See `Board`."""
        return START_MS + self.now

    def speed(self) -> int:
        """See `Board`."""
        return 1

    def random(self, count: int) -> bytes:
        """See `Board`."""
        return urandom(count)

    async def sleep_ms(self, duration_ms: int) -> None:
        """See `Board`."""
        if duration_ms <= 0:
            await _asyncio.sleep_ms(0)
            return
        woken = asyncio.Event()
        self._sleepers.append((self.now + duration_ms, woken))
        await woken.wait()

    async def connect(self, *_where: object) -> DayBroker:
        """See `Board`."""
        if self._is_away():
            raise OSError(111)
        self._broker = DayBroker(self)
        return self._broker

    def _is_away(self) -> bool:
        return self.now // HOUR_MS % AWAY_EVERY_HOURS >= AWAY_EVERY_HOURS - AWAY_HOURS

    def receipt(self) -> bytes:
        """The agent took one more record."""
        self.held += 1
        protected, message = protected_header(_HMAC_256, self.kid), encode({1: 1, 2: self.held})
        mac = hmac_sha256(bytes.fromhex(LINK_KEY), to_be_maced(_RECEIPT_KIND, protected, message))
        topic = "vh/1/home/house01/node/" + self.kid.hex() + "/receipt"
        return publish(topic, pack_mac0(protected, message, mac), 1)

    async def advance(self, until_ms: int) -> None:
        """Lets time pass: whoever sleeps wakes in order, and everybody does what there is to do."""
        while self.now < until_ms:
            await _all_done()
            due = min([entry[0] for entry in self._sleepers] or [until_ms])
            self.now = max(self.now, min(due, until_ms))
            if self._broker is not None and self._broker.open and self._is_away():
                self._broker.close()
            for i in range(len(self._sleepers) - 1, -1, -1):
                if self._sleepers[i][0] <= self.now:
                    self._sleepers.pop(i)[1].set()
        await _all_done()


async def _all_done() -> None:
    """Returns when no other task can go on by itself."""
    queue = _asyncio.core._task_queue  # noqa: SLF001 - nothing else says whether anybody is ready
    while True:
        task = queue.peek()
        if task is None or _asyncio.core.ticks_diff(task.ph_key, _asyncio.core.ticks()) > 0:
            return
        await _asyncio.sleep_ms(0)


class DayNode:
    """The node's tasks, without console, TLS and updates."""

    def __init__(self, board: "Any") -> None:
        self.board = board
        self.log = Log(board.now_ms)
        signer = SoftwareSigner(int.from_bytes(urandom(31), "big") + 1, board.random)
        board.kid = signer.kid
        self.ring = Ring(board.flash, self.log, None)
        sequence = Sequence(board.flash, self.ring.greatest, last_boot(self.ring))
        self.recorder = Recorder(board, self.ring, sequence, signer, self.log, self._serial)
        self.link = Link(board, self.ring, self.recorder, signer.kid.hex(), "0", self.log)
        self.recorder.written = self.link.wake
        self.clock = Clock(board, self.log)
        self.metering = Metering(board, self.clock, self.recorder, self.link, self.log, _nothing)
        self.metering.begin_recording(900)
        self.link.begin(Enrolment({"house": "house01", "link_key": LINK_KEY, "broker": "10.0.0.1:1883"}))

    def _serial(self, index: int) -> str:
        return self.metering.serial(index)

    async def run(self, hours: int) -> None:
        """All tasks for so long."""
        tasks = (self.metering.run(self._keep), self.recorder.run(), self.link.run(), self._tick())
        running = [asyncio.create_task(task) for task in tasks]
        for hour in range(1, hours + 1):
            await self.board.advance(hour * HOUR_MS)
            gc.collect()
            print("heap", hour, _gc.mem_alloc())
            for task in running:
                if task.done():
                    await task

    async def _tick(self) -> None:
        while True:
            await self.board.sleep_ms(1000)
            self.recorder.wake()

    @staticmethod
    async def _keep(_name: str, start: "Any") -> None:
        await start()


def _nothing() -> None:
    """Nobody watches."""


def run(folder: str, hours: int, sample_ms: int) -> None:
    """The day; prints what the module says."""
    _gc.threshold(8192)
    board = DayBoard(folder, sample_ms)
    node = DayNode(board)
    gc.collect()
    print("heap", 0, _gc.mem_alloc())
    asyncio.run(node.run(hours))
    failed = node.log.counts.get("task_failed", 0) + node.log.counts.get("flash_failed", 0)
    print("records", node.ring.greatest, "held", board.held, "receipt", node.ring.receipt, "failed", failed)
