"""The console: line editing, commands, refusals, the PIN, and input that means no good."""

import asyncio
import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from volthood_tools.memory_board import MemoryBoard, MemoryFlash
from voltnode.board_key import KEY_FILE
from voltnode.bus.meter import Reading
from voltnode.console.commands import names
from voltnode.console.editor import HISTORY_LINES, MAX_LINE_BYTES, LineEditor
from voltnode.console.helps import HELPS
from voltnode.main import Node
from voltnode.pin import FIRST_WAIT_MS, FREE_TRIES, LONGEST_WAIT_MS, wait_ms
from voltnode.recorder import Recorder

KEY = "ab" * 32
ENROLMENT: dict[str, Any] = {
    "house": "house01",
    "link_key": KEY,
    "broker": "127.0.0.1:1883",
    "tls": False,
    "pin": "1234",
    "slot_s": 900,
}


def lines_of(*chunks: bytes) -> list[bytes]:
    editor = LineEditor(names)
    return [line for chunk in chunks for line in editor.feed(chunk)[1]]


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        (b"id\r", [b"id"]),
        (b"id\n", [b"id"]),
        (b"id\r\nqueue\r\n", [b"id", b"queue"]),
        (b"ix\x7fd\r", [b"id"]),
        (b"ix\x08d\r", [b"id"]),
        (b"\x7f\x7fid\r", [b"id"]),
        (b"rubbish\x03id\r", [b"id"]),
        (b"rubbish\x15id\r", [b"id"]),
        (b"\r\r", [b"", b""]),
        (b"id\r\x1b[A\r", [b"id", b"id"]),
        (b"id\rqueue\r\x1b[A\x1b[A\r", [b"id", b"queue", b"id"]),
        (b"id\r\x1b[A\x1b[B\r", [b"id", b""]),
        (b"\x1b[A\r", [b""]),
        (b"i\x1b[5~d\x1b[1;5C\r", [b"id"]),
        (b"\x1bOid\r", [b"id"]),
        (b"meter r\t\r", [b"meter read "]),
        (b"st\t\r", [b"status "]),
        (b"m\tread\r", [b"mread"]),
        (b"\x00\x01\x02id\r", [b"id"]),
        (b"x" * (MAX_LINE_BYTES + 50) + b"\r", [b"x" * (MAX_LINE_BYTES + 1)]),
    ],
)
def test_keys_make_lines(typed: bytes, expected: list[bytes]) -> None:
    assert lines_of(typed) == expected
    assert lines_of(*[bytes((byte,)) for byte in typed]) == expected


def test_what_is_typed_is_echoed_and_a_line_in_one_piece_is_not() -> None:
    editor = LineEditor(names)
    assert editor.feed(b"i")[0] == b"i"
    assert editor.feed(b"d")[0] == b"d"
    assert editor.feed(b"\r") == (b"\r\n", [b"id"])
    assert editor.feed(b"id --json\r\n") == (b"", [b"id --json"])
    assert editor.feed(b"\x03id --json\r") == (b"", [b"id --json"])


def test_history_is_short_and_keeps_no_secrets() -> None:
    editor = LineEditor(names)
    editor.feed(b'enrol {"pin": "1234"}\r')
    assert editor.feed(b"\x1b[A\r")[1] == [b""]
    for number in range(HISTORY_LINES + 5):
        editor.feed(b"line%d\r" % number)
    oldest = editor.feed(b"\x1b[A" * 50 + b"\r")[1]
    assert oldest == [b"line5"]


@given(st.lists(st.binary(max_size=30), max_size=20))
def test_no_keys_break_the_editor(chunks: list[bytes]) -> None:
    editor = LineEditor(names)
    for chunk in chunks:
        _, lines = editor.feed(chunk)
        assert all(b"\r" not in line and b"\n" not in line and len(line) <= MAX_LINE_BYTES + 1 for line in lines)


