"""Calendar time: a floor that it never falls below, then SNTP from the agent, and how good it is. `keep_time` is all its I/O.

- Until a server has told the time, time counts from boot (quality *relative*). A calendar before the floor is never shown:
  an answer below it is refused. The floor is a file, written at most once a day, and only with a time that a second
  answer has confirmed; what lies more than 20 years above it is refused too.
- The servers are asked in their order, the agent's machine first; one that is silent or refused gives way to the next.
  The first answer sets the clock. After that, one that differs by more than both may be wrong by is doubted: the clock
  jumps only after three in a row that say the same.
- What the clock may be wrong by grows with its age, 100 ppm of it, which no board's crystal reaches. Up to 2 s it is
  *synchronised*, up to 30 s *informative*, beyond that *unknown*: held too long to bill by, and records say so.
- In a demonstration the calendar is given to the board (`Board.given_ms`), and nobody is asked.
"""

from volthood.wire.node import INFORMATIVE, RELATIVE, SYNCHRONISED, UNKNOWN
from voltnode.sealed import read_sealed, whole, write_sealed
from voltnode.sntp import MAX_ANSWER_BYTES, NONCE_BYTES, TimeRefusedError, request, time_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from voltnode.hal import Board, Datagrams

FLOOR_FILE = "floor"
OLDEST_S = 1_767_225_600
"""2026-01-01: no board with this program is older."""
FLOOR_EVERY_S = 86_400
FLOOR_MARGIN_S = 60
FARTHEST_S = 20 * 365 * 86_400

SYNCHRONISED_MS, INFORMATIVE_MS = 2000, 30_000
"""What the clock may be wrong by, for each quality."""
_DRIFT_PARTS = 10_000
_JUMP_MARGIN_MS = 1000
JUMP_ANSWERS = 3

ANSWER_MS = 2000
CONFIRM_MS = 60_000
EVERY_MS = 1_800_000
RETRY_MS = 10_000
LONGEST_RETRY_MS, LONGEST_FIRST_MS = 320_000, 20_000
"""Between tries: of a clock that goes on, and of one that was never set."""
_LOOK_MS = 20
_KISS_BAR_MS = {"RATE": 3_600_000}
_BAR_MS = 86_400_000

OFF, RESTING, ASKING = "off", "resting", "asking"
NAMED, DUE, ACCEPTED, DOUBTED, REFUSED, SILENT = "named", "due", "accepted", "doubted", "refused", "silent"
TRANSITIONS = {
    (OFF, NAMED): (RESTING, "ask at once"),
    (RESTING, NAMED): (RESTING, "ask at once"),
    (ASKING, NAMED): (RESTING, "ask at once"),
    (RESTING, DUE): (ASKING, "send a request"),
    (ASKING, ACCEPTED): (RESTING, "set the clock; ask the first server again in 1 min, then every 30 min"),
    (ASKING, DOUBTED): (RESTING, "keep the clock; ask the same server again in 10 s"),
    (ASKING, REFUSED): (RESTING, "keep the clock; ask the next server in 10 s, later up to 320 s"),
    (ASKING, SILENT): (RESTING, "keep the clock; ask the next server in 10 s, later up to 320 s"),
}
"""(state, what happens) -> (next state, what is done)."""


