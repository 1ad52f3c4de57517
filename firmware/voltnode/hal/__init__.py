"""What the node needs from the thing it runs on, and the boards that give it: `unix` (virtual) and `esp32`.

Two clocks, never mixed: `now_ms` is transport time (monotonic, real); the calendar is kept by `voltnode.clock`. Only
this package imports `machine`, `network` and `esp32`.
"""


class TlsError(OSError):
    """TLS did not come about; the text is the library's."""


TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Protocol

    from voltnode.bus import Uart

    Identity = tuple[bytes, bytes, bytes]
    """The CA that we trust, our certificate, and its private key (SEC 1), each in DER."""

    class Flash(Protocol):
        """Small files with flat names. Whatever returns without an error survives a power cut."""

        def read(self, name: str) -> bytes | None:
            """The whole file; None where there is none."""

        def read_at(self, name: str, offset: int, size: int) -> bytes:
            """Up to `size` bytes from `offset`; empty past the end and where there is no file."""

        def size(self, name: str) -> int:
            """The file's bytes; 0 where there is none."""

        def append(self, name: str, data: bytes) -> None:
            """Adds to the end of the file. Raises OSError; then part of it may stand there."""

        def replace(self, name: str, data: bytes) -> None:
            """The file has these contents, or after an error or a power cut those before."""

        def remove(self, name: str) -> None:
            """No such file any more; none before is no error."""

        def names(self) -> list[str]:
            """The names of all files."""

        def free(self) -> int:
            """Free bytes."""

    class RawFlash(Protocol):
        """A partition of flash without a file system, erased in blocks of 4 KB. Each call may raise OSError."""

        def read(self, at: int, size: int) -> bytes:
            """So many bytes from `at`; what is blank is 0xff."""

        def program(self, at: int, data: bytes) -> None:
            """Writes to where it is blank: flash only clears bits. What returns survives a power cut."""

        def erase(self, at: int) -> None:
            """Makes the block at `at` blank."""

    class Console(Protocol):
        """UART0: bytes to and from the technician."""

        async def read(self) -> bytes:
            """What came, at least one byte; empty when nobody can ever type again."""

        async def write(self, data: bytes) -> None:
            """Says all bytes; what nobody takes within a moment is dropped."""

    class Stream(Protocol):
        """A TCP connection. Each call may raise OSError."""

        async def read(self, most: int) -> bytes:
            """What came, at least one byte; empty at the end."""

        async def write(self, data: bytes) -> None:
            """All bytes are with the network stack."""

        def close(self) -> None:
            """Frees the socket."""

    class Datagrams(Protocol):
        """A UDP port. Each call may raise OSError."""

        def send(self, data: bytes) -> None:
            """One datagram."""

        def receive(self, most: int) -> bytes | None:
            """A datagram that came, cut to `most` bytes; None where none did. Does not wait."""

        def close(self) -> None:
            """Frees the socket."""

    class Radio(Protocol):
        """Wi-Fi as a station."""

        def join(self, ssid: str, password: str) -> None:
            """Begins to join a network; `status` says what comes of it."""

        def leave(self) -> None:
            """Leaves the network, or stops joining."""

        def status(self) -> str:
            """`up`, `joining`, or why neither, in words."""

        async def scan(self) -> list[dict[str, object]]:
            """The networks around: `ssid`, `rssi_dbm`, `channel`, `open`. Raises OSError."""

    class Board(Protocol):
        """The machine under the node.

        Attributes:
            name: what it is, in words.
            interpreter: implementation and version.
            hardware: which releases are for it.
            root: where its programs are, below which `voltnode.selector` started this one; None where nothing is there.
            defaults: what it is set to where nobody changed it, by `voltnode.settings`; 0 Bd where its bus has no speed.
            settings: what it is set to now: the node's to change.
            setting_errors: what stood wrong in its file and does not count.
        """

        name: str
        interpreter: str
        hardware: str
        root: str | None
        defaults: dict[str, Any]
        settings: dict[str, Any]
        setting_errors: list[str]

        @property
        def uart(self) -> Uart:
            """The port of the RS-485 bus."""

        @property
        def flash(self) -> Flash:
            """Where everything is that must survive."""

        @property
        def raw(self) -> RawFlash | None:
            """The partition for records, None where there is none and they are files."""

        @property
        def console(self) -> Console:
            """UART0."""

        @property
        def radio(self) -> Radio | None:
            """Wi-Fi; None where others take care of the network."""

        def now_ms(self) -> int:
            """Ms since start, monotonic."""

        def ticks_us(self) -> int:
            """Us of the same clock, modulo 2^30: for the short pauses of a bus."""

        def pause_us(self, duration_us: int) -> None:
            """Lets a moment of at most 1 ms pass, in which nobody else runs."""

        def given_ms(self) -> int | None:
            """Calendar time in a demonstration, which gives it to its boards; None for `voltnode.clock` to find out."""

        def speed(self) -> int:
            """Calendar seconds in one second of transport time: 1 but in a demonstration."""

        def random(self, count: int) -> bytes:
            """Fresh bytes of the hardware's random generator."""

        async def sleep_ms(self, duration_ms: int) -> None:
            """Lets the other tasks run for so long."""

        async def connect(self, host: str, port: int, identity: "Identity | None" = None) -> Stream:
            """A TCP connection, with mutual TLS where there is an identity. Raises OSError and its kind `TlsError`.

            TLS may also turn out wrong within the first write or read.
            """

        def use_time(self, time_s: int) -> None:
            """The time of day for TLS, which looks at the system's clock."""

        def free_beside_heap(self) -> int | None:
            """Bytes of the system's memory that TLS can have; None where it is not short."""

        def datagrams(self, host: str, port: int) -> Datagrams:
            """A UDP port that talks to this address only. Raises OSError."""

        def network(self) -> dict[str, object]:
            """What `status` shows of the network below MQTT."""

        def heap(self) -> "tuple[int, int]":
            """Bytes of the heap in use and free; zeros where the interpreter does not say."""

        def reset_cause(self) -> str:
            """Why the board started, as far as it can tell."""

        def restart(self) -> None:
            """Starts the board again; does not return."""

        def boot_memory(self) -> bytes:
            """What `keep_boot_memory` kept: over resets, not over a power cut. Empty, or anything, where nothing was."""

        def keep_boot_memory(self, data: bytes) -> None:
            """Keeps up to 2048 bytes, at no cost to the flash."""

        def start_watchdog(self, limit_ms: int) -> None:
            """From now on the board starts again whenever it is not fed for so long."""

        def feed_watchdog(self) -> None:
            """All is well."""
