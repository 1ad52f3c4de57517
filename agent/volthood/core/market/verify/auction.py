"""The check of the auction: optimal, and the one optimum of all that the rule names.

*Optimal.* With f the fee of an edge, v the energy over it towards the root:

- every step priced better than its node's price is filled, every worse one empty; the root exports nothing;
- v < capacity up implies p_parent - p_child <= f, and -v < capacity down implies p_child - p_parent <= f;
- v > 0 implies p_parent - p_child >= f, and v < 0 implies p_child - p_parent >= f.

*Canonical.* A part (a node's own orders, or a child edge) gives its energy at the prices of one interval [l, h] at its
node: at h it could give more, at l less. With scaled prices (sell K p, buy K p + 1, fee K f + 2) that says everything:

- volume: at every node the intervals of all parts have a price in common;
- shares: of two parts at a node, where the earlier could give more (own part first, then child edges by fee and hash) the
  later could not give less at the same price: h of the earlier > l of the later;
- prices: as the unscaled intervals, the edge to the parent and the collar allow, the floor of the midpoint, root first.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator
from itertools import accumulate
from typing import NamedTuple

from volthood.core.market.book import Book, Steps
from volthood.core.market.clearing import Clearing
from volthood.core.market.verify.ground import Fault, Ground, paired, rationed
from volthood.wire.keys import hash_of

BEYOND = 1 << 62
"""A price beyond every other."""


class Span(NamedTuple):
    """A closed interval of prices."""

    low: int
    high: int

    def meet(self, other: "Span") -> "Span":
        """What lies in both."""
        return Span(max(self.low, other.low), min(self.high, other.high))


EVERYWHERE = Span(-BEYOND, BEYOND)


def check(_book: Book, ground: Ground, clearing: Clearing) -> Iterator[Fault]:
    """Every condition that fails."""
    prices = dict(clearing.node_prices)
    if [node for node, _ in clearing.node_prices] != sorted(ground.fee):
        yield Fault("a price for every node, by name")
        return
    case = _Case(ground, clearing, prices)
    yield from case.optimal()
    yield from case.canonical()
    yield from case.pairs()


class _Case:
    """A clearing's energies and prices laid out on the grid."""

    def __init__(self, ground: Ground, clearing: Clearing, prices: dict[str, int]) -> None:
        self._ground = ground
        self._prices = prices
        self._trades = clearing.trades
        self._traded: defaultdict[bytes, int] = defaultdict(int)
        traded = self._traded
        for seller, buyer, energy_wh, *_ in clearing.trades:
            traded[seller] += energy_wh
            traded[buyer] += energy_wh
        self._sellers, self._buyers = ground.by_node(ground.sells), ground.by_node(ground.buys)
        self._down_first = list(reversed(ground.top_down))
        self._own = {node: self._own_export(node) for node in ground.fee}
        self._flow = dict(self._own)
        for node in self._down_first:
            parent = ground.parent[node]
            if parent is not None:
                self._flow[parent] += self._flow[node]
        self._scale = 2 * len(ground.fee)

    def _own_export(self, node: str) -> int:
        sold = sum(self._traded[agent] for agent in self._sellers.get(node, ()))
        return sold - sum(self._traded[agent] for agent in self._buyers.get(node, ()))

    def optimal(self) -> Iterator[Fault]:
        """Faults of optimality."""
        yield from self._filled(self._ground.sells, 1)
        yield from self._filled(self._ground.buys, -1)
        for node, parent in self._ground.parent.items():
            if parent is not None:
                yield from self._edge(node, parent)
            elif self._flow[node]:
                yield Fault("the root exports nothing", node, self._prices[node], self._flow[node])

    def _filled(self, orders: dict[bytes, Steps], sign: int) -> Iterator[Fault]:
        """Faults of the steps of one side; sign 1 where a limit below the price is a better one, -1 where it is worse."""
        prices, nodes, traded = self._prices, self._ground.node, self._traded
        for agent, steps in orders.items():
            price = sign * prices[nodes[agent]]
            least_wh = same_wh = 0
            for limit, wh in steps:
                if sign * limit < price:
                    least_wh += wh
                elif sign * limit == price:
                    same_wh += wh
            if not least_wh <= traded[agent] <= least_wh + same_wh:
                yield self._unfilled(agent, least_wh, least_wh + same_wh)

    def _unfilled(self, agent: bytes, least_wh: int, most_wh: int) -> Fault:
        node, energy_wh = self._ground.node[agent], self._traded[agent]
        condition = "better than the price are filled" if energy_wh < least_wh else "worse than the price are empty"
        return Fault("steps " + condition, node, self._prices[node], energy_wh, f"{least_wh} to {most_wh} Wh")

    def _edge(self, node: str, parent: str) -> Iterator[Fault]:
        ground, flow_wh, price = self._ground, self._flow[node], self._prices[node]
        rise, fee = self._prices[parent] - price, ground.fee[node]
        if not -ground.down[node] <= flow_wh <= ground.up[node]:
            yield Fault("flow within the capacity", node, price, flow_wh)
        if flow_wh < ground.up[node] and rise > fee:
            yield Fault("room upwards: the price rises by the fee at most", node, price, flow_wh)
        if -flow_wh < ground.down[node] and -rise > fee:
            yield Fault("room downwards: the price falls by the fee at most", node, price, flow_wh)
        if flow_wh > 0 and rise < fee:
            yield Fault("flow upwards: the price rises by the fee at least", node, price, flow_wh)
        if flow_wh < 0 and -rise < fee:
            yield Fault("flow downwards: the price falls by the fee at least", node, price, flow_wh)

    def canonical(self) -> Iterator[Fault]:
        """Faults of volume, shares and prices."""
        plain: dict[str, Span] = {}
        scaled: dict[str, Span] = {}
        for node in self._ground.fee:
            plain[node], scaled[node] = EVERYWHERE, EVERYWHERE
            if node in self._sellers or node in self._buyers:
                own = _OwnPart(self._ground, self._sellers.get(node, []), self._buyers.get(node, []), self._scale)
                plain[node], scaled[node] = own.spans(self._own[node])
                yield from self._amounts(node, own)
        yield from self._volume_and_shares(scaled)
        yield from self._node_prices(plain)

    def _amounts(self, node: str, own: "_OwnPart") -> Iterator[Fault]:
        for agent, energy_wh in own.amounts(self._own[node]).items():
            if self._traded[agent] != energy_wh:
                detail = f"the rule gives {energy_wh} Wh"
                yield Fault("shares at a node", node, self._prices[node], self._traded[agent], detail)

    def _volume_and_shares(self, own: dict[str, Span]) -> Iterator[Fault]:
        below: defaultdict[str, list[tuple[int, bytes, Span]]] = defaultdict(list)
        for node in self._down_first:
            span = own[node]
            for _, _, part in sorted(below[node]):
                if part.low >= span.high:
                    same = part.low == span.high
                    condition = "shares: own part first, then edges by fee and hash" if same else "volume"
                    yield Fault(condition, node, self._prices[node], self._flow[node])
                span = span.meet(part)
            if span.low > span.high:
                yield Fault("volume", node, self._prices[node], self._flow[node])
            parent, fee = self._ground.parent[node], self._ground.fee[node]
            if parent is not None:
                seen = self._seen_from_above(node, span, self._scale * fee + 2)
                below[parent].append((fee, hash_of(self._ground.round, node), seen))

    def _seen_from_above(self, node: str, span: Span, fee: int) -> Span:
        """The parent's prices at which the edge carries what it carries."""
        flow_wh = self._flow[node]
        low = span.low + fee if flow_wh > 0 else span.low - fee
        high = span.high - fee if flow_wh < 0 else span.high + fee
        return Span(
            -BEYOND if -flow_wh >= self._ground.down[node] else low,
            BEYOND if flow_wh >= self._ground.up[node] else high,
        )

    def _node_prices(self, own: dict[str, Span]) -> Iterator[Fault]:
        spans = dict(own)
        for node in self._down_first:
            parent = self._ground.parent[node]
            if parent is not None:
                seen = self._seen_from_above(node, spans[node], self._ground.fee[node])
                spans[parent] = spans[parent].meet(seen)
        for node in reversed(self._down_first):
            span = spans[node].meet(Span(*self._ground.collar)).meet(self._allowed_by_parent(node))
            if span.low > span.high or self._prices[node] != (span.low + span.high) // 2:
                detail = f"the midpoint of {span.low} and {span.high}"
                yield Fault("price of the node", node, self._prices[node], self._flow[node], detail)

    def _allowed_by_parent(self, node: str) -> Span:
        ground, parent, flow_wh = self._ground, self._ground.parent[node], self._flow[node]
        if parent is None:
            return EVERYWHERE
        above, fee = self._prices[parent], ground.fee[node]
        low = above + fee if flow_wh < 0 else above - fee
        high = above - fee if flow_wh > 0 else above + fee
        return Span(-BEYOND if flow_wh >= ground.up[node] else low, BEYOND if -flow_wh >= ground.down[node] else high)

    def pairs(self) -> Iterator[Fault]:
        """Faults of who trades with whom, and at which prices."""
        sold = {node: self._amounts_at(agents) for node, agents in self._sellers.items()}
        bought = {node: self._amounts_at(agents) for node, agents in self._buyers.items()}
        expected = {
            (seller, buyer): energy_wh
            for start, end in self._ground.in_order(sold, bought, lambda a, b, _fee: bool(sold[a] and bought[b]))
            for seller, buyer, energy_wh in paired(sold[start], bought[end])
        }
        nodes, prices = self._ground.node, self._prices
        for seller, buyer, energy_wh, seller_price, buyer_price, _ in self._trades:
            start, end = nodes[seller], nodes[buyer]
            if expected.get((seller, buyer)) != energy_wh:
                yield Fault("pairing", start, prices[start], energy_wh)
            if seller_price != prices[start]:
                yield Fault("sellers are paid their node's price", start, seller_price, energy_wh)
            if buyer_price != prices[end]:
                yield Fault("buyers pay their node's price", end, buyer_price, energy_wh)

    def _amounts_at(self, agents: list[bytes]) -> dict[bytes, int]:
        traded = self._traded
        return {agent: traded[agent] for agent in self._ground.in_line([agent for agent in agents if traded[agent]])}


