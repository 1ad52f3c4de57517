"""The hood file as canonical bytes: what members sign the hash of. Small integer keys, unknown ones refused.

| key | what |
| --- | --- |
| 1 | version |
| 2 | hood id |
| 3 | issued, s |
| 4 | valid from, s |
| 5 | currency |
| 6 | slot length, s |
| 7 | gates: [index, offset in s] each |
| 8 | windows: [orders, bundles, contracts, clock guard] in s |
| 9 | algorithm |
| 10 | collar: [below feed-in, above retail] in mct/kWh |
| 11 | reference series: [from s, feed-in, retail] in mct/kWh each |
| 12 | settle within, s |
| 13 | grid map: [name, parent or null, fee in mct/kWh, up, down in Wh or null] each, by name |
"""

from collections.abc import Callable
from typing import TypeVar

from volthood.core.grid import GridMap, GridNode
from volthood.core.hood import Gate, Hood, Member, ReferenceStep, Windows
from volthood.errors import LocalError, PeerError
from volthood.wire import cbor
from volthood.wire.keys import sha256

_KEYS = frozenset(range(1, 14))
T = TypeVar("T")


def hood_to_map(hood: Hood) -> dict[int, object]:
    """The hood file as a plain CBOR map; members are not part of it."""
    windows = hood.windows
    return {
        1: hood.version,
        2: hood.hood_id,
        3: hood.issued_s,
        4: hood.valid_from_s,
        5: hood.currency,
        6: hood.slot_s,
        7: [[gate.index, gate.offset_s] for gate in hood.gates],
        8: [windows.order_s, windows.bundle_s, windows.contract_s, windows.guard_s],
        9: hood.algorithm,
        10: [hood.collar_below_mct_per_kwh, hood.collar_above_mct_per_kwh],
        11: [list(step) for step in hood.reference],
        12: hood.settle_within_s,
        13: [[node.name, node.parent, node.fee_mct_per_kwh, node.up_wh, node.down_wh] for node in hood.grid.nodes],
    }


def hood_from_map(table: object, members: tuple[Member, ...] = ()) -> Hood:
    """The hood of a decoded hood file.

    Raises:
        PeerError: `hood_file`, with the key that is unknown, missing, of another type or out of range.
    """
    if not isinstance(table, dict) or table.keys() != _KEYS:
        odd = sorted(map(str, table.keys() ^ _KEYS)) if isinstance(table, dict) else ["not a map"]
        raise PeerError("hood_file", "unknown or missing keys: " + ", ".join(odd))
    try:
        return Hood(
            version=_int(table, 1),
            hood_id=_typed(bytes, table, 2),
            issued_s=_int(table, 3),
            valid_from_s=_int(table, 4),
            currency=_typed(str, table, 5),
            slot_s=_int(table, 6),
            gates=tuple(Gate(*row) for row in _int_rows(table, 7, 2)),
            windows=Windows(*_ints(8, table[8], 4)),
            algorithm=_typed(str, table, 9),
            collar_below_mct_per_kwh=_ints(10, table[10], 2)[0],
            collar_above_mct_per_kwh=_ints(10, table[10], 2)[1],
            reference=tuple(ReferenceStep(*row) for row in _int_rows(table, 11, 3)),
            settle_within_s=_int(table, 12),
            grid=GridMap(tuple(_rows(table, 13, _node))),
            members=members,
        )
    except LocalError as error:
        raise PeerError("hood_file", str(error)) from error


def hood_bytes(hood: Hood) -> bytes:
    """The canonical bytes of the hood file."""
    return cbor.encode(hood_to_map(hood))


def hood_digest(hood: Hood) -> bytes:
    """SHA-256 of the canonical bytes: in hex, the one line of the note that members sign."""
    return sha256(hood_bytes(hood))


def _typed(kind: type[T], table: dict[object, object], key: int) -> T:
    value = table[key]
    if not isinstance(value, kind):
        raise PeerError("hood_file", f"key {key} is not of type {kind.__name__}")
    return value


def _int(table: dict[object, object], key: int) -> int:
    return _ints(key, [table[key]], 1)[0]


def _ints(key: int, row: object, size: int) -> list[int]:
    if not isinstance(row, list) or len(row) != size:
        raise PeerError("hood_file", f"key {key} is not a row of {size}")
    for value in row:
        if type(value) is not int:
            raise PeerError("hood_file", f"key {key} holds what is not an integer")
    return row


def _rows(table: dict[object, object], key: int, read: Callable[[object], T]) -> list[T]:
    rows = table[key]
    if not isinstance(rows, list):
        raise PeerError("hood_file", f"key {key} is not a list")
    return [read(row) for row in rows]


def _int_rows(table: dict[object, object], key: int, size: int) -> list[list[int]]:
    return _rows(table, key, lambda row: _ints(key, row, size))


def _node(row: object) -> GridNode:
    if not isinstance(row, list) or len(row) != 5:
        raise PeerError("hood_file", "key 13 is not a row of 5")
    name, parent, *numbers = row
    if not isinstance(name, str) or not isinstance(parent, str | None):
        raise PeerError("hood_file", "key 13: name and parent are text")
    if any(value is not None and type(value) is not int for value in numbers) or numbers[0] is None:
        raise PeerError("hood_file", f"key 13: node {name} holds what is not an integer")
    return GridNode(name, parent, *numbers)
