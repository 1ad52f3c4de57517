"""What the demonstration runs on: homes with load, PV and prices per 15-minute slot, and where the run starts in them.

Either the data in this package (ten Californian homes, `data/NOTICE`) or a household's own CSV file (`series_csv`).
Energy is whole Wh per slot and sums exactly to the source's intervals; prices are mct/kWh.
"""

import csv
import importlib.resources
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from volthood.core.energy import spread
from volthood.errors import LocalError
from volthood_tools.demo.series_csv import MIN_HOMES, Row, Series, price_mct_per_kwh, read_series

SLOT_S = 900
DAY_S = 86_400
MIN_SLOTS = 4
FEED_IN_MCT_PER_KWH = 8_000
"""Stated, not measured: the packaged data has no export price."""
RETAIL_MCT_PER_KWH = 22_000
"""For a file without a `retail` column: the packaged data's price outside the evening peak."""
PACKAGED_START = 1_472_227_200
"""2016-08-26 16:00 UTC, nine in the morning there, a clear Friday."""


@dataclass(frozen=True)
class Home:
    """One home. The series have one entry a slot from the dataset's first slot on."""

    name: str
    source: str
    has_pv: bool
    quality: str
    load_wh: tuple[int, ...]
    pv_wh: tuple[int, ...]
    retail_mct_per_kwh: tuple[int, ...]
    feed_in_mct_per_kwh: tuple[int, ...]


@dataclass(frozen=True)
class Dataset:
    """Homes over the same slots; the slots before `start` are history. Instants are UTC seconds."""

    homes: tuple[Home, ...]
    first_slot: int
    start: int
    interval_s: int
    currency: str
    timezone: str
    origin: str
    pv_left_out: bool
    tariff_note: str

    @property
    def end(self) -> int:
        """The instant at which the last slot ends."""
        return self.first_slot + SLOT_S * len(self.homes[0].load_wh)

    @property
    def slots(self) -> range:
        """The slots from the start on: what a run can use."""
        return range(self.start, self.end, SLOT_S)

    @property
    def history_slots(self) -> range:
        """The slots before the start."""
        return range(self.first_slot, self.start, SLOT_S)

    def index(self, slot: int) -> int:
        """Where a slot stands in the series.

        Raises: `LocalError` for an instant outside the data or inside a slot.
        """
        index, rest = divmod(slot - self.first_slot, SLOT_S)
        if rest or not self.first_slot <= slot < self.end:
            raise LocalError(f"{slot} is no slot of the data, {self.first_slot} to {self.end}")
        return index

    def home(self, name: str) -> Home:
        """The home of that name. Raises: `LocalError`."""
        for home in self.homes:
            if home.name == name:
                return home
        raise LocalError(f"no home {name!r}; there are {', '.join(home.name for home in self.homes)}")

    def history(self, name: str) -> Iterator[tuple[int, int, int]]:
        """(slot, load Wh, PV Wh) of every slot before the start."""
        home = self.home(name)
        return zip(self.history_slots, home.load_wh, home.pv_wh, strict=False)

    def power_series(self, name: str) -> tuple[int, ...]:
        """Net power in W, import positive, constant over each slot, from the first slot on.

        Four quarters of an hour a Wh: the energy of a slot is exact.
        """
        home = self.home(name)
        per_hour = 3600 // SLOT_S
        return tuple((load - pv) * per_hour for load, pv in zip(home.load_wh, home.pv_wh, strict=True))

    def reference(self, slot: int) -> tuple[int, int]:
        """(feed-in, retail) in mct/kWh for the hood's reference series: of the homes' tariffs the lower median."""
        index = self.index(slot)
        feed_in = sorted(home.feed_in_mct_per_kwh[index] for home in self.homes)
        retail = sorted(home.retail_mct_per_kwh[index] for home in self.homes)
        middle = (len(self.homes) - 1) // 2
        return feed_in[middle], retail[middle]

    @property
    def notes(self) -> tuple[str, ...]:
        """What the screen and the report must say about this data, since the gain depends on it."""
        return (self._pv_note(), self._slots_note(), self._start_note(), self._homes_note())

    def _pv_note(self) -> str:
        with_pv = _list([home.name for home in self.homes if home.has_pv])
        without = _list([home.name for home in self.homes if not home.has_pv])
        if self.pv_left_out:
            return f"All these homes have PV; to get a mix, {without} are shown without theirs (load only)."
        return f"PV: {with_pv}; without: {without}."

    def _slots_note(self) -> str:
        parts = {1800: "Half-hourly data: each half hour makes two", 3600: "Hourly data: each hour makes four"}
        if self.interval_s == SLOT_S:
            return "The data comes in 15-minute slots."
        return f"{parts[self.interval_s]} equal 15-minute slots, so nothing changes faster than that."

    def _start_note(self) -> str:
        if self.pv_left_out:
            return "The run starts on a clear August morning, when there is sun to share."
        if not self.history_slots:
            return "The run starts with the file's first slot, without history."
        return "The run starts a day into the file; what lies before is history."

    def _homes_note(self) -> str:
        flagged = [f"{home.name} is {home.source}: {home.quality}" for home in self.homes if home.quality != "ok"]
        flags = f" ({'; '.join(flagged)})" if flagged else ""
        return f"Homes: {len(self.homes)} of {self.origin}{flags}. What trading gains depends on this mix."


