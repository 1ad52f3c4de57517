"""Who is asked for the time, and who is believed: the rules over `voltnode.clock`. Loaded when asked for.

- The servers are asked in their order, the agent's machine where nobody named any; one that is silent or refused gives way
  to the next. The first answer sets the clock. After that, one that differs by more than both may be wrong by is doubted:
  the clock jumps only after three in a row that say the same.
- The floor is a file, written at most once a day, and only with a time that a second answer has confirmed. An answer below
  it is refused, and so is one that lies more than 20 years above it.
- A server that sends us away (kiss of death) is left alone for a day, or for an hour where we only asked too often.
- Nothing here is authenticated: whoever answers in the name of every server that the node asks sets its clock, above the
  floor. Records say that they are the node's word for the time, and the agent compares.
"""

from voltnode.clock import ASKING, FLOOR_FILE, OFF, OLDEST_S, RESTING
from voltnode.sealed import write_sealed
from voltnode.sntp import NONCE_BYTES, TimeRefusedError, parse_servers, request, time_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from voltnode.clock import Clock

FLOOR_EVERY_S = 86_400
FLOOR_MARGIN_S = 60
FARTHEST_S = 20 * 365 * 86_400

_JUMP_MARGIN_MS = 1000
JUMP_ANSWERS = 3

CONFIRM_MS = 60_000
EVERY_MS = 1_800_000
RETRY_MS = 10_000
LONGEST_RETRY_MS, LONGEST_FIRST_MS = 320_000, 20_000
"""Between tries: of a clock that goes on, and of one that was never set."""
_KISS_BAR_MS = {"RATE": 3_600_000}
_BAR_MS = 86_400_000

NAMED, UNNAMED, DUE, BARRED = "servers named", "no server named", "due", "due, but all servers are barred"
ACCEPTED, DOUBTED, REFUSED, SILENT = "good answer", "answer far off", "bad answer", "no answer in 2 s"
TRANSITIONS = {
    (OFF, NAMED): (RESTING, "ask at once"),
    (OFF, UNNAMED): (OFF, "nothing"),
    (RESTING, NAMED): (RESTING, "ask at once"),
    (RESTING, UNNAMED): (OFF, "keep the clock"),
    (ASKING, NAMED): (RESTING, "ask at once; an answer to the old question does not count"),
    (ASKING, UNNAMED): (OFF, "keep the clock"),
    (RESTING, DUE): (ASKING, "send a request"),
    (RESTING, BARRED): (RESTING, "wait until the first one may be asked again"),
    (ASKING, ACCEPTED): (RESTING, "set the clock; ask the first server again in 1 min, then every 30 min"),
    (ASKING, DOUBTED): (RESTING, "keep the clock; ask the same server again in 10 s"),
    (ASKING, REFUSED): (RESTING, "keep the clock; ask the next server, in 5 to 10 s at first, later up to 320 s"),
    (ASKING, SILENT): (RESTING, "keep the clock; ask the next server, in 5 to 10 s at first, later up to 320 s"),
}
"""(state, what happens) -> (next state, what is done)."""


def use(clock: "Clock", servers: str) -> None:
    """From now on these servers. Raises ValueError where the text names none right."""
    clock.servers = parse_servers(servers)
    clock.barred_until_ms = {}
    clock.at = clock.silences = 0
    _step(clock, NAMED if clock.servers else UNNAMED)
    clock.due_ms = clock.board.now_ms()


def forget_floor(clock: "Clock") -> None:
    """For the installer, where a liar's time became the floor. Raises OSError."""
    clock.board.flash.remove(FLOOR_FILE)
    clock.floor_s = clock.kept_s = OLDEST_S
    clock.offset_ms = None
    clock.source = clock.refused = ""
    clock.agreeing = 0


def ask(clock: "Clock") -> bytes:
    """The request to whose turn it is; empty where all have sent us away."""
    now_ms = clock.board.now_ms()
    for _ in clock.servers:
        if clock.barred_until_ms.get(clock.at, now_ms) <= now_ms:
            clock.nonce = clock.board.random(NONCE_BYTES)
            clock.asked_ms = now_ms
            _step(clock, DUE)
            return request(clock.nonce)
        clock.at = (clock.at + 1) % len(clock.servers)
    clock.due_ms = min(clock.barred_until_ms.values())
    _step(clock, BARRED)
    return b""


