"""Standing: how far a neighbour has kept what it contracted, as one agent alone sees it. Permille, 0 to 1000.

Rules, and why:

- What counts is the neighbour's *own* allocation: whether its meter had the energy. What we could not use ourselves is not
  its fault, and what was delivered in the end says nothing about whose fault it was.
- A contract that still waits for its settlement says nothing yet. One that was never stated before its time was over, or
  whose slot records contradict each other, was not covered at all. A void contract was none.
- Public evidence of misbehaviour (two orders, two bundles) ends all standing. Without history it is full: newcomers trade.
- It never changes prices or shares. It is nobody's business but the agent's own.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable

from volthood.core.deals import Deal

FULL_PERMILLE = 1000
MEMORY_S = 30 * 24 * 3600
"""How long a contract is remembered, from its slot's start."""


def standing_permille(deals: Iterable[Deal], now_s: int, *, misbehaved: bool = False) -> int:
    """The standing of a neighbour, rounded down.

    Args:
        deals: between the neighbour and us, in any order and of any age.
        now_s: what is older than 30 days by then is forgotten.
        misbehaved: whether there is public evidence against it.
    """
    if misbehaved:
        return 0
    known = [deal for deal in deals if deal.contract.slot > now_s - MEMORY_S and _is_judged(deal)]
    contracted_wh = sum(deal.contract.energy_wh for deal in known)
    covered_wh = sum(_covered_wh(deal) for deal in known)
    return FULL_PERMILLE * covered_wh // contracted_wh if contracted_wh else FULL_PERMILLE


def standings_permille(deals: Iterable[Deal], now_s: int, convicted: Collection[bytes] = ()) -> dict[bytes, int]:
    """The standing of every neighbour with a deal or with evidence against it, by the hash of its key."""
    by_peer: defaultdict[bytes, list[Deal]] = defaultdict(list)
    for deal in deals:
        by_peer[deal.peer].append(deal)
    peers = by_peer.keys() | set(convicted)
    return {peer: standing_permille(by_peer.get(peer, ()), now_s, misbehaved=peer in convicted) for peer in peers}


def _is_judged(deal: Deal) -> bool:
    """Whether the neighbour has said what it covers, or its time to say so is over."""
    return deal.counted and not deal.voided and (deal.peer_wh is not None or deal.expired or deal.disputed)


def _covered_wh(deal: Deal) -> int:
    if deal.disputed or deal.peer_wh is None:
        return 0
    return min(deal.peer_wh, deal.contract.energy_wh)
