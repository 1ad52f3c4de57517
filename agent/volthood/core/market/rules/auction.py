"""auction: a uniform-price call auction. It loses nothing of the possible welfare.

One node: supply and demand as step functions of an integer price; they cross, the traded volume is the most that has a
surplus of zero or more, the price the floor of the middle of all integers that support it. Better steps trade in full,
the steps at the margin share by the uniform rule over what each trades. The tree comes with the grid map.
"""

from volthood.core.hood import Hood
from volthood.core.market.book import Book, Clearing, Trade, matched
from volthood.core.market.uniform import share
from volthood.wire.market import BUY, SELL


def clear(book: Book, hood: Hood) -> Clearing:
    """The clearing of a book with the greatest welfare and, among those, the greatest volume."""
    demand = _steps(book, BUY)
    supply = _steps(book, SELL)
    traded_wh = _volume(supply, demand)
    if not traded_wh:
        return Clearing((), {})
    price = _price(supply, demand, traded_wh, hood.collar(book.round[1]))
    sold, bought = _shares(book, supply, traded_wh), _shares(book, demand, traded_wh)
    trades = tuple(Trade(seller, buyer, wh, price, price) for seller, buyer, wh in matched(sold, bought))
    return Clearing(trades, {hood.grid.root.name: price})


_Steps = list[tuple[int, int, bytes]]
"""(price, Wh, agent) by merit: cheapest sale and dearest purchase first."""


def _steps(book: Book, side: int) -> _Steps:
    rows = [
        (price, energy_wh, agent)
        for agent, order in book.orders.items()
        if order.side == side
        for price, energy_wh in order.steps
    ]
    return sorted(rows, key=lambda row: row[0], reverse=side == BUY)


def _volume(supply: _Steps, demand: _Steps) -> int:
    """The most Wh whose dearest sale costs no more than its cheapest purchase pays."""
    traded_wh, s, d = 0, 0, 0
    supply_wh = demand_wh = 0
    while True:
        if not supply_wh:
            if s == len(supply):
                return traded_wh
            supply_wh, s = supply[s][1], s + 1
        if not demand_wh:
            if d == len(demand):
                return traded_wh
            demand_wh, d = demand[d][1], d + 1
        if supply[s - 1][0] > demand[d - 1][0]:
            return traded_wh
        wh = min(supply_wh, demand_wh)
        traded_wh, supply_wh, demand_wh = traded_wh + wh, supply_wh - wh, demand_wh - wh


def _price(supply: _Steps, demand: _Steps, traded_wh: int, collar: tuple[int, int]) -> int:
    """Floor of the middle of all integer prices at which exactly this volume is an equilibrium, inside the collar."""
    last_sale, next_sale = _around(supply, traded_wh)
    last_purchase, next_purchase = _around(demand, traded_wh)
    low = max(collar[0], last_sale, collar[0] if next_purchase is None else next_purchase)
    high = min(collar[1], last_purchase, collar[1] if next_sale is None else next_sale)
    return (low + high) // 2


def _around(steps: _Steps, traded_wh: int) -> tuple[int, int | None]:
    """Price of the last Wh that trades, and of the first that does not."""
    passed_wh = 0
    for number, (price, energy_wh, _) in enumerate(steps):
        passed_wh += energy_wh
        if passed_wh > traded_wh:
            return price, price
        if passed_wh == traded_wh:
            following = steps[number + 1][0] if number + 1 < len(steps) else None
            return price, following
    raise ValueError("more traded than ordered")


def _shares(book: Book, steps: _Steps, traded_wh: int) -> dict[bytes, int]:
    """Wh by agent in the order of hash(round, agent): better steps in full, the marginal ones by the uniform rule."""
    margin, _ = _around(steps, traded_wh)
    better: dict[bytes, int] = {}
    at_margin: dict[bytes, int] = {}
    passed_wh = 0
    for price, energy_wh, agent in steps:
        if price == margin:
            at_margin[agent] = at_margin.get(agent, 0) + energy_wh
        elif passed_wh < traded_wh:
            better[agent] = better.get(agent, 0) + energy_wh
        passed_wh += energy_wh
    agents = sorted(better.keys() | at_margin.keys(), key=book.turn)
    marginal = share(
        traded_wh - sum(better.values()), {agent: at_margin[agent] for agent in agents if agent in at_margin}
    )
    return {agent: better.get(agent, 0) + marginal.get(agent, 0) for agent in agents}
