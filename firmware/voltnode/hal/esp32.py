"""The ESP32 under stock MicroPython, 1.23 or newer.

What differs from board to board (pins, the bus's speed, the meters, Wi-Fi) stands in the file `board` on its flash
(`voltnode.settings`); `DEFAULTS` shows its keys. UART0 is the console, so Ctrl-C must not stop the program.
"""

import asyncio
import gc
import os
import select
import sys
import time

import esp32
import machine
import micropython

from voltnode.hal.datagrams import UdpPort
from voltnode.hal.folder import FolderFlash
from voltnode.hal.radio_esp32 import Radio
from voltnode.hal.tcp import TcpStream, connect
from voltnode.on_demand import call

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from voltnode.bus import Uart
    from voltnode.hal import Console, Flash, Identity, RawFlash

FLASH_FOLDER = "/node"
RAW_LABEL = "volthood"
DEFAULTS = {
    "tx": 17,
    "rx": 16,
    "direction": -1,
    "baud": 9600,
    "parity": "N",
    "stop_bits": 1,
    "meters": [{"model": "eastron_sdm630", "unit": 0, "where": "rtu", "accept_unverified": False}],
    "time_servers": "",
    "ssid": "",
    "password": "",
    "sample_ms": 1000,
}
"""Settings of a board; `direction` is the pin of a transceiver that needs one, or -1."""

_RX_BYTES = 512
_COLLECT_EVERY_BYTES = 8192
_CONSOLE_CHUNK = 64
_EPOCH_S = 946_684_800

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
            await asyncio.sleep_ms(1)
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


class Esp32Board:
    """The board: see `voltnode.hal.Board`."""

    def __init__(self) -> None:
        # The radio first: without it the random generator has less to draw from, and a key may be made at this start.
        self.radio = Radio()
        self._wlan = self.radio.wlan
        self.hardware = "esp32"
        self.root: str | None = ""
        self.flash: Flash = FolderFlash(FLASH_FOLDER)
        self.raw: RawFlash | None = _find_raw()
        self.defaults: dict[str, Any] = DEFAULTS
        self.setting_errors: list[str] = []
        settings: dict[str, Any] = call("voltnode.settings", "merged", self.flash, DEFAULTS, self.setting_errors)
        self.settings = settings
        self.name = "ESP32, " + os.uname().machine
        self.interpreter = "MicroPython " + os.uname().release
        self.uart: Uart = Rs485(settings)
        self.console: Console = ReplConsole()
        self._ticks = time.ticks_ms()
        self._now_ms = 0
        self._watchdog: Any = None

    def now_ms(self) -> int:
        """See `Board`. The hardware's count starts anew after 12 days; called at least every 6, this one does not."""
        ticks = time.ticks_ms()
        self._now_ms += time.ticks_diff(ticks, self._ticks)
        self._ticks = ticks
        return self._now_ms

    def given_ms(self) -> "int | None":
        """See `Board`."""
        return None

    def ticks_us(self) -> int:
        """See `Board`."""
        ticks: Any = time.ticks_us()
        return ticks & 0x3FFFFFFF

    def pause_us(self, duration_us: int) -> None:
        """See `Board`."""
        time.sleep_us(duration_us)

    def speed(self) -> int:
        """See `Board`."""
        return 1

    def random(self, count: int) -> bytes:
        """See `Board`."""
        return os.urandom(count)

    async def sleep_ms(self, duration_ms: int) -> None:
        """See `Board`."""
        await asyncio.sleep_ms(duration_ms)

    async def connect(self, host: str, port: int, identity: "Identity | None" = None) -> TcpStream:
        """See `Board`."""
        return await connect(host, port, identity)

    def use_time(self, time_s: int) -> None:
        """See `Board`. MicroPython's epoch is 2000 here; the day of the week is worked out by itself."""
        year, month, day, hour, minute, second, weekday, _ = time.gmtime(time_s - _EPOCH_S)
        machine.RTC().datetime((year, month, day, weekday, hour, minute, second, 0))

    def free_beside_heap(self) -> int:
        """See `Board`: what ESP-IDF has left for data, apart from MicroPython's heap."""
        return sum([region[1] for region in esp32.idf_heap_info(esp32.HEAP_DATA)])

    def datagrams(self, host: str, port: int) -> UdpPort:
        """See `Board`."""
        if not self._wlan.isconnected():
            raise OSError("no Wi-Fi")
        return UdpPort(host, port)

    def network(self) -> "dict[str, object]":
        """See `Board`."""
        if not self._wlan.isconnected():
            return {}
        return {
            "address": self._wlan.ifconfig()[0],
            "rssi_dbm": self._wlan.status("rssi"),
        }

    def heap(self) -> "tuple[int, int]":
        """See `Board`."""
        gc.collect()
        return gc.mem_alloc(), gc.mem_free()

    def reset_cause(self) -> str:
        """See `Board`."""
        return _RESET_CAUSES.get(machine.reset_cause(), "unknown")

    def boot_memory(self) -> bytes:
        """See `Board`. The RTC's memory, which MicroPython leaves alone at a reset."""
        return machine.RTC().memory()

    def keep_boot_memory(self, data: bytes) -> None:
        """See `Board`."""
        machine.RTC().memory(data)

    def start_watchdog(self, limit_ms: int) -> None:
        """See `Board`. Once started it cannot be stopped."""
        self._watchdog = machine.WDT(timeout=limit_ms)

    def feed_watchdog(self) -> None:
        """See `Board`."""
        self._watchdog.feed()

    def restart(self) -> None:
        """See `Board`."""
        machine.reset()


def _find_raw() -> "RawFlash | None":
    """The partition for records, where the table has one that is large enough."""
    found = esp32.Partition.find(esp32.Partition.TYPE_DATA, label=RAW_LABEL)
    if not found:
        return None
    from voltnode.hal.partition import Partition, size_bytes
    from voltnode.rawring import RING_BYTES

    return Partition(found[0]) if size_bytes(found[0]) >= RING_BYTES else None


def main() -> None:
    """Runs the node: see `voltnode.selector`."""
    gc.threshold(_COLLECT_EVERY_BYTES)
    asyncio.run(_main())


async def _main() -> None:
    board = Esp32Board()
    from voltnode.main import run

    await run(board)
