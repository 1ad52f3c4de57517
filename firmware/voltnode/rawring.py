"""The ring's segments as the 4 KB sectors of a raw partition: a fraction of the erases that files cost.

- A sector begins with a header: magic, number, CRC-32. Sector `number` stands at place `number % sectors` of its series, so
  the headers alone tell the order.
- Flash only clears bits: what is written stays until its sector is erased. One sector is kept erased ahead of the newest, so
  no record waits for an erase that a power cut halved.
- A write begins at a multiple of 4 bytes; after a torn one, in the next page of the chip, whose bits nobody touched.
- A sector whose header decayed is read all the same: its place tells its number.
"""

import struct
from binascii import crc32

from voltnode.ring import MINUTE_SEGMENTS, SEGMENT_BYTES, SLOT_SEGMENTS, Series

TYPE_CHECKING = False
if TYPE_CHECKING:
    from voltnode.hal import RawFlash

SECTOR_BYTES = 4096
HEADER_BYTES = 16
RING_BYTES = (SLOT_SEGMENTS + MINUTE_SEGMENTS) * SEGMENT_BYTES

_PAGE_BYTES = 256
_ALIGN_BYTES = 4
_PIECE_BYTES = 256
_MAGIC = b"VHs1"
_BLANK = b"\xff"


def header(number: int) -> bytes:
    """What a sector begins with."""
    begin = struct.pack(">4sI", _MAGIC, number)
    return begin + struct.pack(">I", crc32(begin)) + _BLANK * 4


def written(raw: "RawFlash", at: int, size: int) -> int:
    """How many bytes from `at` on may be written; the rest up to `size` is blank. In pieces: memory is short."""
    while size > 0:
        piece = min(size, _PIECE_BYTES)
        used = len(raw.read(at + size - piece, piece).rstrip(_BLANK))
        if used:
            return size - piece + used
        size -= piece
    return 0


def wipe(raw: "RawFlash") -> None:
    """Erases every sector of the ring that is not blank. Raises OSError."""
    for at in range(0, RING_BYTES, SECTOR_BYTES):
        if written(raw, at, SECTOR_BYTES):
            raw.erase(at)


class SectorSeries(Series):
    """One kind of record in its range of sectors: see `Series`.

    Args:
        raw: the partition.
        begin: where the range begins, and `segments` how long it is, both in segments of 16 KB.
    """

    def __init__(self, raw: "RawFlash", begin: int, segments: int) -> None:
        self._raw = raw
        self._begin = begin * SEGMENT_BYTES
        self._sectors = segments * SEGMENT_BYTES // SECTOR_BYTES
        super().__init__(self._sectors - 1, SECTOR_BYTES - HEADER_BYTES)
        self.last = max([self._number_at(place) for place in range(self._sectors)])
        self.size = self.limit
        if self._holds_newer(self.last + 1):
            self.last += 1
        self.last = max(self.last, 1)
        self.first = max(self.last - self.most + 1, 1)
        self._look()

    def _at(self, number: int) -> int:
        return self._begin + number % self._sectors * SECTOR_BYTES

    def _number_at(self, place: int) -> int:
        """The number of the sector that stands there; 0 where none does."""
        found = self._raw.read(self._begin + place * SECTOR_BYTES, HEADER_BYTES)
        number: int = struct.unpack(">I", found[4:8])[0]
        return number if number % self._sectors == place and found == header(number) else 0

    def _holds_newer(self, number: int) -> bool:
        """Whether a sector, whose header then decayed, goes on where the one before it ends."""
        head = self.next_frame(number, 0)
        newest = 0
        for entry in self.frames(number - 1):
            newest = entry[0]
        return head is not None and head[0] > newest

    def _look(self) -> None:
        """Finds where the next write to the newest sector may begin."""
        self.size = self.limit
        end, used = 0, self.end(self.last)
        for entry in self.frames(self.last):
            end = entry[1]
        if used > end:
            end = -(-(used + HEADER_BYTES) // _PAGE_BYTES) * _PAGE_BYTES - HEADER_BYTES
        if end == 0 or self._number_at(self.last % self._sectors) or self.next_frame(self.last, 0):
            self.size = _aligned(end)
        else:
            self.size = 0  # What stands there is no sector of ours, and is erased before the first write.

    def end(self, number: int) -> int:
        """See `Series`. The end of what a power cut tore is blank, or is taken for written."""
        return written(self._raw, self._at(number) + HEADER_BYTES, self.limit)

    def read_at(self, number: int, offset: int, size: int) -> bytes:
        """See `Series`."""
        size = min(size, (self.size if number == self.last else self.limit) - offset)
        return self._raw.read(self._at(number) + HEADER_BYTES + offset, size) if size > 0 else b""

    def append(self, data: bytes) -> None:
        """See `Series`."""
        at = self._at(self.last)
        try:
            if not self.size:
                self._prepare(at)
            self._raw.program(at + HEADER_BYTES + self.size, data)
            self.size = _aligned(self.size + len(data))
        except OSError:
            self._look()
            raise

    def _prepare(self, at: int) -> None:
        used = written(self._raw, at, SECTOR_BYTES)
        if used and (used > HEADER_BYTES or self._raw.read(at, HEADER_BYTES) != header(self.last)):
            self._raw.erase(at)
            used = 0
        if not used:
            self._raw.program(at, header(self.last))

    def remove(self, number: int) -> None:
        """See `Series`."""
        self._raw.erase(self._at(number))


def _aligned(size: int) -> int:
    return (size + _ALIGN_BYTES - 1) // _ALIGN_BYTES * _ALIGN_BYTES