def hear(clock: "Clock", data: bytes) -> bool:
    """Takes an answer; False where it is none of ours and the right one may still come."""
    now_ms = clock.board.now_ms()
    try:
        time_ms, error_ms = time_of(data, clock.nonce, now_ms - clock.asked_ms, clock.floor_s)
        _check_range(clock, time_ms // 1000)
    except TimeRefusedError as error:
        if error.reason == "foreign":
            clock.foreign += 1
            return False
        _refuse(clock, error)
        if error.reason == "kiss":
            clock.barred_until_ms[clock.at] = now_ms + _KISS_BAR_MS.get(error.detail, _BAR_MS)
        _turn_to_next(clock, REFUSED)
        return True
    jumps = _is_far(clock, time_ms - now_ms, error_ms)
    if jumps and not _is_proven(clock, time_ms - now_ms, error_ms):
        _step(clock, DOUBTED)
        clock.due_ms = now_ms + RETRY_MS
    else:
        _set(clock, time_ms, error_ms, jumps)
    return True


def silent(clock: "Clock") -> None:
    """No answer came, or the network does not reach the server."""
    clock.silences += 1
    _turn_to_next(clock, SILENT)


def _step(clock: "Clock", trigger: str) -> None:
    clock.state = TRANSITIONS[clock.state, trigger][0]


def _refuse(clock: "Clock", error: TimeRefusedError) -> None:
    """Says it once for as long as it is the same."""
    if clock.refused != error.reason:
        clock.log("time_refused", reason=error.reason, detail=error.detail, server=_name(clock))
    clock.refused = error.reason


def _turn_to_next(clock: "Clock", trigger: str) -> None:
    _step(clock, trigger)
    clock.at = (clock.at + 1) % len(clock.servers)
    clock.agreeing = 0
    longest_ms = LONGEST_FIRST_MS if clock.offset_ms is None else LONGEST_RETRY_MS
    wait_ms = min(RETRY_MS << min(clock.failures, 8), longest_ms)
    clock.failures += 1
    # Chance in it, so that a street of nodes does not ask in one instant.
    clock.due_ms = clock.board.now_ms() + wait_ms // 2 + wait_ms * clock.board.random(1)[0] // 512


def _check_range(clock: "Clock", time_s: int) -> None:
    if time_s < clock.floor_s:
        raise TimeRefusedError("before_floor", time_s - clock.floor_s)
    if time_s - clock.floor_s > FARTHEST_S:
        raise TimeRefusedError("far_ahead", time_s - clock.floor_s)


def _margin_ms(clock: "Clock", error_ms: int) -> int:
    return clock.wrong_ms(clock.board.now_ms()) + error_ms + _JUMP_MARGIN_MS


def _is_far(clock: "Clock", offset_ms: int, error_ms: int) -> bool:
    """Whether an answer differs from a clock that goes by more than both may be wrong by."""
    return clock.offset_ms is not None and abs(offset_ms - clock.offset_ms) > _margin_ms(clock, error_ms)


def _is_proven(clock: "Clock", offset_ms: int, error_ms: int) -> bool:
    """Whether enough answers in a row agreed that the clock is wrong."""
    agrees = clock.refused == "jump" and abs(offset_ms - clock.doubted_ms) <= _margin_ms(clock, error_ms)
    clock.doubts = clock.doubts + 1 if agrees else 1
    clock.doubted_ms = offset_ms
    _refuse(clock, TimeRefusedError("jump", offset_ms - (clock.offset_ms or 0)))
    return clock.doubts >= JUMP_ANSWERS


def _set(clock: "Clock", time_ms: int, error_ms: int, jumps: bool) -> None:
    _step(clock, ACCEPTED)
    now_ms = clock.board.now_ms()
    before_ms, clock.offset_ms = clock.offset_ms, time_ms - now_ms
    clock.error_ms, clock.set_ms = error_ms, now_ms
    clock.agreeing = 1 if jumps else clock.agreeing + 1
    clock.source, clock.refused = _name(clock), ""
    clock.at = clock.silences = clock.doubts = clock.failures = 0
    clock.due_ms = now_ms + (EVERY_MS if clock.agreeing > 1 else CONFIRM_MS)
    if jumps or before_ms is None:
        clock.settings += 1
        by_ms = "first" if before_ms is None else clock.offset_ms - before_ms
        clock.log("time_set", server=clock.source, wrong_ms=error_ms, by_ms=by_ms)
    if clock.agreeing > 1:
        _raise_floor(clock, time_ms // 1000)


def _raise_floor(clock: "Clock", time_s: int) -> None:
    """Keeps a confirmed time as the floor; in RAM at once, on flash once a day."""
    clock.floor_s = max(clock.floor_s, time_s - FLOOR_MARGIN_S)
    if clock.floor_s - clock.kept_s < FLOOR_EVERY_S and clock.kept_s > OLDEST_S:
        return
    try:
        write_sealed(clock.board.flash, FLOOR_FILE, {"s": clock.floor_s})
        clock.kept_s = clock.floor_s
    except OSError as error:
        clock.log("flash_failed", error=error)


def _name(clock: "Clock") -> str:
    return "%s:%d" % clock.servers[clock.at]
