"""A node's parts on either interpreter: ring, counters, records, edges, console. Prints what came out.

What it prints must be the same on both.
"""

import asyncio
import hashlib
import sys

import board_heap  # type: ignore[import-not-found]  # noqa: F401 - for its effect

from volthood.wire.record import SYNCHRONISED, record_hash, unpack_record
from voltnode.console.commands import names
from voltnode.console.editor import LineEditor
from voltnode.edges import EdgeCutter, tolerance_ms
from voltnode.hal.folder import FolderFlash
from voltnode.log import Log
from voltnode.mqtt import Receiver, publish
from voltnode.recorder import Recorder, last_boot
from voltnode.ring import Ring
from voltnode.sequence import Sequence
from voltnode.sign.signer import SoftwareSigner

TYPE_CHECKING = False
if TYPE_CHECKING:
    from voltnode.edges import Cut

START_MS = 1_750_000_500_000 // 900_000 * 900_000


class Reading:
    """A reading of one phase."""

    def __init__(self, minute: int) -> None:
        self.power_w = -1500
        self.import_wh = 1000 + minute
        self.export_wh = minute * 25
        self.resolution_wh = 1
        self.voltage_mv = (230_000 + minute,)
        self.current_ma = (-6500,)
        self.phase_power_w = (-1500,)
        self.frequency_mhz = 50_000
        self.power_factor_permille = -1000


class Board:
    """Time that stands still."""

    def now_ms(self) -> int:
        return 0

    async def sleep_ms(self, duration_ms: int) -> None:
        await asyncio.sleep(0)


def fixed_random(count: int) -> bytes:
    return bytes([count + i & 255 for i in range(count)])


def start(flash: FolderFlash, signer: SoftwareSigner) -> "tuple[Ring, Recorder]":
    board = Board()
    log = Log(board.now_ms)
    ring = Ring(flash, log)
    sequence = Sequence(flash, ring.greatest, last_boot(ring))
    return ring, Recorder(board, ring, sequence, signer, log, lambda _: "10000001")  # type: ignore[arg-type]


def cuts(first: int, last: int) -> "list[Cut]":
    cutter = EdgeCutter(900, tolerance_ms(900, 1000, 1), None, None)
    out: list[Cut] = []
    for minute in range(first, last):
        out.extend(cutter.feed(START_MS + minute * 60_000 + 7000, Reading(minute)))
    return out


def read_all(ring: Ring) -> str:
    reader = ring.reader()
    total = hashlib.sha256()
    while True:
        entry = reader.next()
        if entry is None:
            return total.digest().hex()
        record = unpack_record(entry[1])[1]
        print(record.rseq, record.boot, record.time_s, record.is_slot, record.import_wh, record.flags, record.closed)
        total.update(record_hash(entry[1]))


def check_records(folder: str) -> None:
    flash = FolderFlash(folder)
    signer = SoftwareSigner(123456789, fixed_random)
    for first, last in ((1, 18), (18, 35)):
        ring, recorder = start(flash, signer)
        recorder.add(cuts(first, last), SYNCHRONISED)
        asyncio.run(recorder.work())
        recorder.flush()
    print(read_all(ring))
    ring.accept_receipt(20)
    ring.save_receipt()
    print(start(flash, signer)[0].waiting())


def check_console() -> None:
    editor = LineEditor(names)
    print(editor.feed(b"met\ter\x7f\x1b[A\x15id --json\r\n\xff\x00"))
    print(len(names()))


def check_mqtt() -> None:
    receiver = Receiver()
    stream = publish("a/b", b"hello", 3) + publish("c", b"")
    for at in range(len(stream)):
        for packet in receiver.feed(stream[at : at + 1]):
            print(packet.topic, packet.payload, packet.packet_id)


check_records(sys.argv[1])
check_console()
check_mqtt()
print("done")
