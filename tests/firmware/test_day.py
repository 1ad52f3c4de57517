"""The node's tasks over simulated hours on MicroPython: the heap stays flat, and the flash wears as it is said to."""

from pathlib import Path

import pytest

from volthood_tools.bench import node_day

MARGIN_PERCENT = 1


@pytest.fixture(scope="module")
def program(micropython: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The compiled node."""
    folder = tmp_path_factory.mktemp("program")
    node_day.compile_day(folder)
    return folder


def growth_percent(heaps: list[int], periods: int) -> float:
    """Over the last periods; the first fills what is meant to be filled: log, window, records of an absence."""
    return (heaps[-1] / heaps[-1 - periods * node_day.SETTLED_HOURS] - 1) * 100


def test_the_heap_is_flat_over_six_hours_of_rare_readings(program: Path) -> None:
    heaps = node_day.heap_by_hour(program, 60_000, 6)
    assert len(heaps) == 7
    assert growth_percent(heaps, 1) <= MARGIN_PERCENT


@pytest.mark.long
def test_the_heap_is_flat_over_a_day_of_a_reading_a_second(program: Path) -> None:
    assert growth_percent(node_day.heap_by_hour(program), 6) <= MARGIN_PERCENT


def test_a_raw_partition_spares_the_flash(micropython: Path) -> None:
    erases = {name: figure[0] for name, figure in node_day.erases_by_case().items()}
    assert erases["raw_singly"] <= 50
    assert erases["files_singly"] <= 1070
    assert erases["files_by_tens"] <= 300
    assert erases["raw_day"] * 8 < erases["files_day"] <= 1800
