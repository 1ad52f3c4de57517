"""What one agent gains by a misstatement when it knows all other orders, in per cent of the welfare of the truthful book.

All others are truthful. The liar tries limits and amounts and keeps the best; what it contracts beyond its meter is not
delivered. Balancing: amounts are known. Forward: what did not find its contract, or was not delivered, goes on to a balancing
round, in which all are truthful; the liar's gain is that of both rounds together.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from random import Random

from volthood.core.grid import GridMap, GridNode
from volthood.core.hood import Hood
from volthood.core.market import rules
from volthood.core.market.clearing import Clearing
from volthood.core.market.uniform import share
from volthood.testing.markets import (
    BALANCING,
    FEED_IN,
    FORWARD,
    ONE_NODE,
    RETAIL,
    Orders,
    agent,
    book_of,
    hood_of,
    random_nodes,
)
from volthood.testing.welfare import gain_uct, welfare_uct
from volthood.wire.market import BUY, SELL
from volthood_tools.bench.figures import Figure

AUCTION, MID_MARKET = "auction/1", "mid-market/1"
MIDDLE = (FEED_IN + RETAIL) // 2
LIMITS = (FEED_IN, MIDDLE - 1000, MIDDLE, MIDDLE + 1000, RETAIL)
SMALL_AMOUNTS_WH = (10, 20, 30, 50, 90)
GRIDS = (
    ONE_NODE,
    GridMap((GridNode("root"), GridNode("left", "root", 1000), GridNode("right", "root", 2000))),
    GridMap((GridNode("root"), GridNode("left", "root"), GridNode("right", "left", 3001))),
)
AUCTION_BOOKS = 200


@dataclass(frozen=True)
class Truth:
    """What an agent has or needs: side, limit in mct/kWh, metered Wh."""

    side: int
    limit: int
    metered_wh: int

    def order(self) -> tuple[int, tuple[tuple[int, int], ...]]:
        """Said as it is."""
        return self.side, ((self.limit, self.metered_wh),) if self.metered_wh else ()


Truths = dict[str, Truth]


def measure_misreports(quick: bool, seed: int) -> Iterator[Figure]:
    """Yields the best gain under mid-market (balancing, forward), and under the auction by number of agents."""
    books = 5 if quick else 200
    for name, gains in (
        ("misreport_gain_mid_balancing", [_balancing_gain(f"{seed}/{number}") for number in range(books)]),
        ("misreport_gain_mid_forward", [_forward_gain(f"{seed}/{number}") for number in range(books)]),
    ):
        yield Figure(name, max(gains), "%", len(gains), seed, tuple(gains))
    for agents in (4, 10, 30, 100):
        count = max(1, 10 // agents) if quick else AUCTION_BOOKS
        gains = [_auction_gain(agents, f"{seed}/{agents}/{number}") for number in range(count)]
        yield Figure(f"misreport_gain_auction_{agents}", sum(gains) / count, "%", count, seed, tuple(gains))
        yield Figure(f"misreport_gain_auction_{agents}_worst", max(gains), "%", count, seed, tuple(gains))


def _said(truths: Truths) -> Orders:
    return {name: truth.order() for name, truth in truths.items()}


def _without_empty(orders: Orders) -> Orders:
    return {name: order for name, order in orders.items() if order[1]}


def _gain_percent(best_uct: int, honest_uct: int, welfare: int) -> float:
    return 100 * max(0, best_uct - honest_uct) / welfare if welfare else 0.0


def _small_market(seed: str) -> tuple[Hood, Truths]:
    draw = Random(seed)
    grid = draw.choice(GRIDS)
    truths = {
        f"a{index}": Truth(draw.choice((BUY, SELL)), draw.choice(LIMITS), draw.choice(SMALL_AMOUNTS_WH))
        for index in range(draw.randint(2, 5))
    }
    return hood_of(MID_MARKET, grid, random_nodes(draw, grid, _said(truths))), truths


def _balancing_gain(seed: str) -> float:
    """Every limit and amount of a small book, tried by every agent."""
    hood, truths = _small_market(seed)
    orders = _said(truths)
    book = book_of(orders, BALANCING)
    honest = rules.clear(book, hood)
    welfare, best = welfare_uct(hood, book, honest), 0.0
    for name, truth in truths.items():
        own_uct = gain_uct(honest, name, truth.side, truth.limit, truth.metered_wh)
        for limit, energy_wh in product(LIMITS, SMALL_AMOUNTS_WH):
            lie = {**orders, name: (truth.side, ((limit, energy_wh),))}
            clearing = rules.clear(book_of(lie, BALANCING), hood)
            told_uct = gain_uct(clearing, name, truth.side, truth.limit, truth.metered_wh)
            best = max(best, _gain_percent(told_uct, own_uct, welfare))
    return best


def _forward_gain(seed: str) -> float:
    """Every amount of a small book, ordered before the slot by every agent; the forecasts are right."""
    hood, truths = _small_market(seed)
    orders = _said(truths)
    welfare = welfare_uct(hood, book_of(orders, FORWARD), rules.clear(book_of(orders, FORWARD), hood))
    honest, best = _both_rounds(hood, truths, orders), 0.0
    for name, truth in truths.items():
        for energy_wh in SMALL_AMOUNTS_WH:
            lie = {**orders, name: (truth.side, ((truth.limit, energy_wh),))}
            told = _both_rounds(hood, truths, lie)
            best = max(best, _gain_percent(told[name], honest[name], welfare))
    return best


def _both_rounds(hood: Hood, truths: Truths, orders: Orders) -> dict[str, int]:
    """What a forward round and a balancing round for the rest are worth to each agent, in µct."""
    left = {agent(name): truth.metered_wh for name, truth in truths.items()}
    worth: defaultdict[bytes, int] = defaultdict(int)
    by_agent = {agent(name): truth for name, truth in truths.items()}
    _deliver(rules.clear(book_of(orders, FORWARD), hood), by_agent, left, worth)
    rest = {name: Truth(truth.side, truth.limit, left[agent(name)]) for name, truth in truths.items()}
    _deliver(rules.clear(book_of(_without_empty(_said(rest)), BALANCING), hood), by_agent, left, worth)
    return {name: worth[agent(name)] for name in truths}


def _deliver(clearing: Clearing, truths: dict[bytes, Truth], left: dict[bytes, int], worth: dict[bytes, int]) -> None:
    """Settle a round: each side's allocation by the uniform rule, the smaller one delivered and taken off both meters."""
    contracted: defaultdict[bytes, dict[int, int]] = defaultdict(dict)
    for number, trade in enumerate(clearing.trades):
        contracted[trade.seller][number] = contracted[trade.buyer][number] = trade.energy_wh
    allocated = {me: share(left[me], contracts) for me, contracts in contracted.items()}
    for number, trade in enumerate(clearing.trades):
        energy_wh = min(allocated[trade.seller][number], allocated[trade.buyer][number])
        left[trade.seller] -= energy_wh
        left[trade.buyer] -= energy_wh
        worth[trade.seller] += energy_wh * (trade.seller_price - truths[trade.seller].limit)
        worth[trade.buyer] += energy_wh * (truths[trade.buyer].limit - trade.buyer_price)


