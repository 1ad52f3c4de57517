"""Ptys and serial ports, and the one loop that serves the meters on all of them."""

import asyncio
import os
import signal
import termios
import time
import tty
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Protocol

from volthood.errors import LocalError
from volthood_tools.simmeter.answering import Answering

QUIET_S = 0.1
"""After so long without a byte a request that has begun will not end."""


class Port(Protocol):
    """A line with two ends; this is the meters'."""

    path: str

    def fileno(self) -> int:
        """The descriptor to wait on."""

    def read(self) -> bytes:
        """What came; empty for nothing."""

    def write(self, data: bytes) -> None:
        """Sends bytes; drops them where nobody takes them."""

    def close(self) -> None:
        """Ends it, and removes what was made for it."""


class Pty:
    """A pseudo-terminal made here, with a link to the end that clients open.

    Our own hold on that end keeps the line up while no client has it open.
    """

    def __init__(self, link: Path) -> None:
        self.link = link
        self._ours, self._theirs = os.openpty()
        self.path = os.ttyname(self._theirs)
        tty.setraw(self._theirs)
        os.set_blocking(self._ours, False)
        draft = link.with_name(f".{link.name}.{os.getpid()}")
        try:
            link.parent.mkdir(parents=True, exist_ok=True)
            draft.symlink_to(self.path)
            draft.replace(link)
        except OSError as error:
            raise LocalError(f"{link}: {error.strerror}") from error

    def fileno(self) -> int:
        """The descriptor to wait on."""
        return self._ours

    def read(self) -> bytes:
        """What came; empty for nothing."""
        try:
            return os.read(self._ours, 4096)
        except BlockingIOError:
            return b""

    def write(self, data: bytes) -> None:
        """Sends bytes. What the client has not read by now is gone, as on a wire."""
        termios.tcflush(self._theirs, termios.TCIFLUSH)
        os.write(self._ours, data)

    def close(self) -> None:
        """Ends it, and removes the link unless another has taken its place."""
        if self.link.is_symlink() and str(self.link.readlink()) == self.path:
            self.link.unlink()
        os.close(self._ours)
        os.close(self._theirs)


class Serial:
    """A serial port of this machine."""

    def __init__(self, path: Path, baud: int, parity: str, stop_bits: int) -> None:
        import serial

        self.path = str(path)
        try:
            self._port = serial.Serial(
                str(path), baud, parity=parity, stopbits=stop_bits, timeout=0, write_timeout=0, exclusive=True
            )
        except (serial.SerialException, ValueError) as error:
            raise LocalError(f"{path}: {error}") from error

    def fileno(self) -> int:
        """The descriptor to wait on."""
        return int(self._port.fileno())

    def read(self) -> bytes:
        """What came; empty for nothing."""
        return bytes(self._port.read(4096))

    def write(self, data: bytes) -> None:
        """Sends bytes."""
        self._port.write(data)

    def close(self) -> None:
        """Closes the port."""
        self._port.close()


class Line:
    """The meters on one port."""

    def __init__(self, port: Port, answering: Answering) -> None:
        self.port = port
        self._answering = answering
        self._heard_s = 0.0

    def readable(self) -> None:
        """Takes what came and answers it."""
        data = self.port.read()
        now_s = time.monotonic()
        if now_s - self._heard_s > QUIET_S:
            self._answering.quiet()
        self._heard_s = now_s
        answer = self._answering.feed(data)
        if answer:
            self.port.write(answer)


async def serve(lines: Iterable[Line], ready: Callable[[], None]) -> None:
    """Answers on all lines until SIGTERM or SIGINT; calls `ready` once it does. Raises: `LocalError` for a lost port."""
    loop = asyncio.get_running_loop()
    ended: asyncio.Future[None] = loop.create_future()

    def end(reason: LocalError | None = None) -> None:
        if not ended.done():
            ended.set_exception(reason) if reason else ended.set_result(None)

    def readable(line: Line) -> None:
        try:
            line.readable()
        except OSError as error:
            loop.remove_reader(line.port.fileno())
            end(LocalError(f"{line.port.path}: lost: {error}"))

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, end)
    for line in lines:
        loop.add_reader(line.port.fileno(), readable, line)
    ready()
    await ended
