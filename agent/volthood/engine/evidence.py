"""Evidence: two different messages that one member signed for one round, shown to everybody.

It never changes the book of a running round. Whoever saw both puts them on the board once; whoever reads it checks it as
if it knew nothing, and keeps it as an event. Either way the member is convicted for good: its standing is 0.
"""

from volthood.core.market.round import Round
from volthood.engine.desk import Desk
from volthood.errors import PeerError
from volthood.ports.stores import Conviction
from volthood.wire.market import BUNDLE, ORDER, Bundle, Evidence, Order, RoundMessage
from volthood.wire.roster import RosterMember

BOARD_COUNTER = "board"
MAX_SEEN = 64
"""Pieces of evidence of one round that become events of ours."""

_EVENTS = {ORDER: "OrderEquivocated", BUNDLE: "BundleEquivocated"}
_MESSAGES: dict[int, type[RoundMessage]] = {ORDER: Order, BUNDLE: Bundle}


class Evidencing:
    """Publishes what convicts a member, and checks what others publish."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._seen: dict[tuple[int, int], set[tuple[bytes, int]]] = {}

    def convict(self, round_: Round, what: int, member: RosterMember, first: bytes, second: bytes) -> None:
        """Note two different messages of a member and publish them, once a member and round."""
        hood, slot, gate = round_.id
        kind = f"evidence:{member.house}"
        if self._desk.trades.posted((slot, gate), kind) is not None:
            return
        self._desk.note(_EVENTS[what], slot=slot, gate=gate, peer=member.house)
        self._desk.trades.convict(Conviction(member.agent, slot, _EVENTS[what]))
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
        self._desk.trades.save_posted((slot, gate), kind, data)
        self._desk.post(slot, gate, "evidence", data)

    def on_evidence(self, round_: Round, data: bytes, reporter: RosterMember) -> None:
        """Keep evidence of others as an event. Raises `WireError` or `PeerError` where it convicts nobody."""
        signer, signed = self._desk.verified(data, Evidence.KIND, Evidence.MAX_BYTES)
        if signer.agent != reporter.agent:
            raise PeerError("wrong_house", f"{signer.house} wrote as {reporter.house}")
        body = Evidence.from_cbor(signed.payload)
        self._desk.check_round(round_.id, body.round)
        culprit = self._culprit(body)
        seen = self._seen.setdefault((body.slot, body.gate), set())
        if (culprit.agent, body.what) not in seen and len(seen) < MAX_SEEN:
            seen.add((culprit.agent, body.what))
            self._desk.trades.convict(Conviction(culprit.agent, body.slot, _EVENTS[body.what]))
            self._desk.note("EvidenceSeen", slot=body.slot, gate=body.gate, peer=culprit.house, reporter=reporter.house)

    def _culprit(self, body: Evidence) -> RosterMember:
        """The member that signed both messages for the round of the evidence."""
        message = _MESSAGES[body.what]
        signers = []
        for data in (body.first, body.second):
            signer, signed = self._desk.verified(data, message.KIND, message.MAX_BYTES)
            self._desk.check_round(body.round, message.from_cbor(signed.payload).round)
            signers.append(signer)
        if body.first == body.second or signers[0].agent != signers[1].agent:
            raise PeerError("evidence_proves_nothing", f"{signers[0].house}, {signers[1].house}")
        return signers[0]

    def forget(self, slot: int, gate: int) -> None:
        """Drop what an old round had."""
        self._seen.pop((slot, gate), None)
