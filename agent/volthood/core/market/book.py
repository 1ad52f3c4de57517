"""The book: the orders that count in one round, and what an order must be to count.

Everyone decides alike from the hood file and the roster whether an order counts. Watchers order nothing and are left out,
so that one who hears of a watcher more clears the same book.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any, NamedTuple, Protocol

from volthood.core.hood import Hood
from volthood.core.units import is_slot
from volthood.errors import PeerError
from volthood.wire.cbor import WireError, decode, encode
from volthood.wire.keys import sha256
from volthood.wire.limits import MAX_ORDER_STEPS
from volthood.wire.market import BUY, SELL, WATCH

Steps = tuple[tuple[int, int], ...]
"""(limit in mct/kWh, energy in Wh), the best for the other side first."""


class RoundId(NamedTuple):
    """One call for one slot and gate of one hood."""

    hood: bytes
    slot: int
    gate: int


class BookOrder(NamedTuple):
    """What counts of an order: full key hash of the agent, side (`BUY` or `SELL`), steps."""

    agent: bytes
    side: int
    steps: Steps


class SignedOrder(Protocol):
    """The fields of an order as signed (`volthood.wire.market.Order`)."""

    hood: bytes
    slot: int
    gate: int
    algorithm: str
    side: int
    steps: Steps


@dataclass(frozen=True)
class Book:
    """The orders of one round in ascending order of their agents, one each, watchers left out.

    Raises: `PeerError` `agent_twice`, `agent_unknown` (not a hash of 32 bytes).
    """

    round: RoundId
    orders: tuple[BookOrder, ...]

    def __post_init__(self) -> None:
        orders = sorted(BookOrder(*order) for order in self.orders if order[1] != WATCH)
        object.__setattr__(self, "round", RoundId(*self.round))
        object.__setattr__(self, "orders", tuple(orders))
        agents = {order.agent for order in orders}
        if len(agents) != len(orders):
            raise PeerError("agent_twice", "two orders of one agent")
        if any(len(agent) != 32 for agent in agents):
            raise PeerError("agent_unknown", "agents are named by 32 bytes")

    @classmethod
    def of_orders(cls, round_id: Iterable[bytes | int], orders: Mapping[bytes, SignedOrder]) -> "Book":
        """The book of orders that count, by agent."""
        rows = [BookOrder(agent, order.side, tuple(order.steps)) for agent, order in orders.items()]
        return cls(RoundId(*round_id), tuple(rows))  # type: ignore[arg-type] # the round id is a plain tuple elsewhere

    @cached_property
    def encoded(self) -> bytes:
        """The book as canonical CBOR: [round, [agent, side, steps] each]."""
        rows = [[agent, side, [list(step) for step in steps]] for agent, side, steps in self.orders]
        return encode([list(self.round), rows])

    @cached_property
    def digest(self) -> bytes:
        """The book's hash, which stands in every contract: hash(round, [agent, side, steps] each)."""
        return sha256(self.encoded)

    @classmethod
    def from_encoded(cls, data: bytes) -> "Book":
        """The book that was kept as `encoded`. Raises `WireError` for anything else."""
        try:
            values: Any = decode(data)
            (hood, slot, gate), rows = values
            orders = [BookOrder(agent, side, tuple((limit, wh) for limit, wh in steps)) for agent, side, steps in rows]
            return cls(RoundId(hood, slot, gate), tuple(orders))
        except (TypeError, ValueError) as error:
            raise WireError("book_invalid", str(error)) from error


class Lots:
    """hash(round, x): the line that nobody can choose, since it is known only once the round is."""

    def __init__(self, round_id: RoundId) -> None:
        # The CBOR array up to its last items; an agent always has 32 bytes, an empty text takes one.
        self._agent_head = encode([list(round_id), bytes(32)])[:-32]
        self._pair_head = encode([list(round_id), "", ""])[:-2]
        self._node_head = encode([list(round_id), ""])[:-1]
        self._names: dict[str, bytes] = {}

    def agent(self, agent: bytes) -> bytes:
        """hash(round, agent)."""
        return sha256(self._agent_head + agent)

    def node(self, name: str) -> bytes:
        """hash(round, node)."""
        return sha256(self._node_head + self._name(name))

    def nodes(self, one: str, other: str) -> bytes:
        """hash(round, both nodes), the name that sorts first standing first."""
        first, second = (one, other) if one <= other else (other, one)
        return sha256(self._pair_head + self._name(first) + self._name(second))

    def _name(self, name: str) -> bytes:
        encoded = self._names.get(name)
        if encoded is None:
            encoded = self._names[name] = encode(name)
        return encoded


def refusal(order: SignedOrder, hood: Hood, fuse_w: int) -> str | None:
    """Why an order does not count, by a short stable name; None where it does.

    Args:
        order: as signed.
        hood: the hood file in force for its slot.
        fuse_w: of the member's connection, W.
    """
    return _first(_ROUND_RULES, order, hood) or _first(_STEP_RULES.get(order.side, ()), order, hood, fuse_w)


Broken = Callable[..., bool]

_ROUND_RULES: tuple[tuple[str, Broken], ...] = (
    ("wrong_hood", lambda order, hood: order.hood != hood.hood_id),
    ("gate_unknown", lambda order, hood: order.gate not in hood.gate),
    ("slot_misaligned", lambda order, hood: not is_slot(order.slot, hood.slot_s)),
    ("algorithm_differs", lambda order, hood: order.algorithm != hood.algorithm),
    ("side_unknown", lambda order, _hood: order.side not in {WATCH, BUY, SELL}),
    ("watcher_with_steps", lambda order, _hood: order.side == WATCH and len(order.steps) > 0),
)
_TRADER_RULES: tuple[tuple[str, Broken], ...] = (
    ("no_steps", lambda order, _hood, _fuse_w: len(order.steps) == 0),
    ("too_many_steps", lambda order, _hood, _fuse_w: len(order.steps) > MAX_ORDER_STEPS),
    ("energy_not_positive", lambda order, _hood, _fuse_w: any(energy <= 0 for _, energy in order.steps)),
    ("energy_not_in_tens", lambda order, hood, _fuse_w: _between_steps(order, hood)),
    ("over_fuse", lambda order, hood, fuse_w: sum(energy for _, energy in order.steps) > hood.fuse_wh(fuse_w)),
    ("outside_collar", lambda order, hood, _fuse_w: _outside_collar(order, hood)),
)
_STEP_RULES: dict[int, tuple[tuple[str, Broken], ...]] = {
    BUY: (*_TRADER_RULES, ("buy_prices_rise", lambda order, _hood, _fuse_w: not _ascending(reversed(order.steps)))),
    SELL: (*_TRADER_RULES, ("sell_prices_fall", lambda order, _hood, _fuse_w: not _ascending(order.steps))),
}
"""In the order in which they are tried; the first one that is broken gives the reason."""


def _first(rules: tuple[tuple[str, Broken], ...], *case: object) -> str | None:
    return next((reason for reason, broken in rules if broken(*case)), None)


def _outside_collar(order: SignedOrder, hood: Hood) -> bool:
    low, high = hood.collar(order.slot)
    return any(not low <= price <= high for price, _ in order.steps)


def _between_steps(order: SignedOrder, hood: Hood) -> bool:
    """Whether a forecast is told finer than in tens of Wh; metered energy is traded to the Wh."""
    return any(energy % hood.gate[order.gate].step_wh for _, energy in order.steps)


def _ascending(steps: Iterable[tuple[int, int]]) -> bool:
    return all(before[0] <= after[0] for before, after in pairwise(steps))
