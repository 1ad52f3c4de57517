"""A contract above the tariff: no honest clearing yields one, so trading goes off, and the neighbour is paid all the same."""

from dataclasses import replace

from volthood.core.deals import Deal, Status
from volthood.core.tariff import Price, Tariff
from volthood.engine.desk import OFF, TRADING
from volthood.engine.ordering import Ordering
from volthood.testing.neighbourhood import FEED_IN, RETAIL, START, Home, Neighbourhood
from volthood.wire.market import WATCH, Order, unpack_eddsa

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


class Overpaying(Ordering):
    """A broken engine: it logs its tariff, and orders as if it were the retail price."""

    def order(self, slot: int, gate: int) -> Order:
        honest = super().order(slot, gate)
        fields = {field.name: getattr(honest, field.name) for field in Order.FIELDS}
        return Order(**fields | {"steps": tuple((RETAIL, energy_wh) for _, energy_wh in honest.steps)})


CHEAP = Price(PRICE - 1_000, FEED_IN)
"""A tariff at which a sound engine buys nothing from a neighbour at the middle of the reference."""


def with_cheap_tariff(*, broken: bool) -> Neighbourhood:
    hood = Neighbourhood(HOMES)
    house = hood.houses["h0"]
    house.tariff = Tariff([(0, CHEAP)])
    house.make_ordering = Overpaying if broken else Ordering
    house.restart(hood.hood, hood.roster, hood.now_s)
    hood.run_until(SLOT + 900 + 1700)
    return hood


def ordered(hood: Neighbourhood, name: str) -> list[tuple[int, int]]:
    """(slot, side) of each order that a house posted, by time."""
    payloads = [payload for sender, topic, payload in hood.sent if sender == name and topic.endswith("/order")]
    orders = [Order.from_cbor(unpack_eddsa(payload, Order.MAX_BYTES).payload) for payload in payloads]
    return [(order.slot, order.side) for order in orders]


def test_a_sound_engine_with_that_tariff_pays_no_neighbour() -> None:
    hood = with_cheap_tariff(broken=False)
    assert hood.houses["h0"].trades.deals(0) == []
    assert hood.broken_laws() == {}


def test_a_broken_engine_that_signs_above_its_tariff_is_stopped_by_the_first_settlement() -> None:
    """Forced through the whole engine: order, clearing, both signatures, settlement; then alarm, event, no more orders."""
    hood = with_cheap_tariff(broken=True)
    first, *_ = hood.houses["h0"].events("RegretFound")
    assert first.details == f"slot={START - 900} amount_uct={500 * 1_000} trading=off"
    assert trading(hood, "h0") == OFF
    deals = hood.houses["h0"].trades.deals(0)
    assert {deal.contract.buyer_price for deal in deals} == {PRICE}
    assert {deal.status for deal in deals} == {Status.COMPLETED}
    assert max(deal.contract.slot for deal in deals) <= START + 900, "contracts made before the alarm stand"
    assert set(hood.broken_laws()) == {"no_regret"}
    neighbour = hood.houses["h1"]
    assert trading(hood, "h1") is None
    assert neighbour.events("RegretFound") == []
    assert [deal.status for deal in neighbour.trades.deals(0)] == [Status.COMPLETED] * len(deals)
    assert all(bill.saving_uct >= 0 for books in hood.books() if books.house == "h1" for bill in books.bills)


def test_the_stop_outlives_a_restart_with_a_mended_engine_until_a_person_ends_it() -> None:
    hood = with_cheap_tariff(broken=True)
    house = hood.houses["h0"]
    house.make_ordering = Ordering
    hood.kill("h0")
    hood.revive("h0")
    since = len(ordered(hood, "h0"))
    hood.run_until(hood.now_s + 1800)
    assert {side for _, side in ordered(hood, "h0")[since:]} == {WATCH}
    assert trading(hood, "h0") == OFF
