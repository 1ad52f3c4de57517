"""Laws that only a simulation can judge, since only it sees all households: each gives the first case against it, or "".

They stand beside `volthood.core.laws`.
"""

from collections import Counter, defaultdict

from volthood.core.deals import Deal, Role
from volthood.core.laws import HomeBooks


def one_contract_a_pair(books: list[HomeBooks]) -> str:
    """Nobody signs two different contracts with one neighbour in one round."""
    for book in books:
        pairs = Counter((deal.contract.slot, deal.contract.gate, deal.peer) for deal in book.deals)
        for (slot, gate, _), count in pairs.items():
            if count > 1:
                return f"{book.house} signed {count} contracts with one neighbour in slot {slot} gate {gate}"
    return ""


def one_side_a_slot(books: list[HomeBooks]) -> str:
    """In one slot an agent is buyer or seller."""
    for book in books:
        roles: defaultdict[int, set[Role]] = defaultdict(set)
        for deal in book.deals:
            if deal.counted and not deal.voided:
                roles[deal.contract.slot].add(deal.role)
        for slot, both in roles.items():
            if len(both) > 1:
                return f"{book.house} buys and sells in slot {slot}"
    return ""


def both_keep_the_contract(books: list[HomeBooks]) -> str:
    """A contract that counts for one side is kept by the other with the same signatures: nothing signed is lost."""
    by_agent = _by_agent(books)
    for book in books:
        for deal in book.deals:
            other = by_agent.get(deal.peer, {}).get(deal.id)
            if deal.counted and other is None:
                return f"{book.house}: its neighbour does not have contract {deal.id.hex()[:16]}"
            if deal.counted and deal.role is Role.BUYER and other is not None and not (other.counted or other.voided):
                return f"{book.house}: contract {deal.id.hex()[:16]} counts for the buyer alone"
    return ""


def stated_once(books: list[HomeBooks]) -> str:
    """What one side states as its allocation is what the other side heard."""
    by_agent = _by_agent(books)
    for book in books:
        for deal in book.deals:
            other = by_agent.get(deal.peer, {}).get(deal.id)
            if other is not None and deal.peer_wh is not None and deal.peer_wh != other.own_wh and not other.voided:
                return f"{book.house} heard {deal.peer_wh} Wh, stated were {other.own_wh} Wh: {deal.id.hex()[:16]}"
    return ""


def all_energy_is_billed(books: list[HomeBooks]) -> str:
    """Each metered Wh stands once in the bill: bought or sold to a neighbour, or the utility's."""
    for book in books:
        for bill in book.bills:
            energy_wh = Counter(bill.lines and {line.kind: 0 for line in bill.lines})
            for line in bill.lines:
                energy_wh[line.kind] += line.energy_wh
            bought_wh = energy_wh["neighbour_bought"] + energy_wh["utility_import"]
            sold_wh = energy_wh["neighbour_sold"] + energy_wh["utility_export"]
            if (bought_wh, sold_wh) != (bill.import_wh, bill.export_wh) or min(energy_wh.values(), default=0) < 0:
                return f"{book.house} slot {bill.slot}: {bought_wh}/{sold_wh} Wh of {bill.import_wh}/{bill.export_wh}"
    return ""


OWN_LAWS = {
    "one_contract_a_pair": one_contract_a_pair,
    "one_side_a_slot": one_side_a_slot,
    "both_keep_the_contract": both_keep_the_contract,
    "stated_once": stated_once,
    "all_energy_is_billed": all_energy_is_billed,
}
"""Each law by its name."""


def _by_agent(books: list[HomeBooks]) -> dict[bytes, dict[bytes, Deal]]:
    return {book.agent: {deal.id: deal for deal in book.deals} for book in books}
