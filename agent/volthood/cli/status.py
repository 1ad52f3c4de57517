"""`volthood status`: how a household stands now."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import click

from volthood.cli.options import as_json_option, plain_errors, which_homes
from volthood.cli.text import money, utc
from volthood.engine.clockwatch import DOUBT

if TYPE_CHECKING:
    from volthood.cli.household import Household

FOR_EVER_S = 1 << 40


@dataclass(frozen=True)
class State:
    """A household's state: energies in Wh, money in µct, `metered_at` as ISO 8601, standings of neighbours in permille.

    `sub_meters_w`: what flows through the meters behind the connection, by their index on the node. `clock_doubt`: why the
    agent does not trust its clock, None where it does.
    """

    home: str
    trading: bool
    currency: str
    metered_at: str | None
    power_w: int | None
    slots: int
    contracts_settled: int
    bought_wh: int
    sold_wh: int
    paid_uct: int
    utility_alone_uct: int
    refused: int
    last_refused: str | None
    standings_permille: dict[str, int] = field(default_factory=dict)
    sub_meters_w: dict[int, int] = field(default_factory=dict)
    clock_doubt: str | None = None


@click.command()
@which_homes
@as_json_option
def status(folder: Path, home: str | None, as_json: bool) -> None:
    """Show for each home: trading on or off, the meter, energy traded, money paid and saved, what was refused."""
    from volthood.cli.household import Household, agent_files

    states = []
    with plain_errors():
        for path in agent_files(folder, home):
            with Household.open(path) as household:
                states.append(state_of(household))
    if as_json:
        print(json.dumps([asdict(state) for state in states]))
        return
    for state in states:
        print("\n".join(lines_of(state)))


def state_of(household: "Household") -> State:
    """How a household stands."""
    newest, metered_s = household.newest_record(), household.metered_s()
    bills = household.bills(0, FOR_EVER_S)
    lines = [line for bill in bills for line in bill.lines]
    refused = household.trades.events(0, ("MessageRefused",))
    return State(
        home=household.house,
        trading=household.trading,
        currency=household.hood.currency,
        metered_at=None if metered_s is None else utc(metered_s),
        power_w=None if newest is None else newest.power_w,
        slots=len(bills),
        contracts_settled=sum(deal.settled for deal in household.trades.deals(0)),
        bought_wh=sum(line.energy_wh for line in lines if line.kind == "neighbour_bought"),
        sold_wh=sum(line.energy_wh for line in lines if line.kind == "neighbour_sold"),
        paid_uct=sum(bill.total_uct for bill in bills),
        utility_alone_uct=sum(bill.utility_alone_uct for bill in bills),
        refused=len(refused),
        last_refused=refused[-1].details if refused else None,
        standings_permille=household.standings_permille(),
        clock_doubt=household.trades.setting(DOUBT) or None,
        sub_meters_w={record.index: record.power_w for record in household.sub_meters()},
    )


def lines_of(state: State) -> list[str]:
    """The state in lines for a person."""
    saved_uct = state.utility_alone_uct - state.paid_uct
    traded = f"bought {state.bought_wh} Wh from and sold {state.sold_wh} Wh to neighbours"
    paid = f"paid {money(state.paid_uct)} {state.currency}; the utility alone {money(state.utility_alone_uct)}"
    lines = [
        f"{state.home}: trading {'on' if state.trading else 'off'}; {_meter(state)}",
        f"  {state.slots} slots: {traded} in {state.contracts_settled} settled contracts",
        f"  {paid}; trading saved {money(saved_uct)}",
    ]
    if state.sub_meters_w:
        shown = [f"meter {index} {power_w} W" for index, power_w in sorted(state.sub_meters_w.items())]
        lines.append(f"  behind the connection: {', '.join(shown)}")
    if state.clock_doubt is not None:
        lines.append(f"  sits rounds out: {state.clock_doubt}")
    if state.refused:
        lines.append(f"  {state.refused} messages refused, the last: {state.last_refused}")
    return lines


def _meter(state: State) -> str:
    if state.power_w is None:
        return "the meter has not been read yet"
    way = "importing" if state.power_w >= 0 else "exporting"
    at = "by a node that does not know the time yet" if state.metered_at is None else f"at {state.metered_at}"
    return f"{way} {abs(state.power_w)} W {at}"
