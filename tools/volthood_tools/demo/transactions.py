"""Transactions as the market's page defines them: one for each contract with both signatures, from both sides' keepings."""

from collections import defaultdict
from dataclasses import dataclass

from volthood.cli.text import utc
from volthood.core.deals import Deal, Status
from volthood_tools.demo.result import RunResult

DELIVERED = (Status.COMPLETED, Status.PARTIAL)
_GRAVITY = (
    Status.DISPUTED,
    Status.FAILED,
    Status.PROPOSED,
    Status.CONTRACTED,
    Status.PARTIAL,
    Status.COMPLETED,
)
"""Of two sides' views the graver one is shown: nothing counts as completed that one side does not call so."""


@dataclass(frozen=True)
class Transaction:
    """A contract of two neighbours and what came of it. `energy_wh` is delivered, `price` what the buyer pays."""

    transaction_id: str
    seller: str
    buyer: str
    energy_wh: int
    price_mct_per_kwh: int
    slot: int
    status: Status

    def to_json(self) -> str:
        """The transaction with exactly the market's fields; its numbers are printed from integers."""
        sign = "-" if self.price_mct_per_kwh < 0 else ""
        units, rest = divmod(abs(self.price_mct_per_kwh), 100_000)
        fields = {
            "transaction_id": f'"{self.transaction_id}"',
            "seller": f'"{self.seller}"',
            "buyer": f'"{self.buyer}"',
            "energy_amount_kwh": f"{self.energy_wh // 1000}.{self.energy_wh % 1000:03d}",
            "price_per_kwh": f"{sign}{units}.{rest:05d}",
            "timestamp": f'"{utc(self.slot)}"',
            "status": f'"{self.status.value}"',
        }
        return "{" + ", ".join(f'"{name}": {value}' for name, value in fields.items()) + "}"


def transactions(result: RunResult) -> list[Transaction]:
    """Every transaction of a run by slot, then id."""
    sides: dict[bytes, list[Deal]] = defaultdict(list)
    for home in result.homes:
        for slot in home.slots:
            for deal in slot.deals:
                sides[deal.id].append(deal)
    both = [_transaction(result, deals) for deals in sides.values() if _signed_by_both(deals)]
    return sorted(both, key=lambda transaction: (transaction.slot, transaction.transaction_id))


def to_json(rows: list[Transaction]) -> str:
    """The content of `transactions.json`."""
    return "[\n" + ",\n".join(row.to_json() for row in rows) + "\n]\n"


def _signed_by_both(deals: list[Deal]) -> bool:
    return any(deal.buyer_signature is not None and deal.seller_signature is not None for deal in deals)


def _transaction(result: RunResult, deals: list[Deal]) -> Transaction:
    contract = deals[0].contract
    status = min((deal.status for deal in deals), key=_GRAVITY.index)
    delivered_wh = min(deal.delivered_wh for deal in deals) if status in DELIVERED else 0
    return Transaction(
        transaction_id=deals[0].id.hex(),
        seller=result.house_of(contract.seller),
        buyer=result.house_of(contract.buyer),
        energy_wh=delivered_wh,
        price_mct_per_kwh=contract.buyer_price,
        slot=contract.slot,
        status=Status.CONTRACTED if status is Status.PROPOSED else status,
    )
