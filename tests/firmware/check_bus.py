"""Checks of frames and bus that run on both interpreters: `check_bus.py FOLDER`, the folder of the meters' vectors."""

import asyncio
import sys

from bus_line import (  # type: ignore[import-not-found]
    LATE_MS,
    TIMEOUT_MS,
    Line,
    cases,
    heap_lock,
    heap_unlock,
    refusal,
    registers,
    run,
    run_all,
    sealed,
)

from voltnode.bus.frames import CRC, FOREIGN, GARBAGE, OK, SHORT, SILENCE, Answer, crc16, put_request
from voltnode.bus.master import QUIET_MS
from voltnode.bus.once import ask_once
from voltnode.meters import NAMES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from bus_line import Script

    Checks = Iterator[tuple[str, bool]]


def check_frames() -> "Checks":
    """The answers of real meters, in one piece and byte by byte, received and checked with the heap locked."""
    answer, request, one = Answer(), bytearray(8), bytearray(1)
    for name in NAMES:
        for case in cases(name):
            sent, label = bytes.fromhex(case["frame"]), name + " " + case["name"]
            unit, function, address, count = (case[key] for key in ("unit", "function", "address", "count"))
            heap_lock()
            put_request(request, unit, function, address, count)
            answer.expect(unit, function, count)
            whole = answer.take(sent, len(sent))
            answer.expect(unit, function, count)
            verdict = early = 0
            for byte in sent:
                early += verdict
                one[0] = byte
                verdict = answer.take(one, 1)
            heap_unlock()
            yield label, whole == OK and verdict == OK and early == 0
            yield label + ", words", bytes(answer.buffer[answer.start : answer.end]) == sent[3:-2]
            yield label + ", request", crc16(request, 0, 8) == 0


def check_request() -> "Checks":
    """The request of the data sheet's example."""
    request = bytearray(8)
    put_request(request, 1, 4, 0, 2)
    yield "data sheet", bytes(request) == bytes([1, 4, 0, 0, 0, 2, 0x71, 0xCB])


def check_verdicts() -> "Checks":
    """What is said of what came, once time is up."""
    good, request = sealed(bytes([1, 4, 4, 1, 2, 3, 4])), sealed(bytes([1, 4, 0, 0, 0, 2]))
    bad = good[:-1] + bytes([good[-1] ^ 1])
    for name, came, expected in (
        ("nothing", b"", SILENCE),
        ("good", good, OK),
        ("noise before", b"\x00\xff\x01" + good, OK),
        ("echo before", request + good, OK),
        ("foreign before", sealed(bytes([2, 4, 4, 1, 2, 3, 4])) + good, OK),
        ("broken before", bad + good, OK),
        ("began twice", good[:5] + good, OK),
        ("its beginning in the noise before", b"\x01\x04" + good, OK),
        ("short", good[:-1], SHORT),
        ("short header", good[:3], SHORT),
        ("wrong checksum", bad, CRC),
        ("another unit", sealed(bytes([2, 4, 4, 1, 2, 3, 4])), FOREIGN),
        ("another function", sealed(bytes([1, 3, 4, 1, 2, 3, 4])), FOREIGN),
        ("another count", sealed(bytes([1, 4, 2, 1, 2])), FOREIGN),
        ("another unit's refusal", sealed(bytes([2, 0x84, 2])), FOREIGN),
        ("noise", b"\x00\xff\x55\xaa\x00", GARBAGE),
        ("one byte of noise", b"\x00", GARBAGE),
        ("only the echo", request, GARBAGE),
        ("much noise", b"\x01\x04\x04" * 180, CRC),
    ):
        yield name, verdict_of(came, len(came)) == expected
        yield name + ", byte by byte", verdict_of(came, 1) == expected


def verdict_of(came: bytes, piece: int) -> int:
    """The verdict on two registers of unit 1, with the heap locked."""
    answer = Answer()
    answer.expect(1, 4, 2)
    verdict: int = 0
    for i in range(0, len(came), piece or 1):
        data = came[i : i + piece]
        heap_lock()
        verdict = verdict or answer.take(data, len(data))
        heap_unlock()
    heap_lock()
    verdict = verdict or answer.close()
    heap_unlock()
    return verdict