def load_packaged() -> Dataset:
    """The data of this package: ten homes of Fontana, California, 15 days of history."""
    folder = importlib.resources.files("volthood_tools.demo") / "data"
    with importlib.resources.as_file(folder / "slots.csv") as path:
        series = read_series(path)
    with (folder / "homes.csv").open(encoding="utf-8") as file:
        about = {row["home"]: row for row in csv.DictReader(file)}
    return Dataset(
        homes=tuple(_packaged_home(home, about[home.name]) for home in _homes(series)),
        first_slot=next(iter(series.homes.values()))[0].utc_s,
        start=PACKAGED_START,
        interval_s=series.interval_s,
        currency="USD",
        timezone="America/Los_Angeles",
        origin="the Sierra Crest homes in Fontana, California, August 2016 (CityLearn, MIT licence)",
        pv_left_out=True,
        tariff_note="Retail price: the data's time-of-use tariff; feed-in 0.08 USD per kWh is an assumption.",
    )


def load_file(path: Path, currency: str = "USD", timezone: str = "UTC") -> Dataset:
    """A household's own CSV file (`series_csv`).

    It starts a day after its first slot when it has two days, else at its first slot. Raises: `LocalError` with line,
    column and reason.
    """
    series = read_series(path)
    rows = next(iter(series.homes.values()))
    count = len(rows) * series.interval_s // SLOT_S
    if count < MIN_SLOTS:
        raise LocalError(f"{path}, line {rows[-1].line}, column utc: {count} slots; at least {MIN_SLOTS} are needed")
    first_slot = rows[0].utc_s
    return Dataset(
        homes=_homes(series),
        first_slot=first_slot,
        start=first_slot + DAY_S if count * SLOT_S >= 2 * DAY_S else first_slot,
        interval_s=series.interval_s,
        currency=currency,
        timezone=timezone,
        origin=f"the file {path.name}",
        pv_left_out=False,
        tariff_note=_tariff_note(rows[0], currency),
    )


def with_homes(data: Dataset, count: int) -> Dataset:
    """The first `count` homes. Raises: `LocalError`."""
    most = len(data.homes)
    if not MIN_HOMES <= count <= most:
        raise LocalError(f"{count} homes; {MIN_HOMES} to {most} are possible with this data")
    return replace(data, homes=data.homes[:count])


def with_tariff(data: Dataset, retail: str | None = None, feed_in: str | None = None) -> Dataset:
    """The same data with flat prices, decimals in currency per kWh, in place of its own.

    Raises: `LocalError` for what is not a price.
    """
    notes = [] if retail is not None and feed_in is not None else [data.tariff_note]
    if retail is not None:
        flat = _flat_price("--retail", retail, len(data.homes[0].load_wh))
        data = replace(data, homes=tuple(replace(home, retail_mct_per_kwh=flat) for home in data.homes))
        notes.append(f"The retail price is set to {retail} {data.currency} per kWh for every slot.")
    if feed_in is not None:
        flat = _flat_price("--feed-in", feed_in, len(data.homes[0].load_wh))
        data = replace(data, homes=tuple(replace(home, feed_in_mct_per_kwh=flat) for home in data.homes))
        notes.append(f"The feed-in price is set to {feed_in} {data.currency} per kWh for every slot.")
    return replace(data, tariff_note=" ".join(notes))


def _homes(series: Series) -> tuple[Home, ...]:
    return tuple(_home(name, rows, series.interval_s // SLOT_S) for name, rows in series.homes.items())


def _home(name: str, rows: tuple[Row, ...], parts: int) -> Home:
    return Home(
        name=name,
        source=name,
        has_pv=any(row.pv_wh for row in rows),
        quality="ok",
        load_wh=tuple(wh for row in rows for wh in spread(row.load_wh, parts)),
        pv_wh=tuple(wh for row in rows for wh in spread(row.pv_wh, parts)),
        retail_mct_per_kwh=tuple(_or(row.retail_mct_per_kwh, RETAIL_MCT_PER_KWH) for row in rows for _ in range(parts)),
        feed_in_mct_per_kwh=tuple(
            _or(row.feed_in_mct_per_kwh, FEED_IN_MCT_PER_KWH) for row in rows for _ in range(parts)
        ),
    )


def _packaged_home(home: Home, about: dict[str, str]) -> Home:
    home = replace(home, source=about["source"], quality=about["quality"])
    if about["pv_used"] == "yes":
        return home
    return replace(home, has_pv=False, pv_wh=(0,) * len(home.pv_wh))


def _or(value: int | None, default: int) -> int:
    return default if value is None else value


def _tariff_note(row: Row, currency: str) -> str:
    assumed = f"Retail price: 0.22 {currency} per kWh, an assumption"
    retail = assumed if row.retail_mct_per_kwh is None else "Retail price: the file's"
    if row.feed_in_mct_per_kwh is None:
        return f"{retail}; feed-in 0.08 {currency} per kWh is an assumption."
    return f"{retail}; feed-in: the file's."


def _flat_price(option: str, text: str, slots: int) -> tuple[int, ...]:
    try:
        return (price_mct_per_kwh(text),) * slots
    except ValueError as error:
        raise LocalError(f"{option}: {error}") from error


def _list(names: list[str]) -> str:
    return ", ".join(names) if names else "no home"