class _OwnPart:
    """The orders at one node by merit: what each agent trades when the node's own orders export so much."""

    def __init__(self, ground: Ground, sellers: list[bytes], buyers: list[bytes], scale: int) -> None:
        self._ground = ground
        self._sells = {agent: ground.sells[agent] for agent in sellers}
        self._buys = {agent: ground.buys[agent] for agent in buyers}
        self._scale = scale
        energy_wh: defaultdict[int, int] = defaultdict(int)
        for steps in self._sells.values():
            for limit, wh in steps:
                energy_wh[scale * limit] += wh
        for steps in self._buys.values():
            for limit, wh in steps:
                energy_wh[scale * limit + 1] += wh
        self._keys = sorted(energy_wh)
        lowest_wh = -sum([wh for steps in self._buys.values() for _, wh in steps])
        self._levels = list(accumulate([energy_wh[key] for key in self._keys], initial=lowest_wh))

    def _around(self, export_wh: int) -> tuple[int, int]:
        """Scaled prices of the last step at work and of the first one that is not wholly; the same where one is split."""
        at_work = bisect_left(self._levels, export_wh)
        last = self._keys[at_work - 1] if at_work else -BEYOND
        if self._levels[at_work] > export_wh:
            return last, last
        return last, self._keys[at_work] if at_work < len(self._keys) else BEYOND

    def spans(self, export_wh: int) -> tuple[Span, Span]:
        """The prices, unscaled and scaled, at which the own orders export so much."""
        low, high = self._around(export_wh)
        return Span(low // self._scale, high // self._scale), Span(low, high)

    def amounts(self, export_wh: int) -> dict[bytes, int]:
        """What each agent trades, in Wh."""
        low, high = self._around(export_wh)
        price = low if low > -BEYOND else high
        # A scaled price is K p where sellers are marginal, K p + 1 where buyers are.
        limit, buyers = divmod(price, self._scale)
        sold = _below(self._sells, limit + buyers)
        bought = _above(self._buys, limit + buyers - 1)
        rest_wh = export_wh - sum(sold.values()) + sum(bought.values())
        if buyers:
            return sold | bought | self._shared(-rest_wh, bought, self._buys, limit)
        return sold | bought | self._shared(rest_wh, sold, self._sells, limit)

    def _shared(
        self, rest_wh: int, sure_wh: dict[bytes, int], orders: dict[bytes, Steps], limit: int
    ) -> dict[bytes, int]:
        """What those trade in all who share the marginal energy, the steps at `limit`, beyond what is sure."""
        marginal_wh: defaultdict[bytes, int] = defaultdict(int)
        for agent, steps in orders.items():
            for step_limit, wh in steps:
                if step_limit == limit:
                    marginal_wh[agent] += wh
        wants_wh = {agent: sure_wh[agent] + marginal_wh[agent] for agent in self._ground.in_line(marginal_wh)}
        return rationed(rest_wh, wants_wh, sure_wh)


def _below(orders: dict[bytes, Steps], price: int) -> dict[bytes, int]:
    """The energy of the steps below a price, by agent."""
    energies = {}
    for agent, steps in orders.items():
        total_wh = 0
        for limit, wh in steps:
            if limit < price:
                total_wh += wh
        energies[agent] = total_wh
    return energies


def _above(orders: dict[bytes, Steps], price: int) -> dict[bytes, int]:
    """The energy of the steps above a price, by agent."""
    energies = {}
    for agent, steps in orders.items():
        total_wh = 0
        for limit, wh in steps:
            if limit > price:
                total_wh += wh
        energies[agent] = total_wh
    return energies
