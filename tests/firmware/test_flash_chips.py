"""The node's storage on flash chips in memory: LittleFS and the raw partition, with power cuts at their operations."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

CONTRACT = Path(__file__).with_name("check_ring.py")
POWER_CUTS = Path(__file__).with_name("check_power_cuts.py")
RESET_CUTS = Path(__file__).with_name("check_reset_cuts.py")
HEAP = "96m"
"""The chips are in it."""
DAY_MINUTES = 1440
SHARDS = 12


def numbers(text: str) -> dict[str, int]:
    """`word number` pairs of a script's summary."""
    return {word: int(number) for word, number in re.findall(r"(\w+) (\d+)", text)}


@pytest.mark.parametrize("kind", ["folder", "folder+raw", "folder+file"])
def test_any_ring_keeps_the_contract_on_cpython(kind: str, run_on_cpython: Callable[..., str], tmp_path: Path) -> None:
    assert "check_capacity 2" in run_on_cpython(CONTRACT, kind, tmp_path / "flash")


@pytest.mark.parametrize("kind", ["folder", "folder+file", "lfs2", "lfs2+raw"])
def test_any_ring_keeps_the_contract_on_micropython(
    kind: str, run_on_micropython: Callable[..., str], tmp_path: Path
) -> None:
    folder = tmp_path / "flash" if kind.startswith("folder") else "/flash"
    assert "check_capacity 2" in run_on_micropython(CONTRACT, kind, folder, heap=HEAP)


@pytest.mark.parametrize(("kind", "every"), [("lfs2", 499), ("lfs2+raw", 97)])
def test_power_cuts_in_a_day_lose_nothing(kind: str, every: int, run_on_micropython: Callable[..., str]) -> None:
    found = numbers(run_on_micropython(POWER_CUTS, kind, DAY_MINUTES, every, every // 2, heap=HEAP))
    assert found["states"] > 120
    assert (found["records"], found["lost"], found["unreadable"]) == (DAY_MINUTES, 0, 0)


def test_power_cuts_are_survived_by_the_raw_ring_on_cpython(run_on_cpython: Callable[..., str], tmp_path: Path) -> None:
    found = numbers(run_on_cpython(POWER_CUTS, "folder+raw", 480, 41, 1, tmp_path / "flash"))
    assert (found["lost"], found["unreadable"]) == (0, 0)


@pytest.mark.parametrize("kind", ["lfs2", "lfs2+raw"])
def test_a_factory_reset_that_is_cut_short_is_ended_at_the_next_start(
    kind: str, run_on_micropython: Callable[..., str]
) -> None:
    found = numbers(run_on_micropython(RESET_CUTS, kind, heap=HEAP))
    assert found["states"] > 100
    assert (found["failed"], found["left"]) == (0, 0)


def test_the_sweep_notices_a_flash_that_writes_in_place(
    micropython: Path, run_on_micropython: Callable[..., str]
) -> None:
    with pytest.raises(pytest.fail.Exception, match="unreadable"):
        run_on_micropython(POWER_CUTS, "careless", 30, 1, 0, heap=HEAP)


@pytest.mark.long
@pytest.mark.parametrize("shard", range(SHARDS))
@pytest.mark.parametrize("kind", ["lfs2", "lfs2+raw"])
def test_every_single_operation_of_a_day_may_be_the_last(
    kind: str, shard: int, run_on_micropython: Callable[..., str]
) -> None:
    found = numbers(run_on_micropython(POWER_CUTS, kind, DAY_MINUTES, SHARDS, shard, heap=HEAP))
    assert found["states"] >= found["operations"] // SHARDS * 2
    assert (found["records"], found["lost"], found["unreadable"]) == (DAY_MINUTES, 0, 0)
