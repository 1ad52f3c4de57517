"""The mid-market price rule: one reference price for all, shares by the uniform rule, near neighbours first.

The reference price R is the midpoint of the slot's reference series, rounded down, never of the orders: no order can move
it. A trade over a path with fee F pays the seller R - ceil(F/2) and costs the buyer R + ceil(F/2), where both limits allow
it. At each pair of nodes the smaller side trades in full, within the capacity left, the other by the uniform rule.
"""

from bisect import bisect_left

from volthood.core.grid import Layout
from volthood.core.hood import Hood
from volthood.core.market.book import Book, BookOrder, Lots
from volthood.core.market.clearing import Clearing, Trade
from volthood.core.market.pairing import Open, Pair, common_ancestor, match, node_pairs, own_pairs
from volthood.core.market.uniform import share_between
from volthood.wire.market import BUY

ALGORITHM = "mid-market/1"
_NO_FEE_SO_HIGH = 1 << 62


def clear(book: Book, hood: Hood) -> Clearing:
    """The clearing of a book; every agent in it is a member of the hood."""
    feed_in, retail = hood.reference_at(book.round.slot)
    stages = _Stages(book, hood, (feed_in + retail) // 2)
    stages.run()
    return Clearing(ALGORITHM, tuple(sorted(stages.trades)))


class _Trader:
    """An agent during the stages: what it has got so far, in Wh."""

    __slots__ = ("agent", "got_wh", "lot", "side", "steps")

    def __init__(self, order: BookOrder, lot: bytes) -> None:
        self.agent, self.side, self.steps = order
        self.lot = lot
        self.got_wh = 0

    def open_wh(self, middle: int, half_fee: int) -> int:
        """What it would still trade at the price of a stage, in Wh."""
        if self.side == BUY:
            willing_wh = sum([energy_wh for limit, energy_wh in self.steps if limit >= middle + half_fee])
        else:
            willing_wh = sum([energy_wh for limit, energy_wh in self.steps if limit <= middle - half_fee])
        return willing_wh - self.got_wh if willing_wh > self.got_wh else 0


class _Crowd:
    """The traders of one side at one node, in ascending order of their lots."""

    def __init__(self, middle: int) -> None:
        self.traders: list[_Trader] = []
        self.total_wh = 0
        self._middle = middle
        self._opens: list[int] = []
        self._margins: list[int] | None = None
        self._same_upto = -1

    def opens(self, half_fee: int) -> list[int]:
        """Open Wh of each trader at a stage's price; `total_wh` is then their sum. Fees never fall from stage to stage."""
        if half_fee > self._same_upto:
            self._same_upto = self._next_margin(half_fee) if self._same_upto >= 0 else half_fee
            self._opens = [trader.open_wh(self._middle, half_fee) for trader in self.traders]
            self._set_total(sum(self._opens))
        return self._opens

    def _set_total(self, total_wh: int) -> None:
        """What is open in all. Once it is nothing it stays nothing."""
        self.total_wh = total_wh
        if not total_wh:
            self._same_upto = _NO_FEE_SO_HIGH

    def _next_margin(self, half_fee: int) -> int:
        """The highest half fee at which nobody is willing to trade less. Most books never ask: they have one stage."""
        if self._margins is None:
            limits = {limit for trader in self.traders for limit, _ in trader.steps}
            self._margins = sorted({abs(limit - self._middle) for limit in limits})
        place = bisect_left(self._margins, half_fee)
        return self._margins[place] if place < len(self._margins) else _NO_FEE_SO_HIGH

    def has_open(self, half_fee: int) -> bool:
        """Whether anything is left to trade at a stage's price."""
        if half_fee > self._same_upto:
            self.opens(half_fee)
        return self.total_wh > 0

    def take(self, volume_wh: int, half_fee: int) -> list[Open]:
        """Trade a volume, shared by the uniform rule: what each of those who get something gets."""
        opens = self.opens(half_fee)
        taken = []
        for index, part_wh in enumerate(share_between(volume_wh, [(0, open_wh) for open_wh in opens])):
            if part_wh:
                trader = self.traders[index]
                trader.got_wh += part_wh
                opens[index] -= part_wh
                taken.append(Open(trader.lot, trader.agent, part_wh))
        self._set_total(self.total_wh - volume_wh)
        return taken


class _Stages:
    """The stages of one clearing, a pair of nodes each."""

    def __init__(self, book: Book, hood: Hood, middle: int) -> None:
        self.trades: list[Trade] = []
        self._middle = middle
        self._layout = hood.grid.layout
        self._lots = Lots(book.round)
        self._sellers: dict[int, _Crowd] = {}
        self._buyers: dict[int, _Crowd] = {}
        self._paths = _Paths(self._layout, hood.capacities(book.round.gate))
        traders = sorted([_Trader(order, self._lots.agent(order.agent)) for order in book.orders], key=_lot)
        for trader in traders:
            node = self._layout.number[hood.member[trader.agent].node]
            crowds = self._buyers if trader.side == BUY else self._sellers
            crowds.setdefault(node, _Crowd(middle)).traders.append(trader)

    def run(self) -> None:
        """Every stage in its order."""
        both = self._sellers.keys() & self._buyers.keys()
        for node in own_pairs(self._layout, both):
            self._trade(0, (node, node))
        sellers = [node for node, crowd in self._sellers.items() if crowd.has_open(0)]
        buyers = [node for node, crowd in self._buyers.items() if crowd.has_open(0)]
        for fee, pair in node_pairs(self._layout, self._lots, sellers, buyers, self._live):
            self._trade(fee, pair)

    def _live(self, fee: int, pairs: list[Pair]) -> list[Pair]:
        half_fee, sellers, buyers = _half(fee), self._sellers, self._buyers
        return [pair for pair in pairs if sellers[pair[0]].has_open(half_fee) and buyers[pair[1]].has_open(half_fee)]

    def _trade(self, fee: int, pair: Pair) -> None:
        sellers, buyers, half_fee = self._sellers[pair[0]], self._buyers[pair[1]], _half(fee)
        if not (sellers.has_open(half_fee) and buyers.has_open(half_fee)):
            return
        volume_wh = self._paths.take(pair, min(sellers.total_wh, buyers.total_wh))
        if not volume_wh:
            return
        sold, bought = sellers.take(volume_wh, half_fee), buyers.take(volume_wh, half_fee)
        low, high = self._middle - half_fee, self._middle + half_fee
        for seller, buyer, energy_wh in match(sold, bought):
            self.trades.append(Trade(seller, buyer, energy_wh, low, high, fee))


class _Paths:
    """The capacity left on every edge, gross per direction."""

    def __init__(self, layout: Layout, capacities: list[tuple[int | None, int | None]]) -> None:
        self._layout = layout
        self._up = {node: up for node, (up, _) in enumerate(capacities) if up is not None}
        self._down = {node: down for node, (_, down) in enumerate(capacities) if down is not None}

    def take(self, pair: Pair, most_wh: int) -> int:
        """Use the way from the seller's to the buyer's node for as much as is left, at most `most_wh`; gives the Wh."""
        if pair[0] == pair[1] or not (self._up or self._down):
            return most_wh
        top = common_ancestor(self._layout, *pair)
        up = [node for node in self._climb(pair[0], top) if node in self._up]
        down = [node for node in self._climb(pair[1], top) if node in self._down]
        limits = [self._up[node] for node in up] + [self._down[node] for node in down]
        volume_wh = min([most_wh, *limits])
        for node in up:
            self._up[node] -= volume_wh
        for node in down:
            self._down[node] -= volume_wh
        return volume_wh

    def _climb(self, node: int, top: int) -> list[int]:
        way = []
        while node != top:
            way.append(node)
            node = self._layout.parent[node]
        return way


def _half(fee: int) -> int:
    """Half a path fee, rounded up, so that the grid account always gets at least the fee."""
    return -(-fee // 2)


def _lot(trader: _Trader) -> bytes:
    return trader.lot
