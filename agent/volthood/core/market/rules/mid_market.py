"""mid-market: all trades at the middle between the utility's two prices; no order can move it.

The smaller side trades in full, the other by the uniform rule. Orders whose limit does not allow the price take no part.
One node: fees and capacities of a grid map come with the tree.
"""

from volthood.core.hood import Hood
from volthood.core.market.book import Book, Clearing, Trade, matched
from volthood.core.market.uniform import share
from volthood.wire.market import BUY, SELL, Order


def clear(book: Book, hood: Hood) -> Clearing:
    """The clearing of a book at the reference price, floor((feed-in + retail) / 2), in mct/kWh."""
    reference = hood.reference(book.round[1])
    price = (reference.feed_in_mct_per_kwh + reference.retail_mct_per_kwh) // 2
    selling = _willing(book, SELL, price)
    buying = _willing(book, BUY, price)
    traded_wh = min(sum(selling.values()), sum(buying.values()))
    pairs = matched(share(traded_wh, selling), share(traded_wh, buying))
    trades = tuple(Trade(seller, buyer, wh, price, price) for seller, buyer, wh in pairs)
    return Clearing(trades, {hood.root: price} if trades else {})


def _willing(book: Book, side: int, price: int) -> dict[bytes, int]:
    """Wh that each agent of a side would trade at a price, in the order of hash(round, agent)."""
    agents = sorted((agent for agent, order in book.orders.items() if order.side == side), key=book.turn)
    return {agent: wh for agent in agents if (wh := _open_wh(book.orders[agent], price))}


def _open_wh(order: Order, price: int) -> int:
    if order.side == BUY:
        return sum(energy_wh for limit, energy_wh in order.steps if limit >= price)
    return sum(energy_wh for limit, energy_wh in order.steps if limit <= price)
