"""The round: from the gate to contracts, as one member sees it. A transition table and a machine that never saw a socket.

Rules, and why:

- Every member posts one order. The bundlers publish all they hold; they are not trusted: an order counts if the *same*
  order stands in 2 of 3 counted bundles (both of 2, 1 of 1). Two different bundles of one bundler: neither counts.
- A window ends early for those who have all that it is for; messages count until its nominal end whatever ended early
  elsewhere. A missing member costs only the early end.
- The machine decides *when*; the engine gives orders, signs and sends. All input is verified before it comes here.

Times are calendar seconds, digests SHA-256 of messages as sent, members named by the hash of their key.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import TypeVar

from volthood.wire.keys import hash_of
from volthood.wire.market import Order

MAX_BUNDLERS = 3


class Phase(StrEnum):
    """Where a round stands."""

    WAITING = "waiting"
    ORDERING = "ordering"
    BUNDLING = "bundling"
    CONTRACTING = "contracting"
    CLOSED = "closed"


class Trigger(StrEnum):
    """What moves a round on."""

    GATE = "gate reached"
    ORDERS = "no bundler, or orders of all members held, or order window over"
    BUNDLES = "bundles of all bundlers held, or bundle window over"
    CONTRACTS = "own pairs signed, or contract window over"


class Step(StrEnum):
    """What the engine does on a transition."""

    POST_ORDER = "post own order"
    POST_BUNDLE = "post own bundle, if a bundler"
    CLEAR = "clear the book, propose own contracts"
    CLOSE = "void what is not signed"


TRANSITIONS: dict[tuple[Phase, Trigger], tuple[Phase, Step]] = {
    (Phase.WAITING, Trigger.GATE): (Phase.ORDERING, Step.POST_ORDER),
    (Phase.ORDERING, Trigger.ORDERS): (Phase.BUNDLING, Step.POST_BUNDLE),
    (Phase.BUNDLING, Trigger.BUNDLES): (Phase.CONTRACTING, Step.CLEAR),
    (Phase.CONTRACTING, Trigger.CONTRACTS): (Phase.CLOSED, Step.CLOSE),
}


class Verdict(StrEnum):
    """What became of a message."""

    ACCEPTED = "accepted"
    DUPLICATE = "duplicate"
    CONFLICT = "conflict"
    LATE = "window_over"
    EARLY = "before_the_gate"
    NOT_BUNDLER = "not_a_bundler"


@dataclass(frozen=True)
class RoundPlan:
    """When a round's windows nominally begin and end, in calendar seconds."""

    gate_s: int
    orders_end_s: int
    bundles_end_s: int
    contracts_end_s: int
    guard_s: int


@dataclass(frozen=True)
class HeldOrder:
    """A verified order and its bytes as signed."""

    member: bytes
    order: Order
    data: bytes
    digest: bytes


@dataclass(frozen=True)
class HeldBundle:
    """A verified bundle: its valid orders, and the members convicted by the evidence in it."""

    bundler: bytes
    data: bytes
    digest: bytes
    orders: tuple[HeldOrder, ...]
    convicted: frozenset[bytes]


Held = TypeVar("Held", HeldOrder, HeldBundle)


@lru_cache(maxsize=64)
def bundlers_of(round_id: tuple[bytes, int, int], members: frozenset[bytes]) -> tuple[bytes, ...]:
    """The first min(3, n) members by hash(round id, member)."""
    return tuple(sorted(members, key=lambda member: hash_of(list(round_id), member))[:MAX_BUNDLERS])


