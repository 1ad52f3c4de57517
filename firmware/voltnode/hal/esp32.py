"""The ESP32 under stock MicroPython, 1.23 or newer.

What differs from board to board (pins, the bus's speed, the meter, Wi-Fi) stands in the file `board` on its flash, which
the installer's tool writes; `DEFAULTS` shows its keys. UART0 is the console, so Ctrl-C must not stop the program.
"""

import asyncio
import gc
import os
import select
import socket
import sys
import time

import machine
import micropython
import network

from volthood.wire.record import INFORMATIVE, RELATIVE, SYNCHRONISED
from voltnode.hal.folder import FolderFlash
from voltnode.sealed import read_sealed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from voltnode.bus import Uart
    from voltnode.hal import Console, Flash

FLASH_FOLDER = "/node"
BOARD_FILE = "board"
DEFAULTS = {
    "tx": 17,
    "rx": 16,
    "direction": -1,
    "baud": 9600,
    "parity": "N",
    "stop_bits": 1,
    "unit": 0,
    "model": "eastron_sdm630",
    "ssid": "",
    "password": "",
    "sample_ms": 1000,
}
"""Settings of a board; `direction` is the pin of a transceiver that needs one, or -1."""

_RX_BYTES = 512
_COLLECT_EVERY_BYTES = 8192
_CONSOLE_CHUNK = 64

_NTP_PORT = 123
_NTP_TO_UNIX_S = 2_208_988_800
_NTP_ANSWER_MS = 2000
_NTP_RETRY_MS = 10_000
_NTP_EVERY_MS = 1_800_000
_NTP_TRUSTED_MS = 24 * 3_600_000

_RESET_CAUSES = {
    machine.PWRON_RESET: "power on or brownout",
    machine.HARD_RESET: "reset pin",
    machine.WDT_RESET: "watchdog",
    machine.DEEPSLEEP_RESET: "deep sleep",
    machine.SOFT_RESET: "restart",
}

_PARITY = {"N": None, "E": 0, "O": 1}


class Rs485:
    """UART1 with an RS-485 transceiver: see `voltnode.bus.Uart`."""

    def __init__(self, settings: "dict[str, Any]") -> None:
        self._uart = machine.UART(
            1,
            baudrate=settings["baud"],
            bits=8,
            parity=_PARITY[settings["parity"]],
            stop=settings["stop_bits"],
            tx=settings["tx"],
            rx=settings["rx"],
            rxbuf=_RX_BYTES,
        )
        pin = settings["direction"]
        self._direction = None if pin < 0 else machine.Pin(pin, machine.Pin.OUT, value=0)

    def configure(self, baud: int, parity: str, stop_bits: int) -> None:
        """See `Uart`."""
        self._uart.init(baudrate=baud, bits=8, parity=_PARITY[parity], stop=stop_bits)

    def write(self, buf: "bytes | bytearray") -> None:
        """See `Uart`. With a direction pin it returns when the last bit is out: MicroPython has no RS-485 mode."""
        if self._direction is None:
            self._uart.write(buf)
            return
        self._direction.on()
        self._uart.write(buf)
        self._uart.flush()
        self._direction.off()

    def readinto(self, buf: bytearray) -> "int | None":
        """See `Uart`."""
        return self._uart.readinto(buf) if self._uart.any() else None

    def any(self) -> bool:
        """See `Uart`."""
        return self._uart.any() > 0

    async def wait_readable(self, timeout_ms: int) -> bool:
        """See `Uart`."""
        started = time.ticks_ms()
        while not self._uart.any():
            if time.ticks_diff(time.ticks_ms(), started) >= timeout_ms:
                return False
            await asyncio.sleep_ms(2)
        return True


class ReplConsole:
    """UART0, taken from the REPL: see `voltnode.hal.Console`."""

    def __init__(self) -> None:
        micropython.kbd_intr(-1)
        self._poll = select.poll()
        self._poll.register(sys.stdin, select.POLLIN)
        self._in: Any = sys.stdin.buffer
        self._out: Any = sys.stdout.buffer

    async def read(self) -> bytes:
        """See `Console`."""
        while not self._poll.poll(0):
            await asyncio.sleep_ms(20)
        out = b""
        while len(out) < _CONSOLE_CHUNK and self._poll.poll(0):
            out += self._in.read(1)
        return out

    async def write(self, data: bytes) -> None:
        """See `Console`. In small pieces: at 115200 baud each takes the loop 6 ms."""
        for start in range(0, len(data), _CONSOLE_CHUNK):
            self._out.write(data[start : start + _CONSOLE_CHUNK])
            await asyncio.sleep_ms(1)


class LwipStream:
    """A connection: see `voltnode.hal.Stream`."""

    def __init__(self, stream: "Any") -> None:
        self._stream = stream

    async def read(self, most: int) -> bytes:
        """See `Stream`."""
        data: bytes = await self._stream.read(most)
        return data

    async def write(self, data: bytes) -> None:
        """See `Stream`."""
        self._stream.write(data)
        await self._stream.drain()

    def close(self) -> None:
        """See `Stream`."""
        self._stream.s.close()


