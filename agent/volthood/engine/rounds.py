"""Rounds: opens each at its gate, posts, collects, clears, and closes. The machine of `core.market.round` says when.

Board messages are verified before they reach the machine: signed by a member, under its own house's topic, for this hood
and round. What is refused becomes an event that names the reason.

Our own messages are stored before they are sent. After a restart they count as of then, whatever the time is now, and
are posted again as they are while their window lasts; a bundle that holds nobody else's order is not made at all, since
silence costs the others only time. Only bundlers listen to orders: everybody else reads them in the bundles.
"""

from collections.abc import Callable

from volthood.core.market.round import Phase, Round, RoundPlan, Step, Verdict
from volthood.engine.asking import Asking
from volthood.engine.board import Board, BoardMemory
from volthood.engine.clearing import own_contracts
from volthood.engine.clockwatch import ClockWatch
from volthood.engine.contracting import Contracting
from volthood.engine.desk import Desk
from volthood.engine.evidence import BOARD_COUNTER, Evidencing
from volthood.engine.listening import Listening
from volthood.engine.ordering import Ordering
from volthood.errors import PeerError
from volthood.wire.cbor import WireError
from volthood.wire.market import BUNDLE, ORDER, Bundle, Order
from volthood.wire.roster import RosterMember

RoundKey = tuple[int, int]
"""(slot, gate)."""
KEEP_ORDERS_S = 30 * 86_400
"""So long orders, ours and the others', are kept: they tell what a household expected to use."""