async def one_request(script: "Script", expected: str, counted: str, within_ms: int) -> bool:
    """Whether a request ends so, is counted so, and takes no longer."""
    line = Line(script)
    ended, data, took_ms = await line.read()
    counters = line.bus.counters(1).as_dict()
    others = [value for name, value in counters.items() if name not in {"requests", counted, "skipped"}]
    right = ended == expected and counters[counted] == 1 and sum(others) == 0 and took_ms <= within_ms
    return bool(right) and (data == b"\x00\x00\x00\x01") == (expected == "ok")


def check_one_request() -> "Checks":
    """Each way a request can end: its name, its counter, and no waiting beyond what it needs."""
    for name, script, expected, counted, within_ms in (
        ("good", lambda r: [(20, registers(r))], "ok", "ok", 20),
        ("in pieces", lambda r: [(9, registers(r)[:4]), (25, registers(r)[4:])], "ok", "ok", 25),
        ("noise before", lambda r: [(1, b"\x00\xff"), (20, registers(r))], "ok", "ok", 20),
        ("refused", lambda r: [(5, refusal(r, 2))], "exception 2", "exceptions", 5),
        ("silent", lambda _: [], "timeout", "timeouts", TIMEOUT_MS),
        ("wrong checksum", lambda r: [(5, registers(r)[:-1] + b"?")], "crc", "crc_errors", 5 + QUIET_MS),
        ("cut off", lambda r: [(5, registers(r)[:-3])], "short", "short", 5 + QUIET_MS),
        ("foreign", lambda r: [(5, registers(b"\x02" + r[1:]))], "foreign", "foreign", 5 + QUIET_MS),
        ("noise", lambda _: [(5, b"\x00\x55\xff")], "garbage", "garbage", 5 + QUIET_MS),
        ("babbling", lambda _: [(10 * i, b"\xff" * 64) for i in range(99)], "garbage", "garbage", TIMEOUT_MS),
    ):
        yield name, run(one_request(script, expected, counted, within_ms))


def check_late() -> "Checks":
    """An answer that comes after its time is never the next one's."""
    yield "dropped", run(late_answer_is_dropped())
    yield "another unit is not held up", run(another_unit_is_not_held_up())
    yield "doubled", run(doubled_answer_is_dropped())
    yield "too early", run(too_early_an_answer_is_dropped())
    yield "who gave up leaves nothing behind", run(cancelled_read_leaves_nothing())


async def late_answer_is_dropped() -> bool:
    """The first answer comes 100 ms late, with other words than the second."""
    requests = []

    def script(request: bytes) -> "list[tuple[int, bytes]]":
        requests.append(request)
        first = len(requests) == 1
        return [(TIMEOUT_MS + 100, registers(request, b"late"))] if first else [(10, registers(request, b"good"))]

    line = Line(script)
    ended = [await line.read(), await line.read()]
    return [end[:2] for end in ended] == [("timeout", b""), ("ok", b"good")] and line.count("late") == 1


async def another_unit_is_not_held_up() -> bool:
    """Unit 2 answers at once while unit 1 still owes an answer, and takes that one for foreign."""
    line = Line(lambda r: [(TIMEOUT_MS + 5, registers(r))] if r[0] == 1 else [(10, registers(r))])
    silent, other = await line.read(1), await line.read(2)
    return bool(silent[0] == "timeout" and (other[0], other[2]) == ("ok", 10) and line.count("skipped", 2) == 1)


async def doubled_answer_is_dropped() -> bool:
    """The second copy is read away before the next request."""
    line = Line(lambda r: [(20, registers(r)), (21, registers(r, b"copy"))], 9600)
    ended = [await line.read(), await line.read()]
    return [end[0] for end in ended] == ["ok", "ok"] and line.count("late") == 1 and b"copy" not in ended[1][1]