class Esp32Board:
    """The board: see `voltnode.hal.Board`."""

    def __init__(self) -> None:
        # The radio first: without it the random generator has less to draw from, and a key may be made at this start.
        self._wlan = network.WLAN(network.STA_IF)
        self._wlan.active(True)
        self.flash: Flash = FolderFlash(FLASH_FOLDER)
        settings: dict[str, Any] = dict(DEFAULTS)
        settings.update(read_sealed(self.flash, BOARD_FILE) or {})
        self.name = "ESP32, " + os.uname().machine
        self.interpreter = "MicroPython " + os.uname().release
        self.sample_ms: int = settings["sample_ms"]
        self.unit: int = settings["unit"]
        self.model: str = settings["model"]
        self.baud: int = settings["baud"]
        self.uart: Uart = Rs485(settings)
        self.console: Console = ReplConsole()
        self._ssid: str = settings["ssid"]
        self._password: str = settings["password"]
        self._ticks = time.ticks_ms()
        self._now_ms = 0
        self._unix_offset_ms: int | None = None
        self._synchronised_ms = 0
        self._time_server = ""
        self._time_task: Any = None

    def now_ms(self) -> int:
        """See `Board`. The hardware's count starts anew after 12 days; called at least every 6, this one does not."""
        ticks = time.ticks_ms()
        self._now_ms += time.ticks_diff(ticks, self._ticks)
        self._ticks = ticks
        return self._now_ms

    def calendar_ms(self) -> "tuple[int, int]":
        """See `Board`."""
        now_ms = self.now_ms()
        if self._unix_offset_ms is None:
            return now_ms, RELATIVE
        fresh = now_ms - self._synchronised_ms < _NTP_TRUSTED_MS
        return now_ms + self._unix_offset_ms, SYNCHRONISED if fresh else INFORMATIVE

    def speed(self) -> int:
        """See `Board`."""
        return 1

    def random(self, count: int) -> bytes:
        """See `Board`."""
        return os.urandom(count)

    async def sleep_ms(self, duration_ms: int) -> None:
        """See `Board`."""
        await asyncio.sleep_ms(duration_ms)

    async def connect(self, host: str, port: int) -> LwipStream:
        """See `Board`. Raises OSError also while there is no Wi-Fi."""
        if not self._wlan.isconnected():
            if self._wlan.status() != network.STAT_CONNECTING and self._ssid:
                self._wlan.connect(self._ssid, self._password)
            raise OSError("no Wi-Fi")
        reader, _ = await asyncio.open_connection(host, port)
        return LwipStream(reader)

    def use_time_server(self, host: str) -> None:
        """See `Board`."""
        self._time_server = host
        if self._time_task is None:
            self._time_task = asyncio.create_task(self._keep_time())

    async def _keep_time(self) -> None:
        while True:
            known = False
            try:
                known = self._wlan.isconnected() and await self._ask_time()
            except OSError:
                pass
            await asyncio.sleep_ms(_NTP_EVERY_MS if known else _NTP_RETRY_MS)

    async def _ask_time(self) -> bool:
        """SNTP (RFC 4330) without waiting; whether an answer came. Raises OSError."""
        address = socket.getaddrinfo(self._time_server, _NTP_PORT)[0][-1]
        request = bytearray(48)
        request[0] = 0x23
        nonce = os.urandom(8)
        request[40:48] = nonce
        port = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            port.setblocking(False)
            port.sendto(request, address)
            asked_ms = self.now_ms()
            while self.now_ms() - asked_ms < _NTP_ANSWER_MS:
                await asyncio.sleep_ms(10)
                try:
                    answer, _ = port.recvfrom(64)
                except OSError:
                    continue
                return self._take_time(answer, nonce, asked_ms)
        finally:
            port.close()
        return False

    def _take_time(self, answer: bytes, nonce: bytes, asked_ms: int) -> bool:
        # A server that has no time itself says stratum 0; one that was not asked does not know the nonce.
        if len(answer) < 48 or answer[0] & 7 != 4 or not 1 <= answer[1] <= 15 or answer[24:32] != nonce:
            return False
        seconds = int.from_bytes(answer[40:44], "big") - _NTP_TO_UNIX_S
        ms = int.from_bytes(answer[44:48], "big") * 1000 >> 32
        now_ms = self.now_ms()
        self._unix_offset_ms = seconds * 1000 + ms + (now_ms - asked_ms) // 2 - now_ms
        self._synchronised_ms = now_ms
        return True

    def network(self) -> "dict[str, object]":
        """See `Board`."""
        if not self._wlan.isconnected():
            return {"wifi": "down", "ssid": self._ssid}
        return {
            "wifi": "up",
            "ssid": self._ssid,
            "address": self._wlan.ifconfig()[0],
            "rssi": self._wlan.status("rssi"),
        }

    def heap(self) -> "tuple[int, int]":
        """See `Board`."""
        gc.collect()
        return gc.mem_alloc(), gc.mem_free()

    def reset_cause(self) -> str:
        """See `Board`."""
        return _RESET_CAUSES.get(machine.reset_cause(), "unknown")

    def restart(self) -> None:
        """See `Board`."""
        machine.reset()


async def main() -> None:
    """Runs the node; `main.py` on the board calls it through `asyncio.run`."""
    gc.threshold(_COLLECT_EVERY_BYTES)
    board = Esp32Board()
    from voltnode.main import Node

    await Node(board).run()
