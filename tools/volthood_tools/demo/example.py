"""A run without processes, for whoever works on the report: the real engine on the packaged homes, in virtual time.

    python -m volthood_tools.demo.example FOLDER [homes] [slots] [price rule] [grid]

writes `report.html` and `transactions.json` in a few seconds. Forecasts come from the day before, meters show the day
itself, so that contracts are at times delivered in part. Instants are those of the test neighbourhood, not the data's.
"""

import sys
from dataclasses import replace
from pathlib import Path

from volthood.adapters.crypto import SignatureVerifier
from volthood.core.laws import HomeBooks, check_laws, in_flight
from volthood.engine.books import home_books
from volthood.testing.neighbourhood import FEED_IN, RETAIL, START, Home, Household, Neighbourhood
from volthood_tools.demo import dataset
from volthood_tools.demo.report import write_report
from volthood_tools.demo.result import HomeResult, HomeSlot, RunResult
from volthood_tools.demo.streets import grid_note, make_streets
from volthood_tools.demo.transactions import to_json, transactions

DAY_SLOTS = dataset.DAY_S // dataset.SLOT_S
STEP_S = 100
"""Virtual seconds between ticks; it meets every slot's edge, since a neighbourhood starts 1000 s before one."""
AFTER_S = 1000
"""Virtual seconds after the last slot: its balancing round and its settlements."""
LOCAL_ZONE = "Etc/GMT-9"
"""Where the first slot begins at nine in the morning, as it does in the data."""
NOTE = "An example without processes: the data’s energies, on another calendar and with flat prices."


def example_run(homes: int = 6, slots: int = 16, price_rule: str = "mid-market", grid: str = "tree") -> RunResult:
    """A finished run. Raises: `LocalError` for a number of homes that the data does not have."""
    data = dataset.with_homes(dataset.load_packaged(), homes)
    today = data.index(data.start)
    streets = make_streets(grid, data.homes)
    before = [Home(home.name, _net(home, today - DAY_SLOTS), node=streets.node_of[home.name]) for home in data.homes]
    hood = Neighbourhood(before, price_rule, grid=streets.grid)
    for home in data.homes:
        hood.houses[home.name].home = replace(hood.houses[home.name].home, net_wh=_net(home, today))
    hood.run_until(START + slots * dataset.SLOT_S + AFTER_S, STEP_S)
    notes = (NOTE, *data.notes, grid_note(streets, data))
    return _result(data, hood, range(START, START + slots * dataset.SLOT_S, dataset.SLOT_S), notes)


def _net(home: dataset.Home, first: int) -> tuple[int, ...]:
    """A day from a slot on: Wh per slot, import positive."""
    days = zip(home.load_wh[first : first + DAY_SLOTS], home.pv_wh[first : first + DAY_SLOTS], strict=True)
    return tuple(load_wh - pv_wh for load_wh, pv_wh in days)


def _result(data: dataset.Dataset, hood: Neighbourhood, slots: range, notes: tuple[str, ...]) -> RunResult:
    verifier = SignatureVerifier()
    books = [
        home_books(house.books(hood.hood), hood.roster, verifier, verifier, slots.start, slots.stop)
        for house in hood.houses.values()
    ]
    rounds = {
        (note.slot, note.gate): note
        for house in hood.houses.values()
        for slot in slots
        for note in house.trades.round_notes(slot)
    }
    return RunResult(
        homes=tuple(_home(data.home(book.house), hood.houses[book.house], book, slots) for book in books),
        slots=tuple(slots),
        slot_s=slots.step,
        rounds=tuple(note for _, note in sorted(rounds.items())),
        reference=((FEED_IN, RETAIL),) * len(slots),
        currency=hood.hood.currency,
        timezone=LOCAL_ZONE,
        price_rule=hood.hood.algorithm.partition("/")[0],
        grid=hood.hood.grid,
        speed=120,
        notes=notes,
        laws=check_laws(books),
        in_flight=len(in_flight(books)),
        refused={},
        first_settled_real_s=31.4,
        wall_s=152.0,
    )


def _home(about: dataset.Home, house: Household, books: HomeBooks, slots: range) -> HomeResult:
    bills = {bill.slot: bill for bill in books.bills}
    rows = tuple(
        HomeSlot(
            slot=slot,
            bill=bills.get(slot),
            notes=tuple(house.trades.slot_notes(slot)),
            deals=tuple(deal for deal in books.deals if deal.contract.slot == slot),
            import_mct_per_kwh=RETAIL,
            export_mct_per_kwh=FEED_IN,
        )
        for slot in slots
    )
    return HomeResult(books.house, books.agent, about.has_pv, about.source, house.home.node, rows)


def main(folder: str, homes: str = "6", slots: str = "16", price_rule: str = "mid-market", grid: str = "tree") -> None:
    """Write an example's report and transactions into a folder."""
    result = example_run(int(homes), int(slots), price_rule, grid)
    Path(folder).mkdir(parents=True, exist_ok=True)
    write_report(Path(folder) / "report.html", result)
    (Path(folder) / "transactions.json").write_text(to_json(transactions(result)), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
