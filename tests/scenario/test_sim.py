"""Whole small runs: the same seed gives the same bytes, every fault happens, and the laws hold through all of them."""

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from volthood_tools.sim import session
from volthood_tools.sim.cli import main
from volthood_tools.sim.curves import Curve
from volthood_tools.sim.faults import EVERYTHING, FaultPlan
from volthood_tools.sim.homes import Homes
from volthood_tools.sim.page import simulation_page
from volthood_tools.sim.run import Settings, SimResult, simulate
from volthood_tools.sim.watch import Breach

HOMES = Homes(homes=4)
SETTINGS = Settings(slots=2, seed=5)


def run(**changed: Any) -> SimResult:
    settings = replace(SETTINGS, **changed)
    return simulate(HOMES.datasets(settings.slots, settings.seed), settings)


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others() -> None:
    first, again, other = run(faults=EVERYTHING), run(faults=EVERYTHING), run(faults=EVERYTHING, seed=6)
    assert first.hoods == again.hoods
    assert first.digest != other.digest


def test_in_good_order_nearly_all_welfare_is_reached() -> None:
    result = run()
    assert result.breaches == []
    assert result.welfare > 0.95
    assert set(result.hoods[0].counts) == {"delivered", "published_bundle", "published_in", "published_order"}
    assert result.hoods[0].refused == {}


@pytest.mark.parametrize(
    ("faults", "sign"),
    [
        (FaultPlan(loss=0.2), "lost"),
        (FaultPlan(loss=0.4), "published_ask"),
        (FaultPlan(vanish=0.3), "died"),
        (FaultPlan(crash=0.8), "died"),
        (FaultPlan(broker_restart=1), "broker_restarted"),
        (FaultPlan(partition=1), "partitioned"),
        (FaultPlan(bad_bundlers=1, lie="equivocate"), "published_evidence"),
        (FaultPlan(two_orders=0.5), "published_evidence"),
        (FaultPlan(forged=30), "forged"),
    ],
)
def test_each_fault_happens_and_breaks_no_law(faults: FaultPlan, sign: str) -> None:
    result = run(faults=faults)
    assert result.breaches == []
    assert result.hoods[0].counts[sign] > 0


@pytest.mark.parametrize("faults", [FaultPlan(greedy=0.5), FaultPlan(overorder=0.5), FaultPlan(skew_ms=1900)])
def test_greed_and_wrong_clocks_break_no_law(faults: FaultPlan) -> None:
    result = run(faults=faults)
    assert result.breaches == []
    assert result.hoods[0].liars or faults.skew_ms


@pytest.mark.parametrize(("rule", "least"), [("auction", 0.95), ("mid-market", 0.9)])
def test_streets_with_fees_are_traded_over(rule: str, least: float) -> None:
    result = run(price_rule=rule, grid="tree")
    assert result.breaches == []
    assert least < result.welfare <= 1


def test_forgeries_are_refused_by_name() -> None:
    refused = run(faults=FaultPlan(forged=60)).hoods[0].refused
    assert {"stranger", "wrong_house"} <= set(refused)


def test_hoods_live_side_by_side() -> None:
    result = simulate(Homes(homes=3, hoods=2).datasets(1, 1), Settings(slots=1))
    assert len({hood.digest for hood in result.hoods}) == 2
    assert all(hood.homes == 3 for hood in result.hoods)


def call(*words: str) -> Any:
    return CliRunner().invoke(main, ["--homes", "3", "--slots", "1", *words])


def test_the_command_prints_a_table_and_the_digest() -> None:
    done = call("--seed", "2")
    assert done.exit_code == 0, done.output
    assert "all hold" in done.output


def test_json_repeats_by_its_own_command() -> None:
    first = json.loads(
        call("--json", "--loss", "0.1", "--bad-bundlers", "1", "--lie", "censor", "--mixed-tariffs").stdout
    )
    (told,) = first["runs"]
    words = told["command"].split()[1:]
    (again,) = json.loads(CliRunner().invoke(main, [*words, "--json"]).stdout)["runs"]
    assert told["hoods"] == again["hoods"]
    assert told["settings"]["faults"]["lie"] == "censor"


def test_several_runs_take_the_next_seeds(tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    done = call("--runs", "2", "--json", "--html", str(page))
    assert [each["settings"]["seed"] for each in json.loads(done.stdout)["runs"]] == [1, 2]
    assert page.read_text().count("<section") == 2


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--loss", "2"), "loss"),
        (("--data", "nowhere.csv"), "nowhere.csv"),
        (("--faults", "nowhere.toml"), "nowhere.toml"),
        (("--homes", "1"), "homes"),
        (("--lie", "shout"), "lie"),
        (("--data", "packaged", "--slots", "9999"), "slots"),
    ],
)
def test_what_cannot_be_run_is_said(words: tuple[str, ...], said: str) -> None:
    done = call(*words)
    assert done.exit_code != 0
    assert said in done.output
    assert "Traceback" not in done.output


def broken_result() -> SimResult:
    result = run()
    breach = Breach("no_regret", 900, "home0001 slot 900: 5 µct above its tariff")
    return replace(result, hoods=(replace(result.hoods[0], breaches=(breach,)),))


def test_a_broken_law_is_told_with_the_command_that_repeats_it(capsys: pytest.CaptureFixture[str]) -> None:
    from rich.console import Console

    broken = broken_result()
    session._tell(Console(width=300), broken, session.command_of(HOMES, SETTINGS))
    told = capsys.readouterr().out
    assert "BROKEN no_regret" in told
    assert "repeat with: volthood-sim --homes 4 --hoods 1 --slots 2 --seed 5" in told


def test_the_page_holds_runs_curves_and_broken_laws() -> None:
    curve = Curve("Welfare lost over <loss>", ("0 %", "10 %"), {"one": (0.5, 1.5), "two": (0.1, 0.2)})
    page = simulation_page([broken_result()], ["volthood-sim --seed 5"], [curve])
    for part in (
        "Laws that do not hold",
        "no_regret",
        "Welfare lost over &lt;loss&gt;",
        "<svg",
    ):
        assert part in page
    assert "volthood-sim --seed 5" in re.sub("<[^>]*>", "", page)
    assert "http" not in page.replace("http-equiv", "")
