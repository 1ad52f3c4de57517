"""Rounds: opens each at its gate, posts, collects, clears, and closes. The machine of `core.market.round` says when.

Board messages are verified before they reach the machine: signed by a member, under its own house's topic, for this hood
and round. What is refused becomes an event that names the reason.
"""

from collections.abc import Callable

from volthood.core.market import rules
from volthood.core.market.book import Book, refusal
from volthood.core.market.round import HeldBundle, HeldOrder, Round, RoundPlan, Step, Verdict
from volthood.engine.asking import Asking
from volthood.engine.contracting import Contracting
from volthood.engine.desk import Desk
from volthood.engine.ordering import Ordering
from volthood.errors import PeerError
from volthood.ports.stores import RoundNote
from volthood.wire.keys import sha256
from volthood.wire.market import Bundle, Contract, Evidence, Order
from volthood.wire.roster import RosterMember

BOARD_COUNTER = "board"


class Rounds:
    """All rounds that are running."""

    def __init__(self, desk: Desk, ordering: Ordering, contracting: Contracting) -> None:
        self._desk = desk
        self._ordering = ordering
        self._contracting = contracting
        self._asking = Asking(desk)
        self._rounds: dict[tuple[int, int], Round] = {}
        self._members = frozenset(member.agent for member in desk.members.all)
        self._verified_orders: dict[bytes, HeldOrder] = {}

    def get(self, slot: int, gate: int) -> Round | None:
        """A running round."""
        return self._rounds.get((slot, gate))

    def plan(self, slot: int, gate: int) -> RoundPlan:
        """When a round's windows begin and end. Raises `PeerError` for a slot or gate that the hood does not have."""
        if gate not in self._desk.hood.gate or slot % self._desk.hood.slot_s:
            raise PeerError("gate_unknown", f"slot {slot} gate {gate}")
        return self._desk.hood.round_plan(slot, gate)

    def is_over(self, slot: int, gate: int) -> bool:
        """Whether no contract of a round can still come to count."""
        round_ = self._rounds.get((slot, gate))
        if round_ is not None and round_.next_due_s() is None:
            return True
        return self._desk.now_s > self.plan(slot, gate).contracts_end_s

    def advance(self) -> None:
        """Open rounds whose gate is reached and take every step that is due."""
        for slot, gate in self._desk.hood.rounds_between(self._desk.now_s - self._span_s(), self._desk.now_s):
            self._open(slot, gate)
        for round_ in list(self._rounds.values()):
            self._run(round_)
            self._asking.advance(round_)
        self._forget()

    def _span_s(self) -> int:
        return self._desk.hood.windows.total_s

    def _open(self, slot: int, gate: int) -> Round | None:
        """The round, made if its messages still count now."""
        if (slot, gate) not in self._rounds:
            plan = self.plan(slot, gate)
            if not plan.gate_s - plan.guard_s <= self._desk.now_s <= plan.contracts_end_s:
                return None
            round_id = (self._desk.hood.hood_id, slot, gate)
            self._rounds[slot, gate] = Round(round_id, plan, self._desk.me.agent, self._members)
        return self._rounds[slot, gate]

    def _run(self, round_: Round) -> None:
        actions: dict[Step, Callable[[Round], None]] = {
            Step.POST_ORDER: self._post_order,
            Step.POST_BUNDLE: self._post_bundle,
            Step.CLEAR: self._clear,
            Step.CLOSE: self._close,
        }
        while steps := round_.advance(self._desk.now_s):
            for step in steps:
                actions[step](round_)

    def next_due_s(self) -> int | None:
        """When a round moves on by itself, or the next gate is reached."""
        times = [due for round_ in self._rounds.values() if (due := round_.next_due_s()) is not None]
        times.append(self._desk.hood.next_gate_s(self._desk.now_s))
        times += [due for round_ in self._rounds.values() if (due := self._asking.next_due_s(round_)) is not None]
        return min(times)

    def _post_order(self, round_: Round) -> None:
        _, slot, gate = round_.id
        data = self._desk.trades.posted((slot, gate), "order")
        if data is None:
            if self._desk.now_s > round_.plan.orders_end_s:
                return
            data = self._desk.signer.sign(Order.KIND, self._ordering.order(slot, gate).to_cbor())
            self._desk.trades.save_posted((slot, gate), "order", data)
        self._take_order(round_, data, self._desk.me)
        self._desk.post(slot, gate, "order", data)

    def _post_bundle(self, round_: Round) -> None:
        if not round_.is_bundler:
            return
        hood, slot, gate = round_.id
        data = self._desk.trades.posted((slot, gate), "bundle")
        if data is None:
            if self._desk.now_s > round_.plan.bundles_end_s:
                return
            orders, evidence = round_.bundle_contents()
            bundle = Bundle(
                hood=hood,
                slot=slot,
                gate=gate,
                orders=tuple(held.data for held in sorted(orders, key=lambda held: held.member)),
                evidence=tuple((first.data, second.data) for first, second in evidence),
                counter=self._desk.trades.next_counter(BOARD_COUNTER),
            )
            data = self._desk.signer.sign(Bundle.KIND, bundle.to_cbor())
            self._desk.trades.save_posted((slot, gate), "bundle", data)
        self._take_bundle(round_, data, self._desk.me)
        self._desk.post(slot, gate, "bundle", data)

    def repost(self) -> None:
        """Post our own messages of running rounds again: the link was away. The same bytes, never a second version."""
        for slot, gate in self._rounds:
            for kind in ("order", "bundle"):
                data = self._desk.trades.posted((slot, gate), kind)
                if data is not None:
                    self._desk.post(slot, gate, kind, data)

    def on_board(self, house: str, slot: int, gate: int, kind: str, data: bytes) -> None:
        """Take a board message. Raises `WireError` or `PeerError` with the reason where it is refused."""
        member = self._desk.members.by_house.get(house)
        if member is None:
            raise PeerError("stranger", house)
        if member.agent == self._desk.me.agent:
            return
        round_ = self._open(slot, gate)
        if round_ is None:
            raise PeerError("window_over", f"{kind} for slot {slot} gate {gate}")
        if kind == "order":
            self._take_order(round_, data, member)
        elif kind == "bundle":
            self._take_bundle(round_, data, member)
        elif kind == "ask":
            self._asking.on_ask(round_, data, member)
        elif kind == "give":
            self._on_give(round_, data, member)
        elif kind == "evidence":
            self._on_evidence(round_, data, member)
        self._run(round_)

    def _held_order(self, round_: Round, data: bytes) -> HeldOrder:
        digest = sha256(data)
        known = self._verified_orders.get(digest)
        if known is not None and known.order.round == round_.id:
            return known
        member, signed = self._desk.verified(data, Order.KIND, Order.MAX_BYTES)
        order = Order.from_cbor(signed.payload)
        self._check_round(round_, order.round)
        held = HeldOrder(member.agent, order, data, digest)
        self._verified_orders[digest] = held
        return held

    @staticmethod
    def _check_round(round_: Round, found: tuple[bytes, int, int]) -> None:
        if found[0] != round_.id[0]:
            raise PeerError("wrong_hood", found[0].hex()[:16])
        if found != round_.id:
            raise PeerError("wrong_round", f"slot {found[1]} gate {found[2]}")

    def _take_order(self, round_: Round, data: bytes, writer: RosterMember | None) -> None:
        held = self._held_order(round_, data)
        member = self._desk.members.by_agent[held.member]
        if writer is not None and writer.agent != held.member:
            raise PeerError("wrong_house", f"{member.house} wrote as {writer.house}")
        reason = refusal(held.order, self._desk.hood, member.fuse_w)
        if reason is not None:
            raise PeerError(reason, member.house)
        verdict = round_.add_order(held, self._desk.now_s)
        if verdict is Verdict.CONFLICT:
            first, second = round_.order_conflicts[held.member]
            self._convict(round_, 1, member, first.data, second.data)
        elif verdict in (Verdict.LATE, Verdict.EARLY):
            raise PeerError(verdict.value, f"order of {member.house}")

    def _take_bundle(self, round_: Round, data: bytes, writer: RosterMember | None) -> None:
        bundler, signed = self._desk.verified(data, Bundle.KIND, Bundle.MAX_BYTES)
        if writer is not None and writer.agent != bundler.agent:
            raise PeerError("wrong_house", f"{bundler.house} wrote as {writer.house}")
        bundle = Bundle.from_cbor(signed.payload)
        self._check_round(round_, bundle.round)
        orders = [self._held_order(round_, order) for order in bundle.orders]
        senders = [held.member for held in orders]
        if senders != sorted(set(senders)):
            raise PeerError("bundle_order", f"{bundler.house}: orders twice or unsorted")
        convicted = frozenset(self._convicted(round_, pair) for pair in bundle.evidence)
        held = HeldBundle(bundler.agent, data, sha256(data), tuple(orders), convicted)
        verdict = round_.add_bundle(held, self._desk.now_s)
        if verdict is Verdict.CONFLICT:
            first, second = round_.bundle_conflicts[bundler.agent]
            self._convict(round_, 2, bundler, first.data, second.data)
        elif verdict not in (Verdict.ACCEPTED, Verdict.DUPLICATE):
            raise PeerError(verdict.value, f"bundle of {bundler.house}")

    def _convicted(self, round_: Round, pair: tuple[bytes, bytes]) -> bytes:
        """The member that a pair of orders convicts. Raises `PeerError` where it convicts nobody."""
        first, second = (self._held_order(round_, data) for data in pair)
        if first.member != second.member or first.digest == second.digest:
            raise PeerError("evidence_proves_nothing")
        return first.member

    def _convict(self, round_: Round, what: int, member: RosterMember, first: bytes, second: bytes) -> None:
        hood, slot, gate = round_.id
        name = "OrderEquivocated" if what == 1 else "BundleEquivocated"
        self._desk.note(name, slot=slot, gate=gate, peer=member.house)
        if self._desk.trades.posted((slot, gate), "evidence:" + member.house) is not None:
            return
        body = Evidence(
            hood=hood,
            slot=slot,
            gate=gate,
            what=what,
            first=first,
            second=second,
            counter=self._desk.trades.next_counter(BOARD_COUNTER),
        )
        data = self._desk.signer.sign(Evidence.KIND, body.to_cbor())
        self._desk.trades.save_posted((slot, gate), "evidence:" + member.house, data)
        self._desk.post(slot, gate, "evidence", data)

    def _on_evidence(self, round_: Round, data: bytes, member: RosterMember) -> None:
        """Evidence never changes the book of a running round; it is checked and kept as an event."""
        _, signed = self._desk.verified(data, Evidence.KIND, Evidence.MAX_BYTES)
        body = Evidence.from_cbor(signed.payload)
        self._check_round(round_, body.round)
        kind, limit = (Order.KIND, Order.MAX_BYTES) if body.what == 1 else (Bundle.KIND, Bundle.MAX_BYTES)
        culprit, first = self._desk.verified(body.first, kind, limit)
        other, second = self._desk.verified(body.second, kind, limit)
        if culprit.agent != other.agent or first.payload == second.payload:
            raise PeerError("evidence_proves_nothing", member.house)
        self._desk.note("EvidenceSeen", slot=body.slot, gate=body.gate, peer=culprit.house, reporter=member.house)

    def _on_give(self, round_: Round, data: bytes, member: RosterMember) -> None:
        give = self._asking.read_give(round_, data, member)
        if give.what == 1:
            self._take_order(round_, give.body, None)
        else:
            self._take_bundle(round_, give.body, None)

    def _clear(self, round_: Round) -> None:
        hood, slot, gate = round_.id
        algorithm = self._desk.hood.algorithm
        holders = [held for held in round_.book_orders() if self._counts(held)]
        book = Book.of_orders(round_.id, {held.member: held.order for held in holders})
        clearing = rules.clear(book, self._desk.hood)
        own = [trade for trade in clearing.trades if self._desk.me.agent in (trade.seller, trade.buyer)]
        contracts = [
            Contract(
                hood=hood,
                slot=slot,
                gate=gate,
                algorithm=algorithm,
                book=book.digest,
                seller=trade.seller,
                buyer=trade.buyer,
                energy_wh=trade.energy_wh,
                seller_price=trade.seller_price,
                buyer_price=trade.buyer_price,
                path_fee=trade.path_fee,
            )
            for trade in own
        ]
        note = RoundNote(
            slot=slot,
            gate=gate,
            orders=len(holders),
            bundles=len(round_.counted_bundles()),
            traded_wh=sum(trade.energy_wh for trade in clearing.trades),
            price_mct_per_kwh=clearing.trades[0].buyer_price if clearing.trades else None,
            book=book.digest,
        )
        self._desk.trades.save_round_note(note)
        self._desk.note(
            "BookCleared", slot=slot, gate=gate, orders=note.orders, bundles=note.bundles, traded_wh=note.traded_wh
        )
        self._contracting.propose(round_, contracts)

    def _counts(self, held: HeldOrder) -> bool:
        """Whether an order in the book is valid: everyone decides the same from the hood file and the roster."""
        member = self._desk.members.by_agent[held.member]
        return refusal(held.order, self._desk.hood, member.fuse_w) is None

    def _close(self, round_: Round) -> None:
        _, slot, gate = round_.id
        self._desk.note("RoundClosed", slot=slot, gate=gate, early=self._desk.now_s < round_.plan.contracts_end_s)

    def _forget(self) -> None:
        """Drop rounds a slot after their end; what they agreed is in the store."""
        horizon = self._desk.now_s - self._desk.hood.slot_s
        for key in [key for key, round_ in self._rounds.items() if round_.plan.contracts_end_s < horizon]:
            del self._rounds[key]
        stale = [digest for digest, held in self._verified_orders.items() if held.order.round[1:] not in self._rounds]
        for digest in stale:
            del self._verified_orders[digest]
