"""The virtual board: the node as a process, on MicroPython's unix port or on CPython.

    micropython -X heapsize=192k -m voltnode.hal.unix --dir FOLDER --uart PORT [--unit N] [--clock FILE] [--sample-ms N]

- UART0, the console, is the process's standard input and output: whoever starts it gives it a pty (see
  `volthood_tools.virtual_board`), or a terminal. MicroPython cannot make a pty by itself.
- The RS-485 port is a pty or serial port, the flash a folder, the random generator the kernel's.
- Calendar time is computed from three integers in the clock file. Until that file exists the time is not known. The file
  is read anew each second, so that a test can set the clock.
- It is a program that may be killed at any time: what matters is on flash.
"""

import asyncio
import gc
import json
import os
import select
import sys
import time

from voltnode.hal.datagrams import UdpPort
from voltnode.hal.folder import FolderFlash
from voltnode.hal.reset_unix import ResetMemory
from voltnode.hal.serial_unix import SerialPort
from voltnode.hal.tcp import TcpStream, connect
from voltnode.on_demand import call

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from voltnode.bus import Uart
    from voltnode.hal import Console, Flash, Identity, Radio, RawFlash

_CPYTHON = sys.implementation.name == "cpython"
_os: "Any" = os
_time: "Any" = time
_asyncio: "Any" = asyncio
_gc: "Any" = gc

_CLOCK_READ_MS = 1000
_WRITE_LIMIT_MS = 200
_CHUNK_BYTES = 256

_COLLECT_EVERY_BYTES = 8192
"""Rubbish is collected this often, so that what stays lies close together and large pieces remain."""
_OPTIONS = "voltnode.hal.options_unix"


class StandardConsole:
    """The console on standard input and output: see `voltnode.hal.Console`."""

    def __init__(self) -> None:
        self._stdin: Any = sys.stdin.buffer
        self._stdout: Any = sys.stdout.buffer
        self._readable = select.poll()
        self._readable.register(self._stdin, select.POLLIN)
        self._stream: Any = None

    async def read(self) -> bytes:
        """See `Console`."""
        if not self._readable.poll(0):
            await (self._wait_cpython() if _CPYTHON else self._wait_micropython())
        if _CPYTHON:
            try:
                data: bytes = _os.read(0, _CHUNK_BYTES)
            except OSError:
                return b""
            return data
        out = b""
        while len(out) < _CHUNK_BYTES and self._readable.poll(0):
            byte = self._stdin.read(1)
            if not byte:
                break
            out += byte
        return out

    @staticmethod
    async def _wait_cpython() -> None:
        loop = _asyncio.get_running_loop()
        ready = asyncio.Event()
        try:
            loop.add_reader(0, ready.set)
        except OSError:
            return
        try:
            await ready.wait()
        finally:
            loop.remove_reader(0)

    async def _wait_micropython(self) -> None:
        # Reading nothing from a stream waits until there is something, and leaves it there.
        if self._stream is None:
            self._stream = asyncio.StreamReader(self._stdin)
        await self._stream.readinto(bytearray(0))

    async def write(self, data: bytes) -> None:
        """See `Console`."""
        left_ms = _WRITE_LIMIT_MS
        while data and left_ms > 0:
            try:
                sent = self._write_some(data[:_CHUNK_BYTES])
            except OSError:
                return
            data = data[sent:]
            if not sent:
                left_ms -= 10
                await _asyncio.sleep(0.01)

    def _write_some(self, data: bytes) -> int:
        if not _CPYTHON:
            return self._stdout.write(data) or 0
        try:
            return int(_os.write(1, data))
        except BlockingIOError:  # CPython's alone
            return 0


