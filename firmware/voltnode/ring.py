"""Records on flash until the agent's receipt: append-only segments in two series, slot and minute records apart.

- Segments are files of 16 KB (`segments`), or the sectors of a raw partition where the board has one (`rawring`). None is
  ever written in place. When a series is full its oldest segment goes; which records went without a receipt is said
  (`take_lost`), so that the next record can name them.
- A frame is a magic, length, rseq and CRC-32, then the signed record. A reader that meets anything else looks for the
  next whole frame: a torn write costs the records it tore, which were never sent, and no other.
- Records are written in ascending rseq over both series, so reading is a merge of two streams.
- The receipt is the agent's word that it holds everything up to there. It is kept in a file, at times some seconds late:
  what is sent twice is a duplicate to the agent.
"""

import struct
from binascii import crc32

from volthood.wire.limits import MAX_RECORD_BYTES
from voltnode.on_demand import call
from voltnode.sealed import MAX_WHOLE, read_sealed, whole, write_sealed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from voltnode.hal import Flash, RawFlash

    Frame = tuple[int, int, bytes]
    """(rseq, offset after the frame, signed record)."""
    Lost = tuple[int, int, int]
    """(first rseq, last rseq, reason)."""

SEGMENT_BYTES = 16 * 1024
SLOT_SEGMENTS = 36
MINUTE_SEGMENTS = 8
MAX_WRITE_BYTES = 1024
"""Of one flash operation, unless a single record is larger: the board has little memory in one piece."""
RECEIPT_FILE = "receipt"

_SURVEY = "voltnode.survey"
_MAX_RSEQ = MAX_WHOLE + (1 << 38)
_MAGIC = b"\xa7V"
HEADER = ">2sHQI"
HEADER_BYTES = 16
_WINDOW_BYTES = HEADER_BYTES + MAX_RECORD_BYTES


def frame(rseq: int, signed_record: bytes) -> bytes:
    """A record as it stands on flash."""
    crc = crc32(signed_record, crc32(struct.pack(">HQ", len(signed_record), rseq)))
    return struct.pack(HEADER, _MAGIC, len(signed_record), rseq, crc) + signed_record


def _frame_at(window: bytes) -> "tuple[int, bytes] | None":
    """(rseq, record) of the frame that `window` begins with; None where there is no whole one."""
    if len(window) < HEADER_BYTES:
        return None
    magic, length, rseq, _ = struct.unpack(HEADER, window[:HEADER_BYTES])
    if rseq > _MAX_RSEQ:
        return None
    record = window[HEADER_BYTES : HEADER_BYTES + length]
    if magic != _MAGIC or len(record) != length or frame(rseq, record) != window[: HEADER_BYTES + length]:
        return None
    return rseq, record


class Series:
    """The segments of one kind of record, oldest first, as consecutive numbers; `segments` and `rawring` have them.

    Attributes:
        first, last: the oldest and the newest segment.
        size: bytes of the newest one.
        most: segments there may be.
        limit: bytes of a segment.
    """

    first = last = 1
    size = 0

    def __init__(self, most: int, limit: int) -> None:
        self.most = most
        self.limit = limit

    def read_at(self, number: int, offset: int, size: int) -> bytes:
        """Up to `size` bytes of a segment. Raises OSError."""
        raise NotImplementedError

    def append(self, data: bytes) -> None:
        """Adds frames to the newest segment. Raises OSError; what then stands there is skipped by readers."""
        raise NotImplementedError

    def remove(self, number: int) -> None:
        """No such segment any more. Raises OSError."""
        raise NotImplementedError

    def end(self, number: int) -> int:
        """Where the bytes of a segment end that were written, as far as that can be seen."""
        raise NotImplementedError

    def is_full(self, more_bytes: int) -> bool:
        """Whether the newest segment has no room for so much more."""
        return self.size > 0 and self.size + more_bytes > self.limit

    def begin_segment(self) -> None:
        """The next write goes to a new segment."""
        self.last += 1
        self.size = 0

    def must_drop(self) -> bool:
        """Whether the oldest segment has to go before the next write."""
        return self.last - self.first >= self.most

    def drop_oldest(self) -> None:
        """Removes the oldest segment. Raises OSError."""
        self.remove(self.first)
        self.first += 1

    def next_frame(self, number: int, offset: int) -> "Frame | None":
        """The first whole frame of a segment at or after `offset`."""
        while offset < self.limit:
            window = self.read_at(number, offset, _WINDOW_BYTES)
            found = _frame_at(window)
            if found is not None:
                rseq, record = found
                return rseq, offset + HEADER_BYTES + len(record), record
            if not window:
                break
            offset = self._next_magic(number, offset + 1)
        return None

    def _next_magic(self, number: int, offset: int) -> int:
        while True:
            window = self.read_at(number, offset, _WINDOW_BYTES)
            at = window.find(_MAGIC)
            if at >= 0 or len(window) < 2:
                return offset + (at if at >= 0 else len(window))
            offset += len(window) - 1

    def frames(self, number: int) -> "Iterator[Frame]":
        """The whole frames of one segment."""
        offset = 0
        while True:
            found = self.next_frame(number, offset)
            if found is None:
                return
            offset = found[1]
            yield found

    def start_after(self, rseq: int) -> int:
        """The segment in which to look for the first record beyond `rseq`."""
        for number in range(self.last, self.first, -1):
            head = self.next_frame(number, 0)
            if head is not None and head[0] <= rseq + 1:
                return number
        return self.first


