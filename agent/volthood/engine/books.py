"""A household's books read from its stores: what was metered, agreed and paid, and whether every signature still holds.

Nothing here trusts what intake or a round once decided: records are verified and linked anew, contracts and settlements
are checked against the keys of the roster. So the same books serve the person at home, a demonstration and an audit.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from volthood.core.billing import SlotBill, bill_slot
from volthood.core.deals import Deal, Role
from volthood.core.energy import Edge, Quality, SlotEnergy, edge_of, slot_energies
from volthood.core.hood import Hood
from volthood.core.laws import HomeBooks
from volthood.core.readings import Stream
from volthood.core.tariff import Price, Tariff
from volthood.engine.records import taken_apart
from volthood.errors import PeerError
from volthood.ports.crypto import RecordVerifier, Verifier
from volthood.ports.stores import ReadingStore, StoredRecord, TradeStore
from volthood.wire.cbor import WireError
from volthood.wire.market import Contract, Settlement, unpack_eddsa
from volthood.wire.record import Record, record_hash
from volthood.wire.roster import Roster, RosterMember

FaultsOf = Callable[[Deal, RosterMember, dict[bytes, RosterMember], Verifier], Iterable[str]]
"""Says what is wrong with the signatures of a deal, as `deal_faults` does."""


@dataclass(frozen=True)
class Books:
    """One household's stores with what gives them meaning: its roster line, the hood file and its tariff."""

    member: RosterMember
    hood: Hood
    trades: TradeStore
    readings: ReadingStore
    tariff: Tariff

    def energies(self, start_s: int, end_s: int) -> dict[int, SlotEnergy]:
        """Measured energies of the slots in [start_s, end_s), by slot."""
        slot_s = self.hood.slot_s
        edges = nearest_edges(self.readings.slot_records(start_s - slot_s, end_s + slot_s), slot_s)
        energies = slot_energies(edges, slot_s, self.member.fuse_w)
        return {
            energy.slot: energy
            for energy in energies
            if energy.quality is Quality.MEASURED and start_s <= energy.slot < end_s
        }

    def price(self, slot: int) -> Price:
        """The tariff of a slot as logged before its first order; without one, as the tariff has it."""
        notes = self.trades.slot_notes(slot)
        if notes:
            return Price(notes[0].import_mct_per_kwh, notes[0].export_mct_per_kwh)
        return self.tariff.at(slot)

    def deals(self, start_s: int, end_s: int) -> list[Deal]:
        """Every deal of the slots in [start_s, end_s), by slot."""
        return [deal for deal in self.trades.deals(start_s) if deal.contract.slot < end_s]

    def bills(self, start_s: int, end_s: int) -> list[SlotBill]:
        """The bills of all metered slots in [start_s, end_s)."""
        deals = self.deals(start_s, end_s)
        return [self.bill(energy, deals) for energy in self.energies(start_s, end_s).values()]

    def bill(self, energy: SlotEnergy, deals: Iterable[Deal]) -> SlotBill:
        """The bill of one metered slot; deals of other slots are left out."""
        price = self.price(energy.slot)
        return bill_slot(
            energy.slot,
            energy.import_wh,
            energy.export_wh,
            [deal for deal in deals if deal.contract.slot == energy.slot],
            price.import_mct_per_kwh,
            price.export_mct_per_kwh,
        )


def home_books(
    books: Books,
    roster: Roster,
    verifier: Verifier,
    record_verifier: RecordVerifier,
    start_s: int,
    end_s: int,
    faults_of: FaultsOf | None = None,
) -> HomeBooks:
    """What `core.laws` judges a household by, for the slots in [start_s, end_s); all its records verified again.

    `faults_of` stands for `deal_faults` where many of the same deals are judged again and again.
    """
    deals = books.deals(start_s, end_s)
    records = list(books.readings.all_records())
    keys = {member.agent: member for member in roster.members}
    faults_of = faults_of or deal_faults
    return HomeBooks(
        house=books.member.house,
        agent=books.member.agent,
        bills=tuple(books.bills(start_s, end_s)),
        deals=tuple(deals),
        records_verified=count_verified(books.member, records, record_verifier),
        records_kept=len(records),
        faults=tuple(fault for deal in deals for fault in faults_of(deal, books.member, keys, verifier)),
    )


