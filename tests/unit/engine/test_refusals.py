"""Refusals: told one by one up to a number a day and peer, counted beyond it, whoever sends them."""

import pytest

from volthood.adapters.store_memory import MemoryTradeStore
from volthood.engine.events import BoardPosted, CalendarTicked, InboxArrived
from volthood.engine.refusals import MAX_A_DAY, REFUSED, Refusals
from volthood.testing.neighbourhood import START, Home, Neighbourhood

DAY_S = 86_400


@pytest.fixture
def hood() -> Neighbourhood:
    hood = Neighbourhood([Home("h0", 500), Home("h1", -800)])
    hood.now_s = START + 100
    return hood


def flood(hood: Neighbourhood, count: int, sender: str = "h1") -> None:
    for _ in range(count):
        hood.handle("h0", InboxArrived(sender, b"rubbish"))


def told(hood: Neighbourhood, *names: str) -> list[str]:
    return [row.details for row in hood.houses["h0"].events(*names)]


def test_as_many_as_there_may_be_are_told_one_by_one(hood: Neighbourhood) -> None:
    flood(hood, MAX_A_DAY)
    assert len(told(hood, REFUSED)) == MAX_A_DAY
    assert told(hood, "RefusalsOnlyCounted", "RefusalsCounted") == []


def test_one_past_is_counted_and_summed_up_when_the_day_is_over(hood: Neighbourhood) -> None:
    flood(hood, MAX_A_DAY + 3)
    assert len(told(hood, REFUSED)) == MAX_A_DAY
    assert told(hood, "RefusalsOnlyCounted") == [f"peer=h1 told={MAX_A_DAY}"]
    hood.now_s += DAY_S
    hood.handle("h0", CalendarTicked())
    assert told(hood, "RefusalsCounted") == ["peer=h1 untold=3"]
    flood(hood, 1)
    assert len(told(hood, REFUSED)) == MAX_A_DAY + 1


def test_a_peer_takes_nothing_of_anothers_share(hood: Neighbourhood) -> None:
    flood(hood, MAX_A_DAY + 1)
    flood(hood, 1, "stranger")
    hood.handle("h0", BoardPosted("h1", START, 7, "order", b""))
    assert [line for line in told(hood, REFUSED) if "source=stranger" in line]
    assert len(told(hood, REFUSED)) == MAX_A_DAY + 1


def test_invented_names_are_one_peer(hood: Neighbourhood) -> None:
    for number in range(MAX_A_DAY + 1):
        flood(hood, 1, f"nobody{number}")
    assert len(told(hood, REFUSED)) == MAX_A_DAY
    assert told(hood, "RefusalsOnlyCounted") == [f"peer=InboxArrived told={MAX_A_DAY}"]


def test_a_restart_gives_no_new_share(hood: Neighbourhood) -> None:
    flood(hood, MAX_A_DAY)
    hood.kill("h0")
    hood.revive("h0")
    flood(hood, 2)
    assert len(told(hood, REFUSED)) == MAX_A_DAY


def test_a_day_without_refusals_has_nothing_to_sum_up() -> None:
    refusals = Refusals(MemoryTradeStore(), ["h1"])
    assert refusals.take_untold(START) == []
    assert refusals.take(START, {"source": "h1"}) == 1
    assert refusals.take_untold(START + DAY_S) == []
    assert refusals.take_untold(START + DAY_S) == []
