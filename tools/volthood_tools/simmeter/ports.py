"""Ptys, serial ports and TCP ports, and the one loop that serves the meters on all of them."""

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

SHORTEST_PAUSE_MS = 1.75
"""Between frames, at speeds above 19200 baud."""

SPIN_S = 0.0015
"""So long before a paced answer is due, waiting becomes busy: the loop's own clock is coarser."""

_OUTPUT_SPEED = 5
"""Where termios has it."""

Lost = Callable[[LocalError], None]
"""lost(reason): a port is gone."""


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

    Args:
        baud: the only speed at which anything is heard, as the client has set it; 0 for any. A pty has no parity.
    """

    def __init__(self, link: Path, baud: int = 0) -> None:
        self.link = link
        self._speed = getattr(termios, f"B{baud}") if baud else None
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
            data = os.read(self._ours, 4096)
        except BlockingIOError:
            return b""
        if self._speed is not None and termios.tcgetattr(self._theirs)[_OUTPUT_SPEED] != self._speed:
            return b""
        return data

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


class Line(Protocol):
    """Meters that share a port.

    Attributes:
        names: the meters'.
        where: what clients open, once it is served.
    """

    names: tuple[str, ...]
    where: str

    async def start(self, lost: Lost) -> None:
        """Begins to answer; says when the port is lost. Raises: `LocalError`."""

    def close(self) -> None:
        """Ends it."""


class SerialLine:
    """The meters on a pty or a serial port.

    Args:
        pace_ms: how long a character takes on the wire. Then an answer comes in one piece at the moment at which its last
            character would have come: request, pause of 3.5 characters and answer after the request. 0 for at once.
    """

    def __init__(self, port: Port, answering: Answering, names: tuple[str, ...] = (), pace_ms: float = 0) -> None:
        self.port = port
        self.names = names
        self.where = port.path
        self._answering = answering
        self._pace_ms = pace_ms
        self._heard_s = 0.0
        self._lost: Lost = _ignored

    async def start(self, lost: Lost) -> None:
        """Begins to answer; says when the port is lost."""
        self._lost = lost
        asyncio.get_running_loop().add_reader(self.port.fileno(), self._readable)

    def close(self) -> None:
        """Ends it."""
        self.port.close()

    def _readable(self) -> None:
        """Takes what came and answers it."""
        now_s = time.monotonic()
        try:
            data = self.port.read()
            if now_s - self._heard_s > QUIET_S:
                self._answering.quiet()
            self._heard_s = now_s
            for after_ms, answer in self._answering.feed(data):
                due_s = now_s + after_ms / 1000 + self._on_the_wire_s(len(data) + len(answer))
                self._send_at(due_s, answer)
        except OSError as error:
            self._end(error)

    def _on_the_wire_s(self, count: int) -> float:
        pause = max(3.5 * self._pace_ms, SHORTEST_PAUSE_MS) if self._pace_ms else 0
        return (count * self._pace_ms + pause) / 1000

    def _send_at(self, due_s: float, answer: bytes) -> None:
        left_s = due_s - time.monotonic()
        if left_s > SPIN_S:
            asyncio.get_running_loop().call_later(left_s - SPIN_S, self._send, due_s, answer)
        else:
            self._send(due_s, answer)

    def _send(self, due_s: float, answer: bytes) -> None:
        """Sends bytes at the moment they are due: the loop wakes up to a millisecond late, so it is woken before."""
        while time.monotonic() < due_s:
            pass
        try:
            self.port.write(answer)
        except OSError as error:
            self._end(error)

    def _end(self, error: OSError) -> None:
        asyncio.get_running_loop().remove_reader(self.port.fileno())
        self._lost(LocalError(f"{self.port.path}: lost: {error}"))


class TcpLine:
    """The meters behind a Modbus TCP port."""

    def __init__(self, host: str, port: int, answering: Answering, names: tuple[str, ...] = ()) -> None:
        self.names = names
        self.where = f"{host}:{port}"
        self._place = (host, port)
        self._answering = answering
        self._server: asyncio.Server | None = None

    async def start(self, lost: Lost) -> None:
        """Begins to listen. Raises: `LocalError`."""
        del lost
        try:
            self._server = await asyncio.start_server(self._serve, *self._place)
        except OSError as error:
            raise LocalError(f"{self.where}: {error.strerror}") from error
        self.where = "{}:{}".format(*self._server.sockets[0].getsockname()[:2])

    def close(self) -> None:
        """Ends it."""
        if self._server is not None:
            self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One client, until it goes."""
        answering = self._answering.anew()
        loop = asyncio.get_running_loop()
        try:
            while data := await reader.read(4096):
                for after_ms, answer in answering.feed(data):
                    loop.call_later(after_ms / 1000, _write, writer, answer)
        except ConnectionError:
            pass
        finally:
            writer.close()


def _write(writer: asyncio.StreamWriter, data: bytes) -> None:
    if not writer.is_closing():
        writer.write(data)


def _ignored(_: LocalError) -> None:
    """Nobody wants to know."""


async def serve(lines: Iterable[Line], ready: Callable[[], None]) -> None:
    """Answers on all lines until SIGTERM or SIGINT; calls `ready` once it does. Raises: `LocalError` for a lost port."""
    loop = asyncio.get_running_loop()
    ended: asyncio.Future[None] = loop.create_future()

    def end(reason: LocalError | None = None) -> None:
        if not ended.done():
            ended.set_exception(reason) if reason else ended.set_result(None)

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, end)
    for line in lines:
        await line.start(end)
    ready()
    await ended