class Bench:
    """A node on a board in memory, and someone at its console."""

    def __init__(self, flash: MemoryFlash | None = None) -> None:
        self.board = MemoryBoard(flash)
        self.node = Node(self.board)

    def type(self, data: bytes, wait_ms: int = 200) -> bytes:
        """What the screen shows so long after these keys."""

        async def run() -> bytes:
            self.board.console.shown = b""
            task = asyncio.get_running_loop().create_task(self.node.session.run())
            self.board.console.type(data)
            await self.board.advance(wait_ms)
            task.cancel()
            await asyncio.sleep(0)
            return self.board.console.shown

        return asyncio.run(run())

    def ask(self, command: str, wait_ms: int = 200) -> dict[str, Any]:
        """The one JSON object that answers."""
        shown = self.type(command.encode() + b" --json\r\n", wait_ms)
        objects = [line[line.find(b"{") :] for line in shown.split(b"\r\n") if b"{" in line]
        assert len(objects) == 1
        answer = json.loads(objects[0])
        assert isinstance(answer, dict)
        return answer

    def enrol(self, **more: Any) -> dict[str, Any]:
        return self.ask("enrol " + json.dumps({**ENROLMENT, **more}))

    def read_meter(self) -> None:
        """As if the meter had just been read."""
        values = {"power_total": -1_500_000, "energy_import": 1000, "energy_export": 2000}
        self.node.sampler.latest = Reading(0, 1, values, [])
        self.node.sampler.serial = "10000001"


NOT_WALKED = (
    "enrol",
    "factory-reset",
    "wiring",
    "selftest",
    "wifi scan",
    "wifi set",
    "mqtt test",
    "cert put",
    "meter watch",
    "meter probe",
    "bus trace",
    "config set",
)
"""Those that want an argument, or a minute: they have tests of their own."""


@pytest.mark.parametrize("name", [name for name in names() if name not in NOT_WALKED])
def test_every_command_answers_a_person_and_a_tool(name: str) -> None:
    bench = Bench()
    bench.read_meter()
    assert "error" not in bench.ask(name)
    shown = bench.type(name.encode() + b"\r")
    assert b"error" not in shown.split(b"\r\n", 1)[0]
    assert shown.endswith(b"> ")
    assert shown.count(b"\r\n") >= 3


def test_id_names_the_key() -> None:
    bench = Bench()
    answer = bench.ask("id")
    assert answer["node"] == bench.node.signer.kid.hex()
    assert bytes.fromhex(answer["public_key"]) == bench.node.signer.public_spki()
    assert answer["fingerprint"].replace(" ", "").startswith(answer["node"])
    assert answer["house"] is None
    bench.enrol()
    assert bench.ask("id")["house"] == "house01"


def test_a_reading_that_is_not_there_is_refused_with_the_reason() -> None:
    assert Bench().ask("meter read") == {"error": "no_reading", "detail": "none yet"}


def test_an_enrolment_is_served_at_once_and_kept() -> None:
    bench = Bench()
    assert bench.enrol() == {"enrolled": True, "node": bench.node.name, "house": "house01"}
    assert bench.ask("status")["recording"] is True
    again = Bench(bench.board.flash)
    assert again.node.config.enrolment is not None
    assert again.node.config.enrolment.link_key.hex() == KEY
    assert again.node.config.enrolment.port == 1883
    assert KEY.encode() not in again.type(b"status\rid\rlog\r")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"house": "Bad/Name"}, "house_invalid"),
        ({"house": 7}, "house_invalid"),
        ({"link_key": "ab"}, "link_key_invalid"),
        ({"link_key": "zz" * 32}, "link_key_invalid"),
        ({"broker": "nowhere"}, "broker_invalid"),
        ({"broker": "host:0"}, "broker_invalid"),
        ({"broker": "host:99999"}, "broker_invalid"),
        ({"broker": None}, "broker_invalid"),
        ({"slot_s": 901}, "slot_invalid"),
        ({"slot_s": True}, "slot_invalid"),
        ({"pin": "123"}, "pin_invalid"),
        ({"pin": 1234}, "pin_invalid"),
        ({"pin": "1" * 33}, "pin_invalid"),
    ],
)
def test_a_wrong_enrolment_is_refused_and_changes_nothing(change: dict[str, Any], reason: str) -> None:
    bench = Bench()
    assert bench.enrol(**change)["error"] == reason
    assert bench.node.config.enrolment is None
    assert Bench(bench.board.flash).node.config.enrolment is None


