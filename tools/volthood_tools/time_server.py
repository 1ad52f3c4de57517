"""A small SNTP server of its own process's thread, for tests and benches. It says the time it is told to, true or not."""

import socket
import threading
import time
from collections.abc import Callable
from typing import Self

from volthood.adapters.sntp import answer_to

__all__ = ["TimeServer", "answer_to"]


def real_ms() -> int:
    """This machine's time, Unix ms."""
    return time.time_ns() // 1_000_000


class TimeServer:
    """Answers on a free UDP port of this machine until it is closed.

    Attributes:
        port: where it listens.
        now_ms: gives the time that it tells.
        trusted: whether it says that it knows the time.
        asked: how many requests came.
    """

    def __init__(self, now_ms: Callable[[], int] = real_ms) -> None:
        self.now_ms = now_ms
        self.trusted = True
        self.asked = 0
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            data, whom = self._socket.recvfrom(512)
            if not data:
                return
            self.asked += 1
            answer = answer_to(data, self.now_ms(), 1, trusted=self.trusted)
            if answer is not None:
                self._socket.sendto(answer, whom)

    def close(self) -> None:
        """Ends the thread and frees the port."""
        self._socket.sendto(b"", ("127.0.0.1", self.port))
        self._thread.join(5)
        self._socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()
