"""Cuts the demonstration's data from the project's data folder: `python make_data.py FOLDER`.

Reads `households_ca_1h.parquet`, `households_ca_meta.csv` and `tariff_ca_1h.parquet` in FOLDER (their README names
source and licence) and writes `data/slots.csv` and `data/homes.csv` beside their NOTICE. It needs pyarrow, which
nothing else here does: install it for the occasion. The same input gives the same bytes.

The cut: 17 local days in August 2016, warm and clear, before ca15's meter lost the evening hours; 15 of them are
history before the demonstration's morning. ca12 is broken and left out. Homes alternate between with and without PV, so
that the first N of them, 2 to 10, always have both; the two flagged homes come last.
"""

import argparse
import csv
import datetime as dt
import decimal
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

FIRST = dt.datetime(2016, 8, 11, 7, tzinfo=dt.UTC)
"""Local midnight of 11 August 2016, daylight saving time."""
HOURS = 17 * 24
HOMES = (
    ("house01", "ca08", "yes"),
    ("house02", "ca17", "no"),
    ("house03", "ca02", "yes"),
    ("house04", "ca11", "no"),
    ("house05", "ca09", "yes"),
    ("house06", "ca04", "no"),
    ("house07", "ca01", "yes"),
    ("house08", "ca06", "no"),
    ("house09", "ca14", "yes"),
    ("house10", "ca15", "no"),
)
"""Name, home in the source, whether its PV is used."""


def read_parquet(path: Path) -> list[dict[str, Any]]:
    """The rows of a Parquet file."""
    import pyarrow.parquet  # type: ignore[import-not-found,unused-ignore]

    rows: list[dict[str, Any]] = pyarrow.parquet.read_table(path).to_pylist()
    return rows


def slots_rows(households: Iterable[Mapping[str, Any]], tariff: Iterable[Mapping[str, Any]]) -> list[list[str]]:
    """The rows of `slots.csv`: utc, home, load_wh, pv_wh, retail."""
    hours = [FIRST + dt.timedelta(hours=hour) for hour in range(HOURS)]
    wanted = set(hours)
    names = {source: name for name, source, _ in HOMES}
    # The source keeps prices as 32-bit floats; they were published in whole cents.
    cent = decimal.Decimal("0.01")
    retail = {row["utc"]: decimal.Decimal(repr(float(row["retail_usd_per_kwh"]))).quantize(cent) for row in tariff}
    found = {
        (row["utc"], names[row["home"]]): (row["load_wh"], row["pv_wh"])
        for row in households
        if row["home"] in names and row["utc"] in wanted
    }
    return [
        [f"{hour:%Y-%m-%dT%H:%MZ}", name, *map(str, found[hour, name]), str(retail[hour])]
        for hour in hours
        for name, _, _ in HOMES
    ]


def homes_rows(meta: Iterable[Mapping[str, str]], slots: Iterable[list[str]]) -> list[list[str]]:
    """The rows of `homes.csv`: home, source, pv_used, pv_kwp, quality, hours of zero load in the slice."""
    by_source = {row["home"]: row for row in meta}
    zero = dict.fromkeys((name for name, _, _ in HOMES), 0)
    for _, name, load_wh, _, _ in slots:
        zero[name] += load_wh == "0"
    return [
        [name, source, pv_used, by_source[source]["pv_kwp"], by_source[source]["quality"], str(zero[name])]
        for name, source, pv_used in HOMES
    ]


def write_csv(path: Path, header: list[str], rows: Iterable[list[str]]) -> None:
    """Writes a CSV file with Unix line ends."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)


def main() -> None:
    """Writes `data/slots.csv` and `data/homes.csv`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="the folder with the Parquet files")
    folder = parser.parse_args().folder
    out = Path(__file__).parent / "data"
    slots = slots_rows(read_parquet(folder / "households_ca_1h.parquet"), read_parquet(folder / "tariff_ca_1h.parquet"))
    with (folder / "households_ca_meta.csv").open(newline="", encoding="utf-8") as file:
        homes = homes_rows(csv.DictReader(file), slots)
    write_csv(out / "slots.csv", ["utc", "home", "load_wh", "pv_wh", "retail"], slots)
    write_csv(out / "homes.csv", ["home", "source", "pv_used", "pv_kwp", "quality", "zero_load_hours"], homes)


if __name__ == "__main__":
    main()
