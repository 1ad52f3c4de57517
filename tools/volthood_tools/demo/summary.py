"""What a finished run came to, in lines for a person and as one JSON object."""

from dataclasses import asdict
from zoneinfo import ZoneInfo

from volthood.cli.text import local, money
from volthood.core.deals import Status
from volthood.errors import LocalError
from volthood_tools.demo.report import write_report
from volthood_tools.demo.result import HomeResult
from volthood_tools.demo.run import Finished
from volthood_tools.demo.screen import columns
from volthood_tools.demo.transactions import DELIVERED, Transaction, to_json, transactions

LAW_WORDS = {
    "no_regret": "no home paid more than its tariff would have cost, in any slot",
    "two_signatures": "no contract counts without both signatures",
    "both_sides_agree": "both sides keep the same settlement of each contract",
    "money_sums_to_zero": "what buyers paid is what sellers and the grid account received",
    "no_wh_allocated_twice": "no metered Wh was allocated twice",
    "all_records_verified": "every record's signature and link verifies again",
}


def laws_hold(run: Finished) -> bool:
    """Whether every law holds."""
    return all(verdict.holds for verdict in run.result.laws.values())


def write_files(run: Finished) -> None:
    """Write `transactions.json` and `report.html`. Raises `LocalError` where the folder cannot be written."""
    try:
        run.folder.transactions.write_text(to_json(transactions(run.result)), encoding="utf-8")
        write_report(run.folder.report, run.result)
    except OSError as error:
        raise LocalError(f"{run.folder.path}: {error.strerror}") from error


def summary_lines(run: Finished) -> list[str]:
    """The summary for a person."""
    rows = transactions(run.result)
    return [*_traded(run, rows), "", *_homes(run), "", *_laws(run), "", *_files(run)]


def _traded(run: Finished, rows: list[Transaction]) -> list[str]:
    delivered = [row for row in rows if row.status in DELIVERED]
    waiting = sum(row.status is Status.CONTRACTED for row in rows)
    others = len(rows) - len(delivered) - waiting
    energy_wh = sum(row.energy_wh for row in delivered)
    first = run.figures.first_settled_s
    when = "" if first is None else f" The first trade was settled {first:.0f} s after the start."
    rest = f" {others} more contracts delivered nothing." if others else ""
    rest += f" {waiting} more contracts are not settled yet." if waiting else ""
    refused = "".join(f" {count} messages refused: {reason}." for reason, count in sorted(run.result.refused.items()))
    return [
        f"{len(delivered)} trades between neighbours, {energy_wh / 1000:.3f} kWh.{rest}{when}{refused}",
        _grid(run),
        *_in_flight(run),
        f"The run took {run.result.wall_s:.0f} s.",
    ]


def _grid(run: Finished) -> str:
    paid = f"{money(run.result.grid_uct)} {run.result.currency}"
    fees = any(node.fee_mct_per_kwh for node in run.result.grid.nodes)
    return f"The hood's grid account received {paid}{'' if fees else '; this grid has no fees'}."


def _in_flight(run: Finished) -> list[str]:
    """A settlement that one side has and the other not yet: it counts when it has arrived, in hours if need be."""
    count = run.result.in_flight
    if not count:
        return []
    one = "1 settlement was" if count == 1 else f"{count} settlements were"
    return [f"{one} still on the way from one side to the other when the run ended; money is judged on arrival."]


def _homes(run: Finished) -> list[str]:
    currency = run.result.currency
    head = ["home", "imported Wh", "exported Wh", "bought Wh", "sold Wh", f"paid {currency}", "utility alone", "saved"]
    rows = [head]
    for home in run.result.homes:
        sums = home_sums(home)
        energies = [str(sums[name]) for name in ("import_wh", "export_wh", "bought_wh", "sold_wh")]
        saved_uct = home.utility_alone_uct - home.paid_uct
        rows.append([home.house, *energies, money(home.paid_uct), money(home.utility_alone_uct), money(saved_uct)])
    return columns(rows)


def home_sums(home: HomeResult) -> dict[str, int]:
    """A home's metered and traded energies over the run, in Wh."""
    bills = [slot.bill for slot in home.slots if slot.bill is not None]
    lines = [line for bill in bills for line in bill.lines]
    return {
        "slots_metered": len(bills),
        "import_wh": sum(bill.import_wh for bill in bills),
        "export_wh": sum(bill.export_wh for bill in bills),
        "bought_wh": sum(line.energy_wh for line in lines if line.kind == "neighbour_bought"),
        "sold_wh": sum(line.energy_wh for line in lines if line.kind == "neighbour_sold"),
    }


def _laws(run: Finished) -> list[str]:
    lines = []
    for name, verdict in run.result.laws.items():
        words = LAW_WORDS.get(name, name.replace("_", " "))
        lines.append(f"holds   {words}" if verdict.holds else f"BROKEN  {words}: {verdict.case}")
    return lines


def _files(run: Finished) -> list[str]:
    first = local(run.plan.start, ZoneInfo(run.result.timezone))
    return [
        f"Report        {run.folder.report}",
        f"Transactions  {run.folder.transactions}",
        f"Look closer   volthood why {first:%H:%M} --dir {run.folder.path}",
    ]


def json_of(run: Finished) -> dict[str, object]:
    """The summary as plain values: energies in Wh, money in µct, memory in KiB, times in real seconds."""
    delivered = [row for row in transactions(run.result) if row.status in DELIVERED]
    return {
        "transactions": len(delivered),
        "energy_wh": sum(row.energy_wh for row in delivered),
        "households": [
            {
                "home": home.house,
                "node": home.node,
                **home_sums(home),
                "grid_fee_uct": home.grid_uct,
                "paid_uct": home.paid_uct,
                "utility_alone_uct": home.utility_alone_uct,
            }
            for home in run.result.homes
        ],
        "grid_uct": run.result.grid_uct,
        "in_flight": run.result.in_flight,
        "laws": {name: verdict.holds for name, verdict in run.result.laws.items()},
        "broken": {name: verdict.case for name, verdict in run.result.laws.items() if not verdict.holds},
        "currency": run.result.currency,
        "price_rule": run.result.price_rule,
        "slots": len(run.result.slots),
        "refused": run.result.refused,
        "folder": str(run.folder.path),
        "figures": {"wall_s": run.result.wall_s, **asdict(run.figures)},
    }
