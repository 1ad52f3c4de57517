"""Orders that may stand in a book, the book, and what a clearing of it yields."""

from dataclasses import dataclass

from volthood.core.hood import Hood
from volthood.core.order import STEP_WH
from volthood.wire.keys import hash_of
from volthood.wire.market import BUY, WATCH, Order

RoundId = tuple[bytes, int, int]
"""(hood id, slot, gate)."""


@dataclass(frozen=True)
class Book:
    """The orders of one round that everyone counts, by agent; empty ones left out.

    Attributes:
        round: (hood id, slot, gate).
        orders: by the hash of the agent's key, ascending.
        digest: hash of the round and of all orders in the book, empty ones included.
    """

    round: RoundId
    orders: dict[bytes, Order]
    digest: bytes

    @classmethod
    def of_orders(cls, round_id: RoundId, orders: dict[bytes, Order]) -> "Book":
        """The book of valid orders."""
        members = sorted(orders)
        digest = hash_of(list(round_id), [[member, orders[member].to_cbor()] for member in members])
        return cls(round_id, {member: orders[member] for member in members if orders[member].side != WATCH}, digest)

    def turn(self, agent: bytes) -> bytes:
        """hash(round, agent): the order in which agents are served where nothing else decides."""
        return hash_of(list(self.round), agent)


@dataclass(frozen=True)
class Trade:
    """What one pair trades: energy in Wh, what the seller gets and the buyer pays in mct/kWh, the path's fee."""

    seller: bytes
    buyer: bytes
    energy_wh: int
    seller_price: int
    buyer_price: int
    path_fee: int = 0


@dataclass(frozen=True)
class Clearing:
    """All trades of a book, and the price at each node that has one, in mct/kWh."""

    trades: tuple[Trade, ...]
    prices: dict[str, int]


def refusal(order: Order, hood: Hood, fuse_w: int) -> str | None:
    """Why an order cannot stand in a book, as a short stable name; None where it can.

    Everyone decides the same from the hood file and the roster.
    """
    if order.algorithm != hood.algorithm:
        return "algorithm_differs"
    if order.side == WATCH:
        return None
    low, high = hood.collar(order.slot)
    prices = [price for price, _ in order.steps]
    energies_wh = [energy_wh for _, energy_wh in order.steps]
    merit = sorted(prices, reverse=order.side == BUY)
    checks = {
        "steps_out_of_merit": prices != merit,
        "outside_collar": not all(low <= price <= high for price in prices),
        "energy_not_in_steps": any(energy_wh <= 0 or energy_wh % STEP_WH for energy_wh in energies_wh),
        "over_fuse": sum(energies_wh) > fuse_w * hood.slot_s // 3600,
    }
    return next((reason for reason, broken in checks.items() if broken), None)


def matched(sold_wh: dict[bytes, int], bought_wh: dict[bytes, int]) -> list[tuple[bytes, bytes, int]]:
    """Pairs (seller, buyer, Wh): first with first, the smaller open amount, on to the next. Both sums are equal."""
    sellers = [(agent, wh) for agent, wh in sold_wh.items() if wh]
    pairs: list[tuple[bytes, bytes, int]] = []
    at, open_wh = 0, 0
    for buyer, want_wh in bought_wh.items():
        while want_wh:
            seller, have_wh = sellers[at]
            open_wh = open_wh or have_wh
            wh = min(want_wh, open_wh)
            pairs.append((seller, buyer, wh))
            want_wh -= wh
            open_wh -= wh
            at += open_wh == 0
    return pairs
