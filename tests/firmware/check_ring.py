"""What any ring keeps to, whatever it is kept on: files of a folder, LittleFS, or a raw partition.

    check_ring.py KIND FOLDER

`KIND` as `flashes.open_storage`; each check has its own storage. Prints a line for each group.
"""

import sys

import flashes  # type: ignore[import-not-found]

from volthood.wire.record import DROPPED, UNREADABLE, Record
from volthood_tools.nor import BLOCK_BYTES
from voltnode.hal.partition import Partition
from voltnode.rawring import HEADER_BYTES
from voltnode.ring import Ring, frame
from voltnode.survey import gaps
from voltnode.takeup import closed_by

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    Checks = Iterator[tuple[str, bool]]

SIGNATURE_AND_HEADER_BYTES = 64 + 20
SLOTS_IN_30_DAYS = 30 * 96
MINUTES_IN_6_HOURS = 360


class Place:
    """Where a check's storage is; each gets its own."""

    def __init__(self, kind: str, folder: str) -> None:
        self.kind = kind
        self.folder = folder
        self.count = 0

    def new(self) -> flashes.Storage:
        """Storage that nobody used yet; what there was before is taken away."""
        if self.kind.startswith("lfs2") and self.count:
            flashes.unmount(self.folder + str(self.count))
        self.count += 1
        return flashes.open_storage(self.kind, self.folder + str(self.count))

    def again(self, storage: flashes.Storage) -> flashes.Storage:
        """What stands on the chips after a power cut."""
        chips = [device.twin() for device in storage.devices]
        flash, folder = storage.flash, self.folder + str(self.count)
        if self.kind.startswith("lfs2"):
            flashes.unmount(folder)
            flash = flashes.mount(chips[0], folder)
        return flashes.Storage(chips, flash, None if storage.raw is None else Partition(chips[-1]))


