"""The auction's optimum on a tree of nodes: net supply curves upwards, prices and exports downwards.

The *net supply curve* of a subtree is its net export as a step function of the price at its top. It is the sum of its own
orders' steps and its children's curves; passing an edge moves the exporting part up by the fee and the importing part down
by it, and clips both at the capacity. Where the root's curve crosses zero lies the root's price, and going back down each
node's price follows. Integers only, cost about N log N.

Why the optimum is unique:

- Steps and fees are scaled (K = 2 x edges + 2): sell prices K p, buy prices K p + 1, fees K f + 2. So a trade of zero
  surplus happens inside a node, where it gains 1, and never over an edge, where it loses 2 on each. An optimum of the
  scaled book is one of the book.
- At a node's price its own marginal steps (as one part) and each child edge can give a net export from lo to hi. All start
  at lo; what is missing is taken from the own part first, then from child edges by ascending fee, then hash.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate

from volthood.core.grid import Layout

UNLIMITED_WH = 1 << 62
_NEVER = 1 << 62
"""A scaled price beyond every other."""


class OwnCurve:
    """A node's own orders as jumps of its net export: scaled price, Wh; ascending."""

    def __init__(self, jumps: Mapping[int, int], bought_wh: int) -> None:
        self.prices = sorted(jumps)
        self.energies = [jumps[price] for price in self.prices]
        self.levels = list(accumulate(self.energies, initial=-bought_wh))
        """Net export below the first jump, and after each."""

    def below(self, price: int) -> int:
        """Net export just below a scaled price: no marginal step traded to export."""
        return self.levels[bisect_left(self.prices, price)]

    def above(self, price: int) -> int:
        """Net export just above a scaled price: every marginal step traded to export."""
        return self.levels[bisect_right(self.prices, price)]

    def prices_at(self, export_wh: int) -> tuple[int, int]:
        """The closed interval of scaled prices at which the curve contains an export; -/+`_NEVER` where it is open."""
        before = bisect_left(self.levels, export_wh)
        after = bisect_right(self.levels, export_wh) - 1
        low = self.prices[before - 1] if before else -_NEVER
        high = self.prices[after] if after < len(self.prices) else _NEVER
        return low, high


class Half:
    """The importing or the exporting part of a curve, as a heap-like list whose last jump is the nearest to zero export.

    Keys ascend towards zero export: a scaled price in the importing part, its negative in the exporting part, so that a
    fee lowers the keys of both.
    """

    def __init__(self, keys: Iterable[int] = (), energies: Iterable[int] = ()) -> None:
        self.keys = list(keys)
        self.energies = list(energies)
        self.total_wh = sum(self.energies)
        self._offset = 0

    def nearest(self) -> int:
        """Key of the jump nearest to zero, -`_NEVER` where there is none."""
        return self.keys[-1] + self._offset if self.keys else -_NEVER

    def lower(self, fee: int) -> None:
        """Move every key down."""
        self._offset -= fee

    def push(self, key: int, energy_wh: int) -> None:
        """Add a jump whose key is not below any other."""
        key -= self._offset
        self.total_wh += energy_wh
        if self.keys and self.keys[-1] == key:
            self.energies[-1] += energy_wh
        else:
            self.keys.append(key)
            self.energies.append(energy_wh)

    def take_above(self, key: int) -> list[tuple[int, int]]:
        """Take out every jump with a key above `key`: (key, Wh) each."""
        cut = bisect_right(self.keys, key - self._offset)
        taken = [(own + self._offset, wh) for own, wh in zip(self.keys[cut:], self.energies[cut:], strict=True)]
        del self.keys[cut:], self.energies[cut:]
        self.total_wh -= sum(wh for _, wh in taken)
        return taken

    def clip(self, capacity_wh: int) -> int:
        """Drop what lies beyond a capacity, farthest from zero first; the key at which it binds, -`_NEVER` if nowhere."""
        excess_wh, drop = self.total_wh - capacity_wh, 0
        if excess_wh <= 0:
            return -_NEVER
        while excess_wh and self.energies[drop] <= excess_wh:
            excess_wh -= self.energies[drop]
            drop += 1
        del self.keys[:drop], self.energies[:drop]
        self.total_wh = capacity_wh
        if not self.keys:
            return _NEVER
        self.energies[0] -= excess_wh
        return self.keys[0] + self._offset

    def absorb(self, other: "Half") -> "Half":
        """Both together; the longer one takes the jumps of the shorter."""
        big, small = (self, other) if len(self.keys) >= len(other.keys) else (other, self)
        for key, energy_wh in small.take_above(-_NEVER):
            big.insert(key, energy_wh)
        return big

    def insert(self, key: int, energy_wh: int) -> None:
        """Add a jump anywhere."""
        key -= self._offset
        self.total_wh += energy_wh
        at = bisect_left(self.keys, key)
        if at < len(self.keys) and self.keys[at] == key:
            self.energies[at] += energy_wh
        else:
            self.keys.insert(at, key)
            self.energies.insert(at, energy_wh)