class Round:
    """One round of one member.

    Attributes:
        is_bundler: whether we bundle in this round.
        pairs_signed: whether every pair of ours is signed.
    """

    def __init__(self, round_id: tuple[bytes, int, int], plan: RoundPlan, me: bytes, members: frozenset[bytes]) -> None:
        self.id = round_id
        self.plan = plan
        self.me = me
        self.members = members
        self.bundlers = bundlers_of(round_id, members)
        self.phase = Phase.WAITING
        self.orders: dict[bytes, HeldOrder] = {}
        self.order_conflicts: dict[bytes, tuple[HeldOrder, HeldOrder]] = {}
        self.bundles: dict[bytes, HeldBundle] = {}
        self.bundle_conflicts: dict[bytes, tuple[HeldBundle, HeldBundle]] = {}
        self.pairs_signed = False
        self.is_bundler = me in self.bundlers
        self._exits: dict[Phase, tuple[Trigger, int, Callable[[], bool]]] = {
            Phase.WAITING: (Trigger.GATE, plan.gate_s, lambda: False),
            Phase.ORDERING: (Trigger.ORDERS, plan.orders_end_s, self._needs_no_orders),
            Phase.BUNDLING: (Trigger.BUNDLES, plan.bundles_end_s, self._holds_all_bundles),
            Phase.CONTRACTING: (Trigger.CONTRACTS, plan.contracts_end_s, lambda: self.pairs_signed),
        }

    def advance(self, now_s: int) -> list[Step]:
        """The steps due at `now_s`, in order; the machine is then where they lead."""
        due = self._next_trigger(now_s)
        if due is None:
            return []
        self.phase, step = TRANSITIONS[self.phase, due]
        return [step]

    def _next_trigger(self, now_s: int) -> Trigger | None:
        exit_ = self._exits.get(self.phase)
        if exit_ is None:
            return None
        trigger, end_s, early = exit_
        return trigger if now_s >= end_s or early() else None

    def next_due_s(self) -> int | None:
        """When the machine moves on by itself, or None."""
        exit_ = self._exits.get(self.phase)
        return None if exit_ is None else exit_[1]

    def _needs_no_orders(self) -> bool:
        """Only bundlers wait for orders."""
        return not self.is_bundler or self.orders.keys() >= self.members

    def _holds_all_bundles(self) -> bool:
        return all(bundler in self.bundles for bundler in self.bundlers)

    def add_order(self, held: HeldOrder, now_s: int) -> Verdict:
        """Take a member's order. A different second one convicts the member: it has none."""
        late = self._outside(now_s, self.plan.orders_end_s)
        return self._add(held.member, held, late, self.orders, self.order_conflicts)

    def add_bundle(self, held: HeldBundle, now_s: int) -> Verdict:
        """Take a bundler's bundle. Of two different ones neither counts."""
        if held.bundler not in self.bundlers:
            return Verdict.NOT_BUNDLER
        late = self._outside(now_s, self.plan.bundles_end_s)
        return self._add(held.bundler, held, late, self.bundles, self.bundle_conflicts)

    def _outside(self, now_s: int, end_s: int) -> Verdict | None:
        if now_s < self.plan.gate_s - self.plan.guard_s:
            return Verdict.EARLY
        return Verdict.LATE if now_s > end_s else None

    @staticmethod
    def _add(
        sender: bytes,
        held: Held,
        late: Verdict | None,
        kept: dict[bytes, Held],
        conflicts: dict[bytes, tuple[Held, Held]],
    ) -> Verdict:
        first = kept.get(sender)
        if first is not None and first.digest == held.digest:
            # What came in time and comes again is no news, whenever it does.
            return Verdict.DUPLICATE
        if late is not None:
            return late
        if first is None:
            kept[sender] = held
            return Verdict.ACCEPTED
        if sender in conflicts:
            return Verdict.DUPLICATE
        conflicts[sender] = (first, held)
        return Verdict.CONFLICT

    def missing_orders(self) -> list[bytes]:
        """Members whose order a bundler still lacks."""
        return sorted(self.members - self.orders.keys())

    def missing_bundles(self) -> list[bytes]:
        """Bundlers whose bundle is still missing."""
        return [bundler for bundler in self.bundlers if bundler not in self.bundles]

    def bundle_contents(self) -> tuple[list[HeldOrder], list[tuple[HeldOrder, HeldOrder]]]:
        """(orders, evidence) for our own bundle: one order a member, by ascending hash; pairs for the convicted."""
        orders = [held for member, held in sorted(self.orders.items()) if member not in self.order_conflicts]
        return orders, [pair for _, pair in sorted(self.order_conflicts.items())]

    def counted_bundles(self) -> list[HeldBundle]:
        """Bundles that count: of bundlers who showed us just one."""
        return [held for bundler, held in sorted(self.bundles.items()) if bundler not in self.bundle_conflicts]

    def book_orders(self) -> list[HeldOrder]:
        """The orders that stand in enough counted bundles, by ascending member."""
        bundles = self.counted_bundles()
        needed = min(2, len(bundles))
        votes: Counter[bytes] = Counter()
        orders: dict[bytes, HeldOrder] = {}
        for bundle in bundles:
            for held in bundle.orders:
                if held.member not in bundle.convicted:
                    votes[held.digest] += 1
                    orders[held.digest] = held
        chosen = [orders[digest] for digest, count in votes.items() if count >= needed]
        return sorted(chosen, key=lambda held: held.member)
