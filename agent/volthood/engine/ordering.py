"""Orders: what a household would buy or sell in a round, from its forecast or its meter, its tariff and its contracts.

The tariff is noted before the order is made, and with it the reason, so that `why` can tell later what was known then.
A slot that the tariff does not reach is not traded: nothing would say what no regret means.

What the meter showed becomes a sample once, split into load and PV by what was expected then, and is kept beside the
imported history: an agent that starts again forecasts what it would have forecast.
"""

from collections.abc import Callable

from volthood.core.deals import Deal, Role
from volthood.core.forecast import DAY_S, KEEP_DAYS, Forecast, Forecaster, Place, Sample
from volthood.core.order import NOTHING, Collar, OrderDraft, Position, balancing_order, forward_order
from volthood.core.tariff import Price, Tariff
from volthood.engine.deals import DealBook
from volthood.engine.desk import OFF, TRADING, Desk
from volthood.engine.meter import SlotMeter
from volthood.errors import LocalError
from volthood.ports.stores import HistorySlot, SlotNote
from volthood.wire.market import BUY, SELL, WATCH, Order

_END_OF_TIME_S = 1 << 40
_SIDES = {Role.BUYER: BUY, Role.SELLER: SELL}


class Ordering:
    """Makes the household's order for each round."""

    def __init__(
        self, desk: Desk, deals: DealBook, meter: SlotMeter, tariff: Tariff, place_at: Callable[[int], Place]
    ) -> None:
        self._desk = desk
        self._deals = deals
        self._meter = meter
        self._tariff = tariff
        self._place_at = place_at
        self._forecaster = Forecaster()
        self._forgotten_s: int | None = None

    def order(self, slot: int, gate: int) -> Order:
        """The order of a round, its reason noted; empty while trading is off or there is nothing to trade."""
        draft = self._noted_draft(slot, gate)
        return Order(
            hood=self._desk.hood.hood_id,
            slot=slot,
            gate=gate,
            algorithm=self._desk.hood.algorithm,
            side=draft.side,
            steps=draft.steps,
            counter=self._desk.trades.next_counter("board"),
        )

    def sit_out(self, slot: int, gate: int, why: str) -> None:
        """Note for `why` that no order was posted in a round."""
        try:
            price = self._tariff.at(slot)
        except LocalError:
            return
        self._note(slot, gate, None, NOTHING, why, price)

    def _noted_draft(self, slot: int, gate: int) -> OrderDraft:
        seen = None if self._desk.hood.gate[gate].balancing else self.forecast(slot)
        try:
            price = self._tariff.at(slot)
        except LocalError as error:
            self._desk.note("TariffMissing", slot=slot, gate=gate, reason=str(error).replace(" ", "_"))
            return NOTHING
        draft, reason = self._draft(slot, gate, seen, price)
        self._note(slot, gate, seen, draft, reason, price)
        return draft

    def forecast(self, slot: int) -> Forecast:
        """What the household will use and make in a slot, from imported history and what its meter has shown since."""
        self._remember(slot - KEEP_DAYS * DAY_S)
        self._learn()
        return self._forecaster.forecast(slot, self._place_at(slot))

    def _remember(self, start_s: int) -> None:
        """Read back what earlier lives learnt, at first, and drop once a day what is too old to matter."""
        if self._forgotten_s is None:
            for row in self._desk.readings.history(start_s, _END_OF_TIME_S):
                self._forecaster.learn(Sample(row.slot, row.load_wh, row.pv_wh))
        elif start_s - self._forgotten_s < DAY_S:
            return
        self._forgotten_s = start_s
        self._forecaster.forget_before(start_s)

    def _learn(self) -> None:
        """Take what the meter has shown since, and keep it."""
        rows = []
        for energy in self._meter.take_news():
            sample = self._forecaster.learn_net(energy.slot, energy.net_wh, self._place_at(energy.slot))
            if sample is not None:
                rows.append(HistorySlot(sample.slot, sample.load_wh, sample.pv_wh))
        if rows:
            self._desk.readings.import_history(rows)

    def _draft(self, slot: int, gate: int, seen: Forecast | None, price: Price) -> tuple[OrderDraft, str]:
        position = self._position(slot, gate, price)
        if not position.trading:
            return NOTHING, "trading is off"
        if seen is not None:
            draft = forward_order(seen, position)
            return draft, "forecast" if draft.side != WATCH else "nothing left to trade by forecast"
        energy = self._meter.energy(slot)
        if energy is None:
            return NOTHING, "meter's slot records are not here yet"
        draft = balancing_order(energy.import_wh, energy.export_wh, position)
        return draft, "metered, not yet contracted" if draft.side != WATCH else "all metered energy is contracted"

    def _position(self, slot: int, gate_index: int, price: Price) -> Position:
        low, high = self._desk.hood.collar(slot)
        gate = self._desk.hood.gate[gate_index]
        deals = [deal for deal in self._deals.of_slot(slot) if not deal.voided]
        taken_wh = sum(_reserved_wh(deal, forward=not gate.balancing) for deal in deals if deal.counted)
        return Position(
            price=price,
            collar=Collar(low, high),
            fuse_w=self._desk.me.fuse_w,
            slot_s=self._desk.hood.slot_s,
            step_wh=gate.step_wh,
            side=_SIDES[deals[0].role] if deals else WATCH,
            taken_wh=taken_wh,
            trading=self._desk.trades.setting(TRADING) != OFF,
        )

    def _note(self, slot: int, gate: int, seen: Forecast | None, draft: OrderDraft, reason: str, price: Price) -> None:
        self._desk.trades.save_slot_note(
            SlotNote(
                slot=slot,
                gate=gate,
                forecast_net_wh=seen.net_wh if seen else None,
                forecast_low_wh=seen.q10_wh if seen else None,
                forecast_high_wh=seen.q90_wh if seen else None,
                forecast_method=seen.method if seen else "metered",
                side=draft.side,
                order_wh=sum(energy_wh for _, energy_wh in draft.steps),
                limit_mct_per_kwh=draft.steps[0][0] if draft.steps else None,
                import_mct_per_kwh=price.import_mct_per_kwh,
                export_mct_per_kwh=price.export_mct_per_kwh,
                reason=reason,
            )
        )


def _reserved_wh(deal: Deal, *, forward: bool) -> int:
    """What a contract takes from the next order: its whole energy before the slot, its allocation afterwards."""
    if forward or (deal.own_wh is None and not deal.settled):
        return deal.contract.energy_wh
    return deal.taken_wh
