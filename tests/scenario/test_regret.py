"""A contract above the tariff: no honest clearing yields one, so trading goes off, and the neighbour is paid all the same."""

from dataclasses import replace

from volthood.core.deals import Deal, Status
from volthood.core.tariff import Price
from volthood.engine.desk import OFF, TRADING
from volthood.testing.neighbourhood import FEED_IN, RETAIL, START, Home, Neighbourhood

SLOT = START + 900
HOMES = [Home("h0", 500), Home("h1", -800)]
PRICE = (FEED_IN + RETAIL) // 2


def trading(hood: Neighbourhood, name: str) -> str | None:
    return hood.houses[name].trades.setting(TRADING)


def settled(hood: Neighbourhood, name: str) -> list[Deal]:
    return [deal for deal in hood.houses[name].deals.of_slot(SLOT) if deal.status is Status.COMPLETED]


def with_another_tariff(home: str, price: Price) -> Neighbourhood:
    """The tariff that `home` logged for the slot turns out to be `price`, once its contracts are signed."""
    hood = Neighbourhood(HOMES)
    hood.run_until(SLOT + 450)
    trades = hood.houses[home].trades
    for note in trades.slot_notes(SLOT):
        trades.save_slot_note(
            replace(note, import_mct_per_kwh=price.import_mct_per_kwh, export_mct_per_kwh=price.export_mct_per_kwh)
        )
    trades.commit()
    hood.run_until(SLOT + 900 + 100)
    return hood


def test_a_buyer_that_pays_more_than_its_tariff_stops_trading_and_its_neighbour_goes_on() -> None:
    hood = with_another_tariff("h0", Price(PRICE - 1_000, FEED_IN))
    [row] = hood.houses["h0"].events("RegretFound")
    assert row.details == f"slot={SLOT} amount_uct={500 * 1_000} trading=off"
    assert (trading(hood, "h0"), trading(hood, "h1")) == (OFF, None)
    assert len(settled(hood, "h0")) == len(settled(hood, "h1")) == 1
    assert hood.houses["h1"].events("RegretFound") == []


def test_a_seller_that_earns_less_than_its_feed_in_stops_trading() -> None:
    hood = with_another_tariff("h1", Price(RETAIL, PRICE + 1_000))
    [row] = hood.houses["h1"].events("RegretFound")
    assert row.details == f"slot={SLOT} amount_uct={500 * 1_000} trading=off"
    assert (trading(hood, "h0"), trading(hood, "h1")) == (None, OFF)


def test_the_tariff_itself_as_price_is_no_regret() -> None:
    hood = with_another_tariff("h0", Price(PRICE, FEED_IN))
    assert hood.houses["h0"].events("RegretFound") == []
    assert trading(hood, "h0") is None


def test_what_goes_to_the_tariff_is_no_regret() -> None:
    """Contracts that expire are not paid, whatever they say."""
    hood = Neighbourhood(HOMES, settle_within_s=3600)
    hood.run_until(SLOT + 450)
    hood.tap = lambda _sender, topic, payload: None if "/in/" in topic else payload
    hood.run_until(SLOT + 900 + 3600 + 10)
    assert hood.houses["h0"].events("ContractExpired")
    assert hood.houses["h0"].events("RegretFound") == []
