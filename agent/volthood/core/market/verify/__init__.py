"""The check of a clearing, in one pass and without a line of the code that clears.

Whoever doubts a round takes the book, the hood file and the clearing, and gets either nothing or the first condition that
fails, with node, price and energy. Mid-market is replayed stage by stage. The auction is not: its optimality and its
canonical form are conditions on prices and flows, and those are looked at.
"""

from collections.abc import Callable, Iterator

from volthood.core.hood import Hood
from volthood.core.market.book import Book
from volthood.core.market.clearing import Clearing
from volthood.core.market.verify import auction, mid_market
from volthood.core.market.verify.ground import Fault, Ground

CHECKS: dict[str, Callable[[Book, Ground, Clearing], Iterator[Fault]]] = {
    "mid-market/1": mid_market.check,
    "auction/1": auction.check,
}
"""The check of each price rule, by its id."""

__all__ = ["CHECKS", "Fault", "verify"]


def verify(book: Book, hood: Hood, clearing: Clearing) -> Fault | None:
    """The first condition that a clearing of the book breaks, None where it is what the rule yields."""
    if clearing.algorithm != hood.algorithm:
        return Fault("algorithm", detail=f"{clearing.algorithm}, the hood has {hood.algorithm}")
    if clearing.algorithm not in CHECKS:
        return Fault("algorithm", detail=f"{clearing.algorithm} is unknown here")
    ground = Ground(book, hood)
    return next(_well_formed(ground, clearing), None) or next(CHECKS[clearing.algorithm](book, ground, clearing), None)


def _well_formed(ground: Ground, clearing: Clearing) -> Iterator[Fault]:
    before = (b"", b"")
    sells, buys, node, path = ground.sells, ground.buys, ground.node, ground.path
    for seller, buyer, energy_wh, _, _, path_fee in clearing.trades:
        pair = (seller, buyer)
        if pair <= before:
            yield Fault("trades in order, one a pair", energy_wh=energy_wh)
        before = pair
        if seller not in sells or buyer not in buys:
            yield Fault("parties have ordered on their side", energy_wh=energy_wh)
            return
        if energy_wh <= 0:
            yield Fault("energy above zero", node[seller], energy_wh=energy_wh)
        fee = path(node[seller], node[buyer]).fee
        if path_fee != fee:
            yield Fault("path fee", node[seller], path_fee, detail=f"the path costs {fee}")
