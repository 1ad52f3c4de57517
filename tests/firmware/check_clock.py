"""A clock among servers that are silent, unsure, rude or lie, on either interpreter. Prints what it makes of them."""

from voltnode import timekeeping
from voltnode.clock import Clock
from voltnode.log import Log

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

NOW_S = 1_795_000_000
TO_UNIX_S = 2_208_988_800


class Flash:
    """Files in RAM."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}

    def read(self, name: str) -> "bytes | None":
        return self.files.get(name)

    def size(self, name: str) -> int:
        return len(self.files.get(name, b""))

    def replace(self, name: str, data: bytes) -> None:
        self.files[name] = data


class Board:
    """Time that is moved by hand."""

    def __init__(self, flash: Flash) -> None:
        self.flash = flash
        self.ms = 0

    def now_ms(self) -> int:
        return self.ms

    def given_ms(self) -> "int | None":
        return None

    def speed(self) -> int:
        return 1

    def random(self, count: int) -> bytes:
        return bytes([self.ms + i & 255 for i in range(count)])


def answer(question: bytes, ms: int, head: bytes = b"\x24\x02\x06\xec") -> bytes:
    seconds = (ms // 1000 + TO_UNIX_S).to_bytes(4, "big") + (((ms % 1000 << 32) + 999) // 1000).to_bytes(4, "big")
    return head + bytes(8) + b"TEST" + seconds + question[40:48] + seconds + seconds


def play(board: "Any", clock: Clock, ahead_ms: int, head: bytes, silent: bool = False) -> None:
    """One question and what becomes of it."""
    board.ms = max(board.ms, clock.due_ms)
    question = timekeeping.ask(clock)
    board.ms += 20
    if silent or not question:
        board.ms += 2000
        if question:
            timekeeping.silent(clock)
    else:
        timekeeping.hear(clock, answer(question, NOW_S * 1000 + board.ms + ahead_ms, head))
    show(board, clock)


def show(board: "Any", clock: Clock) -> None:
    time_ms, quality = clock.calendar_ms()
    print(board.ms, clock.state, clock.at, clock.due_ms, time_ms, quality, clock.wrong_ms(board.ms), clock.refused)


GOOD, UNSURE, KISS = b"\x24\x02\x06\xec", b"\xe4\x10\x06\xec", b"\x24\x00\x06\xec"
ROWS = (
    (0, UNSURE, False),
    (0, GOOD, True),
    (-30 * 86_400_000 * 12, GOOD, False),
    (0, GOOD, False),
    (0, GOOD, False),
    (3_600_000, GOOD, False),
    (0, GOOD, False),
    (7_200_000, GOOD, False),
    (7_200_000, GOOD, False),
    (7_200_000, GOOD, False),
    (7_200_000, GOOD, False),
    (7_200_000, KISS, False),
    (7_200_000, GOOD, False),
)

flash = Flash()
for _ in range(2):
    board = Board(flash)
    log = Log(board.now_ms)
    clock = Clock(board, log)  # type: ignore[arg-type]
    clock.use("pi, other:1123")
    print(clock.floor_s, clock.servers)
    for ahead_ms, head, silent in ROWS:
        play(board, clock, ahead_ms, head, silent)
    for hours in (5, 6, 80, 90):
        board.ms = hours * 3_600_000
        show(board, clock)
    print("\n".join(log.lines))
print(sorted(flash.files), "done")
