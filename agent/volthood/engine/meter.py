"""The household's own meter by slots, and a neighbour's proof of what its meter showed.

Only `MEASURED` energy counts here: what is allocated, settled or billed was metered between two signed slot records.
"""

from volthood.core.energy import Edge, Quality, SlotEnergy, edge_of, slot_energy
from volthood.engine.desk import Desk
from volthood.engine.records import edge_in, taken_apart
from volthood.errors import PeerError
from volthood.wire.market import Allocation
from volthood.wire.record import Record
from volthood.wire.roster import RosterMember

KEEP_S = 3 * 86_400
"""How far back edges are kept in memory, at least: what may still be settled."""


class SlotMeter:
    """Edges and slot energies of the household's connection, from its own signed slot records."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._edges: dict[int, tuple[Edge, bytes]] = {}
        self._measured: dict[int, SlotEnergy] = {}
        self._news: dict[int, SlotEnergy] = {}

    def load(self, start_s: int, end_s: int) -> None:
        """Take up the slot records that the store holds for [start_s, end_s); what was no edge then is none now."""
        for stored in self._desk.readings.slot_records(start_s, end_s):
            _, record = taken_apart(stored.data)
            try:
                edge = edge_of(record, self._desk.hood.slot_s)
            except PeerError:
                continue
            self._take(edge, stored.data)

    def add(self, record: Record, data: bytes) -> None:
        """Take a slot record for its edge; of two the one nearer to the edge. Raises `PeerError` where it is no edge."""
        self._take(edge_of(record, self._desk.hood.slot_s), data)
        self._forget()

    def _take(self, edge: Edge, data: bytes) -> None:
        known = self._edges.get(edge.edge_s)
        if known is not None and abs(edge.time_s - edge.edge_s) >= abs(known[0].time_s - known[0].edge_s):
            return
        self._edges[edge.edge_s] = (edge, data)
        for slot in (edge.edge_s - self._desk.hood.slot_s, edge.edge_s):
            self._measure(slot)

    def _measure(self, slot: int) -> None:
        """Work out a slot once both its edges are here; what is no measurement is told, once."""
        start, end = self._edges.get(slot), self._edges.get(slot + self._desk.hood.slot_s)
        if start is None or end is None:
            return
        self._measured.pop(slot, None)
        self._news.pop(slot, None)
        try:
            energy = slot_energy(start[0], end[0], self._desk.hood.slot_s, self._desk.me.fuse_w)
        except PeerError as error:
            self._desk.refuse(error, what="SlotEnergy", source=slot)
            return
        if energy.quality is Quality.MEASURED:
            self._measured[slot] = self._news[slot] = energy

    def _forget(self) -> None:
        horizon = max(self._edges) - max(KEEP_S, self._desk.hood.settle_within_s + 2 * self._desk.hood.slot_s)
        for old in [edge for edge in self._edges if edge < horizon]:
            del self._edges[old]
            self._measured.pop(old, None)

    def energy(self, slot: int) -> SlotEnergy | None:
        """The measured energy of a slot, or None until both edges are here."""
        return self._measured.get(slot)

    def take_news(self) -> list[SlotEnergy]:
        """The slots measured since this was last asked, by time; after a restart all that were read back."""
        news = [self._news[slot] for slot in sorted(self._news)]
        self._news.clear()
        return news

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
        signed, _ = taken_apart(data)
        spki = sender.nodes.get(signed.kid)
        if spki is None:
            raise PeerError("foreign_node", sender.house)
        if not desk.record_verifier.verify_es256(spki, signed, Record.KIND):
            raise PeerError("bad_signature", f"record of {sender.house}")
        nodes.add(signed.kid)
        edges.append(edge_in(data, desk.hood.slot_s))
    if len(nodes) != 1 or edges[0].edge_s != body.slot:
        raise PeerError("wrong_slot_records", sender.house)
    energy = slot_energy(edges[0], edges[1], desk.hood.slot_s, sender.fuse_w)
    if energy.quality is not Quality.MEASURED:
        raise PeerError("not_measured", sender.house)
    return energy
