"""From what a household expects, or its meter says, to what it orders in one round.

Rules, each with a test that would fail without it:

- A buyer's limit is its utility's import price, never above; a seller's is what its utility pays, never below. Any
  trade inside the limits costs at most what the utility alone would have cost (no regret).
- Limits stand inside the hood's collar. Where that would need a limit worse than the tariff, nothing is ordered.
- One side in a slot: that of the first contract.
- At most the 90 % quantile of the need, at most what the fuse carries in a slot, less what contracts already take;
  rounded down, to tens of Wh in a forward round and to the Wh in a balancing round (ADR 13).
"""

from dataclasses import dataclass

from volthood.core.forecast import Forecast
from volthood.core.tariff import Price
from volthood.wire.market import BUY, SELL, WATCH


@dataclass(frozen=True)
class Collar:
    """The prices a hood allows in a slot, in mct/kWh, both included."""

    low_mct_per_kwh: int
    high_mct_per_kwh: int


@dataclass(frozen=True)
class OrderDraft:
    """Side (`WATCH`, `BUY`, `SELL`) and steps (mct/kWh, Wh) of an order that is not signed yet."""

    side: int
    steps: tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Position:
    """Where a household stands in a slot: what bounds its order.

    `taken_wh` is what its contracts of the slot already take, `side` the side of the first of them (`WATCH` without
    one), `trading` False while the person at home has trading off. Orders are multiples of `step_wh`.
    """

    price: Price
    collar: Collar
    fuse_w: int
    slot_s: int
    step_wh: int
    side: int = WATCH
    taken_wh: int = 0
    trading: bool = True


NOTHING = OrderDraft(WATCH, ())
"""What a member posts that does not trade."""


def forward_order(forecast: Forecast, position: Position) -> OrderDraft:
    """The order before a slot, from its forecast: one step, since the tariff gives one limit."""
    if forecast.net_wh >= 0:
        return _order(BUY, min(forecast.net_wh, forecast.q90_wh), position)
    return _order(SELL, min(-forecast.net_wh, -forecast.q10_wh), position)


def balancing_order(import_wh: int, export_wh: int, position: Position) -> OrderDraft:
    """The order after a slot, from its metered energy: what contracts have not taken.

    A meter may have counted both ways in one slot; the side is that of the first contract, else of the larger amount.
    """
    side = position.side
    if side == WATCH:
        side = BUY if import_wh >= export_wh else SELL
    return _order(side, import_wh if side == BUY else export_wh, position)


def _order(side: int, need_wh: int, position: Position) -> OrderDraft:
    if not position.trading or position.side not in {WATCH, side}:
        return NOTHING
    limit = _limit(side, position)
    fuse_wh = position.fuse_w * position.slot_s // 3600
    open_wh = min(need_wh, fuse_wh) - position.taken_wh
    energy_wh = open_wh // position.step_wh * position.step_wh
    if limit is None or energy_wh <= 0:
        return NOTHING
    return OrderDraft(side, ((limit, energy_wh),))


def _limit(side: int, position: Position) -> int | None:
    """The tariff's limit moved into the collar, or None where that would cost the household."""
    collar = position.collar
    if side == BUY:
        limit = min(position.price.import_mct_per_kwh, collar.high_mct_per_kwh)
        return limit if limit >= collar.low_mct_per_kwh else None
    limit = max(position.price.export_mct_per_kwh, collar.low_mct_per_kwh)
    return limit if limit <= collar.high_mct_per_kwh else None