class Reader:
    """The records of both series beyond an rseq, ascending. It picks up what is written later.

    Attributes:
        last: rseq of the record that came last.
    """

    def __init__(self, ring: "Ring", after: int) -> None:
        self.last = after
        self._places = [(series, series.start_after(after), 0) for series in (ring.slots, ring.minutes)]

    def next(self) -> "tuple[int, bytes] | None":
        """(rseq, signed record), or None when there is none yet."""
        found = None
        for i in range(2):
            head = self._peek(i)
            if head is not None and (found is None or head[0] < found[0]):
                found = head
        if found is None:
            return None
        self.last = found[0]
        return found[0], found[2]

    def _peek(self, i: int) -> "Frame | None":
        """The next record of a series. Its place outlives that older segments are dropped and newer ones begin."""
        series, number, offset = self._places[i]
        while True:
            if number < series.first:
                number, offset = series.first, 0
            found = series.next_frame(number, offset)
            if found is None:
                if number >= series.last:
                    break
                number, offset = number + 1, 0
            elif found[0] <= self.last:
                offset = found[1]
            else:
                break
        self._places[i] = (series, number, offset)
        return found


class Ring:
    """Both series, the receipt, and what was lost.

    Args:
        flash: where the receipt is kept, and the records too unless there is a partition for them.
        log: notes events.
        raw: the partition, None without one.

    Attributes:
        receipt: every record up to this rseq is the agent's now.
        greatest: greatest rseq ever written, as far as flash tells.
        newest: the newest record, None in a new ring; `newest_slot` likewise.
        decayed: whether records newer than these were written and cannot be read any more.
    """

    def __init__(self, flash: "Flash", log: "Callable[..., None]", raw: "RawFlash | None" = None) -> None:
        self._flash = flash
        self._log = log
        self.slots, self.minutes = _both_series(flash, raw)
        self.receipt = self._saved_receipt = whole((read_sealed(flash, RECEIPT_FILE) or {}).get("rseq"), 0)
        written, self.newest, self.newest_slot, decayed = call(_SURVEY, "newest", self.slots, self.minutes)
        self.greatest = max(self.receipt, written)
        self.decayed: bool = decayed or written < self.receipt
        self.dropped = 0
        self._lost: list[Lost] = []

    def write(self, rseq: int, signed_record: bytes, is_slot: bool) -> None:
        """Writes one record. Raises OSError; it may then be tried again."""
        self.write_all([(rseq, signed_record, is_slot)])

    def write_all(self, records: "list[tuple[int, bytes, bool]]") -> None:
        """Writes records of ascending rseq, neighbours of one series in one flash operation.

        Raises OSError; `greatest` then says how far it came, and the rest may be tried again.
        """
        begin = 0
        while begin < len(records):
            is_slot = records[begin][2]
            series = self.slots if is_slot else self.minutes
            end, data = begin, b""
            while end < len(records) and records[end][2] == is_slot:
                more = frame(records[end][0], records[end][1])
                if data and (len(data) + len(more) > MAX_WRITE_BYTES or series.is_full(len(data) + len(more))):
                    break
                data += more
                end += 1
            self._make_room(series, len(data))
            series.append(data)
            self.greatest = records[end - 1][0]
            self.newest = records[end - 1][1]
            if is_slot:
                self.newest_slot = self.newest
            begin = end

    def _make_room(self, series: Series, more_bytes: int) -> None:
        if series.is_full(more_bytes):
            series.begin_segment()
        while series.must_drop():
            self._drop_oldest(series)

    def _drop_oldest(self, series: Series) -> None:
        self.save_receipt()
        lost: list[Lost] = call(_SURVEY, "oldest", series, self.receipt)
        series.drop_oldest()
        count = sum([last - first + 1 for first, last, _ in lost])
        if count:
            self.dropped += count
            self._lost.extend(lost)
            self._log("ring_dropped", records=count)

    def take_lost(self) -> "list[Lost]":
        """The ranges lost since the last call."""
        lost, self._lost = self._lost, []
        return lost

    def reader(self) -> Reader:
        """Reads on from the receipt."""
        return Reader(self, self.receipt)

    def accept_receipt(self, rseq: int) -> bool:
        """Takes the agent's receipt; False where it is beyond what was written."""
        if rseq > self.greatest:
            return False
        self.receipt = max(self.receipt, rseq)
        return True

    def save_receipt(self) -> None:
        """Keeps the receipt over a restart. Raises OSError."""
        if self.receipt != self._saved_receipt:
            write_sealed(self._flash, RECEIPT_FILE, {"rseq": self.receipt})
            self._saved_receipt = self.receipt

    def waiting(self) -> int:
        """How many rseq have no receipt yet."""
        return self.greatest - self.receipt


def _both_series(flash: "Flash", raw: "RawFlash | None") -> "tuple[Series, Series]":
    """Slot and minute records: only the module that is needed is loaded."""
    if raw is not None:
        from voltnode.rawring import SectorSeries

        return SectorSeries(raw, 0, SLOT_SEGMENTS), SectorSeries(raw, SLOT_SEGMENTS, MINUTE_SEGMENTS)
    from voltnode.segments import FileSeries

    return FileSeries(flash, "s", SLOT_SEGMENTS), FileSeries(flash, "m", MINUTE_SEGMENTS)
