"""Orders from forecasts and meters: the limits, the amounts, and that no accepted trade can be regretted."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from volthood.core.forecast import Forecast
from volthood.core.order import NOTHING, Collar, OrderDraft, Position, balancing_order, forward_order
from volthood.core.tariff import Price
from volthood.wire.market import BUY, SELL, WATCH, Order

USUAL = Position(price=Price(22_000, 8_000), collar=Collar(3_000, 27_000), fuse_w=16_000, slot_s=900, step_wh=10)
METERED = replace(USUAL, step_wh=1)


def expecting(net_wh: int, q10_wh: int | None = None, q90_wh: int | None = None) -> Forecast:
    low = net_wh if q10_wh is None else q10_wh
    high = net_wh if q90_wh is None else q90_wh
    return Forecast(0, max(net_wh, 0), max(-net_wh, 0), net_wh, low, high, "like_days")


FORWARD = {
    "buys its need, rounded down": (expecting(519), USUAL, OrderDraft(BUY, ((22_000, 510),))),
    "sells its surplus, rounded down": (expecting(-519), USUAL, OrderDraft(SELL, ((8_000, 510),))),
    "nothing below ten": (expecting(9), USUAL, NOTHING),
    "nothing at zero": (expecting(0), USUAL, NOTHING),
    "less what contracts take": (
        expecting(519),
        replace(USUAL, taken_wh=200, side=BUY),
        OrderDraft(BUY, ((22_000, 310),)),
    ),
    "contracts take it all": (expecting(519), replace(USUAL, taken_wh=519, side=BUY), NOTHING),
    "contracts take more": (expecting(519), replace(USUAL, taken_wh=600, side=BUY), NOTHING),
    "keeps the side of its first contract": (expecting(519), replace(USUAL, side=SELL, taken_wh=10), NOTHING),
    "trading off": (expecting(519), replace(USUAL, trading=False), NOTHING),
    "clipped at the fuse": (expecting(9_000), USUAL, OrderDraft(BUY, ((22_000, 4_000),))),
    "clipped at the fuse, selling": (expecting(-9_000), USUAL, OrderDraft(SELL, ((8_000, 4_000),))),
    "tariff above the collar": (
        expecting(500),
        replace(USUAL, price=Price(54_000, 8_000)),
        OrderDraft(BUY, ((27_000, 500),)),
    ),
    "tariff below the collar": (expecting(500), replace(USUAL, price=Price(2_999, 0)), NOTHING),
    "feed-in below the collar": (
        expecting(-500),
        replace(USUAL, price=Price(22_000, -4_000)),
        OrderDraft(SELL, ((3_000, 500),)),
    ),
    "feed-in above the collar": (expecting(-500), replace(USUAL, price=Price(22_000, 27_001)), NOTHING),
    "negative prices, negative collar": (
        expecting(500),
        replace(USUAL, price=Price(-1_000, -6_000), collar=Collar(-11_000, 4_000)),
        OrderDraft(BUY, ((-1_000, 500),)),
    ),
    "paid to take, selling": (
        expecting(-500),
        replace(USUAL, price=Price(-1_000, -6_000), collar=Collar(-11_000, 4_000)),
        OrderDraft(SELL, ((-6_000, 500),)),
    ),
}


@pytest.mark.parametrize("name", FORWARD)
def test_forward_orders(name: str) -> None:
    forecast, position, expected = FORWARD[name]
    assert forward_order(forecast, position) == expected


BALANCING = {
    "buys its import": (700, 0, METERED, OrderDraft(BUY, ((22_000, 700),))),
    "sells its export, to the Wh": (0, 705, METERED, OrderDraft(SELL, ((8_000, 705),))),
    "less what contracts take": (700, 0, replace(METERED, side=BUY, taken_wh=655), OrderDraft(BUY, ((22_000, 45),))),
    "the last Wh": (700, 0, replace(METERED, side=BUY, taken_wh=699), OrderDraft(BUY, ((22_000, 1),))),
    "both ways: the larger": (300, 400, METERED, OrderDraft(SELL, ((8_000, 400),))),
    "both ways: the side it has": (300, 400, replace(METERED, side=BUY), OrderDraft(BUY, ((22_000, 300),))),
    "nothing metered": (0, 0, METERED, NOTHING),
    "metered the other way": (0, 400, replace(METERED, side=BUY, taken_wh=100), NOTHING),
}


@pytest.mark.parametrize("name", BALANCING)
def test_balancing_orders(name: str) -> None:
    import_wh, export_wh, position, expected = BALANCING[name]
    assert balancing_order(import_wh, export_wh, position) == expected


prices = st.integers(-60_000, 60_000)
positions = st.builds(
    Position,
    price=st.builds(Price, prices, prices),
    collar=st.builds(lambda low, width: Collar(low, low + width), prices, st.integers(0, 60_000)),
    fuse_w=st.integers(0, 50_000),
    slot_s=st.sampled_from([900, 1800, 3600]),
    step_wh=st.sampled_from([1, 10]),
    side=st.sampled_from([WATCH, BUY, SELL]),
    taken_wh=st.integers(0, 2_000),
    trading=st.booleans(),
)


def keeps_the_rules(draft: OrderDraft, position: Position, need_wh: int) -> None:
    if draft == NOTHING:
        return
    ((limit, energy_wh),) = draft.steps
    assert position.trading
    assert position.side in {WATCH, draft.side}
    assert position.collar.low_mct_per_kwh <= limit <= position.collar.high_mct_per_kwh
    assert energy_wh > 0
    assert energy_wh % position.step_wh == 0
    assert energy_wh + position.taken_wh <= need_wh
    assert energy_wh * 3600 <= position.fuse_w * position.slot_s
    if draft.side == BUY:
        assert limit <= position.price.import_mct_per_kwh
    else:
        assert limit >= position.price.export_mct_per_kwh
    Order(hood=bytes(32), slot=0, gate=0, algorithm="a", side=draft.side, steps=draft.steps, counter=1)


@given(positions, st.integers(-20_000, 20_000), st.integers(0, 5_000), st.integers(0, 5_000))
def test_every_forward_order_keeps_the_rules(position: Position, net_wh: int, down_wh: int, up_wh: int) -> None:
    forecast = expecting(net_wh, net_wh - down_wh, net_wh + up_wh)
    draft = forward_order(forecast, position)
    keeps_the_rules(draft, position, forecast.q90_wh if draft.side == BUY else -forecast.q10_wh)


@given(positions, st.integers(0, 10_000), st.integers(0, 10_000), st.integers(0, 60_000))
def test_no_trade_inside_an_order_is_regretted(position: Position, import_wh: int, export_wh: int, better: int) -> None:
    draft = balancing_order(import_wh, export_wh, position)
    keeps_the_rules(draft, position, import_wh if draft.side == BUY else export_wh)
    alone_uct = position.price.cost_uct(import_wh, export_wh)
    for limit, energy_wh in draft.steps:
        if draft.side == BUY:
            traded_uct = position.price.cost_uct(import_wh - energy_wh, export_wh) + energy_wh * (limit - better)
        else:
            traded_uct = position.price.cost_uct(import_wh, export_wh - energy_wh) - energy_wh * (limit + better)
        assert traded_uct <= alone_uct