@dataclass
class _Top:
    """A subtree's curve above its edge, by the marks that the way down needs. Scaled prices of the node below the edge.

    Attributes:
        exports_from: the least price at which it exports; `_NEVER` if at none.
        imports_to: the highest price at which it imports; -`_NEVER` if at none.
        full_up, full_down: prices at which the export, the import reaches the edge's capacity.
        idle: a price at which it exports nothing, whatever the capacities.
    """

    exports_from: int
    imports_to: int
    full_up: int
    full_down: int
    idle: int


@dataclass
class Exports:
    """The optimum. Lists over the grid layout's node numbers, energies in Wh.

    Attributes:
        prices: scaled price of each node at which its curve contains its export.
        export: net export of each subtree to its parent.
        own: net export of each node's own orders.
    """

    prices: list[int]
    export: list[int]
    own: list[int]


@dataclass(frozen=True)
class Scaled:
    """A tree of own curves with scaled fees and capacities, by the grid layout's numbers."""

    layout: Layout
    fees: Sequence[int]
    up: Sequence[int]
    down: Sequence[int]
    curves: Sequence[OwnCurve | None]


def solve(tree: Scaled, line: Callable[[int], tuple[int, bytes]]) -> Exports:
    """The unique optimum. `line` gives the place of a child edge: (fee, hash), lowest first."""
    tops, root_price = _curves(tree)
    prices, fixed = _prices(tree, tops, root_price)
    low, high = _ranges(tree, prices, fixed)
    return _exports(tree, prices, low, high, line)


def _curves(tree: Scaled) -> tuple[list[_Top], int]:
    """Way up: the marks of every subtree's curve, and the root's price."""
    halves = [(Half(), Half()) for _ in range(len(tree.layout))]
    tops = [_Top(_NEVER, -_NEVER, _NEVER, -_NEVER, 0)] * len(tree.layout)
    for node in range(len(tree.layout) - 1, 0, -1):
        importing, exporting = _sum(halves[node], tree.curves[node])
        idle = _idle_price(importing, exporting)
        full_up, full_down = -exporting.clip(tree.up[node]), importing.clip(tree.down[node])
        tops[node] = _Top(-exporting.nearest(), importing.nearest(), full_up, full_down, idle)
        importing.lower(tree.fees[node])
        exporting.lower(tree.fees[node])
        parent = tree.layout.parent[node]
        halves[parent] = halves[parent][0].absorb(importing), halves[parent][1].absorb(exporting)
        _cross(*halves[parent])
    return tops, _idle_price(*_sum(halves[0], tree.curves[0]))


def _sum(below: tuple[Half, Half], own: OwnCurve | None) -> tuple[Half, Half]:
    """(importing, exporting) of a node: what comes from its children and its own orders."""
    if own is None:
        return below
    importing, exporting = _split(own)
    both = below[0].absorb(importing), below[1].absorb(exporting)
    _cross(*both)
    return both


def _split(curve: OwnCurve) -> tuple[Half, Half]:
    """A node's own curve in its importing and its exporting part."""
    zero = bisect_right(curve.levels, 0) - 1
    importing = Half(curve.prices[:zero], curve.energies[:zero])
    exporting = Half()
    rest = list(zip(curve.prices[zero:], curve.energies[zero:], strict=True))
    if rest and curve.levels[zero] < 0:
        price, energy_wh = rest[0]
        importing.push(price, -curve.levels[zero])
        rest[0] = price, energy_wh + curve.levels[zero]
    for price, energy_wh in reversed(rest):
        exporting.push(-price, energy_wh)
    return importing, exporting


