"""Verbs: the agent's asker and the node's server back to back, and everything that is refused."""

import asyncio
import json
from collections.abc import Awaitable, Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from volthood.engine.verbs import Answered, Asker
from volthood.errors import DeviceError
from volthood.wire.limits import MAX_ANSWER_BODY_BYTES, MAX_ANSWER_PARTS, MAX_VERB_BYTES
from volthood.wire.maced import pack_maced
from volthood.wire.verb import FRESH_MS, Answer, Verb
from volthood_tools.memory_board import MemoryBoard
from voltnode import verbs
from voltnode.config import Enrolment
from voltnode.main import Node
from voltnode.verbs import Call, VerbError, Verbs

KEY = bytes(range(32))
ENROLMENT = Enrolment({"house": "house01", "link_key": KEY.hex(), "broker": "127.0.0.1:1883"})


class Line:
    """What the node's verbs need of its link: takes what is said."""

    def __init__(self) -> None:
        self.said: list[tuple[str, bytes]] = []
        self.verb: Callable[[Enrolment, bytes], None] | None = None
        self.up = True

    async def say(self, what: str, payload: bytes) -> bool:
        if self.up:
            self.said.append((what, payload))
        return self.up


class Bench:
    """A node that serves verbs, its agent's asker, and the line between them."""

    def __init__(self) -> None:
        self.board = MemoryBoard()
        self.node = Node(self.board)
        self.line = Line()
        self.node.link = self.line  # type: ignore[assignment]
        self.verbs = self.node.verbs = Verbs(self.node)
        self.asker = Asker(KEY, self.node.signer.kid)
        self.asked = 0

    def begin(self, name: str, argument: bytes = b"") -> bytes:
        self.asked += 1
        return self.asker.begin(self.asked.to_bytes(8, "big"), name, argument)

    async def send(self, data: bytes) -> list[bytes]:
        """What the node answers."""
        self.line.said.clear()
        self.verbs.take(ENROLMENT, data)
        await self.board.settle()
        assert all(what == "did/" + self.asked.to_bytes(8, "big").hex() for what, _ in self.line.said)
        return [payload for _, payload in self.line.said]

    async def ask(self, name: str, argument: bytes = b"") -> bytes:
        """The answer, the asker's first stale challenge renewed on the way."""
        for _ in range(2):
            answered = self.taken(await self.send(self.begin(name, argument)))
            assert answered is not None
            if not answered.again:
                return answered.body
        raise AssertionError("stale twice")

    def taken(self, parts: list[bytes]) -> Answered | None:
        answers = [self.asker.take(part) for part in parts]
        assert all(answer is None for answer in answers[:-1])
        return answers[-1] if answers else None

    def refused(self) -> list[str]:
        return [line.rpartition("reason=")[2] for line in self.node.log.lines if " verb_refused " in line]


Scene = Callable[[Bench], Awaitable[None]]


def play(scene: Scene) -> Bench:
    async def run() -> Bench:
        bench = Bench()
        task = asyncio.get_running_loop().create_task(bench.verbs.run())
        await bench.board.settle()
        await scene(bench)
        assert not task.done()
        task.cancel()
        await asyncio.sleep(0)
        return bench

    return asyncio.run(run())


@pytest.fixture
def handlers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Verbs of the tests beside the node's own."""
    for name in ("echo", "long", "endless", "refuse", "break", "slow"):
        monkeypatch.setitem(verbs.HANDLERS, name, (__name__, name + "_verb"))


def echo_verb(call: Call) -> bytes:
    return call.argument


async def slow_verb(call: Call) -> bytes:
    await call.node.board.sleep_ms(5000)
    return b"at last"


async def long_verb(_call: Call) -> list[bytes]:
    return [b"x" * 500] * 10


async def endless_verb(_call: Call) -> list[str]:
    return ["x" * MAX_ANSWER_BODY_BYTES] * (MAX_ANSWER_PARTS + 1)


def refuse_verb(_call: Call) -> bytes:
    raise VerbError("not_today", "come back")


def break_verb(_call: Call) -> bytes:
    raise ZeroDivisionError