def record(rseq: int, size: int = 180) -> bytes:
    """Bytes that hold the frame's magic too, to mislead a reader that looks for it."""
    return (b"\xa7V" + rseq.to_bytes(4, "big")) * (size // 6) + bytes(size % 6)


def entries(first: int, last: int, slot_every: int = 15) -> "list[tuple[int, bytes, bool]]":
    """Records to write."""
    return [(rseq, record(rseq), rseq % slot_every == 0) for rseq in range(first, last + 1)]


def read_all(ring: Ring) -> "list[int]":
    """The rseq of all records without a receipt. Raises ValueError where one is changed."""
    reader = ring.reader()
    found: list[int] = []
    while True:
        entry = reader.next()
        if entry is None:
            return found
        if entry[1] != record(entry[0], len(entry[1])):
            raise ValueError("record %d is changed" % entry[0])
        found.append(entry[0])


def count(first: int, last: int) -> "list[int]":
    """Both ends included."""
    return list(range(first, last + 1))


def check_order(place: Place) -> "Checks":
    """Two series, one order."""
    storage = place.new()
    ring = storage.ring()
    yield "nothing", read_all(ring) == []
    reader = ring.reader()
    ring.write_all(entries(1, 40))
    yield "order", read_all(ring) == count(1, 40)
    yield "picked up later", reader.next() == (1, record(1))
    yield "newest", (ring.newest, ring.newest_slot, ring.greatest) == (record(40), record(30), 40)
    for entry in entries(41, 300):
        ring.write(*entry)
    again = storage.ring()
    yield "restart", read_all(again) == count(1, 300)
    yield "restart knows", (again.newest, again.newest_slot, again.greatest) == (record(300), record(300), 300)
    yield "not decayed", not again.decayed
    again.write(*entries(301, 301)[0])
    yield "goes on", read_all(storage.ring()) == count(1, 301)


def check_receipt(place: Place) -> "Checks":
    """Forward only, never beyond what was written, and kept."""
    storage = place.new()
    ring = storage.ring()
    ring.write_all(entries(1, 20))
    yield "taken", ring.accept_receipt(12) and ring.accept_receipt(5) and ring.receipt == 12
    yield "beyond", not ring.accept_receipt(21)
    ring.save_receipt()
    yield "kept", read_all(storage.ring()) == count(13, 20)


def check_drop(place: Place) -> "Checks":
    """The oldest segment of the full series goes, is counted and named, and the other series is left alone."""
    storage = place.new()
    ring = storage.ring()
    last = 0
    while not ring.dropped:
        last += 1
        ring.write(*entries(last, last)[0])
    lost = ring.take_lost()
    gone = [rseq for first, end, _ in lost for rseq in range(first, end + 1)]
    yield "reason", {reason for _, _, reason in lost} == {DROPPED}
    yield "counted", len(gone) == ring.dropped > 0 and ring.take_lost() == []
    yield "oldest", gone == [rseq for rseq in range(1, gone[-1] + 1) if rseq % 15]
    kept = [rseq for rseq in range(1, last + 1) if rseq not in gone]
    yield "kept", read_all(ring) == kept
    again = storage.ring()
    yield "restart", read_all(again) == kept
    yield "restart names it", all(reason == DROPPED for _, _, reason in missing_from(again))
    quiet = place.new().ring()
    for entry in entries(1, last + 200):
        quiet.write(*entry)
        quiet.accept_receipt(entry[0])
    yield "with receipts without a word", quiet.dropped == 0 and quiet.take_lost() == []


def nothing_closed(_record: bytes) -> "tuple[tuple[int, int, int], ...]":
    """No record names a gap."""
    return ()


def missing_from(ring: Ring) -> "Any":
    """What is gone from a ring, once all of it was looked through."""
    return list(gaps(ring, nothing_closed))[-1]


def check_named(place: Place) -> "Checks":
    """What the ring dropped is named by the records after it, each number once."""
    node = flashes.Node(place.new())
    minute = 0
    while not node.ring.dropped:
        minute += 1
        node.minute(minute, receipt=False)
    for later in range(minute + 1, minute + 31):
        node.minute(later, receipt=False)
    reader = node.ring.reader()
    kept: set[int] = set()
    named: list[int] = []
    while True:
        entry = reader.next()
        if entry is None:
            break
        kept.add(entry[0])
        for first, last, reason in closed_by(entry[1]):
            yield "reason", reason == DROPPED
            named += range(first, last + 1)
    yield "named once", len(named) == len(set(named)) == node.ring.dropped
    yield "all there or named", kept | set(named) == set(range(1, node.ring.greatest + 1)) and not kept & set(named)


def size_of(is_slot: bool) -> int:
    """Bytes of a record after ten years, as signed."""
    reading: Any = flashes.Reading(0)
    more: dict[str, Any] = {"prev_slot": bytes(16)}
    if not is_slot:
        more = {
            "voltage_mv": reading.voltage_mv,
            "current_ma": reading.current_ma,
            "phase_power_w": reading.phase_power_w,
            "frequency_mhz": reading.frequency_mhz,
            "power_factor_permille": reading.power_factor_permille,
        }
    made = Record(
        meter=bytes(8),
        index=0,
        rseq=6_000_000,
        boot=70_000,
        time_s=flashes.START_MS // 1000,
        quality=0,
        import_wh=reading.import_wh,
        export_wh=reading.export_wh,
        resolution_wh=10,
        power_w=-reading.power_w,
        flags=2,
        prev=bytes(16),
        closed=(),
        **more,
    )
    return len(made.to_cbor()) + SIGNATURE_AND_HEADER_BYTES


def check_capacity(place: Place) -> "Checks":
    """30 days of slot records and 6 hours of minute records, also right after the oldest segment went."""
    for is_slot, wanted in ((True, SLOTS_IN_30_DAYS), (False, MINUTES_IN_6_HOURS)):
        data = record(6_000_000, size_of(is_slot))
        ring = place.new().ring()
        written, least, drops = 0, 10**9, 0
        while drops < 3:
            before = ring.dropped
            ring.write_all([(written + i, data, is_slot) for i in range(1, 6)])
            written += 5
            if ring.dropped > before:
                least = min(least, written - ring.dropped)
                drops += 1
        print("slot" if is_slot else "minute", "record of", len(data), "bytes: at least", least, "kept")
        yield "slots" if is_slot else "minutes", least >= wanted


def check_failing(place: Place) -> "Checks":
    """An operation that fails once costs nothing: the same record is written again."""
    storage = place.new()
    if not storage.devices:
        return
    device = storage.devices[-1]
    for later in range(1, 14):
        storage = place.new()
        device = storage.devices[-1]
        ring = storage.ring()
        ring.write_all(entries(1, 75))
        device.fails_at = device.operations + later
        for entry in entries(76, 100):
            try:
                ring.write(*entry)
            except OSError:
                ring.write(*entry)
        yield "fails at %d" % later, read_all(ring) == count(1, 100) == read_all(storage.ring())


def check_death(place: Place) -> "Checks":
    """Flash that dies raises OSError and nothing else, and what was told before is there at the next start."""
    for later in range(1, 60):
        storage = place.new()
        if not storage.devices:
            return
        ring = storage.ring()
        device = storage.devices[-1]
        device.dies_at = device.operations + later
        told = 0
        for entry in entries(1, 60):
            try:
                ring.write(*entry)
                told = entry[0]
            except OSError:
                break
        for entry in entries(told + 1, told + 3):
            try:
                ring.write(*entry)
            except OSError:
                continue
        found = read_all(place.again(storage).ring())
        yield "dies at %d" % later, found[:told] == count(1, told) and len(found) <= told + 1


def check_raw(place: Place) -> "Checks":
    """Decayed headers and bits, rubbish, and the end of a sector."""
    storage = place.new()
    if storage.raw is None or not storage.devices:
        return
    device = storage.devices[-1]
    ring = storage.ring()
    ring.write_all(entries(1, 60, slot_every=10**6))
    begin = len(device.erases) * BLOCK_BYTES // 44 * 36
    sectors = [at for at in range(begin, len(device.image), BLOCK_BYTES) if device.image[at : at + 4] == b"VHs1"]
    yield "sectors", len(sectors) == 3
    for at in sectors:
        device.image[at + 2] ^= 1
        yield "header decayed %d" % at, read_all(storage.ring()) == count(1, 60)
        device.image[at + 2] ^= 1
    each = (len(frame(1, record(1))) + 3) // 4 * 4
    for bit in range(0, each * 8, 7):
        at = sectors[0] + HEADER_BYTES + 2 * each + bit // 8
        device.image[at] ^= 1 << bit % 8
        again = storage.ring()
        left, missing = read_all(again), missing_from(again)
        device.image[at] ^= 1 << bit % 8
        yield "bit %d" % bit, left == count(1, 2) + count(4, 60) and missing == [(3, 3, UNREADABLE)]
    for at in range(0, len(device.image), 7):
        device.image[at] &= at * 5 & 0xFF
    ring = storage.ring()
    yield "rubbish holds no record", read_all(ring) == []
    ring.write(500, record(500), True)
    yield "and is written over", read_all(storage.ring()) == [500]


def main(kind: str, folder: str) -> int:
    """Runs all; the status to end with."""
    place = Place(kind, folder)
    failed = 0
    checks: tuple[Callable[[Place], Checks], ...] = (
        check_order,
        check_receipt,
        check_drop,
        check_named,
        check_capacity,
        check_failing,
        check_death,
        check_raw,
    )
    for check in checks:
        done = 0
        for name, good in check(place):
            done += 1
            if not good:
                failed += 1
                print("FAILED", check.__name__, name)
        print(check.__name__, done)
    return 1 if failed else 0


sys.exit(main(sys.argv[1], sys.argv[2]))