def _cross(importing: Half, exporting: Half) -> None:
    """Put jumps that stand in the wrong part where they belong: the sum of two curves, each in order by itself."""
    if importing.nearest() + exporting.nearest() <= 0:
        return
    lowest, highest = -exporting.nearest(), importing.nearest()
    wanted = importing.take_above(lowest)
    offered = [(-key, energy_wh) for key, energy_wh in exporting.take_above(-highest)]
    left_wh = sum(energy_wh for _, energy_wh in wanted)
    rest = []
    for price, energy_wh in sorted(wanted + offered):
        part_wh = min(energy_wh, left_wh)
        left_wh -= part_wh
        if part_wh:
            importing.push(price, part_wh)
        if energy_wh > part_wh:
            rest.append((price, energy_wh - part_wh))
    for price, energy_wh in reversed(rest):
        exporting.push(-price, energy_wh)


def _idle_price(importing: Half, exporting: Half) -> int:
    """A price at which a curve contains zero."""
    if importing.keys:
        return importing.nearest()
    return -exporting.nearest() if exporting.keys else 0


def _prices(tree: Scaled, tops: list[_Top], root_price: int) -> tuple[list[int], list[int | None]]:
    """Way down: each node's price, and its export where the parent's price leaves no choice."""
    prices = [root_price] * len(tree.layout)
    fixed: list[int | None] = [None] * len(tree.layout)
    for node in range(1, len(tree.layout)):
        top, fee, above = tops[node], tree.fees[node], prices[tree.layout.parent[node]]
        if above - fee >= top.exports_from:
            prices[node] = min(above - fee, top.full_up)
            fixed[node] = tree.up[node] if above - fee > top.full_up else None
        elif above + fee <= top.imports_to:
            prices[node] = max(above + fee, top.full_down)
            fixed[node] = -tree.down[node] if above + fee < top.full_down else None
        else:
            prices[node] = top.idle
            fixed[node] = 0
    return prices, fixed


def _ranges(tree: Scaled, prices: list[int], fixed: list[int | None]) -> tuple[list[int], list[int]]:
    """The least and the greatest net export of each subtree at its price, as its edge lets it through."""
    low, high = [0] * len(tree.layout), [0] * len(tree.layout)
    for node in range(len(tree.layout) - 1, -1, -1):
        curve = tree.curves[node]
        if curve is not None:
            low[node] += curve.below(prices[node])
            high[node] += curve.above(prices[node])
        if not node:
            break
        parent, export = tree.layout.parent[node], fixed[node]
        if export is None:
            exporting = prices[node] + tree.fees[node] == prices[parent]
            least, most = (0, tree.up[node]) if exporting else (-tree.down[node], 0)
            low[node], high[node] = max(low[node], least), min(high[node], most)
        else:
            low[node] = high[node] = export
        low[parent] += low[node]
        high[parent] += high[node]
    return low, high


def _exports(
    tree: Scaled, prices: list[int], low: list[int], high: list[int], line: Callable[[int], tuple[int, bytes]]
) -> Exports:
    """Way down: what each part exports, own part first, then child edges by their place in line."""
    children: list[list[int]] = [[] for _ in prices]
    for node in range(1, len(prices)):
        children[tree.layout.parent[node]].append(node)
    export, own = [0] * len(prices), [0] * len(prices)
    for node, below in enumerate(children):
        curve = tree.curves[node]
        least, most = (0, 0) if curve is None else (curve.below(prices[node]), curve.above(prices[node]))
        missing_wh = export[node] - least - sum(low[child] for child in below)
        part_wh = min(missing_wh, most - least)
        own[node] = least + part_wh
        missing_wh -= part_wh
        open_edges = [child for child in below if high[child] > low[child]] if missing_wh else []
        for child in below:
            export[child] = low[child]
        for child in sorted(open_edges, key=line):
            part_wh = min(missing_wh, high[child] - low[child])
            export[child] += part_wh
            missing_wh -= part_wh
    return Exports(prices, export, own)
