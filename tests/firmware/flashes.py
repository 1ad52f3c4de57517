"""What the checks of the node's storage run on: LittleFS and a raw partition on a NOR device in memory, folders, and a day.

For both interpreters, but only MicroPython has LittleFS.
"""

import asyncio
import hashlib

from volthood.wire.record import SYNCHRONISED, record_hash
from volthood_tools.nor import BLOCK_BYTES, NorDevice
from voltnode.edges import Cut
from voltnode.hal.folder import FolderFlash
from voltnode.hal.nor_file import NorFile
from voltnode.hal.partition import Partition
from voltnode.log import Log
from voltnode.rawring import RING_BYTES
from voltnode.recorder import Recorder, last_boot
from voltnode.ring import Ring
from voltnode.sequence import Sequence
from voltnode.sign.signer import Signer

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Generator
    from typing import Any

LFS_BLOCKS = 256
RAW_BLOCKS = RING_BYTES // BLOCK_BYTES
SMALL_FILES_BLOCKS = 32
START_MS = 1_750_000_500_000 // 900_000 * 900_000
MINUTE_MS = 60_000


class QuickFlash(FolderFlash):
    """Where nobody cuts the power nothing waits for the disk."""

    @staticmethod
    def _write(path: str, mode: str, data: bytes) -> None:
        with open(path, mode) as file:  # noqa: PTH123 - the board has no pathlib
            file.write(data)


class Storage:
    """A board's flash.

    Attributes:
        devices: the chips it is on, for those who count.
        flash, raw: as the board gives them.
    """

    def __init__(self, devices: "list[NorDevice]", flash: FolderFlash, raw: "Partition | None") -> None:
        self.devices = devices
        self.flash = flash
        self.raw = raw

    def ring(self) -> Ring:
        """The ring as a start finds it."""
        return Ring(self.flash, Log(zero), self.raw)


def zero() -> int:
    """A time."""
    return 0


def mount(device: NorDevice, at: str, *, make: bool = False) -> FolderFlash:
    """The board's folder in LittleFS on a device, as `boot.py` of stock MicroPython mounts it."""
    import vfs  # type: ignore[import-not-found]

    if make:
        vfs.VfsLfs2.mkfs(device)
    vfs.mount(vfs.VfsLfs2(device), at)
    return FolderFlash(at + "/node")


def unmount(at: str) -> None:
    """Takes it away again."""
    import vfs

    vfs.umount(at)


def open_storage(kind: str, folder: str) -> Storage:
    """New storage: `folder`, `folder+raw`, `folder+file`, or on MicroPython `lfs2`, `lfs2+raw`; `folder` names where it is."""
    if kind.endswith("+file"):
        return Storage([], FolderFlash(folder), Partition(NorFile(folder + ".raw", RING_BYTES)))
    raw = NorDevice(RAW_BLOCKS) if kind.endswith("+raw") else None
    devices = [raw] if raw is not None else []
    if kind.startswith("lfs2"):
        device = NorDevice(LFS_BLOCKS if raw is None else SMALL_FILES_BLOCKS)
        devices.insert(0, device)
        flash = mount(device, folder, make=True)
    else:
        flash = FolderFlash(folder)
    return Storage(devices, flash, None if raw is None else Partition(raw))


class QuickSigner(Signer):
    """Signs with a hash, where nobody verifies."""

    def __init__(self) -> None:
        super().__init__(bytes(64))

    def sign_steps(self, message: bytes) -> "Generator[None, None, bytes]":
        """See `Signer`."""
        yield
        digest = hashlib.sha256(message).digest()
        return digest + digest


class Reading:
    """A reading of three phases with all there is to say."""

    level_is_new = False
    resolution_wh = 10

    def __init__(self, minute: int) -> None:
        self.power_w = 7500 + minute
        self.import_wh = 87_654_321 + minute * 125
        self.export_wh = 12_345_678
        self.voltage_mv = (230_000 + minute, 231_000, 229_500)
        self.current_ma = (16_000, -16_001, 12_002)
        self.phase_power_w = (3680, -3680, 7500 + minute)
        self.frequency_mhz = 50_010
        self.power_factor_permille = -991


async def no_pause() -> None:
    """Between two steps of a signature everybody else has a turn."""
    await asyncio.sleep(0)


class StillBoard:
    """Transport time that stands still until it is set."""

    def __init__(self) -> None:
        self.now = 0

    def now_ms(self) -> int:
        """See `Board`."""
        return self.now

    async def sleep_ms(self, duration_ms: int) -> None:
        """See `Board`."""


class Node:
    """Ring, numbers and recorder after a start.

    Attributes:
        hashes: of every record that was signed, by rseq.
    """

    def __init__(self, storage: Storage, signer: "Signer | None" = None) -> None:
        self.storage = storage
        self.board = StillBoard()
        self.log = Log(self.board.now_ms)
        self.ring = storage.ring()
        self.sequence = Sequence(storage.flash, self.ring.greatest, last_boot(self.ring))
        arguments: Any = (self.board, self.ring, self.sequence, signer or QuickSigner(), self.log, serial)
        self.recorder = Recorder(*arguments)
        self.hashes: dict[int, bytes] = {}
        self._write_all = self.ring.write_all
        ring: Any = self.ring
        ring.write_all = self._note

    def _note(self, records: "list[tuple[int, bytes, bool]]") -> None:
        for rseq, signed, _ in records:
            self.hashes[rseq] = record_hash(signed)
        self._write_all(records)

    def minute(self, minute: int, *, receipt: bool = True) -> None:
        """What a minute brings: a record, on flash after 30 s, or at once for a slot; and the agent's receipt."""
        cut = Cut(START_MS + minute * MINUTE_MS, Reading(minute), minute % 15 == 0, False)
        self.recorder.add([cut], SYNCHRONISED)
        self.work()
        self.board.now += MINUTE_MS // 2
        self.work()
        self.board.now += MINUTE_MS // 2
        if receipt:
            self.ring.accept_receipt(self.ring.greatest)
            self.ring.save_receipt()

    def work(self) -> None:
        """The recorder's work. Nothing waits here, so no loop is needed, and one node may run while another writes."""
        steps: Any = self.recorder.work()
        try:
            while True:
                steps.send(None)
        except StopIteration:
            pass


def serial(_index: int) -> str:
    """The meter's."""
    return "10000001"


def read_on(ring: Ring) -> "dict[int, bytes]":
    """Hashes of all records without a receipt, by rseq. Raises ValueError where they are not in order."""
    found: dict[int, bytes] = {}
    reader, before = ring.reader(), ring.receipt
    while True:
        entry = reader.next()
        if entry is None:
            return found
        if entry[0] <= before:
            raise ValueError("not in order")
        before = entry[0]
        found[before] = record_hash(entry[1])
