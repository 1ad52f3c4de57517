"""The market alone, without messages: how long clearing and check take, what a clearing reaches, what a liar gains.

Times are the processor's, the least of several runs in one process after a garbage collection: what the machine does beside
is not the market's. Books are drawn from the seed: buyers and sellers of up to 1 kWh a step, at prices across the whole
collar (mixed), or all at their utility's prices (flat), as homes with one tariff have them.
"""

import gc
import time
from collections.abc import Callable, Iterator
from random import Random

from volthood.core.grid import GridMap
from volthood.core.hood import Hood
from volthood.core.market import rules
from volthood.core.market.book import Book
from volthood.core.market.verify import verify
from volthood.testing.markets import (
    FEED_IN,
    ONE_NODE,
    RETAIL,
    Orders,
    book_of,
    hood_of,
    random_grid,
    random_nodes,
    random_orders,
)
from volthood.testing.welfare import welfare_bound_uct, welfare_uct
from volthood.wire.market import BUY
from volthood_tools.bench.figures import Figure
from volthood_tools.bench.misreport import measure_misreports

AUCTION, MID_MARKET = "auction/1", "mid-market/1"
RULES = {"auction": AUCTION, "mid_market": MID_MARKET}
FEES = (0, 100, 500, 1001)
CAPACITIES_WH = (None, None, 2000, 5000)
MOST_AGENTS = 1000


def measure(quick: bool, seed: int) -> Iterator[Figure]:
    """Yields the figures of the market's marks that need no messages, and curves where there is no mark."""
    yield from _clearing_times(quick, seed)
    yield from _verify_times(quick, seed)
    yield from _auction_welfare(quick, seed)
    yield from _mid_market_welfare(quick, seed)
    yield from measure_misreports(quick, seed)


def market_of(rule: str, orders: Orders, grid: GridMap = ONE_NODE, draw: Random | None = None) -> tuple[Hood, Book]:
    """A hood and a book; on a grid the agents' nodes are drawn."""
    nodes = random_nodes(draw, grid, orders) if draw is not None else dict.fromkeys(orders, grid.root.name)
    hood, book = hood_of(rule, grid, nodes), book_of(orders)
    hood.member, grid.layout  # noqa: B018  # what a running agent has at hand
    return hood, book


def flat(orders: Orders) -> Orders:
    """The same energies, all at the utility's prices."""
    return {
        name: (side, tuple((RETAIL if side == BUY else FEED_IN, wh) for _, wh in steps))
        for name, (side, steps) in orders.items()
    }


def _times_ms(task: Callable[[], object], runs: int) -> list[float]:
    times = []
    for _ in range(runs):
        gc.collect()
        started_s = time.process_time()
        task()
        times.append(1000 * (time.process_time() - started_s))
    return times


def _least(name: str, unit: str, seed: int, raw: list[float]) -> Figure:
    return Figure(name, min(raw), unit, len(raw), seed, tuple(raw))


def _worst_rule(name: str, seed: int, raw: dict[str, list[float]]) -> Iterator[Figure]:
    """The slower rule under the mark's name, and each by itself."""
    yield max((_least(name, "ms", seed, times) for times in raw.values()), key=lambda figure: figure.figure)
    for rule, times in raw.items():
        yield _least(f"{name}_{rule}", "ms", seed, times)


def _clearing_times(quick: bool, seed: int) -> Iterator[Figure]:
    sizes = {1000: (1000, 1), 10_000: (1000, 10), 100_000: (1000, 100)}
    for steps, (agents, each) in sizes.items():
        if quick and steps > 10_000:
            continue
        orders = random_orders(Random(seed), agents, each)
        raw = {
            name: _times_ms(_clearing_task(*market_of(rule, orders)), 3 if quick else 9) for name, rule in RULES.items()
        }
        yield from _worst_rule(f"clearing_{steps}_steps", seed, raw)
    draw = Random(seed)
    nodes, agents = (50, 100) if quick else (500, 1000)
    grid, orders = random_grid(draw, nodes, FEES, CAPACITIES_WH), random_orders(draw, agents, 10)
    raw = {}
    for name, rule in RULES.items():
        raw[name] = _times_ms(_clearing_task(*market_of(rule, orders, grid, Random(seed))), 3)
    slowest = max(raw.values(), key=min)
    if not quick:
        yield _least("clearing_tree", "s", seed, [time_ms / 1000 for time_ms in slowest])
    for name, times in raw.items():
        yield _least(f"clearing_tree_{nodes}_nodes_{name}", "ms", seed, times)


