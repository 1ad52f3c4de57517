"""Slot energies from signed edges: exact sums, refused registers, nothing invented."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from volthood.core.energy import Edge, Quality, SlotEnergy, edge_of, estimates, slot_energies, slot_energy, spread
from volthood.errors import PeerError
from volthood.wire.record import (
    ESTIMATED,
    GAP_BEFORE,
    GENESIS,
    INFORMATIVE,
    LIMITED_ACCURACY,
    METER_ERROR,
    METER_SWAPPED,
    RELATIVE,
    ROLLED_OVER,
    UNKNOWN,
    Record,
)

SLOT_S = 900
FUSE_W = 16_000


def edge(edge_s: int, import_wh: int = 0, export_wh: int = 0, flags: int = 0, late_s: int = 0) -> Edge:
    return Edge(edge_s, edge_s + late_s, b"m" * 8, 0, import_wh, export_wh, 1, flags)


def record(time_s: int, quality: int = 0, flags: int = 0, prev_slot: bytes | None = GENESIS, index: int = 0) -> Record:
    return Record(
        meter=b"m" * 8,
        index=index,
        rseq=7,
        boot=1,
        time_s=time_s,
        quality=quality,
        import_wh=100,
        export_wh=5,
        resolution_wh=10,
        power_w=0,
        flags=flags,
        prev=GENESIS,
        prev_slot=prev_slot,
    )


@pytest.mark.parametrize(
    ("time_s", "edge_s"), [(9000, 9000), (9001, 9000), (8999, 9000), (9225, 9000), (8775, 9000), (9675, 9900)]
)
def test_an_edge_is_the_one_nearest_to_the_reading(time_s: int, edge_s: int) -> None:
    taken = edge_of(record(time_s, quality=INFORMATIVE), SLOT_S)
    assert taken == Edge(edge_s, time_s, b"m" * 8, 0, 100, 5, 10, 0)


@pytest.mark.parametrize(
    ("unfit", "reason"),
    [
        (record(9226), "edge_missed"),
        (record(9450), "edge_missed"),
        (record(8774), "edge_missed"),
        (record(9000, quality=UNKNOWN), "time_untrusted"),
        (record(9000, quality=RELATIVE), "time_untrusted"),
        (record(9000, prev_slot=None), "not_a_slot_record"),
        (record(9000, index=1), "not_the_connection"),
    ],
)
def test_a_record_that_is_no_edge(unfit: Record, reason: str) -> None:
    with pytest.raises(PeerError, match=rf"^{reason}: rseq 7"):
        edge_of(unfit, SLOT_S)


def test_the_energy_of_a_slot_is_the_difference_of_its_edges() -> None:
    measured = slot_energy(edge(0, 1000, 50), edge(900, 1250, 53), SLOT_S, FUSE_W)
    assert measured == SlotEnergy(0, 250, 3, Quality.MEASURED)
    assert measured.net_wh == 247


@pytest.mark.parametrize("flags", [0, GAP_BEFORE, LIMITED_ACCURACY])
def test_flags_that_leave_it_measured(flags: int) -> None:
    assert slot_energy(edge(0, flags=flags), edge(900, flags=flags), SLOT_S, FUSE_W).quality is Quality.MEASURED


@pytest.mark.parametrize("flags", [ESTIMATED, METER_ERROR])
def test_flags_that_make_it_an_estimate(flags: int) -> None:
    assert slot_energy(edge(0), edge(900, flags=flags), SLOT_S, FUSE_W).quality is Quality.ESTIMATED
    assert slot_energy(edge(0, flags=flags), edge(900), SLOT_S, FUSE_W).quality is Quality.ESTIMATED


REFUSED: dict[str, tuple[Edge, Edge, str]] = {
    "a hole": (edge(0), edge(1800), "edges_not_adjacent"),
    "the same edge": (edge(900), edge(900), "edges_not_adjacent"),
    "the wrong order": (edge(900), edge(0), "edges_not_adjacent"),
    "import backwards": (edge(0, 1000), edge(900, 999), "register_backwards"),
    "export backwards": (edge(0, 0, 1000), edge(900, 0, 0), "register_backwards"),
    "another meter": (edge(0), replace(edge(900), meter=b"n" * 8), "meter_changed"),
    "another index": (edge(0), replace(edge(900), index=1), "meter_changed"),
    "swapped, said the node": (edge(0), edge(900, flags=METER_SWAPPED), "meter_changed"),
    "rolled over": (edge(0, 99_999_990), edge(900, 10, flags=ROLLED_OVER), "register_rolled_over"),
    "a jump beyond twice the fuse": (edge(0), edge(900, 2 * 4000 + 2), "register_jump"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_registers_that_give_no_energy(name: str) -> None:
    start, end, reason = REFUSED[name]
    with pytest.raises(PeerError, match=rf"^{reason}: "):
        slot_energy(start, end, SLOT_S, FUSE_W)


def test_a_swap_before_the_slot_does_not_matter() -> None:
    swapped = edge(0, 5, flags=METER_SWAPPED | ROLLED_OVER)
    assert slot_energy(swapped, edge(900, 15), SLOT_S, FUSE_W).import_wh == 10


def test_twice_the_fuse_over_the_time_between_the_readings_is_still_energy() -> None:
    assert slot_energy(edge(0), edge(900, 8001), SLOT_S, FUSE_W).import_wh == 8001
    assert slot_energy(edge(0, late_s=-90), edge(900, 8801, late_s=90), SLOT_S, FUSE_W).import_wh == 8801


def test_a_hole_is_spread_and_marked() -> None:
    filled = estimates(edge(0, 100), edge(2700, 110, 2), SLOT_S, FUSE_W)
    assert [slot.slot for slot in filled] == [0, 900, 1800]
    assert [slot.import_wh for slot in filled] == [3, 3, 4]
    assert [slot.export_wh for slot in filled] == [0, 1, 1]
    assert {slot.quality for slot in filled} == {Quality.ESTIMATED}


@pytest.mark.parametrize("end_s", [0, 900, 1000, 1850])
def test_no_hole_no_estimate(end_s: int) -> None:
    with pytest.raises(PeerError, match="edges_not_adjacent"):
        estimates(edge(0), edge(end_s), SLOT_S, FUSE_W)


def test_a_run_with_a_hole_and_a_swap() -> None:
    edges = [edge(0, 0), edge(900, 10), edge(2700, 30), edge(3600, 5, flags=METER_SWAPPED), edge(4500, 9)]
    slots = slot_energies(edges, SLOT_S, FUSE_W)
    assert [(slot.slot, slot.import_wh, slot.quality) for slot in slots] == [
        (0, 10, Quality.MEASURED),
        (900, 10, Quality.ESTIMATED),
        (1800, 10, Quality.ESTIMATED),
        (3600, 4, Quality.MEASURED),
    ]


@given(st.integers(0, 10**9), st.integers(1, 100))
def test_a_spread_loses_nothing(total: int, parts: int) -> None:
    split = spread(total, parts)
    assert sum(split) == total
    assert len(split) == parts
    assert max(split) - min(split) <= 1


@given(st.data(), st.sampled_from([1, 2, 10, 100]), st.lists(st.integers(0, 3_000_000), min_size=1, max_size=40))
def test_any_run_of_slots_sums_to_the_difference_of_its_outer_registers(
    data: st.DataObject, resolution_wh: int, true_mwh: list[int]
) -> None:
    """True energies in mWh, registers floored to the resolution, some edges lost: not one Wh more or less."""
    total_mwh = 0
    edges = [replace(edge(0), resolution_wh=resolution_wh)]
    for number, energy_mwh in enumerate(true_mwh, 1):
        total_mwh += energy_mwh
        register_wh = total_mwh // (1000 * resolution_wh) * resolution_wh
        edges.append(replace(edge(number * SLOT_S, register_wh), resolution_wh=resolution_wh))
    seen = [edges[0], *[inner for inner in edges[1:-1] if data.draw(st.booleans())], edges[-1]]
    slots = slot_energies(seen, SLOT_S, FUSE_W)
    assert len(slots) == len(true_mwh)
    assert sum(slot.import_wh for slot in slots) == edges[-1].import_wh
    assert abs(sum(slot.import_wh for slot in slots) * 1000 - total_mwh) < 1000 * resolution_wh
