"""What both checks stand on: who ordered what where, ways through the grid, lots, and the uniform rule once more.

Everything here is the plain way to say it, written apart from the code that clears, so that one mistake is not made twice.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
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
    """The way from one node to another: its fee, the depth of its highest point, edges used upwards and downwards."""

    fee: int
    depth: int
    up: tuple[str, ...]
    down: tuple[str, ...]


class Ground:
    """A book laid out on the hood's grid."""

    def __init__(self, book: Book, hood: Hood) -> None:
        self.round = list(book.round)
        self.node = {order.agent: hood.member[order.agent].node for order in book.orders}
        self.sells: dict[bytes, Steps] = {}
        self.buys: dict[bytes, Steps] = {}
        for agent, side, steps in book.orders:
            (self.sells if side == SELL else self.buys)[agent] = steps
        head = encode([self.round, bytes(32)])[:-32]
        self.lot = {agent: sha256(head + agent) for agent in self.node}
        self.reference = hood.reference_at(book.round.slot)
        self.collar = hood.collar(book.round.slot)
        self.fee = {node.name: node.fee_mct_per_kwh for node in hood.grid.nodes}
        self.parent = {node.name: node.parent for node in hood.grid.nodes}
        forward = [gate for gate in hood.gates if not gate.balancing]
        balancing = hood.gate[book.round.gate].balancing
        self.up = {node.name: _limit(node.up_wh, balancing, len(forward)) for node in hood.grid.nodes}
        self.down = {node.name: _limit(node.down_wh, balancing, len(forward)) for node in hood.grid.nodes}
        self._above: dict[str, list[str]] = {}
        self._paths: dict[tuple[str, str], Path] = {}

    def above(self, node: str) -> list[str]:
        """A node, its parent, and so on to the root."""
        if node not in self._above:
            parent = self.parent[node]
            self._above[node] = [node] if parent is None else [node, *self.above(parent)]
        return self._above[node]

    def path(self, start: str, end: str) -> Path:
        """The way between two nodes."""
        if (start, end) not in self._paths:
            ups, downs = self.above(start), self.above(end)
            shared = 0
            while shared < min(len(ups), len(downs)) and ups[-1 - shared] == downs[-1 - shared]:
                shared += 1
            up, down = tuple(ups[: len(ups) - shared]), tuple(downs[: len(downs) - shared])
            fee = sum(self.fee[node] for node in up) + sum(self.fee[node] for node in down)
            self._paths[start, end] = Path(fee, shared, up, down)
        return self._paths[start, end]

    def by_node(self, agents: Iterable[bytes]) -> dict[str, list[bytes]]:
        """The agents of each node, first in line first."""
        nodes: defaultdict[str, list[bytes]] = defaultdict(list)
        for agent in sorted(agents, key=self.lot.__getitem__):
            nodes[self.node[agent]].append(agent)
        return dict(nodes)

    def in_order(
        self, sellers: Iterable[str], buyers: Iterable[str], alive: Callable[[str, str, int], bool]
    ) -> Iterator[tuple[str, str]]:
        """Pairs of a seller's and a buyer's node as they trade; `alive(seller, buyer, fee)` may leave out the useless."""
        buyers = list(buyers)
        keys = [(self.path(a, b), a, b) for a in sellers for b in buyers]
        keys.sort(key=lambda key: (key[0].fee, -key[0].depth))
        for (fee, _), group in groupby(keys, key=lambda key: (key[0].fee, -key[0].depth)):
            pairs = [(a, b) for _, a, b in group if alive(a, b, fee)]
            if len(pairs) > 1:
                pairs.sort(key=lambda pair: hash_of(self.round, min(pair), max(pair)))
            yield from pairs


def rationed(volume_wh: int, wants_wh: Mapping[bytes, int], given_wh: Mapping[bytes, int]) -> dict[bytes, int]:
    """Totals as equal as they can be when `volume_wh` is added to what was given, nobody above its want.

    Wants are first in line first. The level is found by halving: the highest at which the volume suffices.
    """

    def needed(level: int) -> int:
        return sum(max(0, min(level, want) - given_wh.get(agent, 0)) for agent, want in wants_wh.items())

    low, high = 0, max(wants_wh.values(), default=0)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if needed(middle) <= volume_wh else (low, middle - 1)
    totals = {agent: max(given_wh.get(agent, 0), min(low, want)) for agent, want in wants_wh.items()}
    left_wh = volume_wh - needed(low)
    for agent, want in wants_wh.items():
        if left_wh and want > totals[agent] and totals[agent] == low:
            totals[agent] += 1
            left_wh -= 1
    return totals


def paired(sold: dict[bytes, int], bought: dict[bytes, int]) -> Iterator[tuple[bytes, bytes, int]]:
    """(seller, buyer, Wh) as they stand in line, taken off both sides, until one side has nothing left."""
    while sold and bought:
        seller, buyer = next(iter(sold)), next(iter(bought))
        energy_wh = min(sold[seller], bought[buyer])
        yield seller, buyer, energy_wh
        for side, agent in ((sold, seller), (bought, buyer)):
            side[agent] -= energy_wh
            if not side[agent]:
                del side[agent]


def _limit(capacity_wh: int | None, balancing: bool, gates: int) -> int:
    return UNLIMITED_WH if balancing or capacity_wh is None else capacity_wh // gates