def _clearing_task(hood: Hood, book: Book) -> Callable[[], object]:
    return lambda: rules.clear(book, hood)


def _verify_times(quick: bool, seed: int) -> Iterator[Figure]:
    """A thousand agents of one step on mixed prices; beside it 100 agents of ten, and a thousand who all trade."""
    thousand = random_orders(Random(seed), 1000, 1)
    shapes = {
        "verify_1000_steps": thousand,
        "verify_1000_steps_100_agents": random_orders(Random(seed), 100, 10),
        "verify_1000_steps_all_trading": flat(thousand),
    }
    for name, orders in shapes.items():
        tasks = {rule_name: _verify_task(*market_of(rule, orders)) for rule_name, rule in RULES.items()}
        raw = {rule_name: _times_ms(task, 5 if quick else 15) for rule_name, task in tasks.items()}
        yield from _worst_rule(name, seed, raw)


def _verify_task(hood: Hood, book: Book) -> Callable[[], object]:
    clearing = rules.clear(book, hood)
    clearing.traded_wh  # noqa: B018  # cached, not the check's
    return lambda: verify(book, hood, clearing)


def _sizes(quick: bool) -> dict[int, int]:
    """How many books of each size."""
    return {2: 5, 10: 5, 50: 2} if quick else {2: 50, 3: 50, 5: 50, 10: 50, 30: 20, 100: 20, 300: 5, MOST_AGENTS: 3}


def _books(agents: int, count: int, seed: int, *, trees: bool) -> Iterator[tuple[Orders, GridMap, Random]]:
    """Orders, a grid and the generator that draws the nodes."""
    for number in range(count):
        draw = Random(f"{seed}/{agents}/{number}")
        grid = random_grid(draw, min(agents, 30), FEES, CAPACITIES_WH) if trees else ONE_NODE
        yield random_orders(draw, agents, 1 + number % 3), grid, draw


def _auction_welfare(quick: bool, seed: int) -> Iterator[Figure]:
    """The auction's welfare of the most that is possible, proved by its own prices; the least of all books."""
    shares = []
    for agents, count in _sizes(quick).items():
        for trees in (False, True):
            for orders, grid, draw in _books(agents, count, seed, trees=trees):
                hood, book = market_of(AUCTION, orders, grid, draw)
                clearing = rules.clear(book, hood)
                bound_uct = welfare_bound_uct(hood, book, dict(clearing.node_prices))
                shares.append(_percent(welfare_uct(hood, book, clearing), bound_uct))
    yield Figure("auction_welfare", min(shares), "%", len(shares), seed, tuple(shares))


def _percent(welfare: int, optimum: int | None) -> float:
    """A share in per cent; all of nothing is everything, and nothing is proved without a bound."""
    if optimum is None:
        return 0.0
    return 100 * welfare / optimum if optimum else 100.0


def _mid_market_share(orders: Orders, grid: GridMap, seed: str) -> float:
    """Mid-market's welfare in per cent of the auction's on the same book, which is the optimum."""
    welfare = {}
    for rule in (MID_MARKET, AUCTION):
        hood, book = market_of(rule, orders, grid, None if grid is ONE_NODE else Random(seed))
        welfare[rule] = welfare_uct(hood, book, rules.clear(book, hood))
    return _percent(welfare[MID_MARKET], welfare[AUCTION])


def _mid_market_welfare(quick: bool, seed: int) -> Iterator[Figure]:
    """On flat books of one node: the least. On mixed books and on trees: the mean loss by number of agents."""
    sizes = _sizes(quick)
    shares = [
        _mid_market_share(flat(orders), grid, "")
        for agents, count in sizes.items()
        for orders, grid, _ in _books(agents, count, seed, trees=False)
    ]
    yield Figure("mid_market_welfare_flat", min(shares), "%", len(shares), seed, tuple(shares))
    for name, trees, change in (("mixed", False, dict), ("flat_tree", True, flat), ("mixed_tree", True, dict)):
        for agents, count in sizes.items():
            books = _books(agents, count, seed, trees=trees)
            lost = [100 - _mid_market_share(change(orders), grid, f"{seed}/{agents}") for orders, grid, _ in books]
            mean = sum(lost) / len(lost)
            yield Figure(f"mid_market_loss_{name}_{agents}", mean, "%", len(lost), seed, tuple(lost))
