"""A serial port or pty of the machine below, for the virtual board: on CPython and on MicroPython's unix port alike.

The port is raw, and reading never waits. When it goes away (the simulated meter was started again) every call raises
OSError until the path can be opened once more, which each call tries.

MicroPython opens a terminal without O_NOCTTY: in a process that leads a session it becomes the controlling one, and the
session gets SIGHUP when the other side ends. So who starts the node as leader of a session has it ignore SIGHUP.
"""

import asyncio
import errno
import os
import select
import sys
import termios  # type: ignore[import-not-found]  # the unix port has it, the ESP32 does not

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

IFLAG, OFLAG, CFLAG, LFLAG, ISPEED, OSPEED, CC = range(7)
VTIME, VMIN = 5, 6
"""Linux's places in the control characters; both 0 let a read return at once."""

CSTOPB, PARENB, PARODD, CLOCAL = 0x40, 0x100, 0x200, 0x800
SPEEDS = {1200: 9, 2400: 11, 4800: 12, 9600: 13, 19200: 14, 38400: 15, 57600: 0o10001, 115200: 0o10002}
"""Linux's codes of the speeds meters have; MicroPython's termios knows only some by name."""

_CPYTHON = sys.implementation.name == "cpython"
_TermiosError: "Any" = getattr(termios, "error", OSError)
_os: "Any" = os
_asyncio: "Any" = asyncio


class SerialPort:
    """A UART as `voltnode.bus` wants it.

    Args:
        path: of the port, or of a link to it; followed again each time it is opened.
        baud: 1200 to 115200; 0 leaves speed, parity and stop bits as they are.
        parity: N, E or O.
    """

    def __init__(self, path: str, baud: int = 0, parity: str = "N", stop_bits: int = 1) -> None:
        if baud and baud not in SPEEDS:
            raise ValueError("no serial speed %d" % baud)
        self.path = path
        self.settings = (baud, parity, stop_bits)
        self._file: Any = None
        self._poll: Any = None
        self._stream: Any = None

    def configure(self, baud: int, parity: str, stop_bits: int) -> None:
        """Other settings, from the next call on. Raises: ValueError for an unknown speed."""
        if baud and baud not in SPEEDS:
            raise ValueError("no serial speed %d" % baud)
        self.settings = (baud, parity, stop_bits)
        self.close()

    def write(self, buf: "bytes | bytearray") -> None:
        """Queues all bytes. Raises: OSError; also when nobody has read for so long that there is no room."""
        file = self._opened()
        if not self._state(select.POLLOUT) & select.POLLOUT:
            raise OSError(errno.EAGAIN)
        try:
            file.write(buf)
        except OSError:
            self.close()
            raise

    def readinto(self, buf: bytearray) -> "int | None":
        """Bytes put into `buf`; None where there are none. Raises: OSError."""
        file = self._opened()
        if not self._state(select.POLLIN) & select.POLLIN:
            return None
        try:
            return file.readinto(buf) or None
        except OSError:
            self.close()
            raise

    def any(self) -> bool:
        """Whether there are bytes to read. Raises: OSError."""
        self._opened()
        return bool(self._state(select.POLLIN) & select.POLLIN)

    async def wait_readable(self, timeout_ms: int) -> bool:
        """Whether there are bytes to read, after `timeout_ms` at most. Raises: OSError."""
        if self.any():
            return True
        await (self._wait_cpython(timeout_ms) if _CPYTHON else self._wait_micropython(timeout_ms))
        return self.any()

    def close(self) -> None:
        """Closes the port; the next call opens it again."""
        if self._file is not None:
            self._file.close()
            self._file = self._poll = self._stream = None

    def _opened(self) -> "Any":
        """The open file. Raises: OSError."""
        if self._file is None:
            self._file = _open(self.path)
            self._poll = select.poll()
            self._poll.register(self._file, select.POLLIN | select.POLLOUT)
            try:
                _set_up(self._file.fileno(), *self.settings)
            except _TermiosError as error:
                self.close()
                raise OSError(error.args[0])
        return self._file

    def _state(self, wanted: int) -> int:
        """Which of the wanted events there are. Raises: OSError when the other side has gone."""
        self._poll.modify(self._file, wanted)
        state = 0
        for entry in self._poll.poll(0):
            state = entry[1]
        if state & ~wanted:
            self.close()
            raise OSError(errno.EIO)
        return state

    async def _wait_cpython(self, timeout_ms: int) -> None:
        loop = _asyncio.get_running_loop()
        ready = asyncio.Event()
        loop.add_reader(self._file.fileno(), ready.set)
        try:
            await asyncio.wait_for(ready.wait(), timeout_ms / 1000)
        except asyncio.TimeoutError:
            pass
        finally:
            if self._file is not None:
                loop.remove_reader(self._file.fileno())

    async def _wait_micropython(self, timeout_ms: int) -> None:
        # Reading nothing from a stream waits until there is something, and leaves it there.
        if self._stream is None:
            self._stream = asyncio.StreamReader(self._file)
        try:
            await asyncio.wait_for_ms(self._stream.readinto(bytearray(0)), timeout_ms)
        except asyncio.TimeoutError:
            pass


def _open(path: str) -> "Any":
    """The port as an unbuffered file. Raises: OSError."""
    if not _CPYTHON:
        return open(path, "r+b", buffering=0)
    more = _os.O_NOCTTY | _os.O_NONBLOCK
    return open(path, "r+b", buffering=0, opener=lambda name, flags: _os.open(name, flags | more))


def _set_up(descriptor: int, baud: int, parity: str, stop_bits: int) -> None:
    """Raw, without waiting; with a speed also the rest of the line's settings. Raises: OSError."""
    mode = termios.tcgetattr(descriptor)
    mode[IFLAG] = mode[OFLAG] = mode[LFLAG] = 0
    flags = 0x30 | 0x80 | CLOCAL  # 8 bits, receiver on
    if baud:
        flags |= (CSTOPB if stop_bits == 2 else 0) | {"N": 0, "E": PARENB, "O": PARENB | PARODD}[parity]
        mode[ISPEED] = mode[OSPEED] = SPEEDS[baud]
        mode[CFLAG] = flags | SPEEDS[baud]
    else:
        mode[CFLAG] |= flags
    mode[CC][VTIME] = mode[CC][VMIN] = 0
    try:
        termios.tcsetattr(descriptor, termios.TCSANOW, mode)
    except _TermiosError:
        # A pty has no parity, and says so when it is set for the second time.
        mode[CFLAG] &= ~(PARENB | PARODD)
        termios.tcsetattr(descriptor, termios.TCSANOW, mode)
