"""What a technician sees on the console of a board, whichever it is."""

import time
from typing import Any

import pytest

from hil_tests.bench import Bench
from volthood.errors import DeviceError
from volthood.wire.keys import kid

PARTS = {"W": 1, "mW": 1000}
"""How many of a unit are a watt."""


def test_the_board_says_who_it_is(bench: Bench) -> None:
    answer = bench.ask("id")
    assert answer["node"] == kid(bytes.fromhex(str(answer["public_key"]))).hex()


def test_the_key_does_not_change(bench: Bench) -> None:
    assert bench.ask("id")["public_key"] == bench.ask("id")["public_key"]


def test_the_meter_is_read_right(bench: Bench) -> None:
    rows: Any = bench.ask("meter read")["registers"]
    power = next(row for row in rows if row["quantity"] == "power_total")
    assert int(power["value"]) == bench.power_w * PARTS[power["unit"]]


@pytest.mark.parametrize("command", ["status", "queue", "chain", "time", "log", "meter list", "help"])
def test_reading_is_open_and_answers_with_one_object(bench: Bench, command: str) -> None:
    assert "error" not in bench.ask(command)


def test_an_unknown_command_is_told(bench: Bench) -> None:
    with pytest.raises(DeviceError):
        bench.ask("frobnicate")


def test_the_console_answers_while_a_slow_meter_is_read(bench: Bench) -> None:
    with bench.faults({"kind": "delay", "delay_ms": 400}):
        time.sleep(1)
        times = []
        for command in ("id", "status", "queue", "time", "meter list") * 2:
            began_s = time.monotonic()
            bench.ask(command)
            times.append(time.monotonic() - began_s)
    assert sorted(times)[len(times) // 2] < bench.pace.answer_s
    assert max(times) < 3 * bench.pace.answer_s
