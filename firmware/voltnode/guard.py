"""Keeps watch over the node's run: feeds the watchdog, counts starts, keeps the log over a reset, tries to leave safe mode.

In safe mode only console, link and updates run: no meter is read. It ends with a restart on purpose (`reboot`, an update),
and once an hour the board tries by itself.
"""

from voltnode import boots as starts
from voltnode.watch import Watch

TYPE_CHECKING = False
if TYPE_CHECKING:
    from voltnode.boots import Boots
    from voltnode.hal import Board
    from voltnode.log import Log

WATCHDOG_MS = 60_000
"""A signature blocks the loop for up to 0.4 s on the board, a verification for 1.8 s, a TLS handshake for about 3 s, and a
look through a full ring for lost records for longer than any of them."""
ALLOWED_MS = {"sampler": 60_000, "recorder": 30_000, "link": 60_000}
"""The longest turns: all meters of a bus silent, and twice the pause between two readings; a flash that is full, or one
signature; a TLS handshake."""
WATCHED_SAFE = ("link",)


class Guard:
    """One run's guard.

    Args:
        board, boots, log: the node's.
        boot: number of this start.
    """

    def __init__(self, board: "Board", boots: "Boots", log: "Log", boot: int) -> None:
        self._board = board
        self._boots = boots
        self._log = log
        self._boot = boot
        self._watch = Watch({}, 0)
        self._hangs: tuple[str, int] | None = None
        self._kept_events = -1

    def start(self) -> None:
        """The tasks begin."""
        allowed_ms = dict(ALLOWED_MS)
        allowed_ms["sampler"] += 2 * self._board.settings["sample_ms"]
        if self._boots.safe:
            allowed_ms = {name: allowed_ms[name] for name in WATCHED_SAFE}
        self._watch = Watch(allowed_ms, self._board.now_ms())
        self._board.start_watchdog(WATCHDOG_MS)

    def progress(self, task: str) -> None:
        """A task came to the end of a turn."""
        self._watch.progress(task, self._board.now_ms())

    def failed(self, task: str, error: BaseException) -> None:
        """A task failed and begins again, or the node cannot go on."""
        self._log("task_failed", task=task, error=repr(error))
        self._watch.failed(self._board.now_ms())
        self._boots.crashed(self._boot, task, repr(error))

    def tick(self) -> None:
        """Called about once a second."""
        now_ms = self._board.now_ms()
        if self._hangs is None:
            self._hangs = self._watch.late(now_ms)
            if self._hangs is None:
                self._fed(now_ms)
            else:
                self._starve(self._hangs[0], "no progress for %d s" % (self._hangs[1] // 1000))
        if self._boots.safe and now_ms > starts.SAFE_RETRY_MS:
            self.restart("safe mode tried to end", starts.FAILED_LIMIT - 1)
        self.keep_log()

    def _fed(self, now_ms: int) -> None:
        self._board.feed_watchdog()
        if now_ms - self._watch.since_ms > starts.HEALTHY_MS:
            self._boots.healthy()

    def _starve(self, task: str, why: str) -> None:
        """From now on the watchdog is not fed any more; what it is for stands where the next start finds it."""
        self._log("watchdog", task=task, error=why)
        self._boots.crashed(self._boot, task, why)
        self._boots.say_end("watchdog: %s, %s" % (task, why))

    def keep_log(self) -> None:
        """What is new in the log shall be there after a reset."""
        events = self._log.events
        if events == self._kept_events:
            return
        try:
            self._boots.keep(self._log.numbered(self._boot))
            self._kept_events = events
        except MemoryError:
            pass  # Somebody has it all just now; the next second may bring it.

    def restart(self, why: str, failed: int = 0) -> None:
        """Starts the board again on purpose; does not return."""
        self._log("restarting", why=why)
        self.keep_log()
        self._boots.end(why, failed)
        self._board.restart()
