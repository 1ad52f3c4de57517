"""A day of the node's flash on a NOR device, the power cut at its operations: nothing written may be lost.

    check_power_cuts.py KIND MINUTES EVERY FIRST

Before each operation a copy of the flash is made as a power cut in its middle would leave it, and another as one right after
it, before anybody was told. Both are started from, as the board would: what was told to be written must be there, in order and
unchanged; no number may come twice; settings must be the old or the new ones; and the next record must follow. Where every
byte of every file is as in the copy before and nobody was told more since, only the files' contents are compared, and that they
can be written on.
`EVERY` and `FIRST` choose operations: 1 0 for all of them. `KIND` as `flashes.open_storage`, or `careless`: LittleFS with files
that are written in place, which must be noticed.
"""

import hashlib
import sys

import flashes  # type: ignore[import-not-found]

from volthood_tools import nor
from voltnode.config import Config
from voltnode.hal.folder import FolderFlash
from voltnode.hal.partition import Partition
from voltnode.pin import FAILURES_FILE
from voltnode.sealed import read_sealed, write_sealed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

AWAY_MINUTES, AWAY_EVERY = 40, 240
"""The agent is away for so long, so often: then there is something to lose."""
ENROLMENT = {"house": "house01", "link_key": "ab" * 32, "broker": "10.0.0.1:8883", "slot_s": 900}
NEXT_MINUTE = 1500


class Cutter:
    """Looks at each operation of a node's day.

    Attributes:
        node: whose flash it is, None while it starts.
        states: looked at; `operations` of all; `lost` records; `unreadable` starts that failed.
    """

    def __init__(self, storage: flashes.Storage, every: int, first: int) -> None:
        self.storage = storage
        self.every = every
        self.first = first
        self.node: flashes.Node | None = None
        self.settings = (-1, -1)
        self.next_settings = (-1, -1)
        self.saved_receipt = 0
        self.operations = self.states = self.starts = self.lost = self.unreadable = 0
        self._seen: object = None
        self.copies = [nor.NorDevice(len(device.erases)) for device in storage.devices]
        for at in range(len(storage.devices)):
            storage.devices[at].watch = self._watcher(at)

    def _watcher(self, at: int) -> "Any":
        def watch(block: int, offset: int, data: "bytes | None") -> None:
            self.operations += 1
            if self.operations % self.every == self.first:
                for how in (nor.TORN, nor.DONE):
                    for device, copy in zip(self.storage.devices, self.copies):  # noqa: B905
                        copy.image[:] = device.image
                    nor.apply(self.copies[at].image, block, offset, data, how)
                    self._look(how)

        return watch

    def _look(self, how: int) -> None:
        self.states += 1
        lfs = self.storage.raw is None or len(self.copies) == 2
        try:
            flash = flashes.mount(self.copies[0], "/cut") if lfs else self.storage.flash
            raw = None if self.storage.raw is None else Partition(self.copies[-1])
            storage = flashes.Storage(self.copies, flash, raw)
            seen = self._told(), self._contents(storage)
            if seen == self._seen:
                write_on(storage)
            else:
                self._start(storage)
            self._seen = seen
        except (OSError, ValueError, AssertionError) as error:
            self.unreadable += 1
            print("unreadable", self.operations, how, repr(error))
        if lfs:
            flashes.unmount("/cut")

    def _told(self) -> "tuple[object, ...]":
        node = self.node
        ring = None if node is None else (node.ring.greatest, node.ring.receipt, node.sequence.next)
        return ring, self.saved_receipt, self.settings, self.next_settings

    def _contents(self, storage: flashes.Storage) -> bytes:
        total = hashlib.sha256()
        for name in sorted(storage.flash.names()):
            total.update(name.encode() + (storage.flash.read(name) or b""))
        if storage.raw is not None:
            total.update(self.copies[-1].image)
        return total.digest()

    def _start(self, storage: flashes.Storage) -> None:
        self.starts += 1
        before = self.node
        again = flashes.Node(storage)
        found = flashes.read_on(again.ring)
        after = again.ring.receipt
        if before is not None:
            expect(self.saved_receipt <= after <= before.ring.receipt, "receipt")
            for rseq in range(after + 1, before.ring.greatest + 1):
                if found.get(rseq) != before.hashes[rseq]:
                    self.lost += 1
                    print("lost", self.operations, rseq)
            for rseq in found:
                expect(found[rseq] == before.hashes[rseq], "unknown record")
            expect(again.sequence.next > max(before.hashes or [0]), "rseq used twice")
            expect(again.sequence.boot > before.sequence.boot, "boot")
        expect(settings(storage) in (self.settings, self.next_settings), "settings")
        again.minute(NEXT_MINUTE, receipt=False)
        rest = flashes.read_on(storage.ring())
        expect(len(rest) == len(found) + 1 and max(rest) == again.ring.greatest, "next record")
        expect(rest[again.ring.greatest] == again.hashes[again.ring.greatest], "next record changed")

    def change_settings(self, number: int) -> None:
        """Another enrolment, and a PIN that was wrong."""
        flash = self.storage.flash
        self.next_settings = (number, self.settings[1])
        write_sealed(flash, "config", {"enrolment": dict(ENROLMENT, base=number), "pin": {}})
        self.settings = self.next_settings
        self.next_settings = (number, number)
        write_sealed(flash, FAILURES_FILE, {"count": number})
        self.settings = self.next_settings


