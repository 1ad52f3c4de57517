"""What a household pays for a slot: neighbours first, the rest at its tariff. All money in integer µct.

Energy without a settled contract is the utility's, at its tariff as logged before the order. What a household pays is
positive, what it earns negative, so that one sum is its bill.
"""

from dataclasses import dataclass

from volthood.core.deals import Deal, Role


@dataclass(frozen=True)
class BillLine:
    """One line of a bill: who was paid, for how much energy, at which price.

    Attributes:
        kind: utility_import, utility_export, neighbour_bought, neighbour_sold, grid_fee.
        energy_wh: Wh, never negative.
        price_mct_per_kwh: mct/kWh.
        amount_uct: µct, positive where the household pays.
        contract: id of the contract, or None.
    """

    kind: str
    energy_wh: int
    price_mct_per_kwh: int
    amount_uct: int
    contract: bytes | None = None


@dataclass(frozen=True)
class SlotBill:
    """A household's slot: metered energies, its lines, and what the utility alone would have cost."""

    slot: int
    import_wh: int
    export_wh: int
    lines: tuple[BillLine, ...]
    utility_alone_uct: int

    @property
    def total_uct(self) -> int:
        """What the household pays for the slot, in µct; negative where it earns."""
        return sum(line.amount_uct for line in self.lines)

    @property
    def saving_uct(self) -> int:
        """What trading saved against the utility alone, in µct."""
        return self.utility_alone_uct - self.total_uct


def bill_slot(
    slot: int,
    import_wh: int,
    export_wh: int,
    deals: list[Deal],
    import_mct_per_kwh: int,
    export_mct_per_kwh: int,
) -> SlotBill:
    """The bill of one slot from its metered energies, its settled deals and the tariff logged before the order."""
    settled = [deal for deal in deals if deal.settled and deal.delivered_wh > 0]
    lines = [line for deal in settled for line in _deal_lines(deal)]
    bought_wh = sum(deal.delivered_wh for deal in settled if deal.role is Role.BUYER)
    sold_wh = sum(deal.delivered_wh for deal in settled if deal.role is Role.SELLER)
    rest_in_wh, rest_out_wh = import_wh - bought_wh, export_wh - sold_wh
    if rest_in_wh:
        lines.append(BillLine("utility_import", rest_in_wh, import_mct_per_kwh, rest_in_wh * import_mct_per_kwh))
    if rest_out_wh:
        lines.append(BillLine("utility_export", rest_out_wh, export_mct_per_kwh, -rest_out_wh * export_mct_per_kwh))
    alone_uct = import_wh * import_mct_per_kwh - export_wh * export_mct_per_kwh
    return SlotBill(slot, import_wh, export_wh, tuple(lines), alone_uct)


def _deal_lines(deal: Deal) -> list[BillLine]:
    contract, wh = deal.contract, deal.delivered_wh
    if deal.role is Role.SELLER:
        return [BillLine("neighbour_sold", wh, contract.seller_price, -wh * contract.seller_price, deal.id)]
    fee = contract.buyer_price - contract.seller_price
    lines = [BillLine("neighbour_bought", wh, contract.seller_price, wh * contract.seller_price, deal.id)]
    if fee:
        lines.append(BillLine("grid_fee", wh, fee, wh * fee, deal.id))
    return lines
