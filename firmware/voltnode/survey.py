"""What stands in the ring: at the start, when receipts stand still, and when a segment is dropped. Loaded for each."""

import struct

from volthood.wire.limits import MAX_RECORD_BYTES
from volthood.wire.node import DROPPED, UNREADABLE
from voltnode.ring import HEADER, HEADER_BYTES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from voltnode.hal import Flash
    from voltnode.ring import Frame, Lost, Ring, Series


def newest(slots: "Series", minutes: "Series") -> "tuple[int, bytes | None, bytes | None, bool]":
    """(rseq of the newest record, it, the newest slot record, whether newer ones were written and decayed)."""
    slot, slot_decayed = newest_of(slots)
    minute, minute_decayed = newest_of(minutes)
    record = slot
    if minute is not None and (slot is None or minute[0] > slot[0]):
        record = minute
    decayed = slot_decayed or minute_decayed
    return record[0] if record else 0, record[2] if record else None, slot[2] if slot else None, decayed


def newest_of(series: "Series") -> "tuple[Frame | None, bool]":
    """The last whole frame of a series, and whether a frame stands behind it that was written whole and decayed."""
    decayed = False
    for number in range(series.last, series.first - 1, -1):
        found = None
        for entry in series.frames(number):
            found = entry
        decayed = decayed or _was_whole(series, number, found[1] if found else 0)
        if found is not None:
            return found, decayed
    return None, decayed


def _was_whole(series: "Series", number: int, offset: int) -> bool:
    """Whether all bytes of a frame stand at `offset`, so that no power cut tore it."""
    window = series.read_at(number, offset, HEADER_BYTES)
    if len(window) < HEADER_BYTES:
        return False
    length = min(struct.unpack(HEADER, window)[1], MAX_RECORD_BYTES)
    return series.end(number) >= offset + HEADER_BYTES + length


def oldest(series: "Series", receipt: int) -> "list[Lost]":
    """The records of a series' oldest segment that have no receipt, as ranges that were dropped."""
    runs: list[Lost] = []
    for entry in series.frames(series.first):
        if runs and runs[-1][1] == entry[0] - 1:
            runs[-1] = (runs[-1][0], entry[0], DROPPED)
        elif entry[0] > receipt:
            runs.append((entry[0], entry[0], DROPPED))
    return runs


def gaps(ring: "Ring", closed_by: "Callable[[bytes], tuple[Lost, ...]]") -> "Iterator[list[Lost] | None]":
    """What is missing between receipt and newest record and not named by a record that stands there.

    Yields None after each record, since a full ring takes a board many seconds, and in the end the ranges: dropped where
    the oldest segment that is left begins later, else unreadable.

    Args:
        closed_by: the `closed` ranges of a signed record.
    """
    found: list[tuple[int, int]] = []
    reader = ring.reader()
    before = ring.receipt
    while True:
        entry = reader.next()
        if entry is None:
            break
        if entry[0] > before + 1:
            found.append((before + 1, entry[0] - 1))
        if found:
            found = without(found, closed_by(entry[1]))
        before = entry[0]
        yield None
    heads = [series.next_frame(series.first, 0) for series in (ring.slots, ring.minutes) if series.first > 1]
    kept_from = max([head[0] for head in heads if head is not None] + [0])
    yield [(first, last, DROPPED if last < kept_from else UNREADABLE) for first, last in found]


def closed_with(closed: "list[Lost]", ranges: "list[Lost]") -> "list[Lost]":
    """The closed ranges and new ones, ascending, each rseq once."""
    closed = closed[:]
    for first, last, reason in ranges:
        closed += [(low, high, reason) for low, high in without([(first, last)], tuple(closed))]
    return sorted(closed)


def without(ranges: "list[tuple[int, int]]", closed: "tuple[Lost, ...]") -> "list[tuple[int, int]]":
    """`ranges` less the rseq that `closed` names."""
    for first, last, _ in closed:
        rest = []
        for low, high in ranges:
            if high < first or low > last:
                rest.append((low, high))
                continue
            if low < first:
                rest.append((low, first - 1))
            if high > last:
                rest.append((last + 1, high))
        ranges = rest
    return ranges


def segment_files(flash: "Flash", prefix: str, most: int) -> "tuple[int, int]":
    """The first and the last number of the segments in files. Raises OSError.

    A file that is no segment of this row, by whatever accident, must not make it endless: it goes.
    """
    numbers = [int(name[1:]) for name in flash.names() if name[0] == prefix and _is_number(name[1:])]
    if not numbers:
        return 1, 1
    last = max(numbers)
    first = max(min(numbers), last - most + 1)
    for number in numbers:
        if number < first:
            flash.remove(segment_name(prefix, number))
    return first, last


def segment_name(prefix: str, number: int) -> str:
    """The file of a segment."""
    return "%s%06d" % (prefix, number)


def _is_number(text: str) -> bool:
    return 6 <= len(text) <= 8 and text < "9" * 7 and all([char in "0123456789" for char in text])
