"""What both checks stand on: who ordered what where, ways through the grid, lots, and the uniform rule once more.

Everything here is the plain way to say it, written apart from the code that clears, so that one mistake is not made twice.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate, groupby
from operator import itemgetter
from typing import NamedTuple

from volthood.core.hood import Hood
from volthood.core.market.book import Book, Steps
from volthood.wire.cbor import encode
from volthood.wire.keys import hash_of, sha256
from volthood.wire.market import SELL

UNLIMITED_WH = 1 << 62


@dataclass(frozen=True)
class Fault:
    """A condition that fails, and where: node, mct/kWh, Wh; None where there is none."""

    condition: str
    node: str | None = None
    price_mct_per_kwh: int | None = None
    energy_wh: int | None = None
    detail: str = ""

    def __str__(self) -> str:
        parts = [f"fails: {self.condition}"]
        parts += [] if self.node is None else [f"node {self.node}"]
        parts += [] if self.price_mct_per_kwh is None else [f"{self.price_mct_per_kwh} mct/kWh"]
        parts += [] if self.energy_wh is None else [f"{self.energy_wh} Wh"]
        parts += [self.detail] if self.detail else []
        return "; ".join(parts)


class Path(NamedTuple):
    """The way from one node to another: its fee, edges used upwards and downwards."""

    fee: int
    up: tuple[str, ...]
    down: tuple[str, ...]


class Ground:
    """A book laid out on the hood's grid."""

    def __init__(self, book: Book, hood: Hood) -> None:
        self.round = list(book.round)
        members = hood.member
        self.node = {agent: members[agent].node for agent, _, _ in book.orders}
        self.sells: dict[bytes, Steps] = {}
        self.buys: dict[bytes, Steps] = {}
        for agent, side, steps in book.orders:
            (self.sells if side == SELL else self.buys)[agent] = steps
        self._lot_head = encode([self.round, bytes(32)])[:-32]
        self.reference = hood.reference_at(book.round.slot)
        self.collar = hood.collar(book.round.slot)
        self.fee = {node.name: node.fee_mct_per_kwh for node in hood.grid.nodes}
        self.parent = {node.name: node.parent for node in hood.grid.nodes}
        forward = [gate for gate in hood.gates if not gate.balancing]
        balancing = hood.gate[book.round.gate].balancing
        self.up = {node.name: _limit(node.up_wh, balancing, len(forward)) for node in hood.grid.nodes}
        self.down = {node.name: _limit(node.down_wh, balancing, len(forward)) for node in hood.grid.nodes}
        self._above: dict[str, list[str]] = {}
        self._meeting: dict[str, dict[str, str]] = {}
        self._paths: dict[tuple[str, str], Path] = {}
        self.top_down = sorted(self.fee, key=lambda node: len(self.above(node)))

    def above(self, node: str) -> list[str]:
        """A node, its parent, and so on to the root."""
        if node not in self._above:
            parent = self.parent[node]
            self._above[node] = [node] if parent is None else [node, *self.above(parent)]
        return self._above[node]

    def meeting(self, start: str) -> dict[str, str]:
        """For every node, where the way to it from `start` turns downwards."""
        if start not in self._meeting:
            above = set(self.above(start))
            tops: dict[str, str] = {}
            for node in self.top_down:
                parent = self.parent[node]
                tops[node] = node if parent is None or node in above else tops[parent]
            self._meeting[start] = tops
        return self._meeting[start]

    def path(self, start: str, end: str) -> Path:
        """The way between two nodes."""
        known = self._paths.get((start, end))
        if known is None:
            known = self._paths[start, end] = self._path(start, end)
        return known

    def _path(self, start: str, end: str) -> Path:
        shared = len(self.above(self.meeting(start)[end]))
        up, down = (tuple(self.above(node)[: len(self.above(node)) - shared]) for node in (start, end))
        return Path(sum(self.fee[node] for node in (*up, *down)), up, down)

    def by_node(self, agents: Iterable[bytes]) -> dict[str, list[bytes]]:
        """The agents of each node."""
        nodes: defaultdict[str, list[bytes]] = defaultdict(list)
        for agent in agents:
            nodes[self.node[agent]].append(agent)
        return dict(nodes)

    def in_line(self, agents: Iterable[bytes]) -> list[bytes]:
        """Agents by hash(round, agent)."""
        head = self._lot_head
        return [agent for _, agent in sorted([(sha256(head + agent), agent) for agent in agents])]

    def in_order(
        self, sellers: Iterable[str], buyers: Iterable[str], alive: Callable[[str, str, int], bool]
    ) -> Iterator[tuple[str, str]]:
        """Pairs of a seller's and a buyer's node as they trade; `alive(seller, buyer, fee)` may leave out the useless."""
        sellers, buyers = list(sellers), list(buyers)
        tied = {self.parent[node] for node, fee in self.fee.items() if fee == 0}
        alone = [node for node in sellers if node in set(buyers) - tied]
        # A node's own pair is its first, unless a free edge leads down from it: then the lot decides between the two.
        yield from ((node, node) for node in alone)
        keys = [key for start in sellers for key in self._keys(start, buyers) if alive(start, key[3], 0)]
        keys.sort(key=itemgetter(0, 1))
        for (fee, _), group in groupby(keys, key=itemgetter(0, 1)):
            pairs = [(start, end) for _, _, start, end in group if alive(start, end, fee)]
            if len(pairs) > 1:
                pairs.sort(key=lambda pair: hash_of(self.round, min(pair), max(pair)))
            yield from pairs

    def _keys(self, start: str, ends: list[str]) -> Iterator[tuple[int, int, str, str]]:
        """(fee, depth of the turning point with the deepest first, start, end) to each end."""
        tops, far = self.meeting(start), self._from_root
        for end in ends:
            top = tops[end]
            yield far[start] + far[end] - 2 * far[top], -len(self.above(top)), start, end

    @cached_property
    def _from_root(self) -> dict[str, int]:
        return {node: sum(self.fee[step] for step in self.above(node)) for node in self.top_down}


