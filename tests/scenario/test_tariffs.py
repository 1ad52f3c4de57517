"""No regret whatever the tariffs: different ones, negative ones, one price a slot, right forecasts and wrong ones."""

from random import Random

import pytest

from volthood.core.tariff import Price, Tariff
from volthood.testing.neighbourhood import FEED_IN, RETAIL, START, Home, Neighbourhood

SLOTS = range(START, START + 4 * 900, 900)
END_S = SLOTS.stop + 1600
NETS_WH = (500, -800, 250, -120, 300, -400)


def lived(tariffs: list[Tariff], price_rule: str, factor: float = 1.0) -> Neighbourhood:
    """Homes with these tariffs; `factor` is what their history says of what comes."""
    homes = [Home(f"h{number}", wh, seen_wh=int(factor * wh)) for number, wh in enumerate(NETS_WH)]
    hood = Neighbourhood(homes, price_rule)
    for house, tariff in zip(hood.houses.values(), tariffs, strict=True):
        house.tariff = tariff
        house.restart(hood.hood, hood.roster, hood.now_s)
    hood.run_until(END_S)
    return hood


def savings_uct(hood: Neighbourhood) -> list[int]:
    bills = [bill for books in hood.books(START, SLOTS.stop) for bill in books.bills]
    assert len(bills) == len(NETS_WH) * len(SLOTS)
    return [bill.saving_uct for bill in bills]


def drawn(seed: int) -> list[Tariff]:
    """A price for every slot and home: from -0.10 to 0.60 a kWh, import and export in any relation."""
    draw = Random(seed)
    return [
        Tariff([(slot, Price(draw.randint(-10_000, 60_000), draw.randint(-10_000, 30_000))) for slot in (0, *SLOTS)])
        for _ in NETS_WH
    ]


@pytest.mark.parametrize("price_rule", ["mid-market", "auction"])
@pytest.mark.parametrize("factor", [1.0, 2.0, 0.4])
@pytest.mark.parametrize("seed", range(2))
def test_nobody_ever_pays_more_than_its_tariff(seed: int, factor: float, price_rule: str) -> None:
    hood = lived(drawn(seed), price_rule, factor)
    assert hood.broken_laws() == {}
    assert min(savings_uct(hood)) >= 0


def test_drawn_tariffs_trade_too() -> None:
    assert sum(sum(savings_uct(lived(drawn(seed), "mid-market"))) for seed in range(2)) > 0


@pytest.mark.parametrize("price_rule", ["mid-market", "auction"])
def test_different_tariffs_share_one_market(price_rule: str) -> None:
    """Two tariffs that lie inside each other: the seller with the lower feed-in price gains more of the same price."""
    wide, narrow = Price(RETAIL + 3_000, FEED_IN - 3_000), Price(RETAIL - 3_000, FEED_IN + 3_000)
    hood = lived([Tariff([(0, wide if number % 4 < 2 else narrow)]) for number in range(6)], price_rule)
    assert hood.broken_laws() == {}
    savings = {books.house: [bill.saving_uct for bill in books.bills] for books in hood.books(START, SLOTS.stop)}
    assert min(min(each) for each in savings.values()) >= 0
    assert sum(sum(each) for each in savings.values()) > 0


def test_who_is_paid_for_what_it_takes_buys_from_nobody() -> None:
    """Import below the collar's floor: the utility pays more than any neighbour may, so the home stays with it."""
    negative = Tariff([(0, Price(-5_000, -8_000))])
    usual = Tariff([(0, Price(RETAIL, FEED_IN))])
    hood = lived([negative, *[usual] * 5], "mid-market")
    assert hood.broken_laws() == {}
    assert hood.houses["h0"].trades.deals(START) == []
    assert min(savings_uct(hood)) >= 0
