"""Meters and the way to them.

Modbus RTU frames without I/O (`frames`), the master of an RS-485 bus (`master`), Modbus TCP (`tcp`), what becomes of
requests (`outcome`), and a meter on either (`meter`).

The RTU master needs two small objects and knows no hardware:

- a UART with `write(buf)`, which queues all bytes and returns at once; `readinto(buf)`, which returns how many bytes it
  put at the start of `buf`, or None when there are none; `any()`, which is true when there are some; and
  `await wait_readable(timeout_ms)`, which returns whether there are, after so long at most. Each may raise OSError
  while the port is not there; the next call tries to open it again. `configure(baud, parity, stop_bits)` is for looking
  for a meter whose settings nobody knows. A direction pin is the UART's business: after `write` it is back at receiving
  by the time the last bit is out.
- a clock with `now_ms()`, monotonic, `ticks_us()`, the same modulo 2^30 us, `await sleep_ms(ms)`, and `pause_us(us)` for
  less than a ms, in which nobody else runs: transport time, never the calendar's. Its `speed()` says how many calendar
  seconds a meter counts in one second, which is 1 but in a demonstration.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    from voltnode.bus.outcome import Counters

    class Uart(Protocol):
        """A serial port, as above."""

        def write(self, buf: bytes | bytearray) -> None:
            """Queues all bytes. Raises: OSError."""

        def readinto(self, buf: bytearray) -> int | None:
            """Bytes put into `buf`; None where there are none. Raises: OSError."""

        def any(self) -> bool:
            """Whether there are bytes to read. Raises: OSError."""

        async def wait_readable(self, timeout_ms: int) -> bool:
            """Whether there are bytes to read, after `timeout_ms` at most. Raises: OSError."""

        def configure(self, baud: int, parity: str, stop_bits: int) -> None:
            """From now on this speed, parity (N, E, O) and stop bits. Raises: ValueError for an unknown speed."""

    class Clock(Protocol):
        """Transport time."""

        def now_ms(self) -> int:
            """Monotonic milliseconds."""

        def ticks_us(self) -> int:
            """Microseconds modulo 2^30."""

        def pause_us(self, duration_us: int) -> None:
            """Lets a moment pass, at most 1 ms."""

        async def sleep_ms(self, duration_ms: int) -> None:
            """Lets the other tasks run for so long."""

        def speed(self) -> int:
            """Calendar seconds in one second of transport time."""

    class Reads(Protocol):
        """Where registers come from: an RS-485 bus, or a Modbus TCP meter or gateway."""

        @property
        def clock(self) -> Clock:
            """Transport time."""

        def counters(self, unit: int) -> Counters:
            """What became of the requests to a unit."""

        async def read(self, unit: int, function: int, address: int, count: int) -> bytes:
            """The words of `count` registers from `address` on. Raises: `voltnode.bus.outcome.BusError`."""

    class Trace(Protocol):
        """Is told of every transaction."""

        def __call__(self, sent: bytes, came: bytes, verdict: str, took_ms: int) -> None:
            """The request, whatever came, one of `frames.NAMES`, and how long it took."""