def settings(storage: flashes.Storage) -> "tuple[int, int]":
    """(number in the configuration, wrong PINs); -1 where there is none."""
    enrolment = Config(storage.flash).enrolment
    failures: Any = (read_sealed(storage.flash, FAILURES_FILE) or {}).get("count", -1)
    return -1 if enrolment is None else enrolment.base, failures


def write_on(storage: flashes.Storage) -> None:
    """The file system under the same files takes more of each kind of write."""
    write_sealed(storage.flash, FAILURES_FILE, {"count": 0})
    expect(read_sealed(storage.flash, FAILURES_FILE) == {"count": 0}, "replaced")
    name = "m000001"
    size = storage.flash.size(name)
    storage.flash.append(name, b"more")
    expect(storage.flash.read_at(name, size, 9) == b"more", "appended")
    storage.flash.remove(name)


def expect(good: bool, what: str) -> None:
    """Raises ValueError where it does not hold."""
    if not good:
        raise ValueError(what)


def replace_in_place(flash: FolderFlash, name: str, data: bytes) -> None:
    """What not to do: two writes, between which there is nothing."""
    flash.remove(name)
    flash.append(name, data)


def main(kind: str, minutes: int, every: int, first: int) -> int:
    """Sweeps; the status to end with."""
    if kind == "careless":
        kind, FolderFlash.replace = "lfs2", replace_in_place  # type: ignore[assignment,method-assign]
    storage = flashes.open_storage(kind, "/day" if kind.startswith("lfs2") else sys.argv[5])
    erased = sum([sum(device.erases) for device in storage.devices])
    cutter = Cutter(storage, every, first)
    node = flashes.Node(storage)
    cutter.node = node
    for minute in range(minutes):
        if minute % 480 == 20:
            cutter.change_settings(minute)
        node.minute(minute, receipt=minute % AWAY_EVERY >= AWAY_MINUTES)
        cutter.saved_receipt = node.ring.receipt
    erased = sum([sum(device.erases) for device in storage.devices]) - erased
    print("operations", cutter.operations, "states", cutter.states, "starts", cutter.starts)
    print("records", node.ring.greatest, "erases", erased)
    print("lost", cutter.lost, "unreadable", cutter.unreadable)
    return 1 if cutter.lost or cutter.unreadable or not cutter.states else 0


sys.exit(main(sys.argv[1], *[int(text) for text in sys.argv[2:5]]))
