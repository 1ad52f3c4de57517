"""What a clearing is worth: welfare, the most that any clearing of the book could reach, and one agent's own gain. In µct."""

from volthood.core.hood import Hood
from volthood.core.market.book import Book
from volthood.core.market.clearing import Clearing
from volthood.core.market.uniform import share
from volthood.testing.markets import agent
from volthood.wire.market import BUY


def welfare_uct(hood: Hood, book: Book, clearing: Clearing) -> int:
    """What a clearing yields, each agent's steps filled by merit, and fees for the net flows."""
    layout = hood.grid.layout
    exports = [0] * len(layout)
    total = 0
    for order in book.orders:
        sign, left_wh = -1 if order.side == BUY else 1, clearing.traded_wh.get(order.agent, 0)
        exports[layout.number[hood.member[order.agent].node]] += sign * left_wh
        for limit, wh in order.steps:
            part_wh = min(wh, left_wh)
            left_wh -= part_wh
            total -= sign * limit * part_wh
    for node in range(len(exports) - 1, 0, -1):
        total -= layout.fee[node] * abs(exports[node])
        exports[layout.parent[node]] += exports[node]
    return total


def welfare_bound_uct(hood: Hood, book: Book, prices: dict[str, int]) -> int | None:
    """What no clearing of a book exceeds, for any prices of the nodes; None where these prices bound nothing.

    Weak duality: at given prices each step gains at most what it would gain alone, and each edge at most what it would earn
    by buying below and selling above, after its fee. A clearing whose welfare equals the bound is an optimum, whoever made it.
    """
    total = 0
    for order in book.orders:
        price, sign = prices[hood.member[order.agent].node], 1 if order.side == BUY else -1
        total += sum(max(0, sign * (limit - price)) * wh for limit, wh in order.steps)
    for node, (up_wh, down_wh) in zip(hood.grid.layout.nodes, hood.capacities(book.round.gate), strict=True):
        if node.parent is not None:
            rise = prices[node.parent] - prices[node.name]
            for margin, capacity_wh in ((rise - node.fee_mct_per_kwh, up_wh), (-rise - node.fee_mct_per_kwh, down_wh)):
                if margin > 0:
                    if capacity_wh is None:
                        return None
                    total += margin * capacity_wh
    return total


def gain_uct(clearing: Clearing, name: str, side: int, limit: int, metered_wh: int) -> int:
    """What the deliveries of a round are worth to an agent whose truth is (side, limit, metered energy).

    What it contracted beyond what its meter measured is not delivered: its contracts share its energy by the uniform rule.
    """
    me = agent(name)
    contracted: dict[bytes, int] = {}
    prices: dict[bytes, int] = {}
    for trade in clearing.trades:
        if me in {trade.seller, trade.buyer}:
            peer = trade.seller if side == BUY else trade.buyer
            prices[peer] = trade.buyer_price if side == BUY else trade.seller_price
            contracted[peer] = trade.energy_wh
    sign = 1 if side == BUY else -1
    delivered = share(metered_wh, contracted)
    return sum(sign * (limit - prices[peer]) * wh for peer, wh in delivered.items())
