"""Disputes: slot records of one neighbour's node that show different registers at one slot edge.

A slot's end is the next slot's start, so a meter that shows two numbers there could be paid twice for one Wh, or hide one.
Which of the two is true nobody can tell: the contract is disputed, and so is what the other record was to prove unless we
have signed for it. Both stay in the store in full, in the allocations that showed them, as evidence for whoever judges.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache

from volthood.core.deals import Deal
from volthood.core.energy import edge_of
from volthood.engine.deals import DealBook
from volthood.engine.desk import Desk
from volthood.engine.records import REMEMBERED, taken_apart
from volthood.errors import PeerError
from volthood.wire.market import Allocation, unpack_eddsa
from volthood.wire.record import record_hash
from volthood.wire.roster import RosterMember


@dataclass(frozen=True)
class _Shown:
    """What a neighbour's node showed at an edge: the place it says that of, what it says, and the record's hash."""

    place: tuple[bytes, int, int]
    registers: tuple[bytes, int, int]
    record: bytes


class Disputes:
    """Holds each allocation's slot records against what the same neighbour showed before."""

    def __init__(self, desk: Desk, deals: DealBook) -> None:
        self._desk = desk
        self._deals = deals

    def check(self, sender: RosterMember, deal: Deal, body: Allocation, data: bytes) -> None:
        """Dispute the deal where its proof, itself already verified, contradicts an earlier one.

        Raises:
            PeerError: `slot_records_contradict`; the deal has been kept as disputed.
        """
        shown = {now.place: now for now in self._shown(body)}
        for other in self._near(sender, deal):
            for before in self._shown(_allocation(other.peer_evidence or b"")):
                now = shown.get(before.place, before)
                if before.registers != now.registers:
                    self._dispute(deal, data, other)
                    self._tell(sender, deal, before, now)
                    raise PeerError("slot_records_contradict", sender.house)

    def _near(self, sender: RosterMember, deal: Deal) -> Iterator[Deal]:
        """Deals with the sender whose allocation shows an edge of the same slot."""
        slot, slot_s = deal.contract.slot, self._desk.hood.slot_s
        for near in (slot - slot_s, slot, slot + slot_s):
            for other in self._deals.of_slot(near):
                if other.peer == sender.agent and other.id != deal.id and other.peer_evidence is not None:
                    yield other

    def _shown(self, body: Allocation) -> tuple[_Shown, _Shown]:
        slot_s = self._desk.hood.slot_s
        return _shown_by(body.start, slot_s), _shown_by(body.end, slot_s)

    def _dispute(self, deal: Deal, data: bytes, other: Deal) -> None:
        self._deals.save(replace(deal, disputed=True, peer_evidence=data))
        if other.open and other.own_settlement is None:
            self._deals.save(replace(other, disputed=True))

    def _tell(self, sender: RosterMember, deal: Deal, before: _Shown, now: _Shown) -> None:
        self._desk.note(
            "SlotRecordsContradicted",
            slot=deal.contract.slot,
            edge_s=now.place[2],
            contract=deal.id.hex()[:16],
            peer=sender.house,
            first=before.record.hex(),
            second=now.record.hex(),
        )


@lru_cache(maxsize=REMEMBERED)
def _shown_by(data: bytes, slot_s: int) -> _Shown:
    """What one record shows; the same one is shown to, and held against what was shown by, many."""
    signed, record = taken_apart(data)
    return _Shown(
        place=(signed.kid, record.index, edge_of(record, slot_s).edge_s),
        registers=(record.meter, record.import_wh, record.export_wh),
        record=record_hash(data),
    )


@lru_cache(maxsize=REMEMBERED)
def _allocation(evidence: bytes) -> Allocation:
    """The neighbour's allocation as it was taken."""
    return Allocation.from_cbor(unpack_eddsa(evidence, Allocation.MAX_BYTES).payload)
