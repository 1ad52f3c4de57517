"""A series of power, and its integral: exact, in integers.

A series is a step function: each row holds from its instant until the next one. Before the first row the power is 0,
and after the last it stays as it is; a last row of 0 W ends a series. Positive power is import from the grid.
"""

import csv
import datetime as dt
import re
from bisect import bisect_right
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path

from volthood.errors import LocalError

MW_MS_PER_WH = 3_600_000_000
MAX_POWER_W = 1_000_000
"""1 MW is beyond every household's fuse: most likely the unit is wrong."""

COLUMNS = ["utc", "power_w"]
_WATTS = re.compile(r"-?[0-9]{1,9}(\.[0-9]{1,3})?", re.ASCII)


class PowerSeries:
    """Rows (start in ms since the Unix epoch, power in mW), in ascending order of time.

    Raises: `ValueError` for no rows, or rows not in order.
    """

    def __init__(self, rows: Iterable[tuple[int, int]]) -> None:
        self.rows = tuple(rows)
        if not self.rows or any(start >= after for (start, _), (after, _) in pairwise(self.rows)):
            raise ValueError("a power series has rows, each later than the one before")
        self._starts_ms = [start_ms for start_ms, _ in self.rows]
        self._imported, self._exported = [0], [0]
        for (start_ms, power_mw), (end_ms, _) in pairwise(self.rows):
            self._imported.append(self._imported[-1] + max(power_mw, 0) * (end_ms - start_ms))
            self._exported.append(self._exported[-1] + max(-power_mw, 0) * (end_ms - start_ms))

    @property
    def start_ms(self) -> int:
        """When the first row begins."""
        return self._starts_ms[0]

    def power_mw(self, at_ms: int) -> int:
        """The power at a time, mW."""
        row = self._row(at_ms)
        return self.rows[row][1] if row >= 0 else 0

    def energy_mw_ms(self, at_ms: int) -> tuple[int, int]:
        """What was imported and exported from the first row until a time, in mW x ms, `MW_MS_PER_WH` to a Wh."""
        row = self._row(at_ms)
        if row < 0:
            return 0, 0
        start_ms, power_mw = self.rows[row]
        imported = self._imported[row] + max(power_mw, 0) * (at_ms - start_ms)
        return imported, self._exported[row] + max(-power_mw, 0) * (at_ms - start_ms)

    def _row(self, at_ms: int) -> int:
        """The index of the row that holds at a time; -1 before the first."""
        return bisect_right(self._starts_ms, at_ms) - 1


def instant_ms(text: str) -> int:
    """An ISO 8601 instant with a time zone, in ms since the Unix epoch. Raises: `ValueError` with the reason."""
    instant = dt.datetime.fromisoformat(text)
    if instant.tzinfo is None:
        raise ValueError(f"{text} has no time zone; write {text}Z for UTC")
    return (instant - dt.datetime(1970, 1, 1, tzinfo=dt.UTC)) // dt.timedelta(milliseconds=1)


def watts_to_mw(text: str) -> int:
    """A power in W with at most three decimals, in mW. Raises: `ValueError` with the reason."""
    if not _WATTS.fullmatch(text):
        raise ValueError(f"{text!r} is no power in W with at most three decimals")
    whole, _, decimals = text.lstrip("-").partition(".")
    power_mw = int(whole) * 1000 + int(decimals.ljust(3, "0"))
    if power_mw > MAX_POWER_W * 1000:
        raise ValueError(f"{text} W is more than {MAX_POWER_W:,} W")
    return -power_mw if text.startswith("-") else power_mw


def read_series(path: Path) -> PowerSeries:
    """The series of a CSV file with the columns utc and power_w.

    Raises:
        LocalError: what is wrong, with file and line.
    """
    try:
        with path.open(newline="", encoding="utf-8") as file:
            lines = csv.reader(file, strict=True)
            header = next(lines, [])
            if header != COLUMNS:
                raise LocalError(f"{path}, line 1: the columns are {','.join(COLUMNS)}, not {','.join(header)}")
            return PowerSeries([_row(path, lines.line_num, cells) for cells in lines])
    except (OSError, UnicodeDecodeError, csv.Error, ValueError) as error:
        raise LocalError(f"{path}: {error}") from error


def _row(path: Path, line: int, cells: list[str]) -> tuple[int, int]:
    try:
        utc, power_w = cells
        return instant_ms(utc), watts_to_mw(power_w)
    except ValueError as error:
        raise LocalError(f"{path}, line {line}: {error}") from error
