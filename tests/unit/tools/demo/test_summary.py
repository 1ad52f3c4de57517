"""The end of a run in lines and in JSON: what the grid received, and what was still on its way."""

from dataclasses import replace
from pathlib import Path

import pytest

from volthood_tools.demo.example import example_run
from volthood_tools.demo.folder import Folder
from volthood_tools.demo.plan import RunPlan
from volthood_tools.demo.run import Figures, Finished
from volthood_tools.demo.summary import json_of, laws_hold, summary_lines, write_files


@pytest.fixture(scope="module")
def run() -> Finished:
    result = example_run(homes=2, slots=4)
    return Finished(Folder(Path("hood")), RunPlan(result.slots[0], 4, 120, 2), result, Figures())


def test_the_grid_account_received_what_buyers_paid_above_the_sellers_price(run: Finished) -> None:
    deals = [deal for deal in run.result.bought_deals() if deal.settled]
    received_uct = sum(deal.delivered_wh * (deal.contract.buyer_price - deal.contract.seller_price) for deal in deals)
    told = json_of(run)
    assert told["grid_uct"] == run.result.grid_uct == received_uct > 0
    assert sum(home["grid_fee_uct"] for home in told["households"]) == received_uct  # type: ignore[attr-defined]
    assert [home["node"] for home in told["households"]] == ["north", "south"]  # type: ignore[attr-defined]
    assert any(line.startswith("The hood's grid account received 0.0") for line in summary_lines(run))


def test_all_accounts_and_the_grids_sum_to_what_the_utility_takes_and_gives(run: Finished) -> None:
    utility_uct = sum(
        line.amount_uct
        for home in run.result.homes
        for slot in home.slots
        for line in (slot.bill.lines if slot.bill else ())
        if line.kind.startswith("utility")
    )
    assert sum(home.paid_uct for home in run.result.homes) == utility_uct + run.result.grid_uct


def test_a_grid_without_fees_says_so() -> None:
    result = example_run(homes=2, slots=2, grid="one")
    run = Finished(Folder(Path("hood")), RunPlan(result.slots[0], 2, 120, 2), result, Figures())
    assert "The hood's grid account received 0.0000 USD; this grid has no fees." in summary_lines(run)


@pytest.mark.parametrize(("count", "words"), [(0, ""), (1, "1 settlement was still"), (2, "2 settlements were still")])
def test_settlements_on_their_way_are_told(run: Finished, count: int, words: str) -> None:
    lines = summary_lines(replace(run, result=replace(run.result, in_flight=count)))
    assert ("".join(line for line in lines if "on the way" in line)[: len(words)]) == words
    assert any("on the way" in line for line in lines) is bool(count)


def test_laws_hold_and_both_files_are_written(run: Finished, tmp_path: Path) -> None:
    assert laws_hold(run)
    write_files(replace(run, folder=Folder(tmp_path)))
    assert {path.name for path in tmp_path.iterdir()} == {"transactions.json", "report.html"}
