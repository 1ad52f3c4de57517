"""The grid map: a tree of nodes, and on each edge towards the root a fee and a capacity in each direction.

The root is the substation, inner nodes are feeders and cabinets, every agent sits on a node. The simplest hood is one
node. A map that is not one tree is refused by the name of the node that breaks it.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from volthood.errors import LocalError
from volthood.wire.cbor import WireError
from volthood.wire.limits import MAX_ENERGY_WH, MAX_ITEMS, MAX_PRICE_MCT_PER_KWH
from volthood.wire.topics import check_name


@dataclass(frozen=True)
class GridNode:
    """A node and the edge to its parent.

    Attributes:
        name: 1 to 32 of a-z, 0-9, `-` and `_`.
        parent: name of the next node towards the substation, None for the root.
        fee_mct_per_kwh: network charge for using the edge, 0 or more.
        up_wh: most energy in one slot towards the root, None without a limit.
        down_wh: most energy in one slot away from the root, None without a limit.
    """

    name: str
    parent: str | None = None
    fee_mct_per_kwh: int = 0
    up_wh: int | None = None
    down_wh: int | None = None

    def __post_init__(self) -> None:
        try:
            check_name(self.name)
        except WireError as error:
            raise LocalError(f"grid: node {self.name!r}: {error}") from error
        self._check("fee_mct_per_kwh", self.fee_mct_per_kwh, MAX_PRICE_MCT_PER_KWH, "mct/kWh")
        self._check("up_wh", self.up_wh, MAX_ENERGY_WH, "Wh")
        self._check("down_wh", self.down_wh, MAX_ENERGY_WH, "Wh")
        if self.parent is None and (self.fee_mct_per_kwh, self.up_wh, self.down_wh) != (0, None, None):
            raise LocalError(f"grid: node {self.name}: the root has no edge, so no fee and no capacity")

    def _check(self, field: str, value: int | None, most: int, unit: str) -> None:
        if value is not None and not 0 <= value <= most:
            raise LocalError(f"grid: node {self.name}: {field} = {value} is outside 0..{most} {unit}")


@dataclass(frozen=True)
class GridMap:
    """The nodes of one tree, kept in ascending order of their names."""

    nodes: tuple[GridNode, ...] = (GridNode("root"),)

    def __post_init__(self) -> None:
        object.__setattr__(self, "nodes", tuple(sorted(self.nodes, key=lambda node: node.name)))
        if not 1 <= len(self.nodes) <= MAX_ITEMS:
            raise LocalError(f"grid: {len(self.nodes)} nodes, not 1 to {MAX_ITEMS}")
        _check_tree(self.nodes)

    @cached_property
    def by_name(self) -> dict[str, GridNode]:
        """Every node by its name."""
        return {node.name: node for node in self.nodes}

    @cached_property
    def root(self) -> GridNode:
        """The substation."""
        return next(node for node in self.nodes if node.parent is None)

    @cached_property
    def layout(self) -> "Layout":
        """The tree as numbers."""
        return Layout(self)


class Layout:
    """A grid map as lists over node numbers, in preorder: the root is 0, and a subtree is the range [i, end[i])."""

    def __init__(self, grid: GridMap) -> None:
        children: dict[str, list[GridNode]] = {node.name: [] for node in grid.nodes}
        for node in grid.nodes:
            if node.parent is not None:
                children[node.parent].append(node)
        ordered, waiting = [], [grid.root]
        while waiting:
            node = waiting.pop()
            ordered.append(node)
            waiting.extend(reversed(children[node.name]))
        self.nodes = ordered
        self.names = [node.name for node in ordered]
        self.number = {name: index for index, name in enumerate(self.names)}
        self.parent = [-1 if node.parent is None else self.number[node.parent] for node in ordered]
        self.fee = [node.fee_mct_per_kwh for node in ordered]
        self.depth = [0] * len(ordered)
        self.distance = [0] * len(ordered)
        """Fees from the root added up, mct/kWh."""
        for index in range(1, len(ordered)):
            self.depth[index] = self.depth[self.parent[index]] + 1
            self.distance[index] = self.distance[self.parent[index]] + self.fee[index]
        self.end = list(range(1, len(ordered) + 1))
        for index in range(len(ordered) - 1, 0, -1):
            self.end[self.parent[index]] = max(self.end[self.parent[index]], self.end[index])

    def __len__(self) -> int:
        return len(self.nodes)


def _check_tree(nodes: Iterable[GridNode]) -> None:
    parents: dict[str, str | None] = {}
    for node in nodes:
        if node.name in parents:
            raise LocalError(f"grid: node {node.name} stands twice")
        parents[node.name] = node.parent
    roots = [name for name, parent in parents.items() if parent is None]
    if len(roots) != 1:
        raise LocalError(f"grid: one node is without a parent, the root; here: {', '.join(roots) or 'none'}")
    for name, parent in parents.items():
        if parent is not None and parent not in parents:
            raise LocalError(f"grid: node {name}: its parent {parent} is not in the map")
    _check_no_cycle(parents)


def _check_no_cycle(parents: dict[str, str | None]) -> None:
    """Every node reaches the root; what has been seen to reach it is not walked again."""
    rooted: set[str] = set()
    for name in parents:
        walked: set[str] = set()
        at: str | None = name
        while at is not None and at not in rooted:
            if at in walked:
                raise LocalError(f"grid: node {at} is its own ancestor")
            walked.add(at)
            at = parents[at]
        rooted |= walked
