"""The auction price rule: the nodal call auction. It maximises what buyers would pay less what sellers ask less fees.

Sellers are paid their node's price, buyers pay theirs; what lies between (fees and congestion rent) goes to the hood's
grid account. The optimum is made unique as `core.market.tree` says; at a node the marginal energy is shared by the uniform
rule over what each agent trades in all, Wh left over one each by lot.

A node's price is the floor of the midpoint of all prices that fit: at which its subtree's curve contains its export, that
the edge to the parent's price allows, inside the collar; the root's first.
"""

from collections import defaultdict
from collections.abc import Iterator

from volthood.core.hood import Hood
from volthood.core.market import tree
from volthood.core.market.book import Book, BookOrder, Lots
from volthood.core.market.clearing import Clearing, Trade
from volthood.core.market.pairing import Open, Pair, match, node_pairs, own_pairs
from volthood.core.market.uniform import share_between
from volthood.wire.market import BUY, SELL

ALGORITHM = "auction/1"
_FAR = 1 << 60
"""mct/kWh beyond every price: the end of an interval that has none."""


def clear(book: Book, hood: Hood) -> Clearing:
    """The clearing of a book; every agent in it is a member of the hood."""
    layout, lots = hood.grid.layout, Lots(book.round)
    orders: defaultdict[int, list[BookOrder]] = defaultdict(list)
    for order in book.orders:
        orders[layout.number[hood.member[order.agent].node]].append(order)
    scaled, scale = _scale(hood, book.round.gate, orders)
    optimum = tree.solve(scaled, lambda node: (layout.fee[node], lots.node(layout.names[node])))
    prices = _node_prices(scaled, optimum, scale, hood.collar(book.round.slot))
    traded = _Traded(lots)
    for node, own_orders in orders.items():
        traded.add(node, own_orders, optimum, scaled, scale)
    trades = sorted(_trades(hood, lots, traded, prices))
    return Clearing(ALGORITHM, tuple(trades), tuple(sorted(zip(layout.names, prices, strict=True))))


def _scale(hood: Hood, gate: int, orders: dict[int, list[BookOrder]]) -> tuple[tree.Scaled, int]:
    """The book as curves with scaled prices, fees and capacities, and the scale K."""
    layout = hood.grid.layout
    scale = 2 * (len(layout) - 1) + 2
    curves: list[tree.OwnCurve | None] = [None] * len(layout)
    for node, own_orders in orders.items():
        curves[node] = _own_curve(own_orders, scale)
    limits = hood.capacities(gate)
    return tree.Scaled(
        layout,
        [scale * fee + 2 for fee in layout.fee],
        [tree.UNLIMITED_WH if up is None else up for up, _ in limits],
        [tree.UNLIMITED_WH if down is None else down for _, down in limits],
        curves,
    ), scale


def _own_curve(orders: list[BookOrder], scale: int) -> tree.OwnCurve:
    sells: defaultdict[int, int] = defaultdict(int)
    buys: defaultdict[int, int] = defaultdict(int)
    for _, side, steps in orders:
        energies = buys if side == BUY else sells
        for price, energy_wh in steps:
            energies[price] += energy_wh
    jumps = {scale * price: energy_wh for price, energy_wh in sells.items()}
    jumps.update({scale * price + 1: energy_wh for price, energy_wh in buys.items()})
    return tree.OwnCurve(jumps, sum(buys.values()))


