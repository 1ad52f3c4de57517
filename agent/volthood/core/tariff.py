"""What a household pays its utility: the yardstick that no trade may exceed.

A tariff is a step series: each step holds from its instant until the next. Prices may be negative (surplus hours, or an
export that costs). An order is derived from a `TariffEntry`, logged before the order is posted, and no-regret is judged
by that entry alone: a tariff that is corrected later changes no slot that was already ordered for.
"""

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass

from volthood.errors import LocalError
from volthood.wire.limits import MAX_PRICE_MCT_PER_KWH


@dataclass(frozen=True)
class Price:
    """What a kWh costs and earns at the utility, in mct/kWh."""

    import_mct_per_kwh: int
    export_mct_per_kwh: int

    def cost_uct(self, import_wh: int, export_wh: int) -> int:
        """What the energy of one slot costs in µct; negative where it earns."""
        return import_wh * self.import_mct_per_kwh - export_wh * self.export_mct_per_kwh


@dataclass(frozen=True)
class TariffEntry:
    """The price of one slot as it was known, and when: what an order's limits stand on."""

    slot: int
    price: Price
    logged_s: int


class Tariff:
    """A household's utility tariff."""

    def __init__(self, steps: Iterable[tuple[int, Price]]) -> None:
        """Takes (instant in UTC seconds, price from then on), ascending.

        Raises: `LocalError` for no step, steps out of order, or a price beyond the wire's limit.
        """
        self._steps = tuple(steps)
        if not self._steps:
            raise LocalError("tariff: no price at all")
        before = None
        for from_s, price in self._steps:
            if before is not None and from_s <= before:
                raise LocalError(f"tariff: the step at {from_s} does not come after {before}")
            if max(abs(price.import_mct_per_kwh), abs(price.export_mct_per_kwh)) > MAX_PRICE_MCT_PER_KWH:
                raise LocalError(f"tariff: a price at {from_s} is beyond {MAX_PRICE_MCT_PER_KWH} mct/kWh")
            before = from_s
        self._from_s = [from_s for from_s, _ in self._steps]

    def at(self, slot: int) -> Price:
        """The price of a slot. Raises: `LocalError` before the first step, since nothing is guessed."""
        index = bisect_right(self._from_s, slot)
        if not index:
            raise LocalError(f"tariff: it starts at {self._from_s[0]}, {slot} lies before")
        return self._steps[index - 1][1]

    def cost_uct(self, import_wh: int, export_wh: int, slot: int) -> int:
        """What the slot's energy costs at this tariff in µct. Raises: `LocalError` before the first step."""
        return self.at(slot).cost_uct(import_wh, export_wh)

    def entry(self, slot: int, now_s: int) -> TariffEntry:
        """What is logged before an order for the slot. Raises: `LocalError` before the first step."""
        return TariffEntry(slot, self.at(slot), now_s)
