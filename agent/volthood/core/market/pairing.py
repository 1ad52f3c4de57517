"""Who trades with whom: pairs of nodes from near to far, and within a pair sellers and buyers by lot.

Pairs of nodes stand in ascending path fee, then deeper common ancestor, then hash(round, both nodes). A pair names the
seller's node first. Of the two directions of a pair at most one has something to trade: of two different nodes at least
one was its own pair before, and is left with sellers or with buyers, not both.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

from volthood.core.grid import Layout
from volthood.core.market.book import Lots

Pair = tuple[int, int]
"""(seller's node, buyer's node), by the grid layout's numbers."""


class Open(NamedTuple):
    """An agent with energy still to pair; `lot` is hash(round, agent)."""

    lot: bytes
    agent: bytes
    energy_wh: int


def match(sellers: Sequence[Open], buyers: Sequence[Open]) -> Iterator[tuple[bytes, bytes, int]]:
    """(seller, buyer, Wh): first with first, the smaller open amount, on to the next, until one side is through.

    Both sides stand in ascending order of their lots.
    """
    seller, buyer = iter(sellers), iter(buyers)
    left = have = 0
    sold = bought = b""
    try:
        while True:
            while not have:
                _, sold, have = next(seller)
            while not left:
                _, bought, left = next(buyer)
            part = min(have, left)
            yield sold, bought, part
            have -= part
            left -= part
    except StopIteration:
        return


def path_fee(layout: Layout, one: int, other: int) -> int:
    """The fees of the edges between two nodes, mct/kWh."""
    ancestor = common_ancestor(layout, one, other)
    return layout.distance[one] + layout.distance[other] - 2 * layout.distance[ancestor]


def common_ancestor(layout: Layout, one: int, other: int) -> int:
    """The deepest node whose subtree holds both."""
    at = one
    while not at <= other < layout.end[at]:
        at = layout.parent[at]
    return at


def own_pairs(layout: Layout, nodes: Iterable[int]) -> list[int]:
    """Those of `nodes` whose own pair comes before every other pair of theirs: all without a free edge to a child.

    With a free edge a pair of parent and child has the same fee and the same ancestor as the parent's own pair.
    """
    tied = {layout.parent[node] for node in range(1, len(layout)) if not layout.fee[node]}
    return [node for node in nodes if node not in tied]


def node_pairs(
    layout: Layout,
    lots: Lots,
    sellers: Iterable[int],
    buyers: Iterable[int],
    live: Callable[[int, list[Pair]], list[Pair]],
) -> Iterator[tuple[int, Pair]]:
    """(path fee, pair) of sellers' and buyers' nodes in the order in which they trade.

    Args:
        sellers, buyers: nodes with something to sell, to buy.
        live: which pairs of one path fee can still trade. Asked once before those with one fee and one depth are put in
            order, so that no time goes into pairs that are through.
    """
    levels = max(layout.depth) + 1
    groups = _groups(layout, sellers, sorted(buyers), levels)
    for key in sorted(groups):
        fee = key // levels
        pairs = live(fee, groups[key])
        if len(pairs) > 1:
            names = layout.names
            pairs = [pair for _, pair in sorted((lots.nodes(names[pair[0]], names[pair[1]]), pair) for pair in pairs)]
        for pair in pairs:
            yield fee, pair


def _groups(layout: Layout, sellers: Iterable[int], buyers: list[int], levels: int) -> dict[int, list[Pair]]:
    """Pairs by path fee and depth of the common ancestor, deepest first, in one number: fee x levels + levels above it."""
    groups: defaultdict[int, list[Pair]] = defaultdict(list)
    distance, far = layout.distance, [layout.distance[buyer] * levels for buyer in buyers]
    for seller in sellers:
        top, first, last = seller, seller, seller
        while top >= 0:
            low, high = bisect_left(buyers, top), bisect_left(buyers, layout.end[top])
            inner_low, inner_high = bisect_left(buyers, first, low, high), bisect_left(buyers, last, low, high)
            base = (distance[seller] - 2 * distance[top]) * levels + levels - 1 - layout.depth[top]
            for start, end in ((low, inner_low), (inner_high, high)):
                for buyer, way in zip(buyers[start:end], far[start:end], strict=True):
                    groups[base + way].append((seller, buyer))
            top, first, last = layout.parent[top], top, layout.end[top]
    return groups
