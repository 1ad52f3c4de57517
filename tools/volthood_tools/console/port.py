"""A serial port or pseudo-terminal, raw, and locked so that two programs never talk into each other.

The lock is flock(2) on the device, which pyserial's `exclusive` and mpremote take too. Who holds it is read from
/proc/locks. TIOCEXCL is not used: on a pseudo-terminal that the board keeps open it would outlast a killed program.
"""

import errno
import fcntl
import os
import select
import termios
from pathlib import Path
from typing import Self

from volthood.errors import DeviceError, LocalError

_BAUDS = {9600: termios.B9600, 19200: termios.B19200, 115200: termios.B115200}
CONSOLE_BAUD = 115200
_CHUNK_BYTES = 4096


class Port:
    """An open, locked port. Raises `DeviceError` (retry) once the other end is gone."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self.path = path
        self._descriptor = descriptor

    @classmethod
    def open(cls, path: Path, baud: int = CONSOLE_BAUD) -> Self:
        """The port at `path`.

        Raises:
            LocalError: there is no such port, it is no serial port, or one may not open it.
            DeviceError: another program has it; names its process id.
        """
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as error:
            raise _cannot_open(path, error) from error
        try:
            _lock(path, descriptor)
            _make_raw(path, descriptor, baud)
        except BaseException:
            os.close(descriptor)
            raise
        return cls(path, descriptor)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()

    def close(self) -> None:
        """Give the port back."""
        os.close(self._descriptor)

    def fileno(self) -> int:
        """The descriptor, for `select`."""
        return self._descriptor

    def read(self, timeout_s: float) -> bytes:
        """What has arrived, at the latest after `timeout_s`; empty where nothing has."""
        ready, _, _ = select.select([self._descriptor], [], [], timeout_s)
        if not ready:
            return b""
        try:
            data = os.read(self._descriptor, _CHUNK_BYTES)
        except BlockingIOError:
            return b""
        except OSError as error:
            raise self._gone() from error
        if not data:
            raise self._gone()
        return data

    def write(self, data: bytes) -> None:
        """Send all of `data`."""
        while data:
            select.select([], [self._descriptor], [])
            try:
                data = data[os.write(self._descriptor, data) :]
            except BlockingIOError:
                continue
            except OSError as error:
                raise self._gone() from error

    def _gone(self) -> DeviceError:
        return DeviceError(f"{self.path}: the board is gone (unplugged or restarted)", retry=True)


def lock_holder(path: Path, locks: Path = Path("/proc/locks")) -> int | None:
    """The process id of whoever has locked a file, as far as the kernel tells (proc(5))."""
    try:
        about = path.stat()
        lines = locks.read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return None
    wanted = f"{os.major(about.st_dev):02x}:{os.minor(about.st_dev):02x}:{about.st_ino}"
    for line in lines:
        words = line.split()
        if len(words) >= 6 and words[1] == "FLOCK" and words[5] == wanted:
            return int(words[4])
    return None


def _lock(path: Path, descriptor: int) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise _busy(path) from error


def _busy(path: Path) -> DeviceError:
    pid = lock_holder(path)
    who = f"process {pid} has it open" if pid else "another program has it open"
    return DeviceError(f"{path} is in use: {who}; end that one first", retry=True)


def _cannot_open(path: Path, error: OSError) -> LocalError | DeviceError:
    if error.errno == errno.EBUSY:
        return _busy(path)
    if error.errno in {errno.ENOENT, errno.ENXIO, errno.ENODEV, errno.EIO}:
        return LocalError(f"{path}: no such port; is the board plugged in?")
    if error.errno == errno.EACCES:
        return LocalError(f"{path}: not permitted; add yourself to the group dialout and log in again")
    return LocalError(f"{path}: {error.strerror}")


def _make_raw(path: Path, descriptor: int, baud: int) -> None:
    """8N1 without flow control, nothing translated or echoed, and no hang-up of the modem lines at the end."""
    try:
        _iflag, _oflag, cflag, _lflag, _ispeed, _ospeed, control = termios.tcgetattr(descriptor)
    except termios.error as error:
        raise LocalError(f"{path} is no serial port") from error
    cflag &= ~(termios.CSIZE | termios.PARENB | termios.CSTOPB | termios.HUPCL | termios.CRTSCTS)
    cflag |= termios.CS8 | termios.CREAD | termios.CLOCAL
    control[termios.VMIN], control[termios.VTIME] = 0, 0
    speed = _BAUDS[baud]
    termios.tcsetattr(descriptor, termios.TCSANOW, [0, 0, cflag, 0, speed, speed, control])
