"""What a virtual board keeps over a reset, and its watchdog.

Beside the flash's folder there are two files: FOLDER.memory is the memory that a reset leaves alone, FOLDER.cause says what
ended the last run. Whoever kills the process writes no cause: that is a power cut, and the memory is empty afterwards. The
watchdog is a thread that counts its own pauses, so that a process that is stopped, or gets no time at all, does not count
as hung; it does not ask whatever hangs, and kills the process through a shell, which knows its number.
"""

import _thread
import os
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_os: "Any" = os
_time: "Any" = time
_PAUSE_S = 0.25

POWER_ON = "power on"
RESTART = "restart"
WATCHDOG = "watchdog"


class ResetMemory:
    """The files of one virtual board.

    Attributes:
        cause: why this run began.
    """

    def __init__(self, flash_folder: str) -> None:
        self._memory = flash_folder + ".memory"
        self._cause = flash_folder + ".cause"
        self.cause = _read(self._cause).decode().strip() or POWER_ON
        if self.cause == POWER_ON:
            self.keep(b"")
        _remove(self._cause)
        self._left = [0]

    def read(self) -> bytes:
        """See `Board.boot_memory`."""
        return _read(self._memory)

    def keep(self, data: bytes) -> None:
        """See `Board.keep_boot_memory`."""
        with open(self._memory, "wb") as file:
            file.write(data)

    def end(self) -> None:
        """The process ends by itself now: a reset."""
        with open(self._cause, "wb") as file:
            file.write(RESTART.encode())

    def start_watchdog(self, limit_ms: int) -> None:
        """See `Board`."""
        self._limit = int(limit_ms / 1000 / _PAUSE_S)
        self.feed()
        command = "echo %s > '%s'; kill -KILL $PPID" % (WATCHDOG, self._cause)
        _thread.start_new_thread(_watch, (self._left, command))

    def feed(self) -> None:
        """See `Board`."""
        self._left[0] = self._limit


def _watch(left: "list[int]", command: str) -> None:
    while left[0] > 0:
        _time.sleep(_PAUSE_S)
        left[0] -= 1
    _os.system(command)


def _read(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError:
        return b""


def _remove(path: str) -> None:
    try:
        os.remove(path)
    except OSError:
        pass
