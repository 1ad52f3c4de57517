"""Options that several commands share, and what they stand for."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar
from zoneinfo import ZoneInfo

import click

from volthood.errors import LocalError, VolthoodError

F = TypeVar("F", bound=Callable[..., object])

_CLOCK = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)", re.ASCII)


def which_homes(command: F) -> F:
    """The options `--dir` and `--home`."""
    home = click.option("--home", metavar="NAME", help="One home of the neighbourhood; all of them without it.")
    folder = click.option(
        "--dir",
        "folder",
        type=click.Path(path_type=Path, file_okay=False),
        default=Path(),
        help="Folder of a household, or of a demonstration (`--keep`). Default: the current one.",
    )
    return folder(home(command))


as_json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON list, an object a home.")


@contextmanager
def plain_errors() -> Iterator[None]:
    """Errors of ours become one line on standard error and exit status 1."""
    try:
        yield
    except VolthoodError as error:
        raise click.ClickException(str(error)) from error


def slot_of(text: str, slot_s: int, zone: ZoneInfo, newest_slot: int) -> int:
    """The slot that a person means: UTC as ISO 8601 with `Z` or an offset, or local `HH:MM`.

    A time of day means the last one up to an hour after the newest slot known. A time inside a slot means that slot.

    Raises:
        LocalError: it is neither.
    """
    clock = _CLOCK.fullmatch(text)
    if clock:
        return _last_time_of_day(int(clock[1]), int(clock[2]), zone, newest_slot + 3600) // slot_s * slot_s
    try:
        instant = datetime.fromisoformat(text)
    except ValueError as error:
        raise LocalError(f"{text!r} is no slot: write 2016-08-26T16:15Z, or local time as 09:15") from error
    if instant.tzinfo is None:
        raise LocalError(f"{text!r} names no time zone: UTC ends with Z; local time is written as 09:15")
    return int(instant.timestamp()) // slot_s * slot_s


def _last_time_of_day(hour: int, minute: int, zone: ZoneInfo, latest_s: int) -> int:
    latest = datetime.fromtimestamp(latest_s, UTC).astimezone(zone)
    candidate = latest.replace(hour=hour, minute=minute, second=0)
    if candidate.timestamp() > latest_s:
        candidate = (candidate - timedelta(days=1)).replace(hour=hour, minute=minute)
    return int(candidate.timestamp())
