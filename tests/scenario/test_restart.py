"""A restart changes nothing in what an agent knows: not the forecast that it makes from its own meter alone."""

import random

import pytest

from volthood.ports.stores import SlotNote
from volthood.testing.neighbourhood import START, Home, Neighbourhood

DAY_S = 86_400


def weather(days: int) -> tuple[int, ...]:
    """Wh a slot of a home with PV, no day like another."""
    draw = random.Random("weather")
    series = []
    for _ in range(days):
        sun = draw.random()
        for number in range(96):
            height = max(0, 30 - abs(number - 48))
            series.append(draw.randint(50, 150) - round(20 * height * sun * draw.uniform(0.7, 1)))
    return tuple(series)


def notes(hood: Neighbourhood, name: str, since_s: int) -> list[SlotNote]:
    trades = hood.houses[name].trades
    return [note for slot in range(since_s, since_s + 8 * 900, 900) for note in trades.slot_notes(slot)]


@pytest.mark.parametrize("days", [7, pytest.param(40, marks=pytest.mark.long)])
def test_two_like_homes_order_alike_though_one_of_them_restarts(days: int) -> None:
    """Neither has imported history. What one meter record's delay may change, the other's does as well."""
    series = weather(days + 1)
    hood = Neighbourhood([Home("h0", series), Home("h1", series)], history_days=0)
    stop_s = START + days * DAY_S + 11 * 3600
    for at_s in (START + 2 * DAY_S + 12_345, START + (days - 1) * DAY_S + 5_000, stop_s):
        hood.run_until(at_s)
        hood.kill("h1")
        hood.revive("h1")
    hood.run_until(stop_s + 2 * 3600)
    restarted, other = notes(hood, "h1", stop_s), notes(hood, "h0", stop_s)
    assert len(restarted) >= 8
    assert {note.forecast_method for note in restarted} == {"like_days", "metered"}
    assert any(note.order_wh for note in restarted)
    assert restarted == other
