"""The numbers that are never used twice: boot counter, and rseq of the durable stream, written ahead in blocks.

A record's number is reserved on flash before the record is signed. After a crash the rest of the block is given up: a
record that was sent and then lost to a flash error keeps its number to itself. What a boot gives up is named in the next
record (`closed`, unused).
"""

from voltnode.sealed import read_sealed, whole, write_sealed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from voltnode.hal import Flash

BLOCK = 32
FILE = "numbers"
_MAX_BOOT = 1 << 31
_LOST_FILE_STEP = 4096
"""Where the file is damaged: further than any block that was ever reserved beyond a readable record."""


class Sequence:
    """The node's counters. Every start is one boot.

    Args:
        flash: where they are kept.
        greatest_written: the greatest rseq that the ring holds or the agent has acknowledged.
        last_boot: the boot counter in the newest record; it stands in for a damaged file.

    Attributes:
        boot: number of this start, from 1.
        unused: (first, last) rseq that no record has or will have; None without any.
    """

    def __init__(self, flash: "Flash", greatest_written: int, last_boot: int) -> None:
        self._flash = flash
        kept = read_sealed(flash, FILE)
        lost = greatest_written + _LOST_FILE_STEP if greatest_written or flash.size(FILE) else 0
        self._reserved = max(whole((kept or {}).get("reserved"), lost), greatest_written)
        boot = whole((kept or {}).get("boot"), 0)
        self.boot = max(boot if boot <= _MAX_BOOT else 0, last_boot) + 1
        self.next = self._reserved + 1
        self.unused = (greatest_written + 1, self._reserved) if self._reserved > greatest_written else None
        try:
            self._write()
        except OSError:
            pass  # Nothing was used yet: `reserve` writes before anything is.

    def reserve(self) -> int:
        """The next rseq, reserved on flash. Raises OSError where it cannot be."""
        if self.next > self._reserved:
            self._reserved += BLOCK
            try:
                self._write()
            except OSError:
                self._reserved -= BLOCK
                raise
        return self.next

    def used(self) -> None:
        """The rseq that `reserve` gave stands in a signed record now."""
        self.next += 1

    def _write(self) -> None:
        write_sealed(self._flash, FILE, {"boot": self.boot, "reserved": self._reserved})