class VirtualBoard:
    """The board: see `voltnode.hal.Board`. `options` as `voltnode.hal.options_unix`."""

    def __init__(self, options: "dict[str, str]") -> None:
        version = ".".join([str(part) for part in sys.implementation.version[:3]])
        self.name = "virtual board"
        self.interpreter = "%s %s" % ("CPython" if _CPYTHON else "MicroPython", version)
        self.hardware = "virtual"
        self.root: str | None = options["root"] or None
        self.flash: Flash = FolderFlash(options["dir"])
        self._reset = ResetMemory(options["dir"])
        self.raw: RawFlash | None = call(_OPTIONS, "open_raw", options["raw"])
        self.console: Console = StandardConsole()
        self.radio: Radio | None = call(_OPTIONS, "open_radio", options["wifi"])
        self._free_for_tls = options["free-for-tls"]
        self.defaults: dict[str, Any] = call(_OPTIONS, "defaults", options)
        self.setting_errors: list[str] = []
        self.settings: dict[str, Any] = call(
            "voltnode.settings", "merged", self.flash, self.defaults, self.setting_errors
        )
        line = [self.settings[name] for name in ("baud", "parity", "stop_bits")]
        self.uart: Uart = SerialPort(options["uart"], *line)
        self._clock_file = options["clock"]
        self._clock: tuple[int, int, int] | None = None
        self._clock_read_ms = -_CLOCK_READ_MS
        self._start = _time.monotonic_ns() if _CPYTHON else _time.ticks_ms()

    def now_ms(self) -> int:
        """See `Board`."""
        if _CPYTHON:
            return int((_time.monotonic_ns() - self._start) // 1_000_000)
        return int(_time.ticks_diff(_time.ticks_ms(), self._start))

    def given_ms(self) -> "int | None":
        """See `Board`."""
        now_ms = self.now_ms()
        if self._clock_file and now_ms - self._clock_read_ms >= _CLOCK_READ_MS:
            self._clock_read_ms = now_ms
            self._clock = _read_clock(self._clock_file) or self._clock
        if self._clock is None:
            return None
        real_start_ms, calendar_start_s, speed = self._clock
        return calendar_start_s * 1000 + (time.time_ns() // 1_000_000 - real_start_ms) * speed

    def ticks_us(self) -> int:
        """See `Board`."""
        ticks: int = _time.monotonic_ns() // 1000 if _CPYTHON else _time.ticks_us()
        return ticks & 0x3FFFFFFF

    def pause_us(self, duration_us: int) -> None:
        """See `Board`."""
        if _CPYTHON:
            time.sleep(duration_us / 1_000_000)
        else:
            _time.sleep_us(duration_us)

    def speed(self) -> int:
        """See `Board`."""
        self.given_ms()
        return 1 if self._clock is None else self._clock[2]

    def random(self, count: int) -> bytes:
        """See `Board`."""
        data: bytes = _os.urandom(count)
        return data

    async def sleep_ms(self, duration_ms: int) -> None:
        """See `Board`."""
        await _asyncio.sleep(duration_ms / 1000)

    async def connect(self, host: str, port: int, identity: "Identity | None" = None) -> TcpStream:
        """See `Board`."""
        self._check_network()
        return await connect(host, port, identity)

    def _check_network(self) -> None:
        if self.radio is not None and self.radio.status() != "up":
            raise OSError("no Wi-Fi")

    def use_time(self, time_s: int) -> None:
        """See `Board`. TLS goes by this machine's clock."""

    def free_beside_heap(self) -> "int | None":
        """See `Board`. An ordinary machine has enough; a test says what there is."""
        return int(self._free_for_tls) if self._free_for_tls else None

    def datagrams(self, host: str, port: int) -> UdpPort:
        """See `Board`."""
        self._check_network()
        return UdpPort(host, port)

    def network(self) -> "dict[str, object]":
        """See `Board`."""
        return {"interface": "that of this machine"}

    def heap(self) -> "tuple[int, int]":
        """See `Board`."""
        gc.collect()
        return (0, 0) if _CPYTHON else (_gc.mem_alloc(), _gc.mem_free())

    def reset_cause(self) -> str:
        """See `Board`."""
        return self._reset.cause

    def restart(self) -> None:
        """See `Board`. Whoever keeps the process running starts it again."""
        self._reset.end()
        # A reset asks no task: CPython would first wait for each to take its cancellation, MicroPython just ends.
        end_at_once = getattr(os, "_exit", sys.exit)
        end_at_once(0)

    def boot_memory(self) -> bytes:
        """See `Board`."""
        return self._reset.read()

    def keep_boot_memory(self, data: bytes) -> None:
        """See `Board`."""
        self._reset.keep(data)

    def start_watchdog(self, limit_ms: int) -> None:
        """See `Board`."""
        self._reset.start_watchdog(limit_ms)

    def feed_watchdog(self) -> None:
        """See `Board`."""
        self._reset.feed()


def _read_clock(path: str) -> "tuple[int, int, int] | None":
    """(real start in ms, calendar start in s, speed); None while the file is missing or half written."""
    try:
        with open(path) as file:
            values = json.load(file)
        return int(values["real_start_ms"]), int(values["calendar_start_s"]), int(values["speed"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def main() -> None:
    """Runs the node until it is killed."""
    try:
        board = VirtualBoard(call(_OPTIONS, "parse_options", sys.argv[1:]))
    except ValueError as error:
        print(error, file=sys.stderr)
        sys.exit(2)
    if not _CPYTHON:
        _gc.threshold(_COLLECT_EVERY_BYTES)
    from voltnode.main import run

    print("volthood node: %s on %s" % (board.name, board.interpreter), file=sys.stderr)
    asyncio.run(run(board))


if __name__ == "__main__":
    main()
