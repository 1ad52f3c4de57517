"""NOR flash in memory for tests and benchmarks of the node: it only clears bits, wears, tears writes, and dies.

Runs on MicroPython too, where a file system can be mounted on it. One operation is the programming of (part of) a page or the
erasing of a block.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

BLOCK_BYTES = 4096
PAGE_BYTES = 256
BLANK_BLOCK = b"\xff" * BLOCK_BYTES
_EIO = 5

NOT_DONE, TORN, DONE = 0, 1, 2
"""What a power cut leaves of the operation it meets: nothing, a part, or all of it while nobody was told."""


class NorDevice:
    """A block device with offsets: see `vfs.AbstractBlockDev`.

    Args:
        blocks: how many blocks of 4 KB.

    Attributes:
        image: the contents.
        operations: done so far, or begun.
        erases: by block.
        dies_at: the operation (from 1) at which it dies: that one leaves `leaves`, all later ones raise; 0 for never.
        fails_at: one operation that raises and is not done, as any other time nothing happened; 0 for none.
        watch: called before each operation with (block, offset, data), data None for an erase.
    """

    def __init__(self, blocks: int) -> None:
        self.image = bytearray(BLANK_BLOCK * blocks)
        self.operations = 0
        self.erases = [0] * blocks
        self.dies_at = 0
        self.fails_at = 0
        self.leaves = TORN
        self.watch: Callable[[int, int, bytes | None], None] | None = None

    def twin(self) -> "NorDevice":
        """A new chip with the same contents."""
        other = NorDevice(len(self.erases))
        other.image[:] = self.image
        return other

    def readblocks(self, block_num: int, buf: bytearray, offset: int = 0) -> None:
        """Fills `buf` from there on."""
        at = block_num * BLOCK_BYTES + offset
        buf[:] = memoryview(self.image)[at : at + len(buf)]

    def writeblocks(self, block_num: int, buf: "bytes | bytearray", offset: int = 0) -> None:
        """Programs page by page. Raises OSError when it dies, and ValueError where a bit would have to be set."""
        at, done = block_num * BLOCK_BYTES + offset, 0
        while done < len(buf):
            count = min(PAGE_BYTES - (at + done) % PAGE_BYTES, len(buf) - done)
            place = at + done
            self._operate(place // BLOCK_BYTES, place % BLOCK_BYTES, bytes(buf[done : done + count]))
            done += count

    def ioctl(self, op: int, arg: int) -> int:
        """Count of blocks, their size, erasing one."""
        if op == 4:
            return len(self.erases)
        if op == 5:
            return BLOCK_BYTES
        if op == 6:
            self._operate(arg, 0, None)
        return 0

    def _operate(self, block: int, offset: int, data: "bytes | None") -> None:
        self.operations += 1
        if self.watch is not None:
            self.watch(block, offset, data)
        if self.operations == self.fails_at or 0 < self.dies_at < self.operations:
            raise OSError(_EIO)
        if self.operations == self.dies_at:
            apply(self.image, block, offset, data, self.leaves)
            raise OSError(_EIO)
        if data is None:
            self.erases[block] += 1
        apply(self.image, block, offset, data, DONE)


def apply(image: bytearray, block: int, offset: int, data: "bytes | None", how: int) -> None:
    """What an operation leaves of an image. Raises ValueError where programming would set a bit."""
    at = block * BLOCK_BYTES + offset
    if how == NOT_DONE:
        return
    if data is None:
        # Half an erase: the first half of the block is blank, and of the rest every other byte is neither.
        image[at : at + BLOCK_BYTES] = BLANK_BLOCK if how == DONE else _half_erased(image[at : at + BLOCK_BYTES])
        return
    there = bytes(image[at : at + len(data)])
    if there.count(b"\xff") != len(data):
        wanted, have = int.from_bytes(data, "big"), int.from_bytes(there, "big")
        if wanted & have != wanted:
            raise ValueError("programming sets a bit that is cleared")
    image[at : at + len(data)] = data if how == DONE else torn(there, data)


def torn(there: bytes, data: bytes) -> bytes:
    """Half a page: the first half stands, the byte in the middle has a part of its bits, the rest nothing."""
    half = len(data) // 2
    middle = there[half] & (data[half] | 0x5A)
    return data[:half] + bytes([middle]) + there[half + 1 :]


def _half_erased(block: bytearray) -> bytes:
    half = BLOCK_BYTES // 2
    rest = bytearray(block[half:])
    for i in range(0, half, 64):
        rest[i] |= 0xA5
    return BLANK_BLOCK[:half] + bytes(rest)