def nearest_edges(records: Iterable[StoredRecord], slot_s: int) -> list[Edge]:
    """One edge for each slot edge, of several the one read nearest to it, in the order of time."""
    edges: dict[int, Edge] = {}
    for stored in records:
        try:
            edge = edge_of(taken_apart(stored.data)[1], slot_s)
        except PeerError:
            continue
        known = edges.get(edge.edge_s)
        if known is None or abs(edge.time_s - edge.edge_s) < abs(known.time_s - known.edge_s):
            edges[edge.edge_s] = edge
    return [edges[edge_s] for edge_s in sorted(edges)]


def count_verified(member: RosterMember, records: Iterable[StoredRecord], verifier: RecordVerifier) -> int:
    """How many records, by node and rseq, are signed by a node of the member and linked to what came before.

    Behind records that the node itself gave up as lost a link cannot be checked; the signed word about the loss stands.
    """
    streams = {kid: Stream() for kid in member.nodes}
    return sum(_verifies(stored, member, streams, verifier) for stored in records)


def _verifies(
    stored: StoredRecord, member: RosterMember, streams: dict[bytes, Stream], verifier: RecordVerifier
) -> bool:
    spki = member.nodes.get(stored.node)
    if spki is None:
        return False
    try:
        signed, record = taken_apart(stored.data)
        if signed.kid != stored.node or not verifier.verify_es256(spki, signed, Record.KIND):
            return False
        taken = streams[stored.node].take(record, record_hash(stored.data))
    except (WireError, PeerError):
        return False
    return taken.new and stored == stored_record(stored.node, record, stored.data)


def stored_record(node: bytes, record: Record, data: bytes) -> StoredRecord:
    """A record as the store keeps it."""
    return StoredRecord(
        node=node,
        rseq=record.rseq,
        time_s=record.time_s,
        is_slot=record.is_slot,
        import_wh=record.import_wh,
        export_wh=record.export_wh,
        power_w=record.power_w,
        data=data,
    )


def deal_faults(deal: Deal, me: RosterMember, members: dict[bytes, RosterMember], verifier: Verifier) -> Iterator[str]:
    """What is wrong with the signatures under a contract and its settlement; nothing where all hold."""
    contract = deal.contract
    buyer, seller = members.get(contract.buyer), members.get(contract.seller)
    own_kind, peer_kind = Settlement.BUYER_KIND, Settlement.SELLER_KIND
    if deal.role is Role.SELLER:
        own_kind, peer_kind = peer_kind, own_kind
    agreed = deal.settlement()
    for what, data, payload, kind, member in (
        ("buyer's signature", deal.buyer_signature, deal.payload, Contract.BUYER_KIND, buyer),
        ("seller's signature", deal.seller_signature, deal.payload, Contract.SELLER_KIND, seller),
        ("own settlement", deal.own_settlement, agreed, own_kind, me),
        ("peer's settlement", deal.peer_settlement, agreed, peer_kind, members.get(deal.peer)),
    ):
        if data is not None and not _signed(data, payload, kind, member, verifier):
            yield f"contract {deal.id.hex()[:16]}: {what} does not hold"


def _signed(data: bytes, payload: bytes | None, kind: str, member: RosterMember | None, verifier: Verifier) -> bool:
    try:
        signed = unpack_eddsa(data, Contract.MAX_BYTES)
    except WireError:
        return False
    if member is None or signed.payload != payload:
        return False
    return verifier.verify_eddsa(member.agent_key, signed, kind)