def rationed(volume_wh: int, wants_wh: Mapping[bytes, int], given_wh: Mapping[bytes, int]) -> dict[bytes, int]:
    """Totals as equal as they can be when `volume_wh` is added to what was given, nobody above its want.

    Wants are first in line first. The level is found by halving: the highest at which the volume suffices.
    """
    wants, given = _Heap(wants_wh.values()), _Heap([given_wh.get(agent, 0) for agent in wants_wh])
    low, high = 0, max(wants_wh.values(), default=0)
    if wants.up_to(high) - given.up_to(high) <= volume_wh:
        return dict(wants_wh)
    while low < high:
        middle = (low + high + 1) // 2
        enough = wants.up_to(middle) - given.up_to(middle) <= volume_wh
        low, high = (middle, high) if enough else (low, middle - 1)
    left_wh = volume_wh - wants.up_to(low) + given.up_to(low)
    totals = {}
    for agent, want in wants_wh.items():
        totals[agent] = max(given_wh.get(agent, 0), min(low, want))
        if left_wh and want > totals[agent] == low:
            totals[agent] += 1
            left_wh -= 1
    return totals


class _Heap:
    """Amounts of which one asks how much of them lies below a level."""

    def __init__(self, amounts_wh: Iterable[int]) -> None:
        self._sorted = sorted(amounts_wh)
        self._sums = list(accumulate(self._sorted, initial=0))

    def up_to(self, level: int) -> int:
        """The sum of all amounts, each cut at the level."""
        below = bisect_right(self._sorted, level)
        return self._sums[below] + level * (len(self._sorted) - below)


def paired(sold: dict[bytes, int], bought: dict[bytes, int]) -> list[tuple[bytes, bytes, int]]:
    """(seller, buyer, Wh) as they stand in line, taken off both sides, until one side has nothing left."""
    pairs = []
    buyers = iter(list(bought.items()))
    buyer, wanted_wh = next(buyers, (b"", 0))
    for seller, own_wh in list(sold.items()):
        offered_wh = own_wh
        while offered_wh and wanted_wh:
            energy_wh = min(offered_wh, wanted_wh)
            pairs.append((seller, buyer, energy_wh))
            offered_wh -= energy_wh
            wanted_wh -= energy_wh
            bought[buyer] = wanted_wh
            if not wanted_wh:
                del bought[buyer]
                buyer, wanted_wh = next(buyers, (b"", 0))
        if offered_wh:
            sold[seller] = offered_wh
            break
        del sold[seller]
    return pairs


def _limit(capacity_wh: int | None, balancing: bool, gates: int) -> int:
    return UNLIMITED_WH if balancing or capacity_wh is None else capacity_wh // gates
