"""What a person may write for a slot, and what it means."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from volthood.cli.options import slot_of
from volthood.errors import LocalError

LOS_ANGELES = ZoneInfo("America/Los_Angeles")
BERLIN = ZoneInfo("Europe/Berlin")


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp())


NEWEST = at("2016-08-26T19:45:00+00:00")


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("2016-08-26T16:15Z", "2016-08-26T16:15:00+00:00"),
        ("2016-08-26T16:15:00Z", "2016-08-26T16:15:00+00:00"),
        ("2016-08-26T16:20Z", "2016-08-26T16:15:00+00:00"),
        ("2016-08-26T09:15-07:00", "2016-08-26T16:15:00+00:00"),
        ("09:15", "2016-08-26T16:15:00+00:00"),
        ("9:20", "2016-08-26T16:15:00+00:00"),
        ("13:30", "2016-08-26T20:30:00+00:00"),
        ("14:00", "2016-08-25T21:00:00+00:00"),
        ("23:45", "2016-08-26T06:45:00+00:00"),
    ],
)
def test_a_slot_is_understood(written: str, meant: str) -> None:
    assert slot_of(written, 900, LOS_ANGELES, NEWEST) == at(meant)


@pytest.mark.parametrize(
    ("written", "reason"),
    [
        ("2016-08-26T16:15", "names no time zone"),
        ("2016-08-26", "names no time zone"),
        ("25:00", "is no slot"),
        ("09:15pm", "is no slot"),
        ("yesterday", "is no slot"),
        ("", "is no slot"),
    ],
)
def test_what_is_no_slot_is_refused_with_what_would_be_right(written: str, reason: str) -> None:
    with pytest.raises(LocalError, match=reason):
        slot_of(written, 900, LOS_ANGELES, NEWEST)


def test_a_time_of_day_keeps_its_hour_across_the_end_of_summer_time() -> None:
    newest = at("2026-10-25T05:00:00+00:00")
    assert slot_of("07:00", 900, BERLIN, newest) == at("2026-10-25T06:00:00+00:00")
    assert slot_of("07:30", 900, BERLIN, newest) == at("2026-10-24T05:30:00+00:00")
    assert datetime.fromtimestamp(slot_of("07:30", 900, BERLIN, newest), UTC).hour == 5