@pytest.mark.parametrize("argument", ["", "{", "[]", "7", '"x"', "null", "{}}", "[" * 500, '{"a":' * 150])
def test_what_is_no_json_object_is_no_enrolment(argument: str) -> None:
    assert Bench().ask("enrol " + argument)["error"] == "json_invalid"


def test_a_line_that_is_too_long_is_refused_whole() -> None:
    assert Bench().ask("enrol " + json.dumps({**ENROLMENT, "more": "x" * MAX_LINE_BYTES}))["error"] == "line_too_long"


def test_an_enrolled_board_wants_again_and_the_pin() -> None:
    bench = Bench()
    bench.enrol()
    assert bench.enrol(house="house02")["error"] == "already_enrolled"
    assert bench.enrol(house="house02", again="yes")["error"] == "already_enrolled"
    assert bench.enrol(house="house02", again=True, pin="9999")["error"] == "pin_wrong"
    assert bench.enrol(house="house02", again=True)["house"] == "house02"


def test_wrong_pins_cost_time_and_a_restart_does_not_help() -> None:
    bench = Bench()
    bench.enrol()
    for _ in range(FREE_TRIES):
        assert bench.enrol(again=True, pin="9999")["error"] == "pin_wrong"
    assert bench.enrol(again=True)["error"] == "pin_barred"
    again = Bench(bench.board.flash)
    assert again.enrol(again=True)["error"] == "pin_barred"
    asyncio.run(again.board.advance(FIRST_WAIT_MS))
    assert again.enrol(again=True)["enrolled"] is True
    assert again.enrol(again=True, pin="9999")["error"] == "pin_wrong"


def test_the_wait_grows_to_an_hour() -> None:
    waits = [wait_ms(failures) for failures in range(200)]
    assert waits == sorted(waits)
    assert waits[FREE_TRIES - 1] == 0
    assert waits[-1] == LONGEST_WAIT_MS


def test_the_pin_is_not_on_flash_in_the_clear() -> None:
    bench = Bench()
    bench.enrol(pin="secret-pin")
    assert not [name for name, data in bench.board.flash.files.items() if b"secret-pin" in data]


def test_another_household_gets_nothing_of_the_one_before() -> None:
    bench = Bench()
    bench.enrol()
    bench.node.ring.write_all([(rseq, b"private", True) for rseq in range(1, 6)])
    bench.enrol(again=True, house="house02")
    assert bench.node.ring.reader().next() is None
    again = Bench(bench.board.flash)
    assert again.node.ring.reader().next() is None
    enrolment = again.node.config.enrolment
    assert enrolment is not None
    assert (enrolment.base, enrolment.since) == (5, 5)


def test_the_same_household_keeps_what_waits() -> None:
    bench = Bench()
    bench.enrol()
    bench.node.ring.write_all([(rseq, b"ours", True) for rseq in range(1, 6)])
    bench.node.ring.accept_receipt(2)
    bench.enrol(again=True, link_key="cd" * 32)
    entry = bench.node.ring.reader().next()
    assert entry is not None
    assert entry[0] == 3


def test_a_factory_reset_takes_pin_and_code_and_leaves_nothing() -> None:
    bench = Bench()
    bench.enrol()
    assert bench.ask("factory-reset")["error"] == "pin_missing"
    assert bench.ask("factory-reset 9999")["error"] == "pin_wrong"
    code = bench.ask("factory-reset 1234")["code"]
    assert "code" in bench.ask("factory-reset 1234 000000")
    code = bench.ask("factory-reset 1234")["code"]
    assert bench.ask(f"factory-reset 1234 {code}") == {"erasing": True}
    assert bench.board.flash.files == {}
    assert bench.board.restarts == 1
    assert Node(MemoryBoard(bench.board.flash, seed=2)).name != bench.node.name


