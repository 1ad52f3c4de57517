"""What flash says about the runs before this one. Loaded at the start and when receipts stand still, and dropped then.

Only our own records are read here, of which flash has already said that they are whole: their fields are taken by their
keys (`volthood.wire.record`). What is no record of this version counts as none.
"""

from volthood.wire.cbor import Tag, WireError, decode
from volthood.wire.node import RELATIVE
from voltnode import survey

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from voltnode.ring import Lost, Ring, Series

_METER, _INDEX, _RSEQ, _BOOT, _TIME, _QUALITY, _IMPORT, _EXPORT, _CLOSED = 2, 3, 4, 5, 6, 7, 8, 9, 15
_PREV_SLOT = 14
_NUMBERS = (_INDEX, _RSEQ, _BOOT, _TIME, _IMPORT, _EXPORT)
_RECORDS_A_METER = 3
"""Of each series that are looked through for the newest of each meter, where there are several."""


def fields(signed_record: "bytes | None") -> "dict[Any, Any]":
    """A record of ours by its keys; nothing where there is none or an older version wrote it."""
    try:
        signed = decode(signed_record or b"")
        payload = decode(signed.value[2]) if isinstance(signed, Tag) else None  # type: ignore[index]
    except (WireError, TypeError, IndexError, KeyError):
        return {}
    return payload if isinstance(payload, dict) and _is_ours(payload) else {}


def _is_ours(payload: "dict[Any, Any]") -> bool:
    numbers = all([isinstance(payload.get(key), int) for key in _NUMBERS])
    return numbers and payload.get(1) == 1 and isinstance(payload.get(_METER), bytes)


def closed_by(signed_record: bytes) -> "tuple[Lost, ...]":
    """The ranges that a record of ours closes."""
    try:
        return tuple([(first + 0, last + 0, reason) for first, last, reason in fields(signed_record).get(_CLOSED, ())])
    except (TypeError, ValueError):
        return ()


def last_boot(ring: "Ring") -> int:
    """The boot counter in the newest record; 0 without one."""
    return int(fields(ring.newest).get(_BOOT, 0))


def standing(ring: "Ring", meters: int) -> "dict[int, list[Any]]":
    """How each meter stands: [its hash and registers, ms of its newest record, ms of its newest slot record].

    None for what is not. Without several `meters` the newest records of the ring are those of the only one.
    """
    found: dict[int, list[Any]] = {}
    seen: dict[int, int] = {}
    records = [ring.newest, ring.newest_slot]
    if meters > 1:
        records += _tail(ring.slots, _RECORDS_A_METER * meters) + _tail(ring.minutes, _RECORDS_A_METER * meters)
    for signed_record in records:
        record = fields(signed_record)
        if record:
            _take(found.setdefault(record[_INDEX], [None, None, None]), record, seen)
    return found


def _take(stand: "list[Any]", record: "dict[Any, Any]", seen: "dict[int, int]") -> None:
    """Takes up a record; `seen` is the newest rseq of each meter so far."""
    if record[_RSEQ] >= seen.get(record[_INDEX], 0):
        seen[record[_INDEX]] = record[_RSEQ]
        stand[0] = (record[_METER], record[_IMPORT], record[_EXPORT])
        stand[1] = record[_TIME] * 1000 if record.get(_QUALITY, 0) != RELATIVE else None
    if _PREV_SLOT in record:
        stand[2] = max(stand[2] or 0, record[_TIME] * 1000)


def _tail(series: "Series", count: int) -> "list[bytes | None]":
    """The newest records of a series, or a few less."""
    tail: list[bytes | None] = []
    for number in range(max(series.first, series.last - 1), series.last + 1):
        for entry in series.frames(number):
            tail.append(entry[2])
            if len(tail) > count:
                del tail[0]
    return tail


def gaps(ring: "Ring") -> "Iterator[list[Lost] | None]":
    """See `voltnode.survey.gaps`."""
    return survey.gaps(ring, closed_by)
