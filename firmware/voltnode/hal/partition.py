"""A partition of flash as the ring uses it, over MicroPython's block devices with offsets (`esp32.Partition`, `NorFile`)."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    class BlockDevice(Protocol):
        """See MicroPython's `vfs.AbstractBlockDev`, the extended interface."""

        def readblocks(self, block_num: int, buf: bytearray, offset: int = 0) -> object:
            """Fills `buf` from there on."""

        def writeblocks(self, block_num: int, buf: bytes, offset: int = 0) -> object:
            """Programs `buf` there; with an offset nothing is erased before."""

        def ioctl(self, op: int, arg: int) -> "int | None":
            """Whatever else there is to do."""


BLOCK_BYTES = 4096
_COUNT_BLOCKS, _BLOCK_SIZE, _ERASE_BLOCK = 4, 5, 6


def size_bytes(device: "BlockDevice") -> int:
    """How large a device is; 0 where its blocks are not what the ring counts in."""
    if device.ioctl(_BLOCK_SIZE, 0) != BLOCK_BYTES:
        return 0
    return (device.ioctl(_COUNT_BLOCKS, 0) or 0) * BLOCK_BYTES


class Partition:
    """The partition: see `voltnode.hal.RawFlash`."""

    def __init__(self, device: "BlockDevice") -> None:
        self._device = device

    def read(self, at: int, size: int) -> bytes:
        """See `RawFlash`."""
        data = bytearray(size)
        self._device.readblocks(at // BLOCK_BYTES, data, at % BLOCK_BYTES)
        return bytes(data)

    def program(self, at: int, data: bytes) -> None:
        """See `RawFlash`."""
        self._device.writeblocks(at // BLOCK_BYTES, data, at % BLOCK_BYTES)

    def erase(self, at: int) -> None:
        """See `RawFlash`."""
        self._device.ioctl(_ERASE_BLOCK, at // BLOCK_BYTES)
