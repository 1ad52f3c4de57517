"""Which way traded energy takes through the grid: what a line carried by contract, and what each pair of nodes paid.

Contracts say between which nodes energy was traded, and a tree has one way between two nodes. Integers throughout: Wh,
mct/kWh, µct.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from volthood.core.grid import GridMap, Layout
from volthood.core.market.pairing import common_ancestor, path_fee
from volthood_tools.demo.report.figures import Trade


@dataclass(frozen=True)
class Ways:
    """Energy by the way it took.

    Attributes:
        inside_wh: traded between homes of one node, by its name.
        up_wh, down_wh: over the line between a node and its parent, towards the root and away from it, by its name.
    """

    inside_wh: Counter[str] = field(default_factory=Counter)
    up_wh: Counter[str] = field(default_factory=Counter)
    down_wh: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True)
class PairOfNodes:
    """What was traded from one node to another.

    Attributes:
        fee_mct_per_kwh: the fees of the lines between them.
        seller_prices, buyer_prices: mct/kWh of the contracts, ascending.
        grid_uct: what buyers paid above what sellers got.
    """

    seller_node: str
    buyer_node: str
    fee_mct_per_kwh: int
    energy_wh: int
    seller_prices: tuple[int, ...]
    buyer_prices: tuple[int, ...]
    grid_uct: int


def ways_of(grid: GridMap, node_of: dict[str, str], trades: Iterable[Trade]) -> Ways:
    """The ways of delivered trades; `node_of` is the node of each house."""
    layout, ways = grid.layout, Ways()
    for trade in trades:
        seller, buyer = (layout.number[node_of[house]] for house in trade.houses)
        top, energy_wh = common_ancestor(layout, seller, buyer), trade.transaction.energy_wh
        if seller == buyer:
            ways.inside_wh[layout.names[seller]] += energy_wh
        ways.up_wh.update(dict.fromkeys(_lines(layout, seller, top), energy_wh))
        ways.down_wh.update(dict.fromkeys(_lines(layout, buyer, top), energy_wh))
    return ways


def _lines(layout: Layout, start: int, top: int) -> list[str]:
    """The lines between a node and one above it, by the name of their lower node."""
    names = []
    while start != top:
        names.append(layout.names[start])
        start = layout.parent[start]
    return names


def pairs_of(grid: GridMap, node_of: dict[str, str], trades: Iterable[Trade]) -> list[PairOfNodes]:
    """What each pair of nodes traded, near pairs first."""
    found: dict[tuple[str, str], list[Trade]] = {}
    for trade in trades:
        seller, buyer = trade.houses
        found.setdefault((node_of[seller], node_of[buyer]), []).append(trade)
    return sorted((_pair(grid, *nodes, some) for nodes, some in found.items()), key=_nearness)


def _pair(grid: GridMap, seller_node: str, buyer_node: str, trades: list[Trade]) -> PairOfNodes:
    layout = grid.layout
    return PairOfNodes(
        seller_node,
        buyer_node,
        path_fee(layout, layout.number[seller_node], layout.number[buyer_node]),
        sum(trade.transaction.energy_wh for trade in trades),
        tuple(sorted(trade.contract.seller_price for trade in trades)),
        tuple(sorted(trade.contract.buyer_price for trade in trades)),
        sum(trade.grid_uct for trade in trades),
    )


def _nearness(pair: PairOfNodes) -> tuple[int, str, str]:
    return pair.fee_mct_per_kwh, pair.seller_node, pair.buyer_node