def _auction_gain(agents: int, seed: str) -> float:
    """A flat book of one node, where the auction's price jumps: the best lie of the best placed agent."""
    draw = Random(seed)
    sides = [draw.choice((BUY, SELL)) for _ in range(agents)]
    truths = {
        f"a{index}": Truth(side, RETAIL if side == BUY else FEED_IN, 10 * draw.randint(1, 100))
        for index, side in enumerate(sides)
    }
    orders = _said(truths)
    hood = hood_of(AUCTION, nodes=dict.fromkeys(truths, "root"))
    honest = rules.clear(book_of(orders, BALANCING), hood)
    welfare, best = honest.volume_wh * (RETAIL - FEED_IN), 0.0
    for name, truth in truths.items():
        own_uct = gain_uct(honest, name, truth.side, truth.limit, truth.metered_wh)
        for limit, energy_wh in _lies(truths, name):
            lie = {**orders, name: (truth.side, ((limit, energy_wh),))}
            clearing = rules.clear(book_of(lie, BALANCING), hood)
            told_uct = gain_uct(clearing, name, truth.side, truth.limit, truth.metered_wh)
            best = max(best, _gain_percent(told_uct, own_uct, welfare))
    return best


def _lies(truths: Truths, name: str) -> Iterator[tuple[int, int]]:
    """What may pay: limits at and beside both tariffs; amounts at which the own side turns from long to short."""
    me = truths[name]
    own_wh = sum(truth.metered_wh for truth in truths.values() if truth.side == me.side)
    other_wh = sum(truth.metered_wh for truth in truths.values() if truth.side != me.side)
    turning_wh = me.metered_wh - (own_wh - other_wh)
    amounts = {me.metered_wh, me.metered_wh // 20 * 10, turning_wh - 10, turning_wh, turning_wh + 10}
    for limit in (FEED_IN, FEED_IN + 1, MIDDLE, RETAIL - 1, RETAIL):
        for energy_wh in sorted(amounts):
            if 0 < energy_wh <= 2 * me.metered_wh:
                yield limit, energy_wh
