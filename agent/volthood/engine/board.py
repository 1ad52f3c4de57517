"""Reads what stands on the board: trust rules for orders and bundles, apart from what a round does with them.

A message counts for the round in which it stands if a member signed it for that round; a bundle is read with every order
and every piece of evidence in it. The verdict depends on nothing but the bytes, the round and the roster, so what was
read once is remembered by its hash: three bundles hold the same orders, and in a simulation all agents of a process share
one memory.
"""

from dataclasses import dataclass, field

from volthood.core.market.book import Book, refusal
from volthood.core.market.clearing import Trade
from volthood.core.market.round import HeldBundle, HeldOrder, Round
from volthood.core.market.rules import RULES
from volthood.engine.desk import Desk
from volthood.errors import PeerError
from volthood.wire.keys import sha256
from volthood.wire.market import Bundle, Order
from volthood.wire.roster import RosterMember

RoundId = tuple[bytes, int, int]
"""(hood, slot, gate)."""

MAX_REMEMBERED = 2
"""Messages of one kind, signer and round that are remembered: two convict, more are a flood."""


@dataclass(frozen=True)
class Cleared:
    """What a book came to: the book, how many orders stand in it, watchers too, and its trades."""

    book: Book
    orders: int
    trades: tuple[Trade, ...]


@dataclass
class _Read:
    """What was read in one round, by the hash of what was read."""

    orders: dict[bytes, HeldOrder] = field(default_factory=dict)
    bundles: dict[bytes, HeldBundle] = field(default_factory=dict)
    signers: dict[tuple[type, bytes], int] = field(default_factory=dict)
    refusals: dict[bytes, str | None] = field(default_factory=dict)
    cleared: dict[tuple[bytes, ...], Cleared] = field(default_factory=dict)

    def worth_keeping(self, kind: type, signer: bytes) -> bool:
        """Whether another message of a signer is remembered."""
        count = self.signers[kind, signer] = self.signers.get((kind, signer), 0) + 1
        return count <= MAX_REMEMBERED


class BoardMemory:
    """What was read and cleared in the rounds of one hood."""

    def __init__(self) -> None:
        self._rounds: dict[RoundId, _Read] = {}

    def of(self, round_id: RoundId) -> _Read:
        """What was read in a round."""
        read = self._rounds.get(round_id)
        if read is None:
            read = self._rounds[round_id] = _Read()
        return read

    def forget(self, round_id: RoundId) -> None:
        """Drop an old round."""
        self._rounds.pop(round_id, None)


class Board:
    """Reads and clears for one agent."""

    def __init__(self, desk: Desk, memory: BoardMemory) -> None:
        self._desk = desk
        self._memory = memory

    def order(self, round_id: RoundId, data: bytes) -> HeldOrder:
        """A verified order of a round; whether it keeps the hood's limits is not asked. Raises `WireError`, `PeerError`."""
        read = self._memory.of(round_id)
        digest = sha256(data)
        known = read.orders.get(digest)
        if known is not None:
            return known
        member, signed = self._desk.verified(data, Order.KIND, Order.MAX_BYTES)
        order = Order.from_cbor(signed.payload)
        self._desk.check_round(round_id, order.round)
        held = HeldOrder(member.agent, order, data, digest)
        if read.worth_keeping(Order, member.agent):
            read.orders[digest] = held
        return held

    def bundle(self, round_: Round, data: bytes, writer: RosterMember | None) -> HeldBundle:
        """A verified bundle of a round, posted by `writer` or given by somebody. Raises `WireError`, `PeerError`."""
        read = self._memory.of(round_.id)
        digest = sha256(data)
        held = read.bundles.get(digest)
        if held is None:
            held = self._read_bundle(round_, data, digest)
            if read.worth_keeping(Bundle, held.bundler):
                read.bundles[digest] = held
        if writer is not None and writer.agent != held.bundler:
            raise PeerError("wrong_house", f"{self._desk.members.house(held.bundler)} wrote as {writer.house}")
        return held

    def _read_bundle(self, round_: Round, data: bytes, digest: bytes) -> HeldBundle:
        bundler, signed = self._desk.verified(data, Bundle.KIND, Bundle.MAX_BYTES)
        bundle = Bundle.from_cbor(signed.payload)
        self._desk.check_round(round_.id, bundle.round)
        if bundler.agent not in round_.bundlers:
            raise PeerError("not_a_bundler", bundler.house)
        orders = [self.order(round_.id, order) for order in bundle.orders]
        senders = [held.member for held in orders]
        if senders != sorted(set(senders)):
            raise PeerError("bundle_order", f"{bundler.house}: orders twice or unsorted")
        convicted = frozenset(self._convicted(round_.id, pair) for pair in bundle.evidence)
        return HeldBundle(bundler.agent, data, digest, tuple(orders), convicted)

    def _convicted(self, round_id: RoundId, pair: tuple[bytes, bytes]) -> bytes:
        """The member that a pair of orders convicts. Raises `PeerError` where it convicts nobody."""
        first, second = (self.order(round_id, data) for data in pair)
        if first.member != second.member or first.digest == second.digest:
            raise PeerError("evidence_proves_nothing")
        return first.member

    def clear(self, round_: Round) -> Cleared:
        """The clearing of a round's book by the hood's price rule. Raises `KeyError` for a rule this version lacks."""
        cleared = self._memory.of(round_.id).cleared
        key = tuple(bundle.digest for bundle in round_.counted_bundles())
        if key not in cleared:
            holders = [held for held in round_.book_orders() if self.refusal(round_.id, held) is None]
            book = Book.of_orders(round_.id, {held.member: held.order for held in holders})
            trades = RULES[self._desk.hood.algorithm].clear(book, self._desk.hood).trades
            cleared[key] = Cleared(book, len(holders), trades)
        return cleared[key]

    def refusal(self, round_id: RoundId, held: HeldOrder) -> str | None:
        """Why an order does not count; everyone decides the same from the hood file and the roster."""
        read = self._memory.of(round_id)
        if held.digest in read.refusals:
            return read.refusals[held.digest]
        reason = refusal(held.order, self._desk.hood, self._desk.members.by_agent[held.member].fuse_w)
        if held.digest in read.orders:
            read.refusals[held.digest] = reason
        return reason

    def forget(self, round_id: RoundId) -> None:
        """Drop an old round."""
        self._memory.forget(round_id)
