"""The virtual board's partition: a file that behaves like NOR flash, which only clears bits until a block is erased."""

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_BLOCK_BYTES = 4096
_EIO = 5
_OPEN: "Any" = open


class NorFile:
    """A block device with offsets in the file `path`, made blank where there is none: see `vfs.AbstractBlockDev`."""

    def __init__(self, path: str, size: int) -> None:
        self._blocks = size // _BLOCK_BYTES
        try:
            os.stat(path)
        except OSError:
            with open(path, "wb") as new:
                blank = b"\xff" * _BLOCK_BYTES
                while new.tell() < size:
                    new.write(blank)
        self._file = _OPEN(path, "r+b")
        if self._file.seek(0, 2) < size:
            self.close()
            raise OSError(_EIO)

    def readblocks(self, block_num: int, buf: bytearray, offset: int = 0) -> None:
        """Fills `buf` from there on."""
        self._file.seek(block_num * _BLOCK_BYTES + offset)
        self._file.readinto(buf)

    def writeblocks(self, block_num: int, buf: bytes, offset: int = 0) -> None:
        """Clears bits. Raises OSError where one would have to be set: the chip would not do it, and say nothing."""
        there = bytearray(len(buf))
        self.readblocks(block_num, there, offset)
        if any([new & ~old for new, old in zip(buf, there)]):
            raise OSError(_EIO)
        self._put(block_num * _BLOCK_BYTES + offset, buf)

    def ioctl(self, op: int, arg: int) -> int:
        """See `vfs.AbstractBlockDev`: count of blocks, their size, erasing one."""
        if op == 4:
            return self._blocks
        if op == 5:
            return _BLOCK_BYTES
        if op == 6:
            self._put(arg * _BLOCK_BYTES, b"\xff" * _BLOCK_BYTES)
        return 0

    def close(self) -> None:
        """Frees the file."""
        self._file.close()

    def _put(self, at: int, data: bytes) -> None:
        self._file.seek(at)
        self._file.write(data)
        self._file.flush()
