"""What the report says in numbers: sums over a run, integers throughout. Nothing here is written for the eye.

Energy and money come from the homes' bills; trades from both sides' keepings (`transactions`).
"""

from collections.abc import Iterable
from dataclasses import dataclass

from volthood.core.billing import SlotBill
from volthood.wire.market import Contract
from volthood_tools.demo.result import HomeResult, HomeSlot, RunResult
from volthood_tools.demo.transactions import DELIVERED, Transaction, transactions

PER_MILLE = 1000


@dataclass(frozen=True)
class Flows:
    """Metered energy by where it came from and went to, in Wh, never negative."""

    bought_wh: int = 0
    utility_in_wh: int = 0
    sold_wh: int = 0
    utility_out_wh: int = 0

    @property
    def import_wh(self) -> int:
        """What the meter counted inwards."""
        return self.bought_wh + self.utility_in_wh

    @property
    def export_wh(self) -> int:
        """What the meter counted outwards."""
        return self.sold_wh + self.utility_out_wh

    def __add__(self, other: "Flows") -> "Flows":
        return Flows(
            self.bought_wh + other.bought_wh,
            self.utility_in_wh + other.utility_in_wh,
            self.sold_wh + other.sold_wh,
            self.utility_out_wh + other.utility_out_wh,
        )


def flows_of(bills: Iterable[SlotBill | None]) -> Flows:
    """The flows of some bills together; a missing bill adds nothing."""
    sums = dict.fromkeys(("neighbour_bought", "utility_import", "neighbour_sold", "utility_export"), 0)
    for bill in bills:
        for line in bill.lines if bill is not None else ():
            if line.kind in sums:
                sums[line.kind] += line.energy_wh
    return Flows(*sums.values())


@dataclass(frozen=True)
class Money:
    """What was paid and what the utility alone would have cost, in µct; negative where it earns."""

    paid_uct: int
    alone_uct: int

    @property
    def saved_uct(self) -> int:
        """What trading saved."""
        return self.alone_uct - self.paid_uct

    @property
    def saved_per_mille(self) -> int | None:
        """The saving in tenths of a per cent of the bill with the utility alone; None where that is no bill to pay."""
        return share_per_mille(self.saved_uct, self.alone_uct)


def money_of(homes: Iterable[HomeResult]) -> Money:
    """The money of some homes together."""
    homes = tuple(homes)
    return Money(sum(home.paid_uct for home in homes), sum(home.utility_alone_uct for home in homes))


def share_per_mille(part: int, whole: int) -> int | None:
    """A share in tenths of a per cent, half to even; None of nothing."""
    return rounded(part * PER_MILLE, whole) if whole > 0 else None


def rounded(dividend: int, divisor: int) -> int:
    """The nearest integer to a quotient, half to even; the divisor is above zero."""
    quotient, rest = divmod(dividend, divisor)
    return quotient + (2 * rest > divisor or (2 * rest == divisor and quotient % 2 == 1))


@dataclass(frozen=True)
class Trade:
    """A transaction with what was agreed in it."""

    transaction: Transaction
    contract: Contract

    @property
    def slot(self) -> int:
        """The slot of delivery."""
        return self.contract.slot

    @property
    def houses(self) -> tuple[str, str]:
        """Seller and buyer."""
        return self.transaction.seller, self.transaction.buyer

    @property
    def delivered(self) -> bool:
        """Whether energy changed hands and both signed for it."""
        return self.transaction.status in DELIVERED

    @property
    def grid_uct(self) -> int:
        """What the buyer paid above what the seller got, in µct."""
        return self.transaction.energy_wh * (self.contract.buyer_price - self.contract.seller_price)


def trades_of(result: RunResult) -> list[Trade]:
    """Every transaction by slot, round, seller and buyer."""
    contracts = {deal.id.hex(): deal for home in result.homes for slot in home.slots for deal in slot.deals}
    found = [Trade(row, contracts[row.transaction_id].contract) for row in transactions(result)]
    return sorted(found, key=lambda trade: (trade.slot, trade.contract.gate, *trade.houses))


def slot_flows(result: RunResult) -> list[Flows]:
    """The flows of all homes together, slot by slot."""
    return [flows_of(home.slots[number].bill for home in result.homes) for number in range(len(result.slots))]


def mean_prices(trades: Iterable[Trade]) -> tuple[int | None, int | None]:
    """What delivered energy cost its buyers and brought its sellers on average.

    In mct/kWh, half to even; None where nothing was delivered.
    """
    delivered = [trade for trade in trades if trade.delivered]
    energy_wh = sum(trade.transaction.energy_wh for trade in delivered)
    if not energy_wh:
        return None, None
    paid_uct = sum(trade.transaction.energy_wh * trade.contract.buyer_price for trade in delivered)
    return rounded(paid_uct, energy_wh), rounded(paid_uct - sum(trade.grid_uct for trade in delivered), energy_wh)


def forecast_wh(slot: HomeSlot) -> int | None:
    """The last forecast of a slot's net energy before it began, in Wh, import positive."""
    known = [note.forecast_net_wh for note in slot.notes if note.forecast_net_wh is not None]
    return known[-1] if known else None


def net_wh(bill: SlotBill) -> int:
    """Net metered energy in Wh, import positive."""
    return bill.import_wh - bill.export_wh


def forecast_miss_wh(home: HomeResult) -> int | None:
    """By how much forecasts missed the meter, mean of the absolute differences per slot, in Wh."""
    misses = [
        abs(forecast - net_wh(slot.bill))
        for slot in home.slots
        if slot.bill is not None and (forecast := forecast_wh(slot)) is not None
    ]
    return rounded(sum(misses), len(misses)) if misses else None
