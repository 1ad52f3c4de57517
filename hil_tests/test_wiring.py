"""The wiring diagnosis on a board, of a meter that is crossed while it runs. A test takes 12 s of readings, not a minute."""

from typing import Any

import pytest

from hil_tests.bench import Bench
from volthood.errors import DeviceError

COMMAND = "wiring seconds=12"

CROSSED: dict[str, tuple[list[dict[str, object]], str, list[tuple[str, str]]]] = {
    "right": ([], "", []),
    "exchanged, and no voltage": (
        [{"kind": "swapped", "phase": 1}, {"kind": "dead", "phase": 3}],
        "",
        [("no_voltage", "L3"), ("swapped", "L1 L2")],
    ),
    "reversed": ([{"kind": "reversed", "phase": 2}], "pv=no", [("reversed", "L2")]),
    "no neutral": ([{"kind": "neutral"}], "", [("no_neutral", "")]),
}
"""Name: fault plan, what is said to the command, what it finds."""

QUICK = ("right", "exchanged, and no voltage")


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[] if name in QUICK else pytest.mark.long) for name in CROSSED]
)
def test_what_is_crossed_is_said(bench: Bench, name: str) -> None:
    tables, options, expected = CROSSED[name]
    with bench.faults(*tables):
        answer = bench.ask(f"{COMMAND} {options}", 20)
    found: Any = answer["findings"]
    assert [(finding["what"], finding["phase"]) for finding in found] == expected


def test_another_question_ends_it_and_metering_went_on(bench: Bench) -> None:
    with pytest.raises(DeviceError):
        bench.ask("wiring", 3)
    status = bench.ask("status")
    assert status["meter_error"] == ""
    assert status["reading_age_ms"] < 2000