class _Traded:
    """What each agent trades, by node and side."""

    def __init__(self, lots: Lots) -> None:
        self._lots = lots
        self.sold: dict[int, list[Open]] = {}
        self.bought: dict[int, list[Open]] = {}

    def add(self, node: int, orders: list[BookOrder], optimum: tree.Exports, scaled: tree.Scaled, scale: int) -> None:
        """Share a node's own export among its agents. Marginal are sell steps at K p or buy steps at K p + 1."""
        curve, price = scaled.curves[node], optimum.prices[node]
        if curve is None:
            return
        sure, most = (price - 1) // scale, price // scale
        sellers = [
            (
                agent,
                sum([wh for limit, wh in steps if limit <= sure]),
                sum([wh for limit, wh in steps if limit <= most]),
            )
            for agent, side, steps in orders
            if side == SELL
        ]
        most = -(-(price - 1) // scale)
        buyers = [
            (agent, sum([wh for limit, wh in steps if limit > sure]), sum([wh for limit, wh in steps if limit >= most]))
            for agent, side, steps in orders
            if side == BUY
        ]
        self.sold[node] = self._amounts(sellers, optimum.own[node] - curve.below(price))
        self.bought[node] = self._amounts(buyers, curve.above(price) - optimum.own[node])

    def _amounts(self, bounds: list[tuple[bytes, int, int]], marginal_wh: int) -> list[Open]:
        """What the agents of one side trade between their sure and their greatest amount, by ascending lot."""
        line = sorted([(self._lots.agent(agent), agent, least, most) for agent, least, most in bounds if most])
        parts = share_between(marginal_wh, [(least, most) for _, _, least, most in line])
        return [Open(lot, agent, part) for (lot, agent, _, _), part in zip(line, parts, strict=True) if part]


def _node_prices(scaled: tree.Scaled, optimum: tree.Exports, scale: int, collar: tuple[int, int]) -> list[int]:
    """Every node's price in mct/kWh."""
    low, high = _intervals(scaled, optimum, scale)
    layout, prices = scaled.layout, [0] * len(low)
    for node in range(len(low)):
        least, most = max(low[node], collar[0]), min(high[node], collar[1])
        if node:
            edge = _edge_prices(scaled, optimum, node, prices[layout.parent[node]])
            least, most = max(least, edge[0]), min(most, edge[1])
        prices[node] = (least + most) // 2
    return prices


def _intervals(scaled: tree.Scaled, optimum: tree.Exports, scale: int) -> tuple[list[int], list[int]]:
    """The prices at which each subtree's curve contains its export: what its own part and its child edges allow.

    Every optimum fits every price that some optimum has, so the curve itself is not needed.
    """
    layout = scaled.layout
    low, high = [-_FAR] * len(layout), [_FAR] * len(layout)
    for node in range(len(layout) - 1, -1, -1):
        curve = scaled.curves[node]
        if curve is not None:
            least, most = curve.prices_at(optimum.own[node])
            low[node], high[node] = max(low[node], least // scale), min(high[node], most // scale)
        if node:
            parent, fee, flow_wh = layout.parent[node], layout.fee[node], optimum.export[node]
            if flow_wh > 0 or -flow_wh < scaled.down[node]:
                low[parent] = max(low[parent], low[node] + (fee if flow_wh > 0 else -fee))
            if flow_wh < 0 or flow_wh < scaled.up[node]:
                high[parent] = min(high[parent], high[node] + (-fee if flow_wh < 0 else fee))
    return low, high


def _edge_prices(scaled: tree.Scaled, optimum: tree.Exports, node: int, above: int) -> tuple[int, int]:
    """The prices that a node's edge allows beside its parent's price."""
    fee, flow_wh = scaled.layout.fee[node], optimum.export[node]
    low, high = -_FAR, _FAR
    if flow_wh < 0 or flow_wh < scaled.up[node]:
        low = above + fee if flow_wh < 0 else above - fee
    if flow_wh > 0 or -flow_wh < scaled.down[node]:
        high = above - fee if flow_wh > 0 else above + fee
    return low, high


def _trades(hood: Hood, lots: Lots, traded: _Traded, prices: list[int]) -> Iterator[Trade]:
    """Node totals paired from near to far, agents by lot."""
    layout, sold, bought = hood.grid.layout, traded.sold, traded.bought

    def live(_fee: int, pairs: list[Pair]) -> list[Pair]:
        return [pair for pair in pairs if sold[pair[0]] and bought[pair[1]]]

    def settle(fee: int, pair: Pair) -> Iterator[Trade]:
        if not (sold[pair[0]] and bought[pair[1]]):
            return
        seller_price, buyer_price = prices[pair[0]], prices[pair[1]]
        trades = [
            Trade(seller, buyer, energy_wh, seller_price, buyer_price, fee)
            for seller, buyer, energy_wh in match(sold[pair[0]], bought[pair[1]])
        ]
        volume_wh = sum(trade.energy_wh for trade in trades)
        sold[pair[0]], bought[pair[1]] = _rest(sold[pair[0]], volume_wh), _rest(bought[pair[1]], volume_wh)
        yield from trades

    for node in own_pairs(layout, sold.keys() & bought.keys()):
        yield from settle(0, (node, node))
    sellers, buyers = ([node for node, opens in side.items() if opens] for side in (sold, bought))
    for fee, pair in node_pairs(layout, lots, sellers, buyers, live):
        yield from settle(fee, pair)


def _rest(opens: list[Open], volume_wh: int) -> list[Open]:
    """What is left after the first in line have traded a volume."""
    for index, (lot, agent, energy_wh) in enumerate(opens):
        if energy_wh > volume_wh:
            return [Open(lot, agent, energy_wh - volume_wh), *opens[index + 1 :]]
        volume_wh -= energy_wh
    return []