async def too_early_an_answer_is_dropped() -> bool:
    """What comes while the request is still on the line answers another one."""
    line = Line(lambda r: [(5, registers(r, b"soon")), (20, registers(r, b"good"))], 9600)
    return bool((await line.read())[:2] == ("ok", b"good") and line.count("late") == 1)


async def cancelled_read_leaves_nothing() -> bool:
    """A task is cancelled while it waits; the bus is free, and its answer is not taken by the next."""
    asked = asyncio.Event()

    def script(request: bytes) -> "list[tuple[int, bytes]]":
        first = not asked.is_set()
        asked.set()
        return [(100, registers(request, b"late"))] if first else [(10, registers(request, b"good"))]

    line = Line(script)
    task = asyncio.create_task(line.bus.read(1, 4, 0, 2))
    await asked.wait()
    task.cancel()
    try:
        await task
    except asyncio.CancelledError:
        return bool((await line.read())[:2] == ("ok", b"good"))
    return False


def check_echo() -> "Checks":
    """An adapter that hears itself: read away and counted, whether the line has a speed or not."""
    for baud in (0, 9600, 115200):
        for name, script in (
            ("at once", lambda r: [(1, r), (20, registers(r))]),
            ("in one piece with the answer", lambda r: [(20, r + registers(r))]),
            ("in pieces", lambda r: [(1, r[:3]), (12, r[3:] + registers(r)[:2]), (25, registers(r)[2:])]),
        ):
            yield "%s, %d baud" % (name, baud), run(echo_is_no_answer(script, baud))
    yield "only the echo", run(only_the_echo())


async def echo_is_no_answer(script: "Script", baud: int) -> bool:
    """The answer is found behind the echo; nothing is counted but the echo."""
    line = Line(script, baud)
    ended = await line.read()
    counters = line.bus.counters(1).as_dict()
    others = [name for name, count in counters.items() if count and name not in {"requests", "ok", "echoes"}]
    return bool(ended[:2] == ("ok", b"\x00\x00\x00\x01") and counters["echoes"] == 1 and not others)


async def only_the_echo() -> bool:
    """The adapter works, the meter is silent: both are said."""
    line = Line(lambda r: [(1, r)])
    return bool((await line.read())[0] == "garbage" and line.count("echoes") == 1)


def check_patience() -> "Checks":
    """A silent meter is asked more and more rarely; one that comes back is asked as before."""
    yield "pauses", run(pauses())
    yield "one failure costs nothing", run(one_failure())
    yield "back again", run(back_again())
    yield "traced", run(traced())


async def pauses() -> bool:
    """Requests to a dead meter in one minute of asking all the time."""
    line = Line(lambda _: [])
    asked = []
    for _ in range(600):
        before = len(line.uart.written)
        ended = await line.read()
        if len(line.uart.written) > before:
            asked.append(line.uart.written[-1][0])
        if ended[0] != "timeout":
            return False
        line.clock.now += 100
    gaps = [asked[i + 1] - asked[i] for i in range(len(asked) - 1)]
    wanted = [TIMEOUT_MS + LATE_MS] + [TIMEOUT_MS + pause_ms for pause_ms in (1000, 2000, 4000, 8000, 10_000, 10_000)]
    return gaps[: len(wanted)] == wanted and line.count("held_back") == 600 - len(asked)


async def one_failure() -> bool:
    """The read after it is not held back."""
    asked: list[bytes] = []

    def script(request: bytes) -> "list[tuple[int, bytes]]":
        asked.append(request)
        return [(10, registers(request))] if len(asked) % 2 == 0 else []

    line = Line(script)
    ended = []
    for _ in range(6):
        ended.append((await line.read())[0])
    return ended == ["timeout", "ok"] * 3 and line.count("held_back") == 0


async def back_again() -> bool:
    """After a long silence one good answer ends the pauses."""
    silent = [True]
    line = Line(lambda r: [] if silent[0] else [(10, registers(r))])
    for _ in range(9):
        await line.read()
        line.clock.now += 20_000
    silent[0] = False
    return bool((await line.read())[0] == (await line.read())[0] == "ok")


