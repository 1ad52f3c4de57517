"""The hood's settings, its times, its grid, and the bytes that members sign."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from volthood.core.grid import GridMap, GridNode
from volthood.core.hood import Gate, Hood, Member, ReferenceStep, Windows, in_force
from volthood.core.hood_file import hood_bytes, hood_digest, hood_from_map, hood_to_map
from volthood.errors import LocalError, PeerError
from volthood.wire import cbor
from volthood.wire.keys import sha256

HOOD_ID = sha256(b"roster")
SLOT = 1_470_700_800
TREE = GridMap(
    (
        GridNode("station"),
        GridNode("street", "station", 500, up_wh=9001, down_wh=None),
        GridNode("yard", "street", 0, up_wh=0, down_wh=41),
    )
)


def hood(**changes: Any) -> Hood:
    fields: dict[str, Any] = {"hood_id": HOOD_ID, "currency": "EUR", "reference": (ReferenceStep(0, 8000, 30000),)}
    return Hood(**{**fields, **changes})


def member(name: str, node: str = "root") -> Member:
    return Member(sha256(name.encode()), name, 17250, node)


BAD: dict[str, tuple[str, Callable[[], object]]] = {
    "hood id": ("hood_id", lambda: hood(hood_id=b"short")),
    "currency": ("currency", lambda: hood(currency="euro")),
    "slot length": ("slot_s", lambda: hood(slot_s=600)),
    "algorithm": ("algorithm", lambda: hood(algorithm="")),
    "collar": ("collar_below_mct_per_kwh", lambda: hood(collar_below_mct_per_kwh=-1)),
    "settlement": ("settle_within_s", lambda: hood(settle_within_s=1)),
    "no reference": ("reference", lambda: hood(reference=())),
    "reference that begins late": ("reference[0].from_s", lambda: hood(reference=(ReferenceStep(5, 1, 2),))),
    "reference out of order": (
        "reference[1].from_s",
        lambda: hood(reference=(ReferenceStep(0, 1, 2), ReferenceStep(0, 1, 2))),
    ),
    "reference beyond the limit": ("reference[0].retail", lambda: hood(reference=(ReferenceStep(0, 1, 10**8),))),
    "no gates": ("gates", lambda: hood(gates=())),
    "gate index": ("gates[0].index", lambda: hood(gates=(Gate(256, 0),))),
    "gates out of order": ("gates[1].index", lambda: hood(gates=(Gate(1, -900), Gate(1, -1800)))),
    "forward gate whose windows end in the slot": ("gates[0].offset_s", lambda: hood(gates=(Gate(0, -49),))),
    "balancing gate before the end": ("gates[0].offset_s", lambda: hood(gates=(Gate(254, -1),))),
    "window": ("windows.order_s", lambda: Windows(order_s=0)),
    "guard": ("windows.guard_s", lambda: Windows(guard_s=-1)),
    "version": ("version", lambda: hood(version=0)),
    "short notice": ("valid_from_s", lambda: hood(version=2, issued_s=0, valid_from_s=7199)),
    "agent": ("agent", lambda: Member(b"", "house01", 1, "root")),
    "fuse": ("fuse_w", lambda: Member(bytes(32), "house01", 0, "root")),
    "member on no node": ("nowhere", lambda: hood(members=(member("house01", "nowhere"),))),
    "member twice": ("twice", lambda: hood(members=(member("house01"), member("house01")))),
    "empty grid": ("nodes", lambda: GridMap(())),
    "node name": ("Root!", lambda: GridNode("Root!")),
    "fee": ("fee_mct_per_kwh", lambda: GridNode("a", "root", -1)),
    "capacity": ("up_wh", lambda: GridNode("a", "root", 0, -1)),
    "capacity of the root": ("root", lambda: GridNode("root", up_wh=1)),
    "no root": ("none", lambda: GridMap((GridNode("a", "b"), GridNode("b", "a")))),
    "two roots": ("a, b", lambda: GridMap((GridNode("a"), GridNode("b")))),
    "node twice": ("twice", lambda: GridMap((GridNode("a"), GridNode("b", "a"), GridNode("b", "a")))),
    "unknown parent": ("parent c", lambda: GridMap((GridNode("a"), GridNode("b", "c")))),
    "cycle": ("ancestor", lambda: GridMap((GridNode("a"), GridNode("b", "c"), GridNode("c", "b")))),
}


@pytest.mark.parametrize("name", sorted(BAD))
def test_a_wrong_setting_is_named(name: str) -> None:
    field, make = BAD[name]
    with pytest.raises(LocalError) as caught:
        make()
    assert field in str(caught.value)


def test_reference_and_collar_of_a_slot() -> None:
    steps = ReferenceStep(0, 8000, 30000), ReferenceStep(SLOT, -500, 12000)
    both = hood(reference=steps, collar_below_mct_per_kwh=5000, collar_above_mct_per_kwh=1000)
    assert both.reference_at(SLOT - 900) == (8000, 30000)
    assert both.reference_at(SLOT) == (-500, 12000)
    assert both.collar(SLOT) == (-5500, 13000)


def test_a_round_plan() -> None:
    plan = hood().round_plan(SLOT, 0)
    assert (plan.gate_s, plan.orders_end_s, plan.bundles_end_s, plan.contracts_end_s, plan.guard_s) == (
        SLOT - 900,
        SLOT - 880,
        SLOT - 870,
        SLOT - 850,
        2,
    )


def test_balancing_gates_count_from_the_end_of_the_slot() -> None:
    assert hood().gate_s(SLOT, 254) == SLOT + 900 + 600
    assert hood().gate_s(SLOT, 255) == SLOT + 900 + 1500


def test_rounds_between_and_the_next_gate_agree() -> None:
    every = hood(gates=(Gate(0, -1000), Gate(254, 600), Gate(255, 1500)))
    first_s, last_s = SLOT - 100, SLOT + 5000
    found = sorted(every.gate_s(slot, gate) for slot, gate in every.rounds_between(first_s, last_s))
    walked, now_s = [], first_s - 1
    while (now_s := every.next_gate_s(now_s)) <= last_s:
        walked.append(now_s)
    assert sorted(set(found)) == walked
    assert all(slot % 900 == 0 for slot, _ in every.rounds_between(first_s, last_s))
    assert len(found) == 6 + 5 + 5


def test_both_ends_of_a_span_count() -> None:
    assert list(hood(gates=(Gate(0, -900),)).rounds_between(SLOT, SLOT)) == [(SLOT + 900, 0)]
    assert list(hood(gates=(Gate(0, -900),)).rounds_between(SLOT + 1, SLOT + 899)) == []
    assert hood(gates=(Gate(0, -900),)).next_gate_s(SLOT) == SLOT + 900


def test_forward_gates_share_a_capacity_and_balancing_has_none() -> None:
    shared = hood(grid=TREE, gates=(Gate(0, -1800), Gate(1, -900), Gate(255, 0)))
    assert shared.capacities(0) == shared.capacities(1) == [(None, None), (4500, None), (0, 20)]
    assert shared.capacities(255) == [(None, None)] * 3


def test_the_layout_is_in_preorder() -> None:
    nodes = (GridNode("r"), GridNode("b", "r", 2), GridNode("a", "r", 1), GridNode("c", "a", 3))
    layout = GridMap(nodes).layout
    assert layout.names == ["r", "a", "c", "b"]
    assert layout.parent == [-1, 0, 1, 0]
    assert layout.end == [4, 3, 3, 4]
    assert layout.depth == [0, 1, 2, 1]
    assert layout.distance == [0, 1, 4, 2]


def test_the_hood_file_that_counts() -> None:
    first = hood()
    second = hood(version=2, issued_s=SLOT - 7200, valid_from_s=SLOT)
    assert in_force((first, second), SLOT - 900) is first
    assert in_force((second, first), SLOT) is second
    assert in_force((), SLOT) is None


FULL = hood(grid=TREE, windows=Windows(5, 6, 7, 8), version=3, issued_s=1, valid_from_s=7201, algorithm="auction/1")


def test_a_hood_survives_its_bytes() -> None:
    members = (member("house01", "yard"),)
    read = hood_from_map(cbor.decode(hood_bytes(FULL)), members)
    assert read == replace(FULL, members=members)
    assert hood_digest(read) == hood_digest(FULL) == sha256(hood_bytes(FULL))


def test_the_bytes_do_not_depend_on_the_order_of_nodes() -> None:
    assert hood_bytes(replace(FULL, grid=GridMap(tuple(reversed(TREE.nodes))))) == hood_bytes(FULL)


@pytest.mark.parametrize("key", range(1, 14))
def test_every_key_is_needed_and_of_its_type(key: int) -> None:
    table = hood_to_map(FULL)
    for broken in (
        {**table, key: None},
        {**table, key: [["x"]]},
        {other: table[other] for other in table if other != key},
    ):
        with pytest.raises(PeerError) as caught:
            hood_from_map(broken)
        assert caught.value.reason == "hood_file"
        assert str(key) in caught.value.detail


WRONG: dict[str, object] = {
    "not a map": [],
    "an unknown key": {**hood_to_map(FULL), 14: 0},
    "true for a number": {**hood_to_map(FULL), 1: True},
    "a gate with three numbers": {**hood_to_map(FULL), 7: [[0, -900, 1]]},
    "a node without a fee": {**hood_to_map(FULL), 13: [["a", None, None, None, None]]},
    "a node whose name is a number": {**hood_to_map(FULL), 13: [[1, None, 0, None, None]]},
    "a node with a text for a capacity": {**hood_to_map(FULL), 13: [["a", None, 0, "x", None]]},
    "a setting out of range": {**hood_to_map(FULL), 6: 7},
}


@pytest.mark.parametrize("name", sorted(WRONG))
def test_a_hood_file_that_is_refused(name: str) -> None:
    with pytest.raises(PeerError):
        hood_from_map(WRONG[name])
