"""The way to the broker, as a machine that never saw a socket; `voltnode.link` does what it says.

- Nothing is opened while something is missing: Wi-Fi, and for TLS the time and `MIN_FREE_BYTES` of the system's memory. Without
  the time every certificate seems to begin in the future, and a handshake that runs out of memory takes others with it.
- Whatever ends a connection, or a try, is followed by a wait that doubles up to a cap, with chance in it.
"""

from volthood.wire.node import RELATIVE
from voltnode.backoff import wait_ms

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from voltnode.clock import Clock
    from voltnode.hal import Board
    from voltnode.wifi import Wifi

FIRST_WAIT_MS = 250
LONGEST_WAIT_MS = 30_000
MIN_FREE_BYTES = 40 * 1024
"""A TLS connection takes about 24 KB at once, most of it in two pieces."""

OFF, HELD, OPENING, GREETING, CONNECTED, WAITING = "off", "held", "opening", "greeting", "connected", "waiting"
ENROLLED, CLEAR, OPENED, ACCEPTED, FAILED, DUE = "enrolled", "clear", "opened", "accepted", "failed", "due"
TRANSITIONS = {
    (OFF, ENROLLED): HELD,  # look for Wi-Fi, time and memory
    (HELD, ENROLLED): HELD,  # look for Wi-Fi, time and memory
    (WAITING, ENROLLED): HELD,  # look for Wi-Fi, time and memory
    (HELD, CLEAR): OPENING,  # open TCP
    (OPENING, OPENED): GREETING,  # shake hands, send CONNECT
    (GREETING, ACCEPTED): CONNECTED,  # subscribe, say status, deliver
    (OPENING, FAILED): WAITING,  # say why; wait 0.25 s to 30 s
    (GREETING, FAILED): WAITING,  # close, say why; wait 0.25 s to 30 s
    (CONNECTED, FAILED): WAITING,  # close, say why; wait 0.25 s
    (WAITING, DUE): HELD,  # look for Wi-Fi, time and memory
}
"""(state, what happens) -> next state; behind it what is done, for the page."""


class Broker:
    """Where the node is on its way to the broker.

    Attributes:
        state: of the machine.
        reason: a short stable name for why there is no connection; `error` the same in words. Both empty while there is one.
        failures: tries in a row that came to nothing.
    """

    def __init__(self, log: "Callable[..., None]") -> None:
        self._log = log
        self._due_ms = 0
        self.state = OFF
        self.reason = self.error = ""
        self.failures = 0

    def enrolled(self) -> None:
        """There is a broker to go to, or another one. One that is open must be ended (`failed`)."""
        self.failures = 0
        self.reason = self.error = ""
        if (self.state, ENROLLED) in TRANSITIONS:
            self._step(ENROLLED)

    def held(self, reason: str, error: str) -> None:
        """Something is missing; said once for as long as it is the same."""
        if reason != self.reason:
            self._log("link_held", reason=reason, error=error)
        self.reason, self.error = reason, error

    def clear(self) -> None:
        """Nothing is missing."""
        self._step(CLEAR)

    def opened(self) -> None:
        """TCP is open."""
        self._step(OPENED)

    def accepted(self) -> None:
        """The broker takes us."""
        self._step(ACCEPTED)
        self.failures = 0
        self.reason = self.error = ""
        self._log("link_up")

    def failed(self, reason: str, error: str, now_ms: int, chance: bytes) -> None:
        """A try came to nothing, or the connection ended; `chance` is `CHANCE_BYTES` random bytes."""
        self._step(FAILED)
        self._log("link_lost", reason=reason, error=error)
        self.reason, self.error = reason, error
        self._due_ms = now_ms + wait_ms(self.failures, FIRST_WAIT_MS, LONGEST_WAIT_MS, chance)
        self.failures += 1

    def hurry(self) -> None:
        """The next try need not wait."""
        self._due_ms = 0

    def due(self, now_ms: int) -> bool:
        """Whether to look what is missing: not before a wait is over, nor while there is nowhere to go."""
        if self.state == WAITING and now_ms >= self._due_ms:
            self._step(DUE)
        return self.state == HELD

    def _step(self, trigger: str) -> None:
        self.state = TRANSITIONS[self.state, trigger]


def missing(board: "Board", wifi: "Wifi | None", clock: "Clock", tls: bool) -> "tuple[str, str] | None":
    """(reason, words) for what is missing for a connection; None where nothing is."""
    if wifi is not None and not wifi.is_up():
        return "no_wifi", "no Wi-Fi: " + (wifi.error or wifi.state)
    if not tls:
        return None
    if clock.calendar_ms()[1] == RELATIVE:
        return "clock_not_set", "clock not set: until it is, every certificate validity starts in the future"
    free = board.free_beside_heap()
    if free is not None and free < MIN_FREE_BYTES:
        return "memory_short", "%d bytes free for TLS, it takes %d" % (free, MIN_FREE_BYTES)
    return None
