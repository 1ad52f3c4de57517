"""Finer energy registers are believed only if they say what the coarse ones say, and then always."""

import pytest

from voltnode.bus.fine import FineCounters
from voltnode.meters.decode import BadValueError

COARSE = {"energy_import": 1_234_500, "energy_export": 100}
FINE = {"energy_import_fine": 1_234_567, "energy_export_fine": 121}


def test_they_take_the_place_of_the_coarse_ones() -> None:
    values = COARSE | FINE
    assert FineCounters().refine(values, 100, 1) == 1
    assert (values["energy_import"], values["energy_export"]) == (1_234_567, 121)


@pytest.mark.parametrize("other", [{}, {"energy_import_fine": 1_234_567}, FINE | {"energy_export_fine": 70_000}])
def test_a_meter_that_has_others_there_is_read_as_before_for_good(other: dict[str, int]) -> None:
    counters, values = FineCounters(), COARSE | other
    assert counters.refine(values, 100, 1) == 100
    assert values == COARSE | other
    assert counters.refine(COARSE | FINE, 100, 1) == 100


@pytest.mark.parametrize("other", [{}, FINE | {"energy_import_fine": 0}])
def test_once_used_a_reading_without_them_is_an_error(other: dict[str, int]) -> None:
    counters = FineCounters()
    counters.refine(COARSE | FINE, 100, 1)
    with pytest.raises(BadValueError):
        counters.refine(COARSE | other, 100, 1)
    assert counters.refine(COARSE | FINE, 100, 1) == 1


def test_a_demonstration_counts_between_two_requests() -> None:
    counters = FineCounters()
    values = COARSE | FINE | {"energy_import_fine": 1_240_000}
    assert counters.refine(dict(values), 100, 1) == 100
    assert FineCounters().refine(dict(values), 100, 240) == 1
