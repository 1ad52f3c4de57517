"""The no-regret alarm: a slot must never cost more than its metered energy would have cost at the tariff alone.

It follows from signed limits, so a regret is our own fault: trading goes off until a person looks at it. The neighbour
has kept what both signed and is not touched: the settlement stays, and it is paid.
"""

from volthood.core.billing import bill_slot
from volthood.engine.deals import DealBook
from volthood.engine.desk import OFF, TRADING, Desk
from volthood.engine.meter import SlotMeter


class RegretAlarm:
    """Bills a slot whenever one of its contracts has become final."""

    def __init__(self, desk: Desk, deals: DealBook, meter: SlotMeter) -> None:
        self._desk = desk
        self._deals = deals
        self._meter = meter

    def check(self, slot: int) -> None:
        """Switch trading off where the slot costs more than the tariff that was logged before its first order.

        A slot that was never metered, or for which no tariff was known, has no bill and no regret.
        """
        energy = self._meter.energy(slot)
        notes = self._desk.trades.slot_notes(slot)
        if energy is None or not notes:
            return
        bill = bill_slot(
            slot,
            energy.import_wh,
            energy.export_wh,
            self._deals.of_slot(slot),
            notes[0].import_mct_per_kwh,
            notes[0].export_mct_per_kwh,
        )
        if bill.saving_uct < 0:
            self._desk.trades.set_setting(TRADING, OFF)
            self._desk.note("RegretFound", slot=slot, amount_uct=-bill.saving_uct, trading=OFF)
