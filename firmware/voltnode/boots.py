"""How the board came to start: failed starts in a row, how the last run ended, and the log's last lines from before.

- It is kept in memory that a reset leaves alone and a power cut does not (on the ESP32 the RTC's, so it costs the flash
  nothing). A start counts as failed until it has run for a healthy minute. Whoever switches the power off takes the count
  with it: short power cycles fail nothing.
- From `FAILED_LIMIT` failed starts on the board is in safe mode: console, link and updates only. That is mirrored to
  flash, so that safe mode outlives the power.
- A restart on purpose (`end`) is not a failure and ends safe mode; in safe mode the board also tries by itself each hour.
- A brownout looks like a power-on to the ESP32: it cannot be told apart here either.
- What failed without being caught leaves a note on flash, once per start; the newest counts.
"""

from binascii import crc32

from voltnode.on_demand import call
from voltnode.sealed import write_sealed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from voltnode.hal import Board

FAILED_LIMIT = 3
HEALTHY_MS = 60_000
SAFE_RETRY_MS = 3_600_000
MAX_KEPT_BYTES = 1900
"""The ESP32's memory for this is 2048 bytes."""
MAX_NOTE_CHARS = 160

MIRROR_FILE = "failed-starts"
NOTE_FILE = "crash"
_STARTS = "voltnode.starts"


class Boots:
    """This start and those before it.

    Attributes:
        cause: why the board started, in words.
        failed: failed starts in a row before this one.
        safe: whether this start is in safe mode.
        lines: the log's last lines before this start, each with its boot number.
        note: what the newest crash left: boot, task, error, up_s; None without any.
    """

    def __init__(self, board: "Board") -> None:
        self._board = board
        self.failed: int
        self.cause: str
        self.lines: list[str]
        self.note: dict[str, object] | None
        self.failed, self.cause, self.lines, self.note = call(_STARTS, "begin", board)
        self.safe = self.failed >= FAILED_LIMIT
        self._noted = False
        self._count = self.failed if self.safe else self.failed + 1
        self._end = ""
        self.keep(self.lines)

    def reason(self) -> str:
        """Why the board is in safe mode; empty where it is not."""
        text: str = call(_STARTS, "reason", self.failed, self.cause) if self.safe else ""
        return text

    def keep(self, lines: "list[str]") -> None:
        """Keeps the newest of these lines over a reset."""
        self.lines = lines
        self._board.keep_boot_memory(_pack(self._count, self._end, lines))

    def healthy(self) -> None:
        """This start has run well for a minute: it did not fail, whatever comes."""
        if self._count and not self.safe:
            self._count = 0
            self.keep(self.lines)

    def end(self, why: str, failed: int = 0) -> None:
        """The board starts again on purpose, which is no failure; afterwards it counts so many."""
        self._count = failed
        call(_STARTS, "mirror_on", self._board, 0)
        self.say_end(why)

    def say_end(self, why: str) -> None:
        """What the next start shall say ended this run."""
        self._end = why.replace("\n", " ")[:MAX_NOTE_CHARS]
        self.keep(self.lines)

    def crashed(self, boot: int, task: str, error: str) -> None:
        """Leaves a note on flash, the first time only: what fails may fail each second. A flash that refuses is no news."""
        if self._noted:
            return
        self._noted = True
        before, up_s = self.note or {}, self._board.now_ms() // 1000
        self.note = {"boot": boot, "task": task, "error": error[:MAX_NOTE_CHARS], "up_s": up_s}
        if (before.get("task"), before.get("error")) == (task, self.note["error"]):
            # A start that fails over and over must not wear the flash: the first note of a row stands.
            return
        try:
            write_sealed(self._board.flash, NOTE_FILE, self.note)
        except OSError:
            pass


def _pack(count: int, end: str, lines: "list[str]") -> bytes:
    """As kept in the memory: CRC-32 in hex, then the failed starts, the end, and as many of the newest lines as fit."""
    body = ("%d\n%s" % (count, end)).encode()
    first, size = len(lines), len(body)
    while first and size + len(lines[first - 1].encode()) + 1 <= MAX_KEPT_BYTES:
        first -= 1
        size += len(lines[first].encode()) + 1
    body += "".join(["\n" + line for line in lines[first:]]).encode()
    return b"%08x" % crc32(body) + body
