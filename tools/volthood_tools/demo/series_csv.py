"""Reads a household time series from CSV and refuses, with line, column and reason, whatever could not be true.

Columns `utc`, `home`, `load_wh`, `pv_wh`, and if wanted `retail` and `feed_in` in currency per kWh. A row is one home
in one interval of 15, 30 or 60 minutes (found from the file), `utc` its start with a time zone. Rows stand in any
order; every home has every interval once. Nothing is repaired: a demonstration on mended data would show nothing.
"""

import csv
import datetime as dt
import decimal
import io
import itertools
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from volthood.errors import LocalError
from volthood.wire.cbor import WireError
from volthood.wire.limits import MAX_PRICE_MCT_PER_KWH
from volthood.wire.topics import check_name

REQUIRED = ("utc", "home", "load_wh", "pv_wh")
PRICES = ("retail", "feed_in")
INTERVALS_S = (900, 1800, 3600)
MAX_HOMES = 10
MIN_HOMES = 2
MAX_INTERVAL_WH = 1_000_000
"""1 MWh in an interval is no household: most likely the unit is wrong."""

_WHOLE = re.compile(r"-?[0-9]{1,18}", re.ASCII)
_PRICE = re.compile(r"-?[0-9]{1,6}(\.[0-9]{1,12})?", re.ASCII)


@dataclass(frozen=True)
class Row:
    """One home in one interval; `line` is where it stands in the file."""

    line: int
    utc_s: int
    home: str
    load_wh: int
    pv_wh: int
    retail_mct_per_kwh: int | None
    feed_in_mct_per_kwh: int | None


@dataclass(frozen=True)
class Series:
    """Homes in the order of the file, each with its rows in the order of time, all over the same instants."""

    interval_s: int
    homes: Mapping[str, tuple[Row, ...]]


def price_mct_per_kwh(text: str) -> int:
    """A price in currency per kWh, written as a decimal number, in mct/kWh.

    Raises: `ValueError` with the reason.
    """
    if not _PRICE.fullmatch(text):
        raise ValueError(f"{text!r} is not a decimal number such as 0.22")
    scaled = decimal.Decimal(text).scaleb(5)
    price = int(scaled)
    if price != scaled:
        raise ValueError(f"{text} is finer than 0.00001 per kWh")
    if abs(price) > MAX_PRICE_MCT_PER_KWH:
        raise ValueError(f"{text} is beyond {MAX_PRICE_MCT_PER_KWH // 100_000} per kWh")
    return price


