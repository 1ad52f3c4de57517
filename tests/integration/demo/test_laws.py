"""The laws hold whatever the neighbourhood: its size, its price rule, its grid, its data. Short in every run, whole in `long`."""

import json
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.integration.demo.conftest import VOLTHOOD

SHORT = ("--slots", "3", "--speed", "240")
LIMIT_S = 300
LAWS = {
    "no_regret",
    "two_signatures",
    "both_sides_agree",
    "money_sums_to_zero",
    "no_wh_allocated_twice",
    "all_records_verified",
}
BY_HAND = (("south", 150, 900), ("shade", 600, 0), ("street", 350, 100))
"""House, load and PV in Wh per half-hour of the hand-made file."""


def run_demo(folder: Path, *options: str) -> dict[str, Any]:
    """A demonstration from its start to a good end: its JSON object."""
    command = [*VOLTHOOD, "demo", "--keep", str(folder / "hood"), "--json", *options]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=LIMIT_S)
    assert done.returncode == 0, done.stderr
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


def check(result: dict[str, Any], homes: int) -> None:
    """The laws it told, and what they come to in its own sums."""
    assert result["laws"].keys() >= LAWS
    assert all(result["laws"].values()), result["broken"]
    households = result["households"]
    assert len(households) == homes
    assert result["transactions"] > 0
    assert all(home["paid_uct"] <= home["utility_alone_uct"] for home in households)
    if not result["in_flight"]:
        bought_wh = sum(home["bought_wh"] for home in households)
        assert bought_wh == sum(home["sold_wh"] for home in households) == result["energy_wh"]


def check_markets(folder: Path, homes: Sequence[str], to: Path) -> None:
    """Every home exports the same market of the first slot that was traded, and it holds."""
    slot = json.loads((folder / "transactions.json").read_text())[0]["timestamp"]
    told = set()
    for home in homes:
        file = to / f"{home}.json"
        export = ["market", "export", slot, "--dir", str(folder), "--home", home, "--gate", "0", "--out", str(file)]
        subprocess.run([*VOLTHOOD, *export], check=True, capture_output=True, text=True, timeout=LIMIT_S)
        verify = ["market", "verify", str(file), "--json"]
        holds = subprocess.run([*VOLTHOOD, *verify], check=True, capture_output=True, text=True, timeout=LIMIT_S)
        told.add(holds.stdout)
    assert len(told) == 1
    assert json.loads(told.pop())["holds"] is True


def hand_made(folder: Path, half_hours: int) -> Path:
    """Three homes on a June morning, half-hourly, with their own prices."""
    rows = ["utc,home,load_wh,pv_wh,retail,feed_in"]
    for number in range(half_hours):
        instant = f"2024-06-{8 + number // 48:02}T{number % 48 // 2:02}:{number % 2 * 30:02}:00Z"
        rows += [f"{instant},{name},{load_wh},{pv_wh},0.30,0.05" for name, load_wh, pv_wh in BY_HAND]
    path = folder / "homes.csv"
    path.write_text("\n".join(rows) + "\n")
    return path


@pytest.mark.parametrize(
    ("homes", "options"),
    [(6, ("--price-rule", "mid-market", "--grid", "one")), (10, ("--price-rule", "auction"))],
    ids=["six homes, mid-market, one node", "ten homes, auction, streets"],
)
def test_the_laws_hold(homes: int, options: Sequence[str], tmp_path: Path) -> None:
    result = run_demo(tmp_path, "--homes", str(homes), *SHORT, *options)
    check(result, homes)
    check_markets(tmp_path / "hood", [household["home"] for household in result["households"]], tmp_path)


def test_the_laws_hold_for_a_hand_made_file(tmp_path: Path) -> None:
    result = run_demo(tmp_path, "--data", str(hand_made(tmp_path, 144)), *SHORT)
    check(result, len(BY_HAND))
    assert {home["home"] for home in result["households"]} == {name for name, _, _ in BY_HAND}


@pytest.mark.long
@pytest.mark.parametrize("price_rule", ["mid-market", "auction"])
@pytest.mark.parametrize("homes", [2, 6, 10])
def test_the_laws_hold_at_full_length(homes: int, price_rule: str, tmp_path: Path) -> None:
    check(run_demo(tmp_path, "--homes", str(homes), "--price-rule", price_rule), homes)


@pytest.mark.long
def test_the_laws_hold_for_a_hand_made_file_at_full_length(tmp_path: Path) -> None:
    check(run_demo(tmp_path, "--data", str(hand_made(tmp_path, 144)), "--price-rule", "auction"), len(BY_HAND))
