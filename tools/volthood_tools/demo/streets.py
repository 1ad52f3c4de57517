"""The grid of a demonstration's hood: a substation, street cabinets below it, and who lives where.

The data knows nothing of the grid: all of it is assumed, and said so wherever figures depend on it. Homes with PV and
homes without are dealt out to the streets in turn, so that from four homes on a street can have both.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from volthood.cli.text import price
from volthood.core.grid import GridMap, GridNode
from volthood_tools.demo.dataset import SLOT_S, Dataset, Home

GRIDS = ("tree", "one")
EDGE_FEE_MCT_PER_KWH = 400
EDGE_WH = 25_000
"""100 kW over a slot: a street cable."""
THIRD_STREET_FROM = 6
"""With so many homes one of the streets goes on behind its cabinet."""


@dataclass(frozen=True)
class Streets:
    """A grid map, and the node of each house by name."""

    grid: GridMap
    node_of: dict[str, str]


def make_streets(kind: str, homes: Sequence[Home]) -> Streets:
    """The streets of some homes: `tree`, or `one` node for all."""
    if kind == "one":
        grid = GridMap()
        return Streets(grid, {home.name: grid.root.name for home in homes})
    nodes = [GridNode("substation"), _cabinet("north", "substation"), _cabinet("south", "substation")]
    if len(homes) >= THIRD_STREET_FROM:
        nodes.append(_cabinet("north-2", "north"))
    return Streets(GridMap(tuple(nodes)), _deal(homes, [node.name for node in nodes[1:]]))


def _cabinet(name: str, parent: str) -> GridNode:
    return GridNode(name, parent, EDGE_FEE_MCT_PER_KWH, EDGE_WH, EDGE_WH)


def _deal(homes: Sequence[Home], streets: list[str]) -> dict[str, str]:
    """Homes with PV from the first street on, the others from the second on: two homes then trade over the substation."""
    with_pv, without = ([home for home in homes if home.has_pv is has_pv] for has_pv in (True, False))
    turns = [*enumerate(with_pv), *enumerate(without, start=1)]
    return {home.name: streets[turn % len(streets)] for turn, home in turns}


def grid_note(streets: Streets, data: Dataset) -> str:
    """What must be said of the grid wherever figures depend on it."""
    if len(streets.grid.nodes) == 1:
        return "The grid is an assumption: all homes sit on one node, and no trade pays a fee."
    fee, power_kw = price(EDGE_FEE_MCT_PER_KWH), EDGE_WH * 3600 // SLOT_S // 1000
    return (
        f"The grid is an assumption: who lives in which street, a fee of {fee} {data.currency} per kWh on each line between "
        f"a cabinet and the next node, and {power_kw} kW that a line carries. Trades inside a street pay no fee."
    )
