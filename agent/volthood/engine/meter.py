"""The household's own meter by slots, and a neighbour's proof of what its meter showed.

Only `MEASURED` energy counts here: what is allocated, settled or billed was metered between two signed slot records.
"""

from volthood.core.energy import Edge, Quality, SlotEnergy, edge_of, slot_energy
from volthood.engine.desk import Desk
from volthood.errors import PeerError
from volthood.wire.market import Allocation
from volthood.wire.record import Record, unpack_record
from volthood.wire.roster import RosterMember

KEEP_SLOTS = 200
"""Edges kept in memory: two days of quarter hours and some."""


class SlotMeter:
    """Edges and slot energies of the household's connection, from its own signed slot records."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._edges: dict[int, tuple[Edge, bytes]] = {}

    def load(self, start_s: int, end_s: int) -> None:
        """Take up the slot records that the store holds for [start_s, end_s)."""
        for stored in self._desk.readings.slot_records(start_s, end_s):
            _, record = unpack_record(stored.data)
            self.add(record, stored.data)

    def add(self, record: Record, data: bytes) -> None:
        """Take a slot record for its edge; of two the one nearer to the edge. Raises `PeerError` where it is no edge."""
        edge = edge_of(record, self._desk.hood.slot_s)
        known = self._edges.get(edge.edge_s)
        if known is None or abs(edge.time_s - edge.edge_s) < abs(known[0].time_s - known[0].edge_s):
            self._edges[edge.edge_s] = (edge, data)
        if len(self._edges) > KEEP_SLOTS:
            del self._edges[min(self._edges)]

    def energy(self, slot: int) -> SlotEnergy | None:
        """The measured energy of a slot, or None until both edges are here."""
        start, end = self._edges.get(slot), self._edges.get(slot + self._desk.hood.slot_s)
        if start is None or end is None:
            return None
        try:
            energy = slot_energy(start[0], end[0], self._desk.hood.slot_s, self._desk.me.fuse_w)
        except PeerError as error:
            self._desk.refuse(error, what="SlotEnergy", source=slot)
            return None
        return energy if energy.quality is Quality.MEASURED else None

    def measured(self, start_s: int, end_s: int) -> list[SlotEnergy]:
        """The measured slots in [start_s, end_s) by time."""
        energies = [self.energy(slot) for slot in sorted(self._edges) if start_s <= slot < end_s]
        return [energy for energy in energies if energy is not None]

    def proof(self, slot: int) -> tuple[bytes, bytes]:
        """The signed slot records at both edges of a slot whose energy is known."""
        return self._edges[slot][1], self._edges[slot + self._desk.hood.slot_s][1]


def proven_energy(desk: Desk, sender: RosterMember, body: Allocation) -> SlotEnergy:
    """What two slot records prove a neighbour's meter measured in a slot.

    Raises:
        WireError: broken records.
        PeerError: signed by no node of the neighbour, not this slot's edges, or an energy that is no measurement.
    """
    edges = []
    nodes = set()
    for data in (body.start, body.end):
        signed, record = unpack_record(data)
        spki = sender.nodes.get(signed.kid)
        if spki is None:
            raise PeerError("foreign_node", sender.house)
        if not desk.record_verifier.verify_es256(spki, signed, Record.KIND):
            raise PeerError("bad_signature", f"record of {sender.house}")
        nodes.add(signed.kid)
        edges.append(edge_of(record, desk.hood.slot_s))
    if len(nodes) != 1 or edges[0].edge_s != body.slot:
        raise PeerError("wrong_slot_records", sender.house)
    energy = slot_energy(edges[0], edges[1], desk.hood.slot_s, sender.fuse_w)
    if energy.quality is not Quality.MEASURED:
        raise PeerError("not_measured", sender.house)
    return energy