def read_series(path: Path) -> Series:
    """The series in a CSV file.

    Raises: `LocalError` that names file, line, column and reason.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise LocalError(f"{path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise LocalError(f"{path}: not UTF-8 text at byte {error.start}") from error
    try:
        return _checked(list(_rows(io.StringIO(text, newline=""))))
    except _Wrong as wrong:
        raise LocalError(f"{path}, line {wrong.line}, column {wrong.column}: {wrong.reason}") from wrong


class _Wrong(Exception):  # noqa: N818 - a place in a file, turned into a LocalError above
    def __init__(self, line: int, column: str, reason: str) -> None:
        super().__init__(reason)
        self.line = line
        self.column = column
        self.reason = reason


def _rows(lines: Iterable[str]) -> Iterator[Row]:
    reader = csv.reader(lines, strict=True)
    columns: tuple[str, ...] | None = None
    while True:
        try:
            cells = next(reader, None)
        except csv.Error as error:
            raise _Wrong(reader.line_num, "utc", f"not CSV: {error}") from error
        if cells is None:
            break
        if columns is None:
            columns = _header(cells)
        elif cells:
            yield _row(reader.line_num, columns, cells)
    if columns is None:
        raise _Wrong(1, "utc", "the file is empty")


def _header(cells: list[str]) -> tuple[str, ...]:
    columns = tuple(cell.strip() for cell in cells)
    for column in REQUIRED:
        if column not in columns:
            raise _Wrong(1, column, f"missing; the header is {','.join(columns)[:80]!r}")
    for column in columns:
        if column not in REQUIRED + PRICES:
            raise _Wrong(1, column, f"not known; known are {', '.join(REQUIRED + PRICES)}")
        if columns.count(column) > 1:
            raise _Wrong(1, column, "stands twice")
    return columns


def _row(line: int, columns: tuple[str, ...], cells: list[str]) -> Row:
    if len(cells) != len(columns):
        column = columns[min(len(cells), len(columns) - 1)]
        raise _Wrong(line, column, f"{len(cells)} cells where the header has {len(columns)}")
    cell = {column: text.strip() for column, text in zip(columns, cells, strict=True)}
    return Row(
        line=line,
        utc_s=_instant(line, cell["utc"]),
        home=_home(line, cell["home"]),
        load_wh=_energy(line, "load_wh", cell["load_wh"]),
        pv_wh=_energy(line, "pv_wh", cell["pv_wh"]),
        retail_mct_per_kwh=_price(line, "retail", cell),
        feed_in_mct_per_kwh=_price(line, "feed_in", cell),
    )


def _instant(line: int, text: str) -> int:
    try:
        instant = dt.datetime.fromisoformat(text)
    except ValueError:
        raise _Wrong(line, "utc", f"{text!r} is not a time such as 2016-08-26T16:00Z") from None
    if instant.tzinfo is None:
        raise _Wrong(line, "utc", f"{text!r} has no time zone; UTC ends with Z")
    since = instant - dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
    seconds = since // dt.timedelta(seconds=1)
    if seconds < 0:
        raise _Wrong(line, "utc", f"{text!r} lies before 1970")
    if since.microseconds or seconds % INTERVALS_S[0]:
        raise _Wrong(line, "utc", f"{text!r} is not on a quarter of an hour")
    return seconds


def _home(line: int, text: str) -> str:
    try:
        return check_name(text)
    except WireError:
        raise _Wrong(line, "home", f"{text[:40]!r} is not a name of 1 to 32 of a-z, 0-9, - and _") from None


def _energy(line: int, column: str, text: str) -> int:
    if not _WHOLE.fullmatch(text):
        raise _Wrong(line, column, f"{text[:40]!r} is not a whole number of Wh")
    energy_wh = int(text)
    if energy_wh < 0:
        raise _Wrong(line, column, f"{energy_wh} is negative")
    if energy_wh > MAX_INTERVAL_WH:
        raise _Wrong(line, column, f"{energy_wh} Wh in one interval is above {MAX_INTERVAL_WH}")
    return energy_wh


def _price(line: int, column: str, cell: Mapping[str, str]) -> int | None:
    if column not in cell:
        return None
    try:
        return price_mct_per_kwh(cell[column])
    except ValueError as error:
        raise _Wrong(line, column, str(error)) from error


def _checked(rows: list[Row]) -> Series:
    homes = _by_home(rows)
    interval_s = _interval(homes)
    for home_rows in homes.values():
        _check_steps(home_rows, interval_s)
    _check_span(homes)
    return Series(interval_s, homes)


def _by_home(rows: Iterable[Row]) -> dict[str, tuple[Row, ...]]:
    homes: dict[str, list[Row]] = {}
    line = 1
    for row in rows:
        line = row.line
        homes.setdefault(row.home, []).append(row)
        if len(homes) > MAX_HOMES:
            raise _Wrong(line, "home", f"{row.home} is home {len(homes)}; at most {MAX_HOMES}")
    if len(homes) < MIN_HOMES:
        raise _Wrong(line, "home", f"{len(homes)} home(s); a neighbourhood has at least {MIN_HOMES}")
    return {home: tuple(sorted(rows, key=lambda row: (row.utc_s, row.line))) for home, rows in homes.items()}


def _interval(homes: Mapping[str, tuple[Row, ...]]) -> int:
    """The commonest step between a home's rows."""
    steps: Counter[int] = Counter()
    for home, rows in homes.items():
        if len(rows) < 2:
            raise _Wrong(rows[0].line, "utc", f"the only row of {home}: too few to see the interval")
        for before, row in itertools.pairwise(rows):
            if row.utc_s == before.utc_s:
                raise _Wrong(max(before.line, row.line), "utc", f"a second row of {home} for {_shown(row.utc_s)}")
            steps[row.utc_s - before.utc_s] += 1
    interval_s = max(steps, key=lambda step: (steps[step], -step))
    if interval_s not in INTERVALS_S:
        line = min(rows[1].line for rows in homes.values())
        raise _Wrong(line, "utc", f"rows are {interval_s // 60} minutes apart; 15, 30 or 60 are taken")
    return interval_s


def _check_steps(rows: tuple[Row, ...], interval_s: int) -> None:
    steps = [row.utc_s - before.utc_s for before, row in itertools.pairwise(rows)]
    for row, step, following in zip(rows[1:], steps, [*steps[1:], 0], strict=True):
        if step == interval_s:
            continue
        if step < interval_s or step == following:
            raise _Wrong(row.line, "utc", f"mixed intervals: {step // 60} minutes among {interval_s // 60}")
        raise _Wrong(row.line, "utc", f"gap: {row.home} has nothing for {step // 60 - interval_s // 60} minutes before")
    for row in rows:
        if row.utc_s % interval_s:
            raise _Wrong(row.line, "utc", f"{_shown(row.utc_s)} is not on a multiple of {interval_s // 60} minutes")


def _check_span(homes: Mapping[str, tuple[Row, ...]]) -> None:
    first, *others = homes.values()
    for rows in others:
        for row, other, what in ((rows[0], first[0], "starts"), (rows[-1], first[-1], "ends")):
            if row.utc_s != other.utc_s:
                shown = f"{_shown(row.utc_s)}, {other.home} at {_shown(other.utc_s)}"
                raise _Wrong(row.line, "utc", f"{row.home} {what} at {shown}")


def _shown(utc_s: int) -> str:
    return f"{dt.datetime.fromtimestamp(utc_s, dt.UTC):%Y-%m-%dT%H:%MZ}"