def test_a_code_for_a_factory_reset_is_stale_after_a_minute() -> None:
    bench = Bench()
    code = bench.ask("factory-reset")["code"]
    asyncio.run(bench.board.advance(61_000))
    assert "code" in bench.ask(f"factory-reset {code}")
    assert KEY_FILE in bench.board.flash.files


def test_reboot_answers_first() -> None:
    bench = Bench()
    assert bench.ask("reboot") == {"rebooting": True}
    assert bench.board.restarts == 1


def test_an_unknown_command_is_told_where_to_look() -> None:
    assert Bench().ask("frobnicate")["error"] == "unknown_command"
    assert b"help lists the commands" in Bench().type(b"frobnicate\r")


def test_flash_that_refuses_is_said() -> None:
    flash = MemoryFlash()
    bench = Bench(flash)
    flash.full = True
    assert bench.enrol()["error"] == "flash_failed"
    assert bench.node.config.enrolment is None


def test_a_missing_key_means_a_new_node_with_nothing_of_the_old_one() -> None:
    bench = Bench()
    bench.enrol()
    bench.node.ring.write_all([(1, b"old", True)])
    del bench.board.flash.files[KEY_FILE]
    again = Node(MemoryBoard(bench.board.flash, seed=2))
    assert again.config.enrolment is None
    assert again.ring.reader().next() is None
    assert again.sequence.next == 1


WORDS = (
    "enrol",
    "meter",
    "read",
    "factory-reset",
    "reboot",
    "log",
    "--json",
    "{",
    "}",
    '"pin"',
    ":",
    "1234",
    "é",
    "\x00",
)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.one_of(st.binary(max_size=20), st.sampled_from(WORDS).map(str.encode)), max_size=15))
def test_no_input_is_left_without_an_answer_or_breaks_the_session(pieces: list[bytes]) -> None:
    bench = Bench(MemoryFlash(dict(ENROLLED.files)))
    shown = bench.type(b" ".join(pieces) + b"\x03\r\n\x03id --json\r")
    assert b"public_key" in shown
    assert "task_failed" not in bench.node.log.counts


def enrolled() -> MemoryFlash:
    bench = Bench()
    bench.enrol()
    return bench.board.flash


ENROLLED = enrolled()


class SlowMeter:
    """A meter that never answers."""

    def __init__(self, board: MemoryBoard) -> None:
        self._board = board

    async def read(self) -> Reading:
        await self._board.sleep_ms(10**9)
        raise AssertionError

    async def serial(self) -> str:
        return "1"


def test_the_console_answers_while_a_meter_keeps_everyone_waiting() -> None:
    bench = Bench()
    bench.node.sampler.meter = SlowMeter(bench.board)  # type: ignore[assignment]

    async def run() -> bytes:
        task = asyncio.get_running_loop().create_task(bench.node.run())
        await bench.board.advance(1000)
        bench.board.console.shown = b""
        bench.board.console.type(b"status --json\r")
        await bench.board.settle()
        task.cancel()
        for rest in asyncio.all_tasks() - {asyncio.current_task()}:
            rest.cancel()
        await asyncio.sleep(0)
        return bench.board.console.shown

    began = time.perf_counter()
    assert b'"uptime_s"' in asyncio.run(run())
    assert time.perf_counter() - began < 1


def test_a_task_that_fails_is_started_again_and_said() -> None:
    bench = Bench()
    calls = []
    work: Callable[[], Any] = bench.node.recorder.run

    async def fail_once() -> None:
        calls.append(1)
        if len(calls) == 1:
            raise RuntimeError("on purpose")
        await work()

    bench.node.recorder.run = fail_once  # type: ignore[method-assign]

    async def run() -> None:
        task = asyncio.get_running_loop().create_task(bench.node.run())
        await bench.board.advance(5000)
        task.cancel()
        for rest in asyncio.all_tasks() - {asyncio.current_task()}:
            rest.cancel()
        await asyncio.sleep(0)

    asyncio.run(run())
    assert len(calls) == 2
    assert bench.node.log.counts["task_failed"] == 1
    assert isinstance(bench.node.recorder, Recorder)


def test_every_command_has_its_help() -> None:
    assert [name for name, _ in HELPS] == names()
    assert all(text for _, text in HELPS)
