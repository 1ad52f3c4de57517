"""Files that are refused, each with line, column and reason; and the few that are taken."""

from pathlib import Path

import pytest

from volthood.errors import LocalError
from volthood_tools.demo.series_csv import price_mct_per_kwh, read_series

HEADER = "utc,home,load_wh,pv_wh"
GOOD = [
    HEADER,
    "2024-06-01T00:00Z,a,100,0",
    "2024-06-01T00:00Z,b,200,50",
    "2024-06-01T01:00Z,a,101,1",
    "2024-06-01T01:00Z,b,201,51",
    "2024-06-01T02:00Z,a,102,2",
    "2024-06-01T02:00Z,b,202,52",
]


def rows(home: str, *times: str) -> list[str]:
    return [f"2024-06-01T{time}Z,{home},1,0" for time in times]


def changed(line: int, text: str) -> list[str]:
    return [text if number == line else old for number, old in enumerate(GOOD, 1)]


def write(path: Path, lines: list[str]) -> Path:
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


WRONG = {
    "empty": ([], 1, "utc", "missing"),
    "no home column": ([HEADER.replace("home", "house"), *GOOD[1:]], 1, "home", "missing"),
    "semicolons": ([line.replace(",", ";") for line in GOOD], 1, "utc", "missing"),
    "unknown column": ([HEADER + ",feedin", *[row + ",1" for row in GOOD[1:]]], 1, "feedin", "not known"),
    "column twice": ([HEADER + ",pv_wh", *[row + ",1" for row in GOOD[1:]]], 1, "pv_wh", "twice"),
    "cell missing": (changed(4, "2024-06-01T01:00Z,a,101"), 4, "pv_wh", "3 cells where the header has 4"),
    "cell too many": (changed(4, "2024-06-01T01:00Z,a,101,1,1"), 4, "pv_wh", "5 cells"),
    "open quote": (changed(7, '2024-06-01T02:00Z,b,202,"52'), 7, "utc", "not CSV"),
    "word": (changed(3, "2024-06-01T00:00Z,b,many,50"), 3, "load_wh", "'many' is not a whole number"),
    "fraction": (changed(3, "2024-06-01T00:00Z,b,200,50.5"), 3, "pv_wh", "not a whole number"),
    "nan": (changed(3, "2024-06-01T00:00Z,b,nan,50"), 3, "load_wh", "not a whole number"),
    "empty cell": (changed(3, "2024-06-01T00:00Z,b,,50"), 3, "load_wh", "not a whole number"),
    "other digits": (changed(3, "2024-06-01T00:00Z,b,٣,50"), 3, "load_wh", "not a whole number"),
    "negative load": (changed(5, "2024-06-01T01:00Z,b,-1,51"), 5, "load_wh", "negative"),
    "kWh taken for MWh": (changed(5, "2024-06-01T01:00Z,b,1000001,51"), 5, "load_wh", "above"),
    "no time zone": (changed(2, "2024-06-01T00:00,a,100,0"), 2, "utc", "no time zone"),
    "no time": (changed(2, "1 June,a,100,0"), 2, "utc", "is not a time"),
    "before 1970": (changed(2, "1969-06-01T00:00Z,a,100,0"), 2, "utc", "before 1970"),
    "misaligned": (changed(2, "2024-06-01T00:01Z,a,100,0"), 2, "utc", "quarter"),
    "fraction of a second": (changed(2, "2024-06-01T00:00:00.5Z,a,100,0"), 2, "utc", "quarter"),
    "hours at half past": ([HEADER, *rows("a", "00:30", "01:30"), *rows("b", "00:30", "01:30")], 2, "utc", "multiple"),
    "bad name": (changed(3, "2024-06-01T00:00Z,B/#,200,50"), 3, "home", "is not a name"),
    "duplicate row": ([*GOOD, GOOD[3]], 8, "utc", "a second row of a for 2024-06-01T01:00Z"),
    "gap": (
        [HEADER, *rows("a", "00:00", "01:00", "02:00", "04:00"), *rows("b", "00:00", "01:00", "02:00")],
        5,
        "utc",
        "gap: a has nothing for 60 minutes",
    ),
    "mixed in one home": (
        [HEADER, *rows("a", "00:00", "00:15", "00:30", "00:45", "01:45", "02:45"), *rows("b", "00:00", "00:15")],
        6,
        "utc",
        "mixed intervals: 60 minutes among 15",
    ),
    "mixed between homes": (
        [HEADER, *rows("a", "00:00", "00:15", "00:30", "00:45"), *rows("b", "00:00", "00:30", "01:00")],
        7,
        "utc",
        "mixed intervals: 30 minutes among 15",
    ),
    "ten minutes": ([HEADER, *rows("a", "00:00", "01:30"), *rows("b", "00:00", "01:30")], 3, "utc", "90 minutes apart"),
    "one row": ([HEADER, *rows("a", "00:00"), *rows("b", "00:00")], 2, "utc", "too few"),
    "one home": ([HEADER, *rows("a", "00:00", "01:00")], 3, "home", "at least 2"),
    "eleven homes": (
        [HEADER, *[row for n in range(11) for row in rows(f"h{n}", "00:00", "01:00")]],
        22,
        "home",
        "at most 10",
    ),
    "no rows": ([HEADER], 1, "home", "0 home(s)"),
    "starts later": ([HEADER, *rows("a", "00:00", "01:00", "02:00"), *rows("b", "01:00", "02:00")], 5, "utc", "starts"),
    "ends earlier": ([HEADER, *rows("a", "00:00", "01:00", "02:00"), *rows("b", "00:00", "01:00")], 6, "utc", "ends"),
    "price word": ([HEADER + ",retail", *[row + ",cheap" for row in GOOD[1:]]], 2, "retail", "not a decimal number"),
    "price too fine": ([HEADER + ",retail", *[row + ",0.123456" for row in GOOD[1:]]], 2, "retail", "finer"),
    "price too high": ([HEADER + ",feed_in", *[row + ",2000" for row in GOOD[1:]]], 2, "feed_in", "beyond 1000"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_file_is_refused_with_its_place(name: str, tmp_path: Path) -> None:
    lines, line, column, reason = WRONG[name]
    with pytest.raises(LocalError, match=rf"x\.csv, line {line}, column {column}: ") as caught:
        read_series(write(tmp_path / "x.csv", lines))
    assert reason in str(caught.value)


def test_a_missing_file_and_a_binary_file_are_named(tmp_path: Path) -> None:
    with pytest.raises(LocalError, match=r"none\.csv: No such file"):
        read_series(tmp_path / "none.csv")
    (tmp_path / "b.csv").write_bytes(b"utc\xff")
    with pytest.raises(LocalError, match=r"b\.csv: not UTF-8 text at byte 3"):
        read_series(tmp_path / "b.csv")
    (tmp_path / "e.csv").write_bytes(b"")
    with pytest.raises(LocalError, match=r"e\.csv, line 1, column utc: the file is empty"):
        read_series(tmp_path / "e.csv")


def test_rows_may_stand_in_any_order_with_blank_lines_and_offsets(tmp_path: Path) -> None:
    lines = ["\ufeff" + HEADER, *reversed(GOOD[1:]), "", GOOD[1].replace("00:00Z,a", "05:00+02:00,a")]
    lines.append(GOOD[2].replace("00:00Z", "03:00:00+00:00"))
    series = read_series(write(tmp_path / "x.csv", lines))
    assert series.interval_s == 3600
    assert [row.load_wh for row in series.homes["a"]] == [100, 101, 102, 100]
    assert [row.load_wh for row in series.homes["b"]] == [200, 201, 202, 200]
    assert list(series.homes) == ["b", "a"]


@pytest.mark.parametrize(
    ("text", "price"),
    [("0.22", 22_000), ("0", 0), ("-0.05", -5_000), ("0.00001", 1), ("1000", 10**8), ("0.220000000", 22_000)],
)
def test_prices_become_whole_millicents(text: str, price: int) -> None:
    assert price_mct_per_kwh(text) == price


@pytest.mark.parametrize("text", ["", "0,22", "1e3", "nan", "1_000", ".5", "0.000001", "1000.00001", "Infinity", " 1"])
def test_what_is_no_price_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        price_mct_per_kwh(text)
