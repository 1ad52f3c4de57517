"""Tells whoever supervises this process that it still does its work: systemd's notification protocol, sd_notify(3).

A process that dies is seen; one that hangs is not, unless it has to say that it is alive. Under systemd `WatchdogSec=` asks
for it; the demonstration's supervisor asks in the same words. Without a supervisor nothing is sent.
"""

import contextlib
import socket
from collections.abc import Mapping

ALIVE = b"WATCHDOG=1"


class Watchdog:
    """Sends a sign of life, at most twice in the time after which the supervisor takes silence for a hang."""

    def __init__(self, address: str, interval_ms: int) -> None:
        # An abstract socket is written with an @ in the environment, and has a zero byte for the kernel.
        self._address = "\0" + address[1:] if address.startswith("@") else address
        self._interval_ms = interval_ms
        self._due_ms = 0
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.setblocking(False)

    @classmethod
    def asked_for(cls, environment: Mapping[str, str]) -> "Watchdog | None":
        """The watchdog that a supervisor asks for in the environment; None where it asks for none, or not in numbers."""
        address, limit_us = environment.get("NOTIFY_SOCKET", ""), environment.get("WATCHDOG_USEC", "")
        if not address or not limit_us.isdecimal() or int(limit_us) == 0:
            return None
        return cls(address, int(limit_us) // 2000)

    def beat(self, now_ms: int) -> None:
        """Say that we are alive where it is due. A supervisor that does not listen is no reason to stop working."""
        if now_ms < self._due_ms:
            return
        self._due_ms = now_ms + self._interval_ms
        with contextlib.suppress(OSError):
            self._socket.sendto(ALIVE, self._address)

    def close(self) -> None:
        """Give the socket back."""
        self._socket.close()
