"""The meter and its line fail in every way that the simulated meter knows; metering goes on as soon as they let it.

For each fault: the board names it in its counters, does not restart, reads again when it is over, loses no record, and no two
records differ by energy that did not flow - unless the later one says that the meter's registers are not what they were.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise

import pytest

from hil_tests.bench import Bench
from volthood.wire.record import METER_SWAPPED, ROLLED_OVER, Record

NEW_LEVEL = ROLLED_OVER | METER_SWAPPED

LINE_FAULTS: dict[str, tuple[list[dict[str, object]], tuple[str, ...]]] = {
    "silence": ([{"kind": "silence"}], ("timeouts",)),
    "an answer that comes too late": ([{"kind": "delay", "delay_ms": 750}], ("timeouts", "late")),
    "wrong check sums": ([{"kind": "crc"}], ("crc_errors",)),
    "every third check sum": ([{"kind": "crc", "every": 3}], ("crc_errors",)),
    "answers from another address": ([{"kind": "address"}], ("foreign",)),
    "exceptions": ([{"kind": "exception", "code": 4}], ("exceptions",)),
    "truncated frames": ([{"kind": "truncated", "count": 9}], ("short",)),
    "doubled frames": ([{"kind": "doubled", "delay_ms": 30}], ("late",)),
    "noise before the answer": ([{"kind": "noise", "count": 4}], ("skipped",)),
    "another speed": ([{"kind": "baud"}], ("garbage", "crc_errors", "short", "foreign")),
    "restart of the meter": ([{"kind": "restart", "last": 2}], ("timeouts",)),
    "unplugged in mid-frame": ([{"kind": "unplugged", "count": 7}], ("short", "timeouts")),
    "two meters with one address, at once": ([{"kind": "twin", "delay_ms": 0}], ("crc_errors", "garbage", "short")),
    "two meters with one address, one after the other": ([{"kind": "twin", "delay_ms": 20}], ("late",)),
    "an adapter that hears itself": ([{"kind": "echo"}], ("echoes",)),
}
"""Name: fault plan, and the counters of which at least one names it."""


@pytest.mark.parametrize("name", LINE_FAULTS)
def test_the_line_fails_and_metering_resumes(bench: Bench, name: str) -> None:
    tables, names = LINE_FAULTS[name]
    with unharmed(bench):
        before = bench.counters()
        with bench.faults(*tables):
            bench.until(lambda: _grew(before, bench.counters(), names), f"a counter of {names} names it")
        bench.until_read()


@pytest.mark.parametrize(
    "table",
    [
        {"kind": "jump", "wh": 600_000},
        {"kind": "rollover", "wh": 1_000_000},
        {"kind": "restart", "last": 1, "wh": 60_000},
    ],
    ids=["jump", "roll-over", "counter lost at a restart"],
)
def test_registers_that_are_not_what_they_were_are_said(bench: Bench, table: dict[str, object]) -> None:
    with unharmed(bench) as records, bench.faults(table):
        bench.until(lambda: any(record.flags & NEW_LEVEL for record in records()), "a record says so", 30)


def test_one_wrong_register_is_no_reading(bench: Bench) -> None:
    # What a test before did to the registers is over, and said, once a record has come.
    bench.records(1)
    with unharmed(bench) as records:
        with bench.faults({"kind": "jump", "wh": 700_000, "last": 1}):
            bench.until(lambda: any("jump" in line for line in _log(bench)), "the log names the jump")
        bench.until_read()
        bench.records(1)
        assert not any(record.flags & NEW_LEVEL for record in records())


@pytest.mark.long
def test_a_bad_hour(bench: Bench) -> None:
    """Every fault at random, a tenth of all requests each; then an hour of the calendar."""
    kinds = ("silence", "crc", "address", "exception", "truncated", "doubled", "noise", "baud", "twin", "echo")
    tables = [{"kind": kind, "chance_percent": 10, "delay_ms": 20} for kind in kinds]
    with unharmed(bench), bench.faults(*tables):
        time.sleep(bench.minutes(60))
    bench.until_read()


@contextmanager
def unharmed(bench: Bench) -> "Iterator[_Since]":
    """What must hold over whatever happens meanwhile; gives the records that came since."""
    boots = bench.ask("status")["boots"]
    since = _Since(bench)
    yield since
    bench.records(1)
    assert bench.ask("status")["boots"] == boots
    assert "task_failed" not in bench.ask("log")["counts"]
    assert bench.agent.stream.lost == []
    bench.until(lambda: bench.ask("queue")["waiting"] == 0, "everything is receipted", 30)
    check_energy(bench, bench.agent.records[since.first :])


class _Since:
    """The records that came since; `first` is the place of the last one before them."""

    def __init__(self, bench: Bench) -> None:
        self._agent = bench.agent
        self.first = len(self._agent.records) - 1

    def __call__(self) -> list[Record]:
        return self._agent.records[self.first + 1 :]


def check_energy(bench: Bench, records: list[Record]) -> None:
    """Between two records the meter's power flowed, or the later one says that its registers begin anew."""
    for earlier, later in pairwise(records):
        if not later.flags & NEW_LEVEL:
            assert abs(surplus_wh(bench, earlier, later)) <= bench.pace.step_wh, (earlier, later)
            assert later.export_wh == earlier.export_wh
    if not any(record.flags & NEW_LEVEL for record in records[1:]):
        assert abs(surplus_wh(bench, records[0], records[-1])) <= bench.pace.step_wh


def surplus_wh(bench: Bench, earlier: Record, later: Record) -> int:
    """What two records say beyond the energy that flowed between them."""
    return later.import_wh - earlier.import_wh - bench.power_w * (later.time_s - earlier.time_s) // 3600


def _grew(before: dict[str, int], after: dict[str, int], names: tuple[str, ...]) -> bool:
    return any(after[name] > before[name] for name in names)


def _log(bench: Bench) -> list[str]:
    return [str(line) for line in bench.ask("log")["lines"][-3:]]
