"""Repair: ask the board for what is missing, give what was asked for.

From the middle of a window whoever misses an order (bundlers) or a bundle (everyone) asks for it, again and again until
it is there or the window is over. Whoever has it answers after a pause that differs from member to member, unless
someone else has answered: a broker that swallows messages delays a round, it does not decide it.
"""

from dataclasses import dataclass, field

from volthood.core.market.round import Phase, Round
from volthood.engine.desk import Desk
from volthood.errors import PeerError
from volthood.wire.keys import hash_of
from volthood.wire.market import BUNDLE, ORDER, Ask, Give
from volthood.wire.roster import RosterMember

ASKS_PER_WINDOW = 4
"""How often one thing is asked for in the second half of a window."""

MAX_PENDING = 64
"""Asks of others that we keep in mind in one round."""

MAX_GIVES = 8
"""How often we give one thing in one round: an ask is small, a bundle is not."""

_NOTHING_MISSING = {Phase.WAITING, Phase.CONTRACTING, Phase.CLOSED}

Want = tuple[int, bytes]
"""(`ORDER` or `BUNDLE`, the member who signed it)."""


@dataclass
class _Questions:
    """Questions of one round: ours by when we asked last, others' by when we answer, and how often we gave."""

    asked_s: dict[Want, int] = field(default_factory=dict)
    to_answer: dict[Want, int] = field(default_factory=dict)
    gives: dict[Want, int] = field(default_factory=dict)


