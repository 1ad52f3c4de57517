"""The check of mid-market: the stages replayed, and every Wh compared."""

from collections import defaultdict
from collections.abc import Iterator

from volthood.core.market.book import Book, Steps
from volthood.core.market.clearing import Clearing
from volthood.core.market.verify.ground import UNLIMITED_WH, Fault, Ground, Path, paired, rationed
from volthood.wire.market import BUY, SELL


def check(book: Book, ground: Ground, clearing: Clearing) -> Iterator[Fault]:
    """Every difference between the clearing and its replay."""
    if clearing.node_prices:
        yield Fault("no node prices under mid-market", *clearing.node_prices[0])
    expected = _Replay(ground).run() if book.orders else {}
    for trade in clearing.trades:
        node = ground.node[trade.seller]
        energy_wh, seller_price, buyer_price = expected.pop((trade.seller, trade.buyer), (0, None, None))
        if trade.energy_wh != energy_wh:
            yield Fault(
                "energy of the stage", node, trade.seller_price, trade.energy_wh, f"the rule gives {energy_wh} Wh"
            )
        elif trade.seller_price != seller_price:
            yield Fault(
                "price paid to the seller", node, trade.seller_price, energy_wh, f"the rule gives {seller_price}"
            )
        elif trade.buyer_price != buyer_price:
            yield Fault("price paid by the buyer", node, trade.buyer_price, energy_wh, f"the rule gives {buyer_price}")
    for (seller, _), (energy_wh, price, _) in expected.items():
        yield Fault("every trade of the stages is there", ground.node[seller], price, energy_wh)


class _Replay:
    """The stages of a book, the plain way."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        feed_in, retail = ground.reference
        self._middle = (feed_in + retail) // 2
        self._sellers = self._willing(ground.sells, 1)
        self._buyers = self._willing(ground.buys, -1)
        self._got: defaultdict[bytes, int] = defaultdict(int)
        self._opens: dict[tuple[int, str], dict[int, dict[bytes, int]]] = {}
        self._up = dict(ground.up)
        self._down = dict(ground.down)

    def _willing(self, orders: dict[bytes, Steps], sign: int) -> dict[str, list[bytes]]:
        """Of each node those who would trade without a fee, first in line first; all others never do.

        `sign` is 1 where a limit below the price is a better one, -1 where it is worse.
        """
        most = sign * self._middle
        willing = []
        for agent, steps in orders.items():
            for limit, _ in steps:
                if sign * limit <= most:
                    willing.append(agent)
                    break
        return self._ground.by_node(self._ground.in_line(willing))

    def run(self) -> dict[tuple[bytes, bytes], tuple[int, int, int]]:
        """(Wh, seller's price, buyer's price) by (seller, buyer)."""
        trades = {}
        for start, end in self._ground.in_order(self._sellers, self._buyers, self._alive):
            path = self._ground.path(start, end)
            half = (path.fee + 1) // 2
            prices = self._middle - half, self._middle + half
            for seller, buyer, energy_wh in self._stage(start, end, path, half):
                trades[seller, buyer] = (energy_wh, *prices)
        return trades

    def _alive(self, start: str, end: str, fee: int) -> bool:
        half = (fee + 1) // 2
        return bool(self._open(SELL, start, half)) and bool(self._open(BUY, end, half))

    def _open(self, side: int, node: str, half: int) -> dict[bytes, int]:
        """What each agent of a node and side would still trade, in Wh; remembered until one of them trades."""
        known = self._opens.setdefault((side, node), {})
        if half not in known:
            sell = side == SELL
            agents, steps_of = (self._sellers, self._ground.sells) if sell else (self._buyers, self._ground.buys)
            known[half] = self._still_open(agents[node], steps_of, 1 if sell else -1, half)
        return known[half]

    def _still_open(self, agents: list[bytes], steps_of: dict[bytes, Steps], sign: int, half: int) -> dict[bytes, int]:
        got, most, still_open = self._got, sign * self._middle - half, {}
        for agent in agents:
            open_wh = -got[agent]
            for limit, wh in steps_of[agent]:
                if sign * limit <= most:
                    open_wh += wh
            if open_wh > 0:
                still_open[agent] = open_wh
        return still_open

    def _stage(self, start: str, end: str, path: Path, half: int) -> list[tuple[bytes, bytes, int]]:
        sellers, buyers = self._open(SELL, start, half), self._open(BUY, end, half)
        room_wh = min([self._up[node] for node in path.up] + [self._down[node] for node in path.down] + [UNLIMITED_WH])
        volume_wh = int(min(sum(sellers.values()), sum(buyers.values()), room_wh))
        for node in path.up:
            self._up[node] -= volume_wh
        for node in path.down:
            self._down[node] -= volume_wh
        sold, bought = rationed(volume_wh, sellers, {}), rationed(volume_wh, buyers, {})
        for side, node, amounts in ((SELL, start, sold), (BUY, end, bought)):
            self._opens.pop((side, node), None)
            for agent, energy_wh in amounts.items():
                self._got[agent] += energy_wh
        return paired(_some(sold), _some(bought))


def _some(amounts_wh: dict[bytes, int]) -> dict[bytes, int]:
    return {agent: wh for agent, wh in amounts_wh.items() if wh}
