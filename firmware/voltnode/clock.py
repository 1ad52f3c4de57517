"""Calendar time and how good it is. Who is asked for it, and who is believed, stands in `voltnode.timekeeping`.

- Until a server has told the time, time counts from boot (quality *relative*). A calendar before the floor is never shown.
- What the clock may be wrong by grows with its age, 100 ppm of it, which no board's crystal reaches. Up to 2 s it is
  *synchronised*, up to 30 s *informative*, beyond that *unknown*: held too long to bill by, and records say so.
- In a demonstration the calendar is given to the board (`Board.given_ms`), and nobody is asked.
"""

from volthood.wire.node import INFORMATIVE, RELATIVE, SYNCHRONISED, UNKNOWN
from voltnode.on_demand import call
from voltnode.sealed import read_sealed, whole

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from voltnode.hal import Board, Datagrams

FLOOR_FILE = "floor"
OLDEST_S = 1_767_225_600
"""2026-01-01: no board with this program is older."""
SYNCHRONISED_MS, INFORMATIVE_MS = 2000, 30_000
"""What the clock may be wrong by, for each quality."""
_DRIFT_PARTS = 10_000

OFF, RESTING, ASKING = "off", "resting", "asking"
ANSWER_MS = 2000
MAX_ANSWER_BYTES = 128
"""Extension fields and a MAC may follow the 48 bytes of an answer; they are not read."""
_IDLE_MS, _LOOK_MS = 500, 20
_KEEPING = "voltnode.timekeeping"


class Clock:
    """The node's calendar, and where its questions stand; `voltnode.timekeeping` changes it.

    Args:
        board: gives transport time, flash and chance.
        log: notes events.

    Attributes:
        state: of the state machine; `due_ms` when a resting clock asks again.
        floor_s: no time before this is believed; `kept_s` as it stands on flash.
        servers: (host, port) of who is asked, the first one first; `at` is the index of whose turn it is.
        offset_ms: calendar time less transport time, None while that is not known; set at `set_ms`, wrong by `error_ms`.
        source: who set the clock, empty while nobody did.
        refused: why the last answer was refused, empty after a good one; `silences` without any since then.
        foreign: answers to questions that we did not ask.
        settings: how often the clock was set for the first time or jumped.
        nonce, asked_ms: of the question under way.
        agreeing: good answers in a row; `failures`: none in a row; `doubts` in a row, the last one of `doubted_ms`.
        barred_until_ms: who sent us away, by index.
    """

    def __init__(self, board: "Board", log: "Callable[..., None]") -> None:
        self.board = board
        self.log = log
        self.servers: list[tuple[str, int]] = []
        self.barred_until_ms: dict[int, int] = {}
        self.nonce = b""
        self.offset_ms: int | None = None
        self.at = self.due_ms = self.asked_ms = self.error_ms = self.set_ms = 0
        self.agreeing = self.failures = self.doubts = self.doubted_ms = 0
        self.state = OFF
        self.floor_s = self.kept_s = max(whole((read_sealed(board.flash, FLOOR_FILE) or {}).get("s"), 0), OLDEST_S)
        self.source = self.refused = ""
        self.silences = self.settings = self.foreign = 0

    def calendar_ms(self) -> "tuple[int, int]":
        """(ms since the Unix epoch, quality), or (ms since start, `RELATIVE`) while the time is not known."""
        given = self.board.given_ms()
        if given is not None:
            return given, SYNCHRONISED
        now_ms = self.board.now_ms()
        if self.offset_ms is None:
            return now_ms, RELATIVE
        wrong_ms = self.wrong_ms(now_ms)
        if wrong_ms <= SYNCHRONISED_MS:
            return now_ms + self.offset_ms, SYNCHRONISED
        return now_ms + self.offset_ms, INFORMATIVE if wrong_ms <= INFORMATIVE_MS else UNKNOWN

    def boot_s(self) -> "int | None":
        """The calendar time at which the board started; None while it is not known, and where calendars run at other speeds."""
        time_ms, quality = self.calendar_ms()
        return None if quality == RELATIVE or self.board.speed() != 1 else (time_ms - self.board.now_ms()) // 1000

    def wrong_ms(self, now_ms: int) -> int:
        """What a clock that was set may be wrong by."""
        return self.error_ms + (now_ms - self.set_ms) // _DRIFT_PARTS

    def use(self, servers: str) -> None:
        """Asks these servers (see `sntp.parse_servers`) from now on, the first one first."""
        call(_KEEPING, "use", self, servers)

    def hurry(self) -> None:
        """The network is there again: whoever has no time yet need not wait for the next try."""
        if self.offset_ms is None:
            self.due_ms = self.board.now_ms()


async def keep_time(clock: Clock, board: "Board") -> None:
    """Asks whenever it is due, for ever."""
    while True:
        if clock.state != RESTING or board.now_ms() < clock.due_ms or board.given_ms() is not None:
            await board.sleep_ms(_IDLE_MS)
            continue
        question: bytes = call(_KEEPING, "ask", clock)
        port: Datagrams | None = None
        try:
            if question:
                port = board.datagrams(*clock.servers[clock.at])
                port.send(question)
                await _listen(clock, board, port)
        except OSError:
            pass  # As good as no answer.
        finally:
            if port is not None:
                port.close()
        if clock.state == ASKING:
            call(_KEEPING, "silent", clock)


async def _listen(clock: Clock, board: "Board", port: "Datagrams") -> None:
    """Until the answer came, or none in time. Raises OSError."""
    while clock.state == ASKING and board.now_ms() - clock.asked_ms < ANSWER_MS:
        data = port.receive(MAX_ANSWER_BYTES + 1)
        if data is None:
            await board.sleep_ms(_LOOK_MS)
        elif call(_KEEPING, "hear", clock, data):
            return
