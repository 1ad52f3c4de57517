"""Hears whether a child is alive: the other end of systemd's notification protocol, sd_notify(3), as far as a watchdog goes."""

import socket

_MAX_BYTES = 4096


class Pulse:
    """The signs of life of one child.

    Attributes:
        environment: asks the child for them.
    """

    def __init__(self, silent_s: float) -> None:
        self._silent_s = silent_s
        self._heard_s: float | None = None
        self._asked_s = 0.0
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        # An empty name makes the kernel choose a free abstract one, which needs no file and is gone with us.
        self._socket.bind("")
        self._socket.setblocking(False)
        name = self._socket.getsockname()[1:].decode()
        self.environment = {"NOTIFY_SOCKET": f"@{name}", "WATCHDOG_USEC": str(int(silent_s * 1_000_000))}

    def forget(self) -> None:
        """A new child: nothing has been heard of it."""
        self._drained()
        self._heard_s = None

    def is_lost(self, now_s: float) -> bool:
        """Whether the child was heard once, and not for too long by now (monotonic s)."""
        # What we did not look at for long, because the machine or we ourselves stood still, says nothing of the child.
        stood_still = now_s - self._asked_s > self._silent_s / 2
        self._asked_s = now_s
        if self._drained() or (stood_still and self._heard_s is not None):
            self._heard_s = now_s
        return self._heard_s is not None and now_s - self._heard_s > self._silent_s

    def _drained(self) -> bool:
        """Read all that has come. Whether anything had."""
        heard = False
        while True:
            try:
                self._socket.recv(_MAX_BYTES)
            except BlockingIOError:
                return heard
            heard = True

    def close(self) -> None:
        """Give the socket back."""
        self._socket.close()
