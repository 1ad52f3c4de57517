"""What the broker benchmark makes of what its workers saw, and the rounds it sets up."""

import math
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from volthood.testing.household import START
from volthood.wire.roster import Roster
from volthood_tools.bench.broker import Run, figures, p99
from volthood_tools.bench.broker_setup import Setup

PUBLISHED = {"order": 6, "bundle": 6, "in": 16}


def setup(folder: Path, **values: int) -> Setup:
    fields = {"port": 1, "agents": 2, "workers": 2, "rounds": 3, "interval_s": 5, "seed": 1}
    return Setup(str(folder), **(fields | values))


def worker(*signed_ms: list[int], **values: object) -> dict[str, Any]:
    """A worker that saw these contracts in each round."""
    rounds = {
        str(number): {
            "signed_ms": times,
            "signed_wh": 100 * len(times),
            "cleared_ms": 50,
            "traded_wh": 200,
            "orders": 2,
            "closed": 1,
        }
        for number, times in enumerate(signed_ms)
    }
    return {"rounds": rounds, "refused": [], "cpu_s": 0.1, "peak_kib": 1000, "proportional_kib": 900} | values


def measured(folder: Path, *workers: dict[str, Any]) -> dict[str, tuple[float, tuple[float, ...]]]:
    done = Run(setup(folder), list(workers), Counter(PUBLISHED), 1000, 0.5, 1.5)
    return {figure.name: (figure.figure, figure.raw) for figure in figures(done)}


def test_latency_is_that_of_the_last_contract_after_the_first_round(tmp_path: Path) -> None:
    found = measured(tmp_path, worker([900], [100, 200], [150]), worker([100], [50], [300]))
    assert found["first_round_2"] == (0.9, (0.9,))
    assert found["gate_to_contract_2"] == (0.3, (0.2, 0.3))
    assert found["gate_to_book_2"] == (0.05, (0.05, 0.05))


def test_a_round_without_contracts_is_no_fast_round(tmp_path: Path) -> None:
    found = measured(tmp_path, worker([900], [], [150]), worker([100], [], [300]))
    assert math.isinf(found["gate_to_contract_2"][0])
    assert found["signed_share_2"][0] == pytest.approx(100 * 400 / 600)


def test_contracts_stand_apart_from_other_messages(tmp_path: Path) -> None:
    found = measured(tmp_path, worker([9], [9], [9]), worker([], [], [9]))
    share, counts = found["messages_share_2"]
    assert share == pytest.approx(12 / 6 / 2.5)
    assert list(counts) == [6, 6, 0, 0, 0]
    assert found["inbox_per_contract_2"][0] == 4.0


@pytest.mark.parametrize(("count", "rank"), [(1, 1), (2, 2), (99, 99), (100, 99), (101, 100), (200, 198)])
def test_p99_is_the_nearest_rank(count: int, rank: int) -> None:
    assert p99([float(value) for value in range(count, 0, -1)]) == rank


def test_every_round_trades_another_slot_at_its_own_gate(tmp_path: Path) -> None:
    made = setup(tmp_path, agents=4, rounds=20)
    roster = made.write_roster()
    hood = made.hood(roster)
    assert made.read_roster().digest == roster.digest
    assert [hood.gate_s(made.slot(number), number) for number in range(20)] == list(range(START, START + 100, 5))
    assert len({made.slot(number) for number in range(20)}) == 20
    rounds = list(hood.rounds_between(START - 50, START + 95))
    assert sorted(rounds) == sorted((made.slot(number), number) for number in range(20))


def test_half_the_homes_sell(tmp_path: Path) -> None:
    made = setup(tmp_path, agents=10)
    sells = [made.home(name).at(START) < 0 for name in made.names]
    assert sum(sells) == 5
    assert isinstance(made.write_roster(), Roster)


def test_a_setup_is_read_as_it_was_written(tmp_path: Path) -> None:
    made = setup(tmp_path)
    assert Setup.load(made.save()) == made
