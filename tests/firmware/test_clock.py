"""The node's clock against servers that are silent, unsure, rude or lie; its floor; how good it says it is."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from volthood.wire.node import INFORMATIVE, RELATIVE, SYNCHRONISED, UNKNOWN
from volthood_tools.memory_board import MemoryBoard, MemoryFlash
from volthood_tools.time_server import answer_to
from voltnode import timekeeping
from voltnode.clock import ANSWER_MS, ASKING, FLOOR_FILE, OFF, OLDEST_S, RESTING, Clock, keep_time
from voltnode.log import Log

CHECK = Path(__file__).with_name("check_clock.py")
NOW_S = 1_795_000_000
PI, OTHER = ("pi", 123), ("other", 1123)
BOTH = "pi,other:1123"
DAY_MS = 86_400_000
LATENCY_MS = 6


class Port:
    """A UDP port to a server."""

    def __init__(self, server: "Server") -> None:
        self.server = server
        self.waiting: list[bytes] = []

    def send(self, data: bytes) -> None:
        self.waiting += self.server.asked_with(data)

    def receive(self, most: int) -> bytes | None:
        return self.waiting.pop(0)[:most] if self.waiting else None

    def close(self) -> None:
        self.server.closed += 1


class Server:
    """A time server. Its clock is `ahead_ms` of the real one; `answers` may be replaced."""

    def __init__(self, board: MemoryBoard) -> None:
        self.board = board
        self.ahead_ms = 0
        self.asked = self.closed = 0
        self.answers: Callable[[bytes], list[bytes]]
        self.speak()

    def speak(self) -> None:
        self.answers = lambda request: [self.answer(request)]

    def asked_with(self, request: bytes) -> list[bytes]:
        self.asked += 1
        return self.answers(request)

    def answer(self, request: bytes, *, trusted: bool = True) -> bytes:
        made = answer_to(request, NOW_S * 1000 + self.board.now_ms() + self.ahead_ms, 0, trusted=trusted)
        assert made is not None
        return made


def told(request: bytes, time_s: int) -> bytes:
    """The answer of a server that believes it is so late."""
    made = answer_to(request, time_s * 1000, 0)
    assert made is not None
    return made


class Scene:
    """A board, its clock and two servers."""

    def __init__(self, flash: MemoryFlash | None = None) -> None:
        self.board = MemoryBoard(flash)
        self.log = Log(self.board.now_ms)
        self.servers = {PI: Server(self.board), OTHER: Server(self.board)}
        self.board.ask = lambda host, port: Port(self.servers[host, port])
        self.clock = Clock(self.board, self.log)

    def truth_ms(self) -> int:
        return NOW_S * 1000 + self.board.now_ms()

    def quality(self) -> int:
        return self.clock.calendar_ms()[1]

    def silence(self) -> None:
        for server in self.servers.values():
            server.answers = lambda _request: []

    def play(self, duration_ms: int) -> None:
        """Lets time pass, as `keep_time` would, without waiting for anything."""
        end_ms = self.board.now_ms() + duration_ms
        while self.board.now_ms() < end_ms:
            if self.clock.state == RESTING and self.clock.due_ms <= self.board.now_ms():
                self._ask(timekeeping.ask(self.clock))
            else:
                self.board.skip_to(min(max(self.clock.due_ms, self.board.now_ms() + 1000), end_ms))

    def _ask(self, question: bytes) -> None:
        if not question:
            return
        waiting = self.servers[self.clock.servers[self.clock.at]].asked_with(question)
        self.board.skip_to(self.board.now_ms() + LATENCY_MS)
        if not any(timekeeping.hear(self.clock, data) for data in waiting):
            self.board.skip_to(self.board.now_ms() + ANSWER_MS)
            timekeeping.silent(self.clock)


def run(scene: Scene, steps: Callable[[Scene], None]) -> Scene:
    steps(scene)
    return scene


def synchronised(scene: Scene) -> Scene:
    scene.clock.use(BOTH)
    scene.play(3000)
    return scene


def test_without_a_server_time_counts_from_boot() -> None:
    def steps(scene: Scene) -> None:
        scene.play(5000)

    scene = run(Scene(), steps)
    assert scene.clock.calendar_ms() == (5000, RELATIVE)
    assert (scene.clock.state, scene.clock.boot_s()) == (OFF, None)


def test_the_first_server_sets_the_clock() -> None:
    scene = synchronised(Scene())
    time_ms, quality = scene.clock.calendar_ms()
    assert abs(time_ms - scene.truth_ms()) <= scene.clock.wrong_ms(scene.board.now_ms()) <= 100
    assert quality == SYNCHRONISED
    assert scene.clock.boot_s() in (NOW_S - 1, NOW_S)
    assert scene.clock.source == "pi:123"
    assert scene.servers[OTHER].asked == 0


def test_it_asks_again_in_a_minute_and_then_every_half_hour() -> None:
    def steps(scene: Scene) -> None:
        scene.play(3000)
        scene.play(timekeeping.CONFIRM_MS)
        assert scene.servers[PI].asked == 2
        scene.play(timekeeping.EVERY_MS * 4)
        assert scene.servers[PI].asked == 6

    scene = Scene()
    scene.clock.use("pi")
    run(scene, steps)


TROUBLE: dict[str, Callable[[Server, bytes], list[bytes]]] = {
    "silent": lambda _server, _request: [],
    "unsynchronised": lambda server, request: [server.answer(request, trusted=False)],
    "before_floor": lambda _server, request: [told(request, OLDEST_S - 1)],
    "far_ahead": lambda _server, request: [told(request, OLDEST_S + timekeeping.FARTHEST_S + 2)],
    "mode": lambda _server, request: [request],
}


@pytest.mark.parametrize("name", TROUBLE)
def test_a_first_server_that_is_no_use_gives_way_to_the_second(name: str) -> None:
    def steps(scene: Scene) -> None:
        scene.play(25_000)

    scene = Scene()
    first = scene.servers[PI]
    first.answers = lambda request: TROUBLE[name](first, request)
    scene.clock.use(BOTH)
    run(scene, steps)
    assert scene.clock.source == "other:1123"
    assert scene.quality() == SYNCHRONISED
    if name != "silent":
        assert any("time_refused" in line and name in line for line in scene.log.lines)


def test_a_server_that_says_go_away_is_left_alone_for_a_day() -> None:
    def steps(scene: Scene) -> None:
        scene.play(DAY_MS - 60_000)
        assert scene.servers[PI].asked == 1
        scene.play(2 * 3_600_000)
        assert scene.servers[PI].asked > 1

    scene = Scene()
    first = scene.servers[PI]

    def deny(request: bytes) -> list[bytes]:
        data = first.answer(request)
        return [data[:1] + b"\0" + data[2:12] + b"DENY" + data[16:]]

    first.answers = deny
    scene.clock.use("pi")
    run(scene, steps)


def test_what_answers_no_question_of_ours_is_counted_and_changes_nothing() -> None:
    def steps(scene: Scene) -> None:
        scene.play(5000)

    scene = Scene()
    server = scene.servers[PI]
    server.answers = lambda request: [
        server.answer(b"\x23" + bytes(range(47))),
        server.answer(b"\x23" + bytes(47)),
        server.answer(request),
    ]
    scene.clock.use("pi")
    run(scene, steps)
    assert scene.quality() == SYNCHRONISED
    assert scene.clock.foreign == 2


def test_quality_falls_with_age_and_comes_back() -> None:
    def steps(scene: Scene) -> None:
        scene.play(3000)
        scene.silence()
        seen: dict[int, int] = {}
        for hour in range(100):
            seen.setdefault(scene.quality(), hour)
            scene.play(3_600_000)
        assert seen[SYNCHRONISED] == 0
        assert 5 <= seen[INFORMATIVE] <= 6
        assert 80 <= seen[UNKNOWN] <= 84
        for server in scene.servers.values():
            server.speak()
        scene.play(700_000)
        assert scene.quality() == SYNCHRONISED

    scene = Scene()
    scene.clock.use(BOTH)
    run(scene, steps)


def test_one_answer_does_not_make_the_clock_jump_and_three_do() -> None:
    def steps(scene: Scene) -> None:
        scene.play(3000)
        server = scene.servers[PI]
        server.ahead_ms = 3_600_000
        scene.play(timekeeping.CONFIRM_MS)
        assert scene.clock.refused == "jump"
        assert abs(scene.clock.calendar_ms()[0] - scene.truth_ms()) < 100
        scene.play(timekeeping.RETRY_MS * 3)
        assert abs(scene.clock.calendar_ms()[0] - scene.truth_ms() - 3_600_000) < 100

    scene = Scene()
    scene.clock.use("pi")
    run(scene, steps)
    assert scene.clock.settings == 2


def test_a_liar_between_honest_answers_changes_nothing() -> None:
    def steps(scene: Scene) -> None:
        server, turn = scene.servers[PI], [0]

        def lie(request: bytes) -> list[bytes]:
            turn[0] += 1
            server.ahead_ms = turn[0] * 7_200_000 if turn[0] % 3 else 0
            return [server.answer(request)]

        scene.play(3000)
        server.answers = lie
        for _ in range(200):
            scene.play(60_000)
            assert abs(scene.clock.calendar_ms()[0] - scene.truth_ms()) < 1000

    scene = Scene()
    scene.clock.use("pi")
    run(scene, steps)
    assert scene.servers[PI].asked > 10


def test_the_floor_is_written_once_confirmed_and_holds_after_a_restart() -> None:
    def steps(scene: Scene) -> None:
        scene.play(3000)
        assert FLOOR_FILE not in scene.board.flash.files
        scene.play(timekeeping.CONFIRM_MS)
        assert FLOOR_FILE in scene.board.flash.files

    scene = Scene()
    scene.clock.use("pi")
    run(scene, steps)
    again = Scene(scene.board.flash)
    assert NOW_S <= again.clock.floor_s <= NOW_S + 10
    again.servers[PI].ahead_ms = -600_000
    again.clock.use("pi")

    def refused(scene: Scene) -> None:
        scene.play(60_000)

    run(again, refused)
    assert (again.quality(), again.clock.refused) == (RELATIVE, "before_floor")


def test_the_floor_costs_at_most_one_write_a_day() -> None:
    def steps(scene: Scene) -> None:
        for _ in range(10):
            scene.play(DAY_MS)

    scene = Scene()
    scene.clock.use("pi")
    run(scene, steps)
    assert 9 <= scene.board.flash.operations <= 11


def test_a_liar_whose_time_became_the_floor_is_forgotten_by_hand() -> None:
    scene = Scene()
    scene.servers[PI].ahead_ms = 10 * 365 * DAY_MS

    def steps(scene: Scene) -> None:
        scene.play(2 * timekeeping.CONFIRM_MS)
        scene.servers[PI].ahead_ms = 0
        scene.play(timekeeping.EVERY_MS + 60_000)
        assert scene.clock.refused == "before_floor"
        timekeeping.forget_floor(scene.clock)
        scene.clock.use("pi")
        scene.play(5000)
        assert abs(scene.clock.calendar_ms()[0] - scene.truth_ms()) < 100

    scene.clock.use("pi")
    run(scene, steps)


def test_a_flash_that_refuses_the_floor_does_not_stop_the_clock() -> None:
    def steps(scene: Scene) -> None:
        scene.board.flash.full = True
        scene.play(3 * timekeeping.EVERY_MS)

    scene = Scene()
    scene.clock.use("pi")
    run(scene, steps)
    assert scene.quality() == SYNCHRONISED
    assert scene.log.counts["flash_failed"] >= 1


def test_a_demonstrations_calendar_is_taken_and_nobody_is_asked() -> None:
    scene = Scene()
    scene.board.calendar = (1_470_000_000_000, 60)
    scene.clock.use("pi")
    played(scene, 10_000)
    assert scene.clock.calendar_ms() == (1_470_000_600_000, SYNCHRONISED)
    assert scene.clock.boot_s() is None
    assert scene.servers[PI].asked == 0


def played(scene: Scene, duration_ms: int) -> Scene:
    """The real task, for a while."""

    async def play() -> None:
        task = asyncio.get_running_loop().create_task(keep_time(scene.clock, scene.board))
        await scene.board.advance(duration_ms)
        if task.done():
            task.result()
        task.cancel()
        await asyncio.sleep(0)

    asyncio.run(play())
    return scene


def test_the_task_asks_and_gives_its_port_back() -> None:
    scene = Scene()
    scene.clock.use("pi")
    played(scene, 3000)
    assert scene.quality() == SYNCHRONISED
    assert scene.servers[PI].closed == scene.servers[PI].asked == 1


def test_the_task_waits_for_answers_only_so_long() -> None:
    scene = Scene()
    scene.silence()
    scene.clock.use(BOTH)
    played(scene, 60_000)
    assert 1 < scene.servers[PI].asked < 5
    assert 1 < scene.servers[OTHER].asked < 5
    assert scene.clock.silences in (asked := sum(server.asked for server in scene.servers.values()), asked - 1)


def test_the_network_that_comes_back_is_used_at_once() -> None:
    scene = Scene()
    reach, scene.board.ask = scene.board.ask, no_route
    scene.clock.use("pi")
    played(scene, 100_000)
    assert scene.quality() == RELATIVE
    scene.board.ask = reach
    scene.clock.hurry()
    played(scene, 2000)
    assert scene.quality() == SYNCHRONISED


def test_other_servers_are_named_while_an_answer_is_awaited() -> None:
    scene = Scene()
    first = scene.servers[PI]

    def late(request: bytes) -> list[bytes]:
        scene.clock.use("other:1123")
        return [first.answer(request)]

    first.answers = late
    scene.clock.use("pi")
    played(scene, 3000)
    assert scene.clock.source == "other:1123"


def test_nobody_is_asked_any_more_where_no_server_is_named() -> None:
    scene = Scene()
    scene.clock.use("pi")
    played(scene, 3000)
    scene.clock.use("")
    played(scene, 100_000)
    assert (scene.clock.state, scene.quality(), scene.servers[PI].asked) == (OFF, SYNCHRONISED, 1)


def no_route(_host: str, _port: int) -> Port:
    raise OSError(113, "no route")


def test_every_state_but_off_is_left_and_every_step_leads_to_a_state() -> None:
    states = {OFF, RESTING, ASKING}
    assert {state for state, _ in timekeeping.TRANSITIONS} == states
    assert {after for after, _ in timekeeping.TRANSITIONS.values()} <= states


def test_both_interpreters_keep_the_same_time(
    run_on_cpython: Callable[..., str], run_on_micropython: Callable[..., str]
) -> None:
    on_cpython = run_on_cpython(CHECK)
    assert on_cpython.rstrip().endswith("['floor'] done")
    assert run_on_micropython(CHECK) == on_cpython
