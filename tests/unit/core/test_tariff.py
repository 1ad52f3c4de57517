"""A step series: what holds when, what it costs, and what is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from volthood.core.tariff import Price, Tariff, TariffEntry
from volthood.errors import LocalError

DAY, EVENING, NIGHT = Price(22_000, 8_000), Price(54_000, 8_000), Price(-1_500, -3_000)
TARIFF = Tariff([(0, DAY), (3600, EVENING), (7200, NIGHT)])


@pytest.mark.parametrize(
    ("slot", "price"),
    [(0, DAY), (2700, DAY), (3599, DAY), (3600, EVENING), (7199, EVENING), (7200, NIGHT), (10**9, NIGHT)],
)
def test_a_step_holds_from_its_instant_until_the_next(slot: int, price: Price) -> None:
    assert TARIFF.at(slot) == price


@pytest.mark.parametrize(
    ("import_wh", "export_wh", "slot", "cost_uct"),
    [
        (5200, 0, 0, 5200 * 22_000),
        (0, 1000, 0, -8_000_000),
        (100, 40, 3600, 100 * 54_000 - 40 * 8_000),
        (1000, 0, 7200, -1_500_000),
        (0, 1000, 7200, 3_000_000),
        (0, 0, 0, 0),
    ],
)
def test_cost_in_microcents(import_wh: int, export_wh: int, slot: int, cost_uct: int) -> None:
    assert TARIFF.cost_uct(import_wh, export_wh, slot) == cost_uct


def test_a_slot_before_the_first_step_has_no_price() -> None:
    with pytest.raises(LocalError, match="it starts at 900"):
        Tariff([(900, DAY)]).at(0)


@pytest.mark.parametrize(
    ("steps", "reason"),
    [
        ([], "no price"),
        ([(10, DAY), (10, DAY)], "does not come after"),
        ([(10, DAY), (9, DAY)], "does not come after"),
        ([(0, Price(10**8 + 1, 0))], "beyond"),
        ([(0, Price(0, -(10**8) - 1))], "beyond"),
    ],
)
def test_what_is_no_tariff_is_refused(steps: list[tuple[int, Price]], reason: str) -> None:
    with pytest.raises(LocalError, match=reason):
        Tariff(steps)


def test_the_entry_an_order_stands_on() -> None:
    assert TARIFF.entry(3600, 2700) == TariffEntry(3600, EVENING, 2700)


@given(
    st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 10**6)), max_size=20),
    st.integers(-(10**8), 10**8),
    st.integers(-(10**8), 10**8),
)
def test_cost_is_additive_in_energy(energies: list[tuple[int, int]], imported: int, exported: int) -> None:
    price = Price(imported, exported)
    whole = price.cost_uct(sum(i for i, _ in energies), sum(e for _, e in energies))
    assert whole == sum(price.cost_uct(*energy) for energy in energies)
