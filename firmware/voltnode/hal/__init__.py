"""What the node needs from the thing it runs on, and the boards that give it: `unix` (virtual) and `esp32`.

Two clocks, never mixed: `now_ms` is transport time (monotonic, real), `calendar_ms` is what records and slots go by. Only
this package imports `machine`, `network` and `esp32`.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    from voltnode.bus import Uart

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

    class Board(Protocol):
        """The machine under the node.

        Attributes:
            name: what it is, in words.
            interpreter: implementation and version.
            sample_ms: transport time between two readings of the meter.
        baud: speed of the RS-485 bus, 0 where it has none.
        unit: the meter's address on the bus, 0 for its usual one; `model` names its table.
        """

        name: str
        interpreter: str
        sample_ms: int
        baud: int
        unit: int
        model: str

        @property
        def uart(self) -> Uart:
            """The port of the RS-485 bus."""

        @property
        def flash(self) -> Flash:
            """Where everything is that must survive."""

        @property
        def console(self) -> Console:
            """UART0."""

        def now_ms(self) -> int:
            """Ms since start, monotonic."""

        def calendar_ms(self) -> "tuple[int, int]":
            """(ms since the Unix epoch, quality), or (ms since start, `RELATIVE`) while the time is not known."""

        def speed(self) -> int:
            """Calendar seconds in one second of transport time: 1 but in a demonstration."""

        def random(self, count: int) -> bytes:
            """Fresh bytes of the hardware's random generator."""

        async def sleep_ms(self, duration_ms: int) -> None:
            """Lets the other tasks run for so long."""

        async def connect(self, host: str, port: int) -> Stream:
            """A TCP connection. Raises OSError."""

        def use_time_server(self, host: str) -> None:
            """Where a board that has no clock of its own may ask: the agent's machine."""

        def network(self) -> dict[str, object]:
            """What `status` shows of the network below MQTT."""

        def heap(self) -> "tuple[int, int]":
            """Bytes of the heap in use and free; zeros where the interpreter does not say."""

        def reset_cause(self) -> str:
            """Why the board started, as far as it can tell."""

        def restart(self) -> None:
            """Starts the board again; does not return."""