class Rounds:
    """All rounds that are running."""

    def __init__(
        self, desk: Desk, ordering: Ordering, contracting: Contracting, memory: BoardMemory, clocks: ClockWatch
    ) -> None:
        self._desk = desk
        self._clocks = clocks
        self._ordering = ordering
        self._contracting = contracting
        self._asking = Asking(desk)
        self._evidence = Evidencing(desk)
        self._board = Board(desk, memory)
        self._rounds: dict[RoundKey, Round] = {}
        self._busy: list[Round] = []
        self._members = frozenset(member.agent for member in desk.members.all)
        self._listening = Listening(desk, self._members)
        self._looked_s: int | None = None
        self._next_gate_s = 0
        self._actions: dict[Step, Callable[[Round], None]] = {
            Step.POST_ORDER: self._post_order,
            Step.POST_BUNDLE: self._post_bundle,
            Step.CLEAR: self._clear,
            Step.CLOSE: self._close,
        }

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
        if self._desk.now_s != self._looked_s:
            self._looked_s = self._desk.now_s
            self._listening.advance()
            span_s = self._desk.hood.windows.total_s
            for slot, gate in self._desk.hood.rounds_between(self._desk.now_s - span_s, self._desk.now_s):
                self._open(slot, gate)
            self._forget()
            self._busy = [round_ for round_ in self._busy if not self._is_done(round_)]
        for round_ in self._busy:
            if round_.phase is not Phase.CLOSED:
                self._run(round_)
            self._asking.advance(round_)

    def _is_done(self, round_: Round) -> bool:
        """Whether nothing is left to do, and nobody can be given anything of it that would still count."""
        return round_.phase is Phase.CLOSED and self._desk.now_s > round_.plan.bundles_end_s

    def _open(self, slot: int, gate: int) -> Round | None:
        """The round, made if its messages still count now."""
        if (slot, gate) not in self._rounds:
            plan = self.plan(slot, gate)
            if not plan.gate_s - plan.guard_s <= self._desk.now_s <= plan.contracts_end_s:
                return None
            round_id = (self._desk.hood.hood_id, slot, gate)
            opened = self._rounds[slot, gate] = Round(round_id, plan, self._desk.me.agent, self._members)
            self._busy.append(opened)
        return self._rounds[slot, gate]

    def _run(self, round_: Round) -> None:
        while steps := round_.advance(self._desk.now_s):
            for step in steps:
                self._actions[step](round_)

    def next_due_s(self) -> int:
        """When a round moves on by itself, or the next gate is reached."""
        if self._next_gate_s <= self._desk.now_s or self._next_gate_s - self._desk.now_s > self._desk.hood.slot_s:
            self._next_gate_s = int(self._desk.hood.next_gate_s(self._desk.now_s))
        times = [self._next_gate_s]
        for round_ in self._busy:
            times += [due for due in (round_.next_due_s(), self._asking.next_due_s(round_)) if due is not None]
        return min(times)

    def _post_order(self, round_: Round) -> None:
        _, slot, gate = round_.id
        in_time = self._desk.now_s <= round_.plan.orders_end_s
        data = self._desk.trades.posted((slot, gate), "order")
        if data is None:
            if not in_time:
                return
            if self._desk.clock_doubt is not None:
                self._sit_out(slot, gate, self._desk.clock_doubt)
                return
            data = self._desk.signer.sign(Order.KIND, self._ordering.order(slot, gate).to_cbor())
            self._desk.trades.save_posted((slot, gate), "order", data)
        self._take_order(round_, data, self._desk.me)
        if in_time:
            self._desk.post(slot, gate, "order", data)

    def _sit_out(self, slot: int, gate: int, why: str) -> None:
        """Post nothing in a round: by whose clock would it be in time? The slot's story says why."""
        self._ordering.sit_out(slot, gate, why)
        self._desk.note("RoundSatOut", slot=slot, gate=gate, reason=why.replace(" ", "_"))

    def _post_bundle(self, round_: Round) -> None:
        _, slot, gate = round_.id
        if not round_.is_bundler:
            return
        in_time = self._desk.now_s <= round_.plan.bundles_end_s
        data = self._desk.trades.posted((slot, gate), "bundle")
        if data is None:
            if not in_time or not round_.orders.keys() - {self._desk.me.agent} or self._desk.clock_doubt is not None:
                return
            data = self._desk.signer.sign(Bundle.KIND, self._bundle(round_).to_cbor())
            self._desk.trades.save_posted((slot, gate), "bundle", data)
        self._take_bundle(round_, data, self._desk.me)
        if in_time:
            self._desk.post(slot, gate, "bundle", data)

    def _bundle(self, round_: Round) -> Bundle:
        hood, slot, gate = round_.id
        orders, evidence = round_.bundle_contents()
        return Bundle(
            hood=hood,
            slot=slot,
            gate=gate,
            orders=tuple(held.data for held in orders),
            evidence=tuple((first.data, second.data) for first, second in evidence),
            counter=self._desk.trades.next_counter(BOARD_COUNTER),
        )

    def repost(self) -> None:
        """Post our own messages of running rounds again: the link was away. The same bytes, never a second version."""
        for (slot, gate), round_ in self._rounds.items():
            for kind, end_s in (("order", round_.plan.orders_end_s), ("bundle", round_.plan.bundles_end_s)):
                data = self._desk.trades.posted((slot, gate), kind)
                if data is not None and self._desk.now_s <= end_s:
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
            self._look_at_clocks(member, slot, gate, kind, data)
            raise PeerError("window_over", f"{kind} for slot {slot} gate {gate}")
        if kind == "order":
            if round_.is_bundler:
                self._take_order(round_, data, member)
        elif kind == "bundle":
            self._take_bundle(round_, data, member)
        elif kind == "ask":
            self._asking.on_ask(round_, data, member)
        elif kind == "give":
            self._on_give(round_, data, member)
        elif kind == "evidence":
            self._evidence.on_evidence(round_, data, member)

    def _look_at_clocks(self, member: RosterMember, slot: int, gate: int, kind: str, data: bytes) -> None:
        """What comes before its round shows that somebody's clock is wrong, if it is signed.

        What comes after it shows nothing: messages get delayed, and brokers repeat themselves.
        """
        plan = self.plan(slot, gate)
        early = self._desk.now_s < plan.gate_s
        if not early or kind not in {"order", "bundle"} or not self._clocks.expects(member.agent):
            return
        message: type[Order | Bundle] = Order if kind == "order" else Bundle
        try:
            signer, signed = self._desk.verified(data, message.KIND, message.MAX_BYTES)
            self._desk.check_round((self._desk.hood.hood_id, slot, gate), message.from_cbor(signed.payload).round)
        except (PeerError, WireError):
            return  # It is refused anyway.
        if signer.agent == member.agent:
            self._clocks.heard(member.agent, plan.gate_s, plan.orders_end_s if kind == "order" else plan.bundles_end_s)

    def _take_order(self, round_: Round, data: bytes, writer: RosterMember | None) -> bytes:
        """Take an order that `writer` posted, or that somebody gave; the member who signed it. Raises `PeerError`."""
        held = self._board.order(round_.id, data)
        member = self._desk.members.by_agent[held.member]
        if writer is not None and writer.agent != held.member:
            raise PeerError("wrong_house", f"{member.house} wrote as {writer.house}")
        reason = self._board.refusal(round_.id, held)
        if reason is not None:
            raise PeerError(reason, member.house)
        verdict = round_.add_order(held, self._counted_s(writer, round_.plan.orders_end_s))
        self._compare_clocks(writer, verdict, round_.plan.gate_s, round_.plan.orders_end_s)
        if verdict is Verdict.CONFLICT:
            first, second = round_.order_conflicts[held.member]
            self._evidence.convict(round_, ORDER, member, first.data, second.data)
        self._require(verdict, f"order of {member.house}")
        return held.member

    def _take_bundle(self, round_: Round, data: bytes, writer: RosterMember | None) -> bytes:
        """Take a bundle that `writer` posted, or that somebody gave; the bundler. Raises `PeerError`, `WireError`."""
        held = self._board.bundle(round_, data, writer)
        bundler = self._desk.members.by_agent[held.bundler]
        verdict = round_.add_bundle(held, self._counted_s(writer, round_.plan.bundles_end_s))
        self._compare_clocks(writer, verdict, round_.plan.gate_s, round_.plan.bundles_end_s)
        if verdict is Verdict.CONFLICT:
            first, second = round_.bundle_conflicts[bundler.agent]
            self._evidence.convict(round_, BUNDLE, bundler, first.data, second.data)
        self._require(verdict, f"bundle of {bundler.house}")
        return bundler.agent

    def _compare_clocks(self, writer: RosterMember | None, verdict: Verdict, first_s: int, last_s: int) -> None:
        """What a neighbour posted itself, and we had not had before, shows its clock."""
        if writer is not None and writer.agent != self._desk.me.agent and verdict is not Verdict.DUPLICATE:
            self._clocks.heard(writer.agent, first_s, last_s)

    def _counted_s(self, writer: RosterMember | None, end_s: int) -> int:
        """When a message counts as arrived: our own was there in time, however late we start again."""
        own = writer is not None and writer.agent == self._desk.me.agent
        return min(self._desk.now_s, end_s) if own else self._desk.now_s

    @staticmethod
    def _require(verdict: Verdict, detail: str) -> None:
        if verdict not in {Verdict.ACCEPTED, Verdict.DUPLICATE, Verdict.CONFLICT}:
            raise PeerError(verdict.value, detail)

    def _on_give(self, round_: Round, data: bytes, member: RosterMember) -> None:
        give = self._asking.read_give(round_, data, member)
        if give.what == ORDER and not round_.is_bundler:
            return
        take = self._take_order if give.what == ORDER else self._take_bundle
        self._asking.answered(round_, (give.what, take(round_, give.body, None)))

    def _clear(self, round_: Round) -> None:
        """Clear and propose; what we slept through yields nothing that anybody would still sign, a wrong clock neither."""
        in_time = self._desk.now_s <= round_.plan.contracts_end_s and self._desk.clock_doubt is None
        self._contracting.propose(round_, own_contracts(self._desk, self._board, round_) if in_time else [])

    def _close(self, round_: Round) -> None:
        _, slot, gate = round_.id
        self._desk.note("RoundClosed", slot=slot, gate=gate, early=self._desk.now_s < round_.plan.contracts_end_s)

    def _forget(self) -> None:
        """Drop rounds a slot after their end; what they agreed is in the store."""
        horizon = self._desk.now_s - self._desk.hood.slot_s
        old = [key for key, round_ in self._rounds.items() if round_.plan.contracts_end_s < horizon]
        for slot, gate in old:
            self._board.forget(self._rounds.pop((slot, gate)).id)
            self._asking.forget(slot, gate)
            self._evidence.forget(slot, gate)
            self._contracting.forget(slot, gate)
            if slot % 86_400 == 0:
                self._desk.trades.forget_orders(slot - KEEP_ORDERS_S)