@pytest.mark.usefixtures("handlers")
def test_a_row_of_verbs_costs_one_journey_each_after_the_first() -> None:
    async def scene(bench: Bench) -> None:
        assert await bench.ask("echo", b"one") == b"one"
        assert bench.asked == 2
        for _ in range(5):
            assert await bench.ask("echo", b"more") == b"more"
        assert bench.asked == 7

    assert play(scene).refused() == ["challenge_stale"]


@pytest.mark.usefixtures("handlers")
def test_a_long_answer_comes_in_parts() -> None:
    async def scene(bench: Bench) -> None:
        await bench.ask("echo")
        parts = await bench.send(bench.begin("long"))
        assert len(parts) == -(-5000 // MAX_ANSWER_BODY_BYTES)
        answered = bench.taken(parts)
        assert answered is not None
        assert answered.body == b"x" * 5000

    play(scene)


@pytest.mark.usefixtures("handlers")
def test_a_lost_part_is_told() -> None:
    async def scene(bench: Bench) -> None:
        await bench.ask("echo")
        parts = await bench.send(bench.begin("long"))
        bench.asker.take(parts[0])
        with pytest.raises(DeviceError, match=r"part 1 .* is missing"):
            bench.asker.take(parts[2])

    play(scene)


@pytest.mark.usefixtures("handlers")
@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("no-such", "verb_unknown .*console"),
        ("refuse", "not_today .come back"),
        ("endless", "answer_too_long"),
    ],
)
def test_refusals_have_names(name: str, message: str) -> None:
    async def scene(bench: Bench) -> None:
        with pytest.raises(DeviceError, match=message):
            await bench.ask(name)
        assert await bench.ask("echo", b"goes on") == b"goes on"

    play(scene)


@pytest.mark.usefixtures("handlers")
def test_a_handler_that_breaks_is_told_and_the_supervisor_hears_of_it() -> None:
    async def run() -> None:
        bench = Bench()
        task = asyncio.create_task(bench.verbs.run())
        await bench.board.settle()
        with pytest.raises(DeviceError, match="failed"):
            await bench.ask("break")
        with pytest.raises(ZeroDivisionError):
            await task

    asyncio.run(run())


@pytest.mark.usefixtures("handlers")
def test_a_verb_that_was_served_is_not_served_again() -> None:
    async def scene(bench: Bench) -> None:
        await bench.ask("echo")
        data = bench.begin("echo", b"once")
        assert len(await bench.send(data)) == 1
        assert await bench.send(data) == []

    assert play(scene).refused()[1:] == ["replayed"]


@pytest.mark.usefixtures("handlers")
def test_an_older_verb_is_stale() -> None:
    async def scene(bench: Bench) -> None:
        await bench.ask("echo")
        data = bench.begin("echo", b"once")
        await bench.send(data)
        bench.asker = Asker(KEY, bench.node.signer.kid)
        await bench.ask("echo")
        bench.verbs.take(ENROLMENT, data)
        await bench.board.settle()

    assert play(scene).refused()[-1] == "challenge_stale"


@pytest.mark.usefixtures("handlers")
@pytest.mark.parametrize(("late_ms", "served"), [(FRESH_MS, True), (FRESH_MS + 1, False)])
def test_what_was_held_back_is_stale(late_ms: int, served: bool) -> None:
    async def scene(bench: Bench) -> None:
        await bench.ask("echo")
        data = bench.begin("echo", b"late")
        await bench.board.advance(late_ms)
        answered = bench.taken(await bench.send(data))
        assert answered is not None
        assert answered.again is not served

    play(scene)


@pytest.mark.usefixtures("handlers")
def test_a_replayed_stale_verb_does_not_use_up_the_challenge() -> None:
    async def scene(bench: Bench) -> None:
        stale = bench.begin("echo")
        bench.taken(await bench.send(stale))
        for _ in range(10):
            bench.verbs.take(ENROLMENT, stale)
            await bench.board.settle()
        answered = bench.taken(await bench.send(bench.begin("echo", b"mine")))
        assert answered == Answered(b"mine")

    play(scene)


