"""The laws that a finished stretch of trading must show, checked from the stores of all its households.

Input is what each household kept for itself; a law holds only if the keepings of different households agree. The result
names each law and, where it is broken, the first case.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from volthood.core.billing import SlotBill
from volthood.core.deals import Deal, Role


@dataclass(frozen=True)
class HomeBooks:
    """What one household kept.

    Attributes:
        agent: hash of its agent's key.
        bills: one per metered slot.
        deals: every deal of the stretch.
        records_verified: records whose signature and links were checked again now.
        records_kept: records in its store.
        faults: signatures under contracts and settlements that do not hold.
    """

    house: str
    agent: bytes
    bills: tuple[SlotBill, ...]
    deals: tuple[Deal, ...]
    records_verified: int
    records_kept: int
    faults: tuple[str, ...] = ()


@dataclass(frozen=True)
class Verdict:
    """Whether a law holds, and the first case against it."""

    holds: bool
    case: str = ""


def check_laws(homes: list[HomeBooks]) -> dict[str, Verdict]:
    """Every law by name."""
    return {
        "no_regret": _no_regret(homes),
        "two_signatures": _two_signatures(homes),
        "both_sides_agree": _both_sides_agree(homes),
        "money_sums_to_zero": _money(homes),
        "no_wh_allocated_twice": _allocated_once(homes),
        "all_records_verified": _records(homes),
    }


def _no_regret(homes: list[HomeBooks]) -> Verdict:
    for home in homes:
        for bill in home.bills:
            if bill.total_uct > bill.utility_alone_uct:
                return Verdict(False, f"{home.house} slot {bill.slot}: {-bill.saving_uct} µct above its tariff")
    return Verdict(True)


def _two_signatures(homes: list[HomeBooks]) -> Verdict:
    for home in homes:
        for fault in home.faults:
            return Verdict(False, f"{home.house}: {fault}")
        for deal in home.deals:
            if deal.counted and None in (deal.buyer_signature, deal.seller_signature):
                return Verdict(False, f"{home.house}: contract {deal.id.hex()[:16]} counts with one signature")
    return Verdict(True)


def _both_sides_agree(homes: list[HomeBooks]) -> Verdict:
    """A delivery that one side counts is the same delivery at the other, or still on its way there."""
    for home, deal, other in _pairs(homes):
        pending = other is not None and not other.settled and not other.voided and not other.disputed
        if deal.settled and not pending and (other is None or other.delivered_wh != deal.delivered_wh):
            return Verdict(False, f"{home.house}: contract {deal.id.hex()[:16]} settled differently")
    return Verdict(True)


def _pairs(homes: list[HomeBooks]) -> Iterator[tuple[HomeBooks, Deal, Deal | None]]:
    """Every deal with what its counterparty keeps of it."""
    by_agent = {home.agent: {deal.id: deal for deal in home.deals} for home in homes}
    for home in homes:
        for deal in home.deals:
            yield home, deal, by_agent.get(deal.peer, {}).get(deal.id)


def in_flight(homes: list[HomeBooks]) -> set[bytes]:
    """Contracts whose settlement one side has and the other has not yet: their money is judged when it has arrived."""
    return {
        deal.id
        for _, deal, other in _pairs(homes)
        if deal.settled and other is not None and not other.settled and not other.voided and not other.disputed
    }


def grid_account(homes: list[HomeBooks]) -> dict[bytes, int]:
    """What each delivered contract gives to the hood's grid account, in µct, as its seller keeps the contract."""
    sold = (deal for home in homes for deal in home.deals if deal.role is Role.SELLER and deal.delivered_wh)
    return {deal.id: deal.delivered_wh * (deal.contract.buyer_price - deal.contract.seller_price) for deal in sold}


def _money(homes: list[HomeBooks]) -> Verdict:
    """What buyers pay is what sellers and the grid account receive, contract by contract."""
    balance: dict[bytes, int] = defaultdict(int)
    for contract, received_uct in grid_account(homes).items():
        balance[contract] -= received_uct
    for home in homes:
        for bill in home.bills:
            for line in bill.lines:
                if line.contract is not None:
                    balance[line.contract] += line.amount_uct
    for contract in in_flight(homes):
        balance.pop(contract, None)
    for contract, left_uct in sorted(balance.items()):
        if left_uct != 0:
            return Verdict(False, f"contract {contract.hex()[:16]}: {left_uct} µct left over")
    return Verdict(True)


def _allocated_once(homes: list[HomeBooks]) -> Verdict:
    for home in homes:
        metered = {bill.slot: bill for bill in home.bills}
        taken: dict[tuple[int, Role], int] = defaultdict(int)
        for deal in home.deals:
            if not deal.voided:
                taken[deal.contract.slot, deal.role] += deal.taken_wh
        for (slot, role), wh in sorted(taken.items()):
            bill = metered.get(slot)
            have_wh = 0 if bill is None else bill.import_wh if role is Role.BUYER else bill.export_wh
            if wh > have_wh:
                return Verdict(False, f"{home.house} slot {slot}: {wh} Wh allocated of {have_wh} Wh metered")
    return Verdict(True)


def _records(homes: list[HomeBooks]) -> Verdict:
    for home in homes:
        if home.records_kept == 0 or home.records_verified != home.records_kept:
            return Verdict(False, f"{home.house}: {home.records_verified} of {home.records_kept} records verify")
    return Verdict(True)