class Asking:
    """Asks and gives of running rounds."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._questions: dict[tuple[int, int], _Questions] = {}

    def _of(self, round_: Round) -> _Questions:
        return self._questions.setdefault((round_.id[1], round_.id[2]), _Questions())

    def advance(self, round_: Round) -> None:
        """Ask for what is missing now, and answer what is due."""
        if self._is_quiet(round_):
            return
        questions = self._of(round_)
        for want in self._missing(round_):
            last = questions.asked_s.get(want)
            if last is None or self._desk.now_s - last >= self._pause_s(round_):
                questions.asked_s[want] = self._desk.now_s
                self._ask(round_, want)
        for want, due_s in list(questions.to_answer.items()):
            if self._desk.now_s >= due_s:
                del questions.to_answer[want]
                self._give(round_, questions, want)

    def _is_quiet(self, round_: Round) -> bool:
        """Whether nothing can be missing any more and nobody waits for an answer."""
        if round_.phase not in _NOTHING_MISSING:
            return False
        questions = self._questions.get(round_.id[1:])
        return questions is None or not questions.to_answer

    def _missing(self, round_: Round) -> list[Want]:
        """What we may ask for now."""
        asks_from_s = self._asks_from_s(round_)
        if asks_from_s is None or self._desk.now_s < asks_from_s:
            return []
        if round_.phase is Phase.ORDERING:
            return [(ORDER, member) for member in round_.missing_orders()]
        return [(BUNDLE, bundler) for bundler in round_.missing_bundles()]

    @staticmethod
    def _asks_from_s(round_: Round) -> int | None:
        """The middle of the window in which we may miss something."""
        plan = round_.plan
        if round_.phase is Phase.ORDERING and round_.is_bundler:
            return -(-(plan.gate_s + plan.orders_end_s) // 2)
        if round_.phase is Phase.BUNDLING:
            return -(-(plan.orders_end_s + plan.bundles_end_s) // 2)
        return None

    @staticmethod
    def _pause_s(round_: Round) -> int:
        plan = round_.plan
        window_s = plan.orders_end_s - plan.gate_s
        if round_.phase is Phase.BUNDLING:
            window_s = plan.bundles_end_s - plan.orders_end_s
        return max(1, window_s // (2 * ASKS_PER_WINDOW))

    def next_due_s(self, round_: Round) -> int | None:
        """When this round has something to ask or answer next."""
        if self._is_quiet(round_):
            return None
        questions = self._of(round_)
        due = list(questions.to_answer.values())
        asks_from_s = self._asks_from_s(round_)
        if asks_from_s is not None:
            missing = round_.missing_orders() if round_.phase is Phase.ORDERING else round_.missing_bundles()
            kind = ORDER if round_.phase is Phase.ORDERING else BUNDLE
            for member in missing:
                last = questions.asked_s.get((kind, member))
                due.append(asks_from_s if last is None else last + self._pause_s(round_))
        return min(due, default=None)

    def _ask(self, round_: Round, want: Want) -> None:
        hood, slot, gate = round_.id
        counter = self._desk.trades.next_counter("board")
        body = Ask(hood=hood, slot=slot, gate=gate, want=want[0], member=want[1], counter=counter)
        self._desk.post(slot, gate, "ask", self._desk.signer.sign(Ask.KIND, body.to_cbor()))
        self._desk.note("MessageAskedFor", slot=slot, gate=gate, want=want[0], of=self._desk.members.house(want[1]))

    def on_ask(self, round_: Round, data: bytes, writer: RosterMember) -> None:
        """Remember an ask that we can answer. Raises `PeerError`."""
        signer, signed = self._desk.verified(data, Ask.KIND, Ask.MAX_BYTES)
        ask = Ask.from_cbor(signed.payload)
        self._check(round_, writer, signer, ask.round)
        questions = self._of(round_)
        want = (ask.want, ask.member)
        if self._held(round_, want) is not None and len(questions.to_answer) < MAX_PENDING:
            questions.to_answer.setdefault(want, self._desk.now_s + self._turn_s(round_, want))

    def _turn_s(self, round_: Round, want: Want) -> int:
        """How long we let others answer first: the author not at all, everyone else their turn by hash."""
        if want[1] == self._desk.me.agent:
            return 0
        turns = hash_of(list(round_.id), want[1], self._desk.me.agent)[0] % ASKS_PER_WINDOW
        return 1 + turns * self._pause_s(round_) // ASKS_PER_WINDOW

    def _held(self, round_: Round, want: Want) -> bytes | None:
        """What was asked for, if we have it and it would still count."""
        end_s = round_.plan.orders_end_s if want[0] == ORDER else round_.plan.bundles_end_s
        if self._desk.now_s > end_s:
            return None
        held = round_.orders.get(want[1]) if want[0] == ORDER else round_.bundles.get(want[1])
        return None if held is None else held.data

    def _give(self, round_: Round, questions: _Questions, want: Want) -> None:
        data, given = self._held(round_, want), questions.gives.get(want, 0)
        if data is None or given >= MAX_GIVES:
            return
        questions.gives[want] = given + 1
        hood, slot, gate = round_.id
        counter = self._desk.trades.next_counter("board")
        body = Give(hood=hood, slot=slot, gate=gate, what=want[0], body=data, counter=counter)
        self._desk.post(slot, gate, "give", self._desk.signer.sign(Give.KIND, body.to_cbor()))

    def read_give(self, round_: Round, data: bytes, writer: RosterMember) -> Give:
        """What a member gives; its body is not yet verified. Raises `PeerError`."""
        signer, signed = self._desk.verified(data, Give.KIND, Give.MAX_BYTES)
        give = Give.from_cbor(signed.payload)
        self._check(round_, writer, signer, give.round)
        return give

    def answered(self, round_: Round, want: Want) -> None:
        """Somebody has answered: we need not."""
        self._of(round_).to_answer.pop(want, None)

    def _check(self, round_: Round, writer: RosterMember, signer: RosterMember, found: tuple[bytes, int, int]) -> None:
        if signer.agent != writer.agent:
            raise PeerError("wrong_house", f"{signer.house} wrote as {writer.house}")
        self._desk.check_round(round_.id, found)

    def forget(self, slot: int, gate: int) -> None:
        """Drop the questions of an old round."""
        self._questions.pop((slot, gate), None)
