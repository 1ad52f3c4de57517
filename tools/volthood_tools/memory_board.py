"""A board in memory, for tests and simulations of the node.

Flash that tears writes and dies at the k-th operation, time that stands still until it is advanced, streams for a
network, a console. They keep to what `voltnode.hal` promises and refuse what no board would do.
"""

import asyncio
import hashlib
import random
from collections.abc import Callable, Generator
from typing import TYPE_CHECKING, Any

from volthood.wire.record import RELATIVE, SYNCHRONISED
from voltnode.settings import merged
from voltnode.sign.signer import Signer

if TYPE_CHECKING:
    from voltnode.hal import Datagrams, Identity, RawFlash

WHOLE = 256
MEMORY_BYTES = 2048


class PowerCutError(BaseException):
    """The power went. Not an Exception: no program can catch a power cut."""


class MemoryFlash:
    """Flash as a dictionary.

    Attributes:
        files: the contents by name; what a power cut leaves.
        operations: writes so far.
        cut_at: the power goes in the middle of this operation (counted from 1); 0 for never.
        torn: how much of an append that is cut remains, in 1/256; with 256 the cut operation was done, but nobody told.
        full: whether writes are refused, part of an append standing there afterwards.
    """

    def __init__(self, files: dict[str, bytes] | None = None) -> None:
        self.files = {} if files is None else files
        self.operations = 0
        self.cut_at = 0
        self.torn = 128
        self.full = False

    def read(self, name: str) -> bytes | None:
        """See `voltnode.hal.Flash`."""
        return self.files.get(name)

    def read_at(self, name: str, offset: int, size: int) -> bytes:
        """See `voltnode.hal.Flash`."""
        return self.files.get(name, b"")[offset : offset + size]

    def size(self, name: str) -> int:
        """See `voltnode.hal.Flash`."""
        return len(self.files.get(name, b""))

    def append(self, name: str, data: bytes) -> None:
        """See `voltnode.hal.Flash`."""
        part = data[: len(data) * self.torn // WHOLE]
        if self._begin():
            self.files[name] = self.files.get(name, b"") + part
            raise PowerCutError
        if self.full:
            self.files[name] = self.files.get(name, b"") + part
            raise OSError(28, "no space")
        self.files[name] = self.files.get(name, b"") + data

    def replace(self, name: str, data: bytes) -> None:
        """See `voltnode.hal.Flash`."""
        if self._begin():
            if self.torn == WHOLE:
                self.files[name] = data
            raise PowerCutError
        if self.full:
            raise OSError(28, "no space")
        self.files[name] = data

    def remove(self, name: str) -> None:
        """See `voltnode.hal.Flash`."""
        if self._begin():
            if self.torn == WHOLE:
                self.files.pop(name, None)
            raise PowerCutError
        self.files.pop(name, None)

    def names(self) -> list[str]:
        """See `voltnode.hal.Flash`."""
        return list(self.files)

    def under(self, folder: str) -> list[str]:
        """See `voltnode.update.folder.CodeFlash`."""
        return [name for name in self.files if name.startswith(folder + "/")]

    def free(self) -> int:
        """See `voltnode.hal.Flash`."""
        return 2_000_000 - sum(map(len, self.files.values()))

    def _begin(self) -> bool:
        if self.cut_at and self.operations >= self.cut_at:
            raise AssertionError("written to after the power went")
        self.operations += 1
        return self.operations == self.cut_at


class MemoryStream:
    """One end of a connection. Writing when the other end is closed raises OSError.

    Attributes:
        closed: by `close` on this end.
        full: writing waits for ever, as into a connection whose other end takes nothing.
    """

    def __init__(self) -> None:
        self._received = b""
        self._arrived = asyncio.Event()
        self._peer: MemoryStream | None = None
        self.closed = False
        self.full = False

    @classmethod
    def pair(cls) -> "tuple[MemoryStream, MemoryStream]":
        """Two connected ends."""
        one, other = cls(), cls()
        one._peer, other._peer = other, one
        return one, other

    async def read(self, most: int) -> bytes:
        """See `voltnode.hal.Stream`."""
        while not self._received:
            if self.closed or (self._peer is not None and self._peer.closed):
                return b""
            self._arrived.clear()
            await self._arrived.wait()
        data, self._received = self._received[:most], self._received[most:]
        return data

    async def write(self, data: bytes) -> None:
        """See `voltnode.hal.Stream`."""
        if self.closed or self._peer is None or self._peer.closed:
            raise ConnectionResetError(104, "connection reset")
        if self.full:
            await asyncio.get_running_loop().create_future()
        self._peer.arrive(data)
        await asyncio.sleep(0)

    def arrive(self, data: bytes) -> None:
        """Bytes for this end."""
        self._received += data
        self._arrived.set()

    def close(self) -> None:
        """See `voltnode.hal.Stream`."""
        self.closed = True
        self._arrived.set()
        if self._peer is not None:
            self._peer.arrive(b"")


class MemoryConsole:
    """A console whose keys are pressed by `type` and whose screen is `shown`."""

    def __init__(self) -> None:
        self.shown = b""
        self._typed: list[bytes] = []
        self._reader: asyncio.Future[None] | None = None

    def type(self, data: bytes) -> None:
        """Press keys."""
        self._typed.append(data)
        if self._reader is not None and not self._reader.done():
            self._reader.set_result(None)

    async def read(self) -> bytes:
        """See `voltnode.hal.Console`. The loop may be another one each time."""
        if not self._typed:
            self._reader = asyncio.get_running_loop().create_future()
            await self._reader
        return self._typed.pop(0)

    async def write(self, data: bytes) -> None:
        """See `voltnode.hal.Console`."""
        self.shown += data


class MemoryRadio:
    """Wi-Fi that says what the test sets.

    Attributes:
        says: the status once a network is being joined.
        around: what a scan finds.
        joined: name and password of the network, None after `leave`; `joins` how often.
    """

    def __init__(self) -> None:
        self.says = "up"
        self.around: list[dict[str, object]] = []
        self.joined: tuple[str, str] | None = None
        self.joins = 0

    def join(self, ssid: str, password: str) -> None:
        """See `voltnode.hal.Radio`."""
        self.joined = (ssid, password)
        self.joins += 1

    def leave(self) -> None:
        """See `voltnode.hal.Radio`."""
        self.joined = None

    def status(self) -> str:
        """See `voltnode.hal.Radio`."""
        return self.says if self.joined else "not joined"

    async def scan(self) -> list[dict[str, object]]:
        """See `voltnode.hal.Radio`."""
        return self.around


class SilentUart:
    """A bus on which nobody answers."""

    def write(self, buf: bytes | bytearray) -> None:
        """See `voltnode.bus.Uart`."""

    def readinto(self, buf: bytearray) -> int | None:
        """See `voltnode.bus.Uart`."""
        del buf
        return None

    def any(self) -> bool:
        """See `voltnode.bus.Uart`."""
        return False

    def configure(self, baud: int, parity: str, stop_bits: int) -> None:
        """See `voltnode.bus.Uart`."""

    async def wait_readable(self, timeout_ms: int) -> bool:
        """See `voltnode.bus.Uart`."""
        del timeout_ms
        raise OSError(5, "nothing is connected")


class QuickSigner(Signer):
    """Signs with a hash, for tests with many thousand records in which nobody verifies."""

    def __init__(self) -> None:
        super().__init__(bytes(64))

    def sign_steps(self, message: bytes) -> Generator[None, None, bytes]:
        """See `Signer`."""
        yield
        return hashlib.sha512(message).digest()


class MemoryBoard:
    """The board: see `voltnode.hal.Board`.

    Attributes:
        calendar: (ms at transport time 0, speed); None while the time is not known.
        ask: what `datagrams` gives: called with host and port, it may raise OSError.
        memory: what is kept over a reset; `cause` what the board says of this one.
        fed_ms: when the watchdog was last fed; `watchdog_ms` its limit, 0 before it runs.
        dial: what `connect` gives: called with host and port, it may raise OSError.
    """

    def __init__(self, flash: MemoryFlash | None = None, *, sample_ms: int = 1000, seed: int = 1) -> None:
        self.name = "board in memory"
        self.interpreter = "test"
        self.hardware = "memory"
        self.root: str | None = None
        self.flash = MemoryFlash() if flash is None else flash
        meter = {"model": "eastron_sdm630", "unit": 0, "where": "rtu", "accept_unverified": False}
        self.defaults: dict[str, Any] = {
            "baud": 0,
            "parity": "N",
            "stop_bits": 1,
            "sample_ms": sample_ms,
            "time_servers": "",
            "meters": [meter],
        }
        self.setting_errors: list[str] = []
        self.settings = merged(self.flash, self.defaults, self.setting_errors)
        self.uart = SilentUart()
        self.raw: RawFlash | None = None
        self.console = MemoryConsole()
        self.radio: MemoryRadio | None = None
        self.identity: Identity | None = None
        self.free_for_tls: int | None = None
        self.calendar: tuple[int, int] | None = None
        self.dial: Callable[[str, int], MemoryStream] = _nobody_listens
        self.ask: Callable[[str, int], Datagrams] = _nobody_hears
        self.memory = b""
        self.cause = "power on"
        self.fed_ms = self.watchdog_ms = 0
        self.restarts = 0
        self._now_ms = 0
        self._chance = random.Random(seed)
        self._sleepers: list[tuple[int, asyncio.Future[None]]] = []

    def now_ms(self) -> int:
        """See `Board`."""
        return self._now_ms

    def given_ms(self) -> int | None:
        """See `Board`."""
        return None if self.calendar is None else self.calendar_ms()[0]

    def calendar_ms(self) -> tuple[int, int]:
        """What a clock on this board would say: see `voltnode.clock.Clock`."""
        if self.calendar is None:
            return self._now_ms, RELATIVE
        start_ms, speed = self.calendar
        return start_ms + self._now_ms * speed, SYNCHRONISED

    def ticks_us(self) -> int:
        """See `Board`."""
        return self._now_ms * 1000 & 0x3FFFFFFF

    def pause_us(self, duration_us: int) -> None:
        """See `Board`; so little is nothing here."""

    def speed(self) -> int:
        """See `Board`."""
        return 1 if self.calendar is None else self.calendar[1]

    def random(self, count: int) -> bytes:
        """See `Board`; the same for the same seed."""
        return self._chance.randbytes(count)

    async def sleep_ms(self, duration_ms: int) -> None:
        """See `Board`; ends when `advance` has come that far."""
        if duration_ms <= 0:
            await asyncio.sleep(0)
            return
        waking = asyncio.get_running_loop().create_future()
        self._sleepers.append((self._now_ms + duration_ms, waking))
        await waking

    def skip_to(self, now_ms: int) -> None:
        """It is so late now; nobody sleeps meanwhile."""
        if self._sleepers:
            raise RuntimeError("somebody sleeps: advance")
        self._now_ms = now_ms

    async def advance(self, duration_ms: int) -> None:
        """Lets time pass: every sleeper wakes at its time, in order, and does what it can."""
        end_ms = self._now_ms + duration_ms
        await self.settle()
        while due := [entry for entry in self._sleepers if entry[0] <= end_ms]:
            entry = min(due, key=lambda candidate: candidate[0])
            self._sleepers.remove(entry)
            self._now_ms = max(self._now_ms, entry[0])
            if not entry[1].done():
                entry[1].set_result(None)
            await self.settle()
        self._now_ms = end_ms

    @staticmethod
    async def settle() -> None:
        """Lets every task do what it can without time passing."""
        for _ in range(60):
            await asyncio.sleep(0)

    async def connect(self, host: str, port: int, identity: "Identity | None" = None) -> MemoryStream:
        """See `Board`. Without TLS: a test sees by `identity` whether there would be."""
        self.identity = identity
        return self.dial(host, port)

    def use_time(self, time_s: int) -> None:
        """See `Board`."""

    def free_beside_heap(self) -> int | None:
        """See `Board`; `free_for_tls`, as the test says."""
        return self.free_for_tls

    def datagrams(self, host: str, port: int) -> "Datagrams":
        """See `Board`."""
        return self.ask(host, port)

    def network(self) -> dict[str, object]:
        """See `Board`."""
        return {"interface": "memory"}

    def heap(self) -> tuple[int, int]:
        """See `Board`."""
        return 0, 0

    def reset_cause(self) -> str:
        """See `Board`."""
        return self.cause

    def restart(self) -> None:
        """See `Board`; counted, and the test goes on."""
        self.restarts += 1

    def boot_memory(self) -> bytes:
        """See `Board`."""
        return self.memory

    def keep_boot_memory(self, data: bytes) -> None:
        """See `Board`."""
        if len(data) > MEMORY_BYTES:
            raise ValueError("buffer too long")
        self.memory = data

    def start_watchdog(self, limit_ms: int) -> None:
        """See `Board`; a test sees in `fed_ms` when it was fed last."""
        self.fed_ms = self._now_ms
        self.watchdog_ms = limit_ms

    def feed_watchdog(self) -> None:
        """See `Board`."""
        self.fed_ms = self._now_ms


def _nobody_hears(host: str, port: int) -> "Datagrams":
    raise OSError(113, f"no route to {host}:{port}")


def _nobody_listens(host: str, port: int) -> MemoryStream:
    raise ConnectionRefusedError(111, f"nobody listens at {host}:{port}")