class Clock:
    """The node's calendar.

    Args:
        board: gives transport time, flash and chance.
        log: notes events.

    Attributes:
        state: of the state machine; `due_ms` when a resting clock asks again.
        floor_s: no time before this is believed.
        source: who set the clock, empty while nobody did.
        refused: why the last answer was refused, empty after a good one; `silences` without any since then.
        foreign: answers to questions that we did not ask.
        settings: how often the clock was set for the first time or jumped.
    """

    def __init__(self, board: "Board", log: "Callable[..., None]") -> None:
        self._board = board
        self._log = log
        self._servers: list[tuple[str, int]] = []
        self._barred_until_ms: dict[int, int] = {}
        self._at = 0
        self.due_ms = 0
        self._nonce = b""
        self._asked_ms = 0
        self._offset_ms: int | None = None
        self._error_ms = self._set_ms = 0
        self._agreeing = self._failures = 0
        self._doubted_ms = self._doubts = 0
        self.state = OFF
        self.floor_s = self._kept_s = max(whole((read_sealed(board.flash, FLOOR_FILE) or {}).get("s"), 0), OLDEST_S)
        self.source = self.refused = ""
        self.silences = self.settings = self.foreign = 0

    def calendar_ms(self) -> "tuple[int, int]":
        """(ms since the Unix epoch, quality), or (ms since start, `RELATIVE`) while the time is not known."""
        given = self._board.given_ms()
        if given is not None:
            return given, SYNCHRONISED
        now_ms = self._board.now_ms()
        if self._offset_ms is None:
            return now_ms, RELATIVE
        wrong_ms = self.wrong_ms(now_ms)
        if wrong_ms <= SYNCHRONISED_MS:
            return now_ms + self._offset_ms, SYNCHRONISED
        return now_ms + self._offset_ms, INFORMATIVE if wrong_ms <= INFORMATIVE_MS else UNKNOWN

    def boot_s(self) -> "int | None":
        """The calendar time at which the board started; None while it is not known."""
        time_ms, quality = self.calendar_ms()
        return None if quality == RELATIVE else (time_ms - self._board.now_ms() * self._board.speed()) // 1000

    def age_ms(self, now_ms: int) -> int:
        """How long ago the clock was set, 0 before."""
        return 0 if self._offset_ms is None else now_ms - self._set_ms

    def wrong_ms(self, now_ms: int) -> int:
        """What the clock may be wrong by."""
        return self._error_ms + self.age_ms(now_ms) // _DRIFT_PARTS

    def use(self, servers: "list[tuple[str, int]]") -> None:
        """Asks these servers (host, port) from now on, the first one first."""
        self._servers = servers
        self._barred_until_ms = {}
        self._at = self.silences = 0
        if servers:
            self._step(NAMED)
        self.due_ms = self._board.now_ms()

    def forget_floor(self) -> None:
        """For the installer, where a liar's time became the floor. Raises OSError."""
        self._board.flash.remove(FLOOR_FILE)
        self.floor_s = self._kept_s = OLDEST_S
        self._offset_ms = None
        self.source = ""
        self._agreeing = 0

    def server(self) -> "tuple[str, int] | None":
        """Whom to ask now; None while nothing is due."""
        now_ms = self._board.now_ms()
        if self.state != RESTING or now_ms < self.due_ms or self._board.given_ms() is not None:
            return None
        for _ in self._servers:
            if self._barred_until_ms.get(self._at, now_ms) <= now_ms:
                return self._servers[self._at]
            self._at = (self._at + 1) % len(self._servers)
        return None

    def ask(self) -> bytes:
        """The request to the server."""
        self._nonce = self._board.random(NONCE_BYTES)
        self._asked_ms = self._board.now_ms()
        self._step(DUE)
        return request(self._nonce)

    def hear(self, data: bytes) -> bool:
        """Takes an answer; False where it is none of ours and the right one may still come."""
        now_ms = self._board.now_ms()
        try:
            time_ms, error_ms = time_of(data, self._nonce, now_ms - self._asked_ms, self.floor_s)
            self._check_range(time_ms // 1000)
        except TimeRefusedError as error:
            if error.reason == "foreign":
                self.foreign += 1
                return False
            self._refuse(error)
            self._bar(error, now_ms)
            self._turn_to_next(REFUSED, now_ms)
            return True
        if self._is_jump(time_ms - now_ms, error_ms, now_ms):
            self._step(DOUBTED)
            self.due_ms = now_ms + RETRY_MS
        else:
            self._set(time_ms, error_ms, now_ms)
        return True

    def silent(self) -> None:
        """No answer came, or the network does not reach the server."""
        if self.state == ASKING:
            self.silences += 1
            self._turn_to_next(SILENT, self._board.now_ms())

    def hurry(self) -> None:
        """The network is there again: whoever has no time yet need not wait for the next try."""
        if self._offset_ms is None:
            self.due_ms = self._board.now_ms()

    def waited_ms(self) -> int:
        """Ms for which an answer is awaited; the limit is `ANSWER_MS`."""
        return self._board.now_ms() - self._asked_ms

    def _step(self, trigger: str) -> None:
        self.state = TRANSITIONS[self.state, trigger][0]

    def _refuse(self, error: TimeRefusedError) -> None:
        """Says it once for as long as it is the same."""
        if self.refused != error.reason:
            self._log("time_refused", reason=error.reason, detail=error.detail, server=self._name())
        self.refused = error.reason

    def _bar(self, error: TimeRefusedError, now_ms: int) -> None:
        """A server that sends its guests away is left alone."""
        if error.reason == "kiss":
            self._barred_until_ms[self._at] = now_ms + _KISS_BAR_MS.get(error.detail, _BAR_MS)

    def _turn_to_next(self, trigger: str, now_ms: int) -> None:
        self._step(trigger)
        self._at = (self._at + 1) % len(self._servers)
        self._agreeing = 0
        longest_ms = LONGEST_RETRY_MS if self._offset_ms is not None else LONGEST_FIRST_MS
        wait_ms = min(RETRY_MS << min(self._failures, 8), longest_ms)
        self._failures += 1
        # Chance in it, so that a street of nodes does not ask in one instant.
        self.due_ms = now_ms + wait_ms // 2 + wait_ms * self._board.random(1)[0] // 512

    def _check_range(self, time_s: int) -> None:
        if time_s < self.floor_s:
            raise TimeRefusedError("before_floor", time_s - self.floor_s)
        if time_s - self.floor_s > FARTHEST_S:
            raise TimeRefusedError("far_ahead", time_s - self.floor_s)

    def _is_jump(self, offset_ms: int, error_ms: int, now_ms: int) -> bool:
        """Whether an answer differs from the clock, and not three in a row agreed that it has to."""
        if self._offset_ms is None:
            return False
        margin_ms = self.wrong_ms(now_ms) + error_ms + _JUMP_MARGIN_MS
        if abs(offset_ms - self._offset_ms) <= margin_ms:
            return False
        agrees = self.refused == "jump" and abs(offset_ms - self._doubted_ms) <= margin_ms
        self._doubts = self._doubts + 1 if agrees else 1
        self._doubted_ms = offset_ms
        if self._doubts >= JUMP_ANSWERS:
            return False
        self._refuse(TimeRefusedError("jump", offset_ms - self._offset_ms))
        return True

    def _set(self, time_ms: int, error_ms: int, now_ms: int) -> None:
        self._step(ACCEPTED)
        before_ms, self._offset_ms = self._offset_ms, time_ms - now_ms
        self._error_ms, self._set_ms = error_ms, now_ms
        jumped = before_ms is None or self.refused == "jump"
        self._agreeing = 1 if jumped else self._agreeing + 1
        self.source, self.refused = self._name(), ""
        self._at = self.silences = self._doubts = self._failures = 0
        self.due_ms = now_ms + (EVERY_MS if self._agreeing > 1 else CONFIRM_MS)
        if jumped:
            self.settings += 1
            by_ms = "first" if before_ms is None else self._offset_ms - before_ms
            self._log("time_set", server=self.source, wrong_ms=error_ms, by_ms=by_ms)
        self._raise_floor(time_ms // 1000)

    def _raise_floor(self, time_s: int) -> None:
        """Keeps a confirmed time as the floor; in RAM at once, on flash once a day."""
        if self._agreeing < 2:
            return
        self.floor_s = max(self.floor_s, time_s - FLOOR_MARGIN_S)
        if self.floor_s - self._kept_s < FLOOR_EVERY_S and self._kept_s > OLDEST_S:
            return
        try:
            write_sealed(self._board.flash, FLOOR_FILE, {"s": self.floor_s})
            self._kept_s = self.floor_s
        except OSError as error:
            self._log("flash_failed", error=error)

    def _name(self) -> str:
        return "%s:%d" % self._servers[self._at]


async def keep_time(clock: Clock, board: "Board") -> None:
    """Asks whenever it is due, for ever."""
    while True:
        server = clock.server()
        if server is None:
            await board.sleep_ms(500)
            continue
        port: Datagrams | None = None
        try:
            port = board.datagrams(server[0], server[1])
        except OSError:
            pass
        question = clock.ask()
        try:
            if port is not None:
                port.send(question)
                await _listen(clock, board, port)
        except OSError:
            pass
        finally:
            if port is not None:
                port.close()
        clock.silent()


async def _listen(clock: Clock, board: "Board", port: "Datagrams") -> None:
    """Until the answer came, or none in time. Raises OSError."""
    while clock.waited_ms() < ANSWER_MS:
        data = port.receive(MAX_ANSWER_BYTES)
        if data is None:
            await board.sleep_ms(_LOOK_MS)
        elif clock.hear(data):
            return
