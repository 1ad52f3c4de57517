"""Hoods and books for tests, benchmarks and simulations: built by name in a line, or drawn from a seeded generator."""

from collections.abc import Mapping, Sequence
from random import Random

from volthood.core.grid import GridMap, GridNode
from volthood.core.hood import Hood, Member, ReferenceStep
from volthood.core.market.book import Book, BookOrder, RoundId, Steps
from volthood.wire.keys import sha256
from volthood.wire.market import BUY, SELL

FEED_IN, RETAIL = 8000, 30000
"""Reference prices of every hood here, mct/kWh: the midpoint is 19,000, the collar 3,000 to 35,000."""
FORWARD, BALANCING = 0, 255
"""Gate indexes that every hood here has."""
HOOD_ID = sha256(b"hood")
MUCH_W = 10**8
ONE_NODE = GridMap((GridNode("root"),))

Orders = Mapping[str, tuple[int, Steps]]
"""(side, steps) by agent."""


def agent(name: str) -> bytes:
    """The key hash of an agent of a test."""
    return sha256(name.encode())


def hood_of(algorithm: str, grid: GridMap = ONE_NODE, nodes: Mapping[str, str] | None = None) -> Hood:
    """A hood with a price rule, a grid and the node of each agent by name."""
    members = [Member(agent(name), name, MUCH_W, node) for name, node in (nodes or {}).items()]
    reference = (ReferenceStep(0, FEED_IN, RETAIL),)
    return Hood(HOOD_ID, "EUR", reference, algorithm=algorithm, grid=grid, members=tuple(members))


def book_of(orders: Orders, gate: int = FORWARD, slot: int = 0) -> Book:
    """The book of a round."""
    rows = [BookOrder(agent(name), side, steps) for name, (side, steps) in orders.items()]
    return Book(RoundId(HOOD_ID, slot, gate), tuple(rows))


def random_grid(draw: Random, nodes: int, fees: Sequence[int], capacities_wh: Sequence[int | None]) -> GridMap:
    """A tree in which each node hangs below one of the ten before it."""
    rows = [GridNode("n0")]
    for index in range(1, nodes):
        parent = draw.randrange(max(0, index - 10), index)
        up_wh, down_wh = draw.choice(capacities_wh), draw.choice(capacities_wh)
        rows.append(GridNode(f"n{index}", f"n{parent}", draw.choice(fees), up_wh, down_wh))
    return GridMap(tuple(rows))


def random_orders(draw: Random, agents: int, steps: int, prices: Sequence[int] = range(3000, 35001)) -> Orders:
    """Buyers and sellers of up to 1 kWh a step, at prices drawn alike for both."""
    orders = {}
    for index in range(agents):
        side = draw.choice((BUY, SELL))
        limits = sorted(draw.choices(prices, k=steps), reverse=side == BUY)
        orders[f"a{index}"] = side, tuple((limit, 10 * draw.randint(1, 100)) for limit in limits)
    return orders


def random_nodes(draw: Random, grid: GridMap, orders: Orders) -> dict[str, str]:
    """A node for each agent."""
    names = [node.name for node in grid.nodes]
    return {name: draw.choice(names) for name in orders}
