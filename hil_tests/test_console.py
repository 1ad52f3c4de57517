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


WITH = {
    "wiring": "meter=31",
    "meter watch": "0 1",
    "meter probe": "1 9600",
    "bus trace": "off",
    "config set": "1234 sample_ms=0",
    "cert put": "ca 1 AAAA",
}
"""What a command is given; the others get nothing."""

REFUSED = ("wiring", "config set", "cert put", "enrol", "factory-reset", "wifi scan", "wifi set")
"""Those that may say no to that."""


def test_every_command_answers_with_exactly_one_object(bench: Bench) -> None:
    """The board itself says which there are; `reboot` has a test of its own."""
    for command in sorted(set(bench.ask("help")) - {"reboot"}):
        objects = bench.objects(f"{command} {WITH.get(command, '')}".strip())
        assert len(objects) == 1, command
        assert command in REFUSED or "error" not in objects[0], (command, objects)


def test_what_changes_something_wants_the_pin(bench: Bench) -> None:
    """Without a PIN, so that none is wrong and nobody is made to wait."""
    for command in ('enrol {"again": true}', 'wifi set {"ssid": "x"}', "config set sample_ms=1000", "factory-reset"):
        with pytest.raises(DeviceError, match=r"pin|no_radio"):
            bench.ask(command)


def test_a_board_that_is_well_says_so(bench: Bench) -> None:
    answer = bench.ask("selftest", 30)
    tests: Any = answer["tests"]
    assert [test for test in tests if test["result"] == "failed"] == []
    assert [test for test in tests if test["result"] == "skipped"] == []
    assert answer["result"] == "ok"


def test_the_link_is_mutual_tls_and_the_console_names_both_certificates(bench: Bench) -> None:
    answer = bench.ask("cert")
    assert answer["tls"]
    assert answer["own"]["subject"] == bench.ask("id")["node"]
    assert answer["own"]["issuer"] == answer["ca"]["subject"]
    assert bench.ask("mqtt test", 20)["ok"]


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
