"""Without the installer's PIN no command changes what is set on a board that has a household: all commands, whatever they get."""

import asyncio
import json

import pytest

from volthood_tools.memory_board import MemoryBoard, MemoryFlash, MemoryRadio
from voltnode.console.commands import names
from voltnode.main import Node
from voltnode.pin import FREE_TRIES

ENROLMENT = {"house": "house01", "link_key": "ab" * 32, "broker": "127.0.0.1:1883", "tls": False, "pin": "1234"}
ARGUMENTS = (
    "",
    "sample_ms=500",
    "9999 sample_ms=500",
    '{"sample_ms": 500}',
    '{"pin": "9999", "sample_ms": 500}',
    '{"ssid": "other", "password": "secret-word", "pin": "9999"}',
    '{"ssid": "other", "password": "secret-word"}',
    json.dumps({**ENROLMENT, "house": "house02", "again": True, "pin": "9999"}),
    json.dumps({**ENROLMENT, "house": "house02", "again": True, "pin": None}),
    json.dumps({**ENROLMENT, "house": "house02"}),
    "9999",
    "9999 abcdef",
    "ca 0 AAAA",
)
SETTINGS = ("config", "board", "node.key")
CHANGING = {
    "enrol": json.dumps({**ENROLMENT, "again": True, "pin": "%s"}),
    "config set": "%s sample_ms=500",
    "wifi set": '{"ssid": "other", "password": "secret-word", "pin": "%s"}',
    "factory-reset": "%s",
}


class Bench:
    """A board with a radio that has a household, and somebody at its cable."""

    def __init__(self, flash: MemoryFlash | None = None) -> None:
        self.board = MemoryBoard(flash)
        self.board.radio = MemoryRadio()
        self.board.defaults = {**self.board.defaults, "ssid": "", "password": ""}
        self.board.settings = {**self.board.defaults, **self.board.settings}
        self.node = Node(self.board)

    def ask(self, *commands: str) -> list[str]:
        """The answers, each cut short with Ctrl-C if it takes longer."""

        async def run() -> list[str]:
            task = asyncio.create_task(self.node.session.run())
            answers = []
            for command in commands:
                self.board.console.shown = b""
                self.board.console.type(command.encode() + b" --json\r")
                await self.board.advance(200)
                answers.append(self.board.console.shown.decode())
                self.board.console.type(b"\x03")
                await self.board.advance(200)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            return answers

        return asyncio.run(run())

    def settings(self) -> dict[str, bytes | None]:
        return {name: self.board.flash.read(name) for name in SETTINGS}


def enrolled() -> Bench:
    bench = Bench()
    (answer,) = bench.ask("enrol " + json.dumps(ENROLMENT))
    assert '"enrolled": true' in answer
    return bench


@pytest.mark.parametrize("name", names())
def test_no_command_changes_anything_without_the_pin(name: str) -> None:
    bench = enrolled()
    before = bench.settings()
    bench.ask(*[f"{name} {argument}".strip() for argument in ARGUMENTS])
    assert bench.settings() == before
    enrolment = bench.node.config.enrolment
    assert enrolment is not None
    assert enrolment.house == "house01"
    assert "task_failed" not in bench.node.log.counts


@pytest.mark.parametrize("name", CHANGING)
def test_wrong_pins_bar_it_and_a_restart_does_not_help(name: str) -> None:
    bench = enrolled()
    wrong = f"{name} {CHANGING[name] % '9999'}"
    right = f"{name} {CHANGING[name] % '1234'}"
    answers = bench.ask(*[wrong] * FREE_TRIES, right)
    assert ["pin_wrong" in answer for answer in answers] == [True] * FREE_TRIES + [False]
    assert "pin_barred" in answers[-1]
    again = Bench(bench.board.flash)
    assert "pin_barred" in again.ask(right)[0]


@pytest.mark.parametrize("name", CHANGING)
def test_the_right_pin_lets_it(name: str) -> None:
    (answer,) = enrolled().ask(f"{name} {CHANGING[name] % '1234'}")
    assert '"error"' not in answer