async def traced() -> bool:
    """Each transaction is told: request, what came, verdict, time."""
    told: list[tuple[bytes, bytes, str, int]] = []
    line = Line(lambda r: [(20, b"\xff" + registers(r))])
    line.bus.trace = lambda sent, came, verdict, took_ms: told.append((sent, came, verdict, took_ms))
    await line.read()
    sent = line.uart.written[0][1]
    return told == [(sent, b"\xff" + registers(sent), "ok", 20)]


def check_port() -> "Checks":
    """A port that goes and comes back; gaps between frames; other settings."""
    yield "configured", run(configured())
    yield "gone and back", run(port_gone_and_back())
    for baud, parity, stop_bits, gap_us in (
        (0, "N", 1, 0),
        (1200, "N", 1, 29_166),
        (9600, "N", 1, 3645),
        (9600, "E", 1, 4010),
        (9600, "N", 2, 4010),
        (19200, "N", 1, 1822),
        (115200, "N", 1, 1750),
    ):
        waited_us = run(gap(baud, parity, stop_bits))
        yield "gap at %d baud %s%d" % (baud, parity, stop_bits), gap_us <= waited_us <= gap_us + 200
    yield "another line, for one request", run(another_line())


async def configured() -> bool:
    """The port has the new settings, a silent meter is asked again at once, and the pauses are those of the new speed."""
    settings: list[tuple[int, str, int]] = [(9600, "N", 1)]
    line = Line(lambda r: [(100, registers(r))] if settings[0] == (2400, "E", 1) else [], 9600)
    for _ in range(4):
        await line.read()
    await line.bus.configure(2400, "E")
    settings[0] = line.uart.settings
    good = (await line.read())[0]
    ended_ms: int = line.clock.now
    await line.read()
    return bool(good == "ok" and line.uart.written[-1][0] - ended_ms == 16)


async def port_gone_and_back() -> bool:
    """Each read says so, and the first after it works."""
    line = Line(lambda r: [(10, registers(r))])
    line.uart.gone = True
    gone = await line.read()
    line.uart.gone = False
    return bool(gone[0] == "port" and (await line.read())[0] == "ok" and line.count("port_errors") == 1)


async def gap(baud: int, parity: str, stop_bits: int) -> int:
    """Microseconds between the end of an answer and the next request."""
    line = Line(lambda r: [(100, registers(r))], baud)
    await line.bus.configure(baud, parity, stop_bits)
    await line.read()
    ended_us: int = line.clock.ticks_us()
    await line.read()
    asked_us: int = line.uart.written_us[1]
    return asked_us - ended_us


async def another_line() -> bool:
    """A meter that hears only another speed is found; then the line is as before, and a silent unit owes nothing."""
    seen: list[tuple[int, str, int]] = []

    def script(request: bytes) -> "list[tuple[int, bytes]]":
        seen.append(line.uart.settings)
        heard = line.uart.settings == ((2400, "E", 1) if request[0] == 7 else (9600, "N", 1))
        return [(60, registers(request) if request[1] == 4 else refusal(request, 1))] if heard else []

    line = Line(script, 9600)
    await line.bus.configure(9600)
    words = await ask_once(line.bus, (2400, "E", 1), 100, (7, 4, 0, 2))
    refused = await ask_once(line.bus, (2400, "E", 1), 100, (7, 3, 0, 2))
    silent = await ask_once(line.bus, (9600, "N", 1), 100, (7, 4, 0, 2))
    mine = await line.read(1)
    found = words == b"\x00\x00\x00\x01" and refused == b"" and silent is None
    settings = seen == [(2400, "E", 1)] * 2 + [(9600, "N", 1)] * 2
    return bool(found and settings and mine[0] == "ok" and line.bus.counters(7).as_dict()["requests"] == 0)


ONE = (check_frames, check_request, check_verdicts, check_one_request)
sys.exit(run_all(*ONE, check_late, check_echo, check_patience, check_port))
