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
    for trade in clearing.trades:
        pair = (trade.seller, trade.buyer)
        if pair <= before:
            yield Fault("trades in order, one a pair", energy_wh=trade.energy_wh)
        before = pair
        if trade.seller not in ground.sells or trade.buyer not in ground.buys:
            yield Fault("parties have ordered on their side", energy_wh=trade.energy_wh)
            return
        if trade.energy_wh <= 0:
            yield Fault("energy above zero", ground.node[trade.seller], energy_wh=trade.energy_wh)
        fee = ground.path(ground.node[trade.seller], ground.node[trade.buyer]).fee
        if trade.path_fee != fee:
            yield Fault("path fee", ground.node[trade.seller], trade.path_fee, detail=f"the path costs {fee}")