@pytest.mark.parametrize(
    ("reason", "key", "kid"),
    [("mac_wrong", bytes(32), None), ("kid_unknown", KEY, bytes(8))],
)
def test_who_is_not_the_agent_gets_no_answer(reason: str, key: bytes, kid: bytes | None) -> None:
    async def scene(bench: Bench) -> None:
        stranger = Asker(key, bench.node.signer.kid if kid is None else kid)
        assert await bench.send(stranger.begin(bytes(8), "console", b"id")) == []

    assert play(scene).refused() == [reason]


def test_answers_of_others_are_nothing_to_the_asker() -> None:
    asker = Asker(KEY, bytes(8))
    asker.begin(b"r" * 8, "console", b"id")
    good = {"request": b"r" * 8, "next_challenge": bytes(8)}
    assert asker.take(pack_maced(Answer(**good), bytes(32), bytes(8))) is None
    assert asker.take(pack_maced(Answer(**(good | {"request": b"s" * 8})), KEY, bytes(8))) is None
    assert asker.take(b"") is None
    assert asker.take(pack_maced(Answer(**good), KEY, bytes(8))) == Answered(b"")


@pytest.mark.parametrize("size", [0, 1, MAX_VERB_BYTES, MAX_VERB_BYTES + 1, 5000])
def test_bytes_that_are_no_verb_are_counted(size: int) -> None:
    async def scene(bench: Bench) -> None:
        assert await bench.send(bytes(size)) == []

    assert len(play(scene).refused()) == 1


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(at=st.integers(0, 80), flip=st.integers(1, 255), extra=st.binary(max_size=4))
def test_no_broken_verb_breaks_the_node(at: int, flip: int, extra: bytes) -> None:
    async def scene(bench: Bench) -> None:
        data = bytearray(bench.begin("console", b"queue"))
        data[at % len(data)] ^= flip
        await bench.send(bytes(data) + extra)

    assert len(play(scene).refused()) == 1


@pytest.mark.usefixtures("handlers")
def test_a_flood_is_refused_while_a_slow_verb_runs() -> None:
    async def scene(bench: Bench) -> None:
        await bench.ask("echo")
        assert await bench.send(bench.begin("slow")) == []
        for _ in range(verbs.MAX_WAITING + 3):
            bench.verbs.take(ENROLMENT, bench.begin("echo"))
        assert bench.refused().count("busy") == 3
        await bench.board.advance(5000)
        assert bench.line.said

    play(scene)


def test_the_console_answers_over_the_broker() -> None:
    async def scene(bench: Bench) -> None:
        assert json.loads(await bench.ask("console", b"id"))["node"] == bench.node.name
        assert json.loads(await bench.ask("console", b"id --json"))["node"] == bench.node.name
        assert json.loads(await bench.ask("console", b"nonsense"))["error"] == "unknown_command"
        assert json.loads(await bench.ask("console", b"\xff\xff"))["error"] == "not_text"

    play(scene)


@pytest.mark.parametrize("command", ["enrol {}", "  enrol {}", "factory-reset", "factory-reset 1234"])
def test_what_belongs_to_the_cable_is_refused(command: str) -> None:
    async def scene(bench: Bench) -> None:
        with pytest.raises(DeviceError, match="cable_only"):
            await bench.ask("console", command.encode())

    play(scene)


def test_a_reboot_comes_after_its_answer() -> None:
    async def scene(bench: Bench) -> None:
        assert json.loads(await bench.ask("console", b"reboot")) == {"rebooting": True}
        assert bench.board.restarts == 0
        await bench.board.advance(1000)
        assert bench.board.restarts == 1

    play(scene)


@pytest.mark.usefixtures("handlers")
def test_a_lost_link_ends_an_answer_and_not_the_node() -> None:
    async def scene(bench: Bench) -> None:
        await bench.ask("echo")
        bench.line.up = False
        assert await bench.send(bench.begin("long")) == []
        bench.line.up = True
        assert await bench.ask("echo", b"back") == b"back"

    assert "link_lost" in play(scene).refused()


def test_a_verb_without_a_message_says_what_it_lacks() -> None:
    with pytest.raises(ValueError, match="field_missing"):
        Verb(request=bytes(8))
