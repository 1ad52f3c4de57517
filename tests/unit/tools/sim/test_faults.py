"""A plan of faults: what may be said, in a file or by options, and what is refused by name."""

from pathlib import Path

import pytest

from volthood.errors import LocalError
from volthood_tools.sim.faults import EVERYTHING, FaultPlan, load_faults, plan_of


def test_a_network_in_good_order_changes_nothing() -> None:
    assert FaultPlan().changed == {}
    assert FaultPlan(loss=0.1, lie="censor").changed == {"loss": 0.1, "lie": "censor"}


def test_all_faults_are_many() -> None:
    assert len(EVERYTHING.changed) >= 14


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("loss", 1.1),
        ("vanish", -0.1),
        ("bad_bundlers", 4),
        ("crash_s", -1),
        ("skew_ms", 60_001),
        ("delay_low_ms", 200),
        ("lie", "shout"),
    ],
)
def test_what_is_out_of_range_is_named(name: str, value: object) -> None:
    with pytest.raises(LocalError, match=name):
        plan_of(FaultPlan(), {name: value})


def test_options_win_over_the_file(tmp_path: Path) -> None:
    path = tmp_path / "faults.toml"
    path.write_text('loss = 0.2\nbad_bundlers = 1\nlie = "censor"\nvanish = 0\n')
    plan = plan_of(EVERYTHING, load_faults(path), {"loss": 0.3})
    assert (plan.loss, plan.bad_bundlers, plan.lie, plan.vanish) == (0.3, 1, "censor", 0)
    assert plan.crash == EVERYTHING.crash


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("los = 0.1", "no fault 'los'"),
        ('loss = "much"', "loss"),
        ("loss = true", "loss"),
        ("bad_bundlers = 0.5", "bad_bundlers"),
        ("lie = 3", "lie"),
        ("loss 0.1", "not TOML"),
    ],
)
def test_a_file_that_is_wrong_is_named(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "faults.toml"
    path.write_text(text)
    with pytest.raises(LocalError, match=rf"faults\.toml.*{said}"):
        load_faults(path)


def test_a_file_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(LocalError, match=r"none\.toml"):
        load_faults(tmp_path / "none.toml")
