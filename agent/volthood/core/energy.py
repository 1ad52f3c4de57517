"""Slot energies: differences of what a meter's registers showed at the slot's two edges.

Rules:

- A slot's energy is the difference of two signed slot records of one meter, and of nothing else. Registers are
  whole Wh, so what a slot's difference misses stands in the next one: any run of slots sums exactly to the
  difference of its outer registers.
- An edge is taken at the nearest reading, whose time the record says; a reading too far from the edge, or without a
  trusted time, is no edge. A slot without both edges has no energy. It is never guessed.
- An estimate (a hole between two edges, spread evenly, its remainder carried so that nothing is lost) stands beside, is
  marked, gives way when the records arrive, and is never billed as measured.
- A register that runs backwards, jumps beyond twice the fuse, or belongs to another meter gives an error that names it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise

from volthood.errors import PeerError
from volthood.wire.record import (
    ESTIMATED,
    INFORMATIVE,
    METER_ERROR,
    METER_SWAPPED,
    ROLLED_OVER,
    SYNCHRONISED,
    Record,
)

EDGE_TOLERANCE_PARTS = 4
"""A reading counts for an edge up to a quarter of a slot away: a demonstration at full speed reads once a minute."""
CONNECTION = 0
"""Index of the meter at the household's connection. Others on the node are behind it: shown, never settled."""
JUMP_FACTOR = 2
"""Fuses carry somewhat more than their name for a while, never twice as much on average."""


class Quality(StrEnum):
    """How a slot's energy came to be known. Only `MEASURED` is billed, settled and judged by the laws."""

    MEASURED = "measured"
    ESTIMATED = "estimated"
    IMPORTED = "imported"


@dataclass(frozen=True)
class Edge:
    """A meter's registers at a slot edge, from a slot record. `edge_s` and `time_s` are UTC seconds."""

    edge_s: int
    time_s: int
    meter: bytes
    index: int
    import_wh: int
    export_wh: int
    resolution_wh: int
    flags: int


@dataclass(frozen=True)
class SlotEnergy:
    """A household's energy in one slot, in Wh, both directions as metered."""

    slot: int
    import_wh: int
    export_wh: int
    quality: Quality

    @property
    def net_wh(self) -> int:
        """Import less export, Wh."""
        return self.import_wh - self.export_wh


def edge_of(record: Record, slot_s: int) -> Edge:
    """The slot edge that a verified slot record stands for.

    Raises: `PeerError` `not_a_slot_record`, `not_the_connection`, `time_untrusted` or `edge_missed`.
    """
    if not record.is_slot:
        raise PeerError("not_a_slot_record", f"rseq {record.rseq}")
    if record.index != CONNECTION:
        raise PeerError("not_the_connection", f"rseq {record.rseq} is of meter {record.index}")
    if record.quality not in {SYNCHRONISED, INFORMATIVE}:
        raise PeerError("time_untrusted", f"rseq {record.rseq}, quality {record.quality}")
    edge_s = (record.time_s + slot_s // 2) // slot_s * slot_s
    if abs(record.time_s - edge_s) * EDGE_TOLERANCE_PARTS > slot_s:
        raise PeerError("edge_missed", f"rseq {record.rseq}, {record.time_s - edge_s} s from the edge")
    return Edge(
        edge_s=edge_s,
        time_s=record.time_s,
        meter=record.meter,
        index=record.index,
        import_wh=record.import_wh,
        export_wh=record.export_wh,
        resolution_wh=record.resolution_wh,
        flags=record.flags,
    )


def slot_energy(start: Edge, end: Edge, slot_s: int, fuse_w: int) -> SlotEnergy:
    """The energy of the slot between two neighbouring edges.

    It is `ESTIMATED` where the node itself says that an edge was. Raises: `PeerError` `edges_not_adjacent`,
    `meter_changed`, `register_rolled_over`, `register_backwards` or `register_jump`.
    """
    if end.edge_s - start.edge_s != slot_s:
        raise PeerError("edges_not_adjacent", f"{start.edge_s} and {end.edge_s}")
    import_wh, export_wh = _differences(start, end, fuse_w)
    unsure = (start.flags | end.flags) & (ESTIMATED | METER_ERROR)
    return SlotEnergy(start.edge_s, import_wh, export_wh, Quality.ESTIMATED if unsure else Quality.MEASURED)


def estimates(before: Edge, after: Edge, slot_s: int, fuse_w: int) -> list[SlotEnergy]:
    """The hole between two edges in equal slots, marked; whole Wh that sum to the registers' difference.

    Raises: `PeerError` as `slot_energy`, `edges_not_adjacent` where there is no hole.
    """
    count, rest = divmod(after.edge_s - before.edge_s, slot_s)
    if rest or count < 2:
        raise PeerError("edges_not_adjacent", f"{before.edge_s} and {after.edge_s}")
    import_wh, export_wh = _differences(before, after, fuse_w)
    return [
        SlotEnergy(before.edge_s + number * slot_s, imported, exported, Quality.ESTIMATED)
        for number, (imported, exported) in enumerate(
            zip(spread(import_wh, count), spread(export_wh, count), strict=True)
        )
    ]


def spread(total_wh: int, parts: int) -> list[int]:
    """`total_wh` in `parts` whole numbers, the remainder carried from each to the next, so that they sum to it."""
    return [total_wh * (part + 1) // parts - total_wh * part // parts for part in range(parts)]


def slot_energies(edges: Sequence[Edge], slot_s: int, fuse_w: int) -> list[SlotEnergy]:
    """Every slot between edges of one meter in ascending order, measured or, over holes, estimated.

    What the registers do not allow (`PeerError`) leaves its slots out: they have no energy.
    """
    out: list[SlotEnergy] = []
    for before, after in pairwise(edges):
        try:
            if after.edge_s - before.edge_s == slot_s:
                out.append(slot_energy(before, after, slot_s, fuse_w))
            else:
                out.extend(estimates(before, after, slot_s, fuse_w))
        except PeerError:
            continue
    return out


def _differences(start: Edge, end: Edge, fuse_w: int) -> tuple[int, int]:
    if (start.meter, start.index) != (end.meter, end.index) or end.flags & METER_SWAPPED:
        raise PeerError("meter_changed", f"before {end.edge_s}")
    if end.flags & ROLLED_OVER:
        raise PeerError("register_rolled_over", f"before {end.edge_s}")
    import_wh = end.import_wh - start.import_wh
    export_wh = end.export_wh - start.export_wh
    if import_wh < 0 or export_wh < 0:
        raise PeerError("register_backwards", f"by {-min(import_wh, export_wh)} Wh before {end.edge_s}")
    most_wh = JUMP_FACTOR * fuse_w * (end.time_s - start.time_s) // 3600 + end.resolution_wh
    if max(import_wh, export_wh) > most_wh:
        raise PeerError("register_jump", f"{max(import_wh, export_wh)} Wh before {end.edge_s}, at most {most_wh}")
    return import_wh, export_wh
