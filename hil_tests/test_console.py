"""What a technician sees on the console of a board, whichever it is."""

import time
from typing import Any

import pytest

from volthood.errors import DeviceError
from volthood.wire.keys import kid
from volthood_tools.console.node import NodeConsole

READING_TIMEOUT_S = 20
PARTS = {"W": 1, "mW": 1000}
"""How many of a unit are a watt."""


def reading(console: NodeConsole) -> dict[str, object]:
    """A reading of the meter, as soon as there is one."""
    deadline = time.monotonic() + READING_TIMEOUT_S
    while True:
        try:
            return console.ask("meter read")
        except DeviceError:
            if time.monotonic() > deadline:
                raise


def test_the_board_says_who_it_is(console: NodeConsole) -> None:
    answer = console.ask("id")
    assert answer["node"] == kid(bytes.fromhex(str(answer["public_key"]))).hex()


def test_the_key_does_not_change(console: NodeConsole) -> None:
    assert console.ask("id")["public_key"] == console.ask("id")["public_key"]


def test_the_meter_is_read_right(console: NodeConsole, power_w: int) -> None:
    answer = reading(console)
    rows: Any = answer["registers"]
    power = next(row for row in rows if row["quantity"] == "power_total")
    assert int(power["value"]) == power_w * PARTS[power["unit"]]


@pytest.mark.parametrize("command", ["status", "queue", "chain", "time", "log", "meter list"])
def test_reading_is_open_and_answers_with_one_object(console: NodeConsole, command: str) -> None:
    assert "error" not in console.ask(command)


def test_an_unknown_command_is_told(console: NodeConsole) -> None:
    with pytest.raises(DeviceError):
        console.ask("frobnicate")
