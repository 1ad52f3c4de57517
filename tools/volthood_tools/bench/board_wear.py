"""What the node's records cost a flash chip in erases, on MicroPython: LittleFS and the raw ring on NOR flash in memory.

    board_wear.run()

Prints `<name> <erases> <of the block erased most>`: 1,000 records that take 200 bytes on flash each, written singly and by
tens, and a day of the node: 1,344 minute records, 96 slot records, a receipt a minute, the numbers written ahead.
"""

import gc

from volthood_tools.nor import BLOCK_BYTES, NorDevice
from voltnode.hal.folder import FolderFlash
from voltnode.hal.partition import Partition
from voltnode.log import Log
from voltnode.ring import Ring
from voltnode.sequence import Sequence

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

LFS_BLOCKS = 512
RAW_BLOCKS = 704 * 1024 // BLOCK_BYTES
FRAME_BYTES = 16
FILL_BYTES = 480
MINUTE_BYTES, SLOT_BYTES = 202, 173
"""Of a record after ten years, as `tests/firmware/check_ring.py` has them."""


class Chip:
    """A chip with LittleFS, and one that is a raw partition where it is wanted; both series are full and drop their oldest."""

    def __init__(self, raw: bool) -> None:
        import vfs  # type: ignore[import-not-found]

        gc.collect()
        self._lfs = NorDevice(LFS_BLOCKS)
        self._raw = NorDevice(RAW_BLOCKS) if raw else None
        vfs.VfsLfs2.mkfs(self._lfs)
        vfs.mount(vfs.VfsLfs2(self._lfs), "/chip")
        self._vfs: Any = vfs
        self.flash = FolderFlash("/chip/node")
        self.ring = Ring(self.flash, Log(_zero), None if self._raw is None else Partition(self._raw))
        self._fill()
        self.sequence = Sequence(self.flash, self.ring.greatest, 0)
        self._before = self._erases()

    def _fill(self) -> None:
        for is_slot in (True, False):
            while not self.ring.dropped:
                first = self.ring.greatest + 1
                self.ring.write_all([(first + i, bytes(FILL_BYTES), is_slot) for i in range(2)])
            self.ring.dropped = 0
        self.ring.accept_receipt(self.ring.greatest)
        self.ring.save_receipt()

    def _erases(self) -> "list[int]":
        return self._lfs.erases + (self._raw.erases if self._raw is not None else [])

    def tell(self, name: str) -> None:
        """Prints the figures and takes the chip away."""
        each = [after - before for after, before in zip(self._erases(), self._before)]  # noqa: B905
        print(name, sum(each), max(each))
        self._vfs.umount("/chip")


def _zero() -> int:
    return 0


def thousand(name: str, raw: bool, at_once: int) -> None:
    """1,000 records of 200 bytes."""
    chip = Chip(raw)
    data = bytes(200 - FRAME_BYTES)
    for _ in range(0, 1000, at_once):
        first = chip.ring.greatest + 1
        chip.ring.write_all([(first + i, data, True) for i in range(at_once)])
    chip.tell(name)


def day(name: str, raw: bool) -> None:
    """A day of the node."""
    chip = Chip(raw)
    for minute in range(1440):
        is_slot = minute % 15 == 0
        rseq = chip.sequence.reserve()
        chip.ring.write(rseq, bytes(SLOT_BYTES if is_slot else MINUTE_BYTES), is_slot)
        chip.sequence.used()
        chip.ring.accept_receipt(rseq)
        chip.ring.save_receipt()
    chip.tell(name)


def run() -> None:
    """All of them."""
    thousand("files_singly", False, 1)
    thousand("files_by_tens", False, 10)
    thousand("raw_singly", True, 1)
    day("files_day", False)
    day("raw_day", True)
