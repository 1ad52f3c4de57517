"""The recorder: what its records say, and that the agent's intake takes every stream it can leave behind."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.serialization import load_der_public_key

from volthood.core.readings import Stream
from volthood.wire import cose
from volthood.wire.limits import MAX_SLOT_RECORD_BYTES
from volthood.wire.record import (
    DROPPED,
    GAP_BEFORE,
    GENESIS,
    METER_SWAPPED,
    RELATIVE,
    ROLLED_OVER,
    SYNCHRONISED,
    UNREADABLE,
    UNUSED,
    Record,
    meter_hash,
    record_hash,
    unpack_record,
)
from volthood_tools.memory_board import WHOLE, MemoryBoard, MemoryFlash, PowerCutError, QuickSigner
from voltnode.bus.meter import Reading
from voltnode.edges import Cut
from voltnode.log import Log
from voltnode.recorder import HOLD_MS, MAX_IN_RAM, Recorder, last_boot
from voltnode.ring import Ring
from voltnode.sequence import BLOCK, Sequence
from voltnode.sign.signer import Signer, SoftwareSigner

MINUTE_MS = 60_000
START_MS = 1_750_000_500_000 // 900_000 * 900_000


def reading(import_wh: int, export_wh: int = 0, **more: int) -> Reading:
    values = {"power_total": 1_500_000, "energy_import": import_wh, "energy_export": export_wh, **more}
    return Reading(0, 1, values, [])


def cut(minute: int, import_wh: int | None = None, *, gap: bool = False, **more: int) -> Cut:
    """The reading of a minute; every fifteenth is a slot edge."""
    taken = reading(minute * 25 if import_wh is None else import_wh, **more)
    return Cut(START_MS + minute * MINUTE_MS, taken, minute % 15 == 0, gap)


class Bench:
    """A recorder on a flash, which can be started again."""

    def __init__(self, flash: MemoryFlash | None = None, signer: Signer | None = None) -> None:
        self.signer = signer or QuickSigner()
        self.board = MemoryBoard(flash)
        self.serial = "10000001"
        self.start()

    def start(self) -> None:
        self.log = Log(self.board.now_ms)
        self.ring = Ring(self.board.flash, self.log)
        self.sequence = Sequence(self.board.flash, self.ring.greatest, last_boot(self.ring))
        self.recorder = Recorder(self.board, self.ring, self.sequence, self.signer, self.log, lambda _: self.serial)

    def record(self, *cuts: Cut, quality: int = SYNCHRONISED) -> None:
        self.recorder.add(list(cuts), quality)
        asyncio.run(self.recorder.work())

    def written(self) -> list[Record]:
        return [unpack_record(signed)[1] for signed in self.written_bytes()]

    def written_bytes(self) -> list[bytes]:
        reader = self.ring.reader()
        found = []
        while (entry := reader.next()) is not None:
            found.append(entry[1])
        return found


def test_a_record_says_what_the_meter_said_and_verifies() -> None:
    bench = Bench(signer=SoftwareSigner(12345, MemoryBoard().random))
    phases: dict[str, Any] = {"voltage_l1": 230_100, "voltage_l2": 229_000, "voltage_l3": 231_000, "frequency": 50_010}
    bench.record(cut(14, 350, **phases), cut(15, 375, **phases))
    minute, slot = bench.written()
    assert (minute.import_wh, minute.power_w, minute.time_s) == (350, 1500, START_MS // 1000 + 840)
    assert minute.voltage_mv == (230_100, 229_000, 231_000)
    assert minute.frequency_mhz == 50_010
    assert (minute.rseq, minute.boot, minute.flags, minute.prev, minute.is_slot) == (1, 1, 0, GENESIS, False)
    assert (slot.rseq, slot.is_slot, slot.prev_slot, slot.voltage_mv) == (2, True, GENESIS, ())
    assert slot.meter == meter_hash("10000001")
    raw = bench.written_bytes()
    assert slot.prev == record_hash(raw[0])
    assert len(raw[1]) <= MAX_SLOT_RECORD_BYTES
    key = load_der_public_key(bench.signer.public_spki())
    assert isinstance(key, ec.EllipticCurvePublicKey)
    for data in raw:
        signed, _ = unpack_record(data)
        r, s = (int.from_bytes(half, "big") for half in (signed.signature[:32], signed.signature[32:]))
        message = cose.to_be_signed(Record.KIND, signed.protected, signed.payload)
        key.verify(encode_dss_signature(r, s), message, ec.ECDSA(hashes.SHA256()))
        assert signed.kid == bench.signer.kid


def test_a_slot_record_is_written_at_once_with_what_waited() -> None:
    bench = Bench()
    bench.record(cut(13), cut(14))
    assert bench.ring.greatest == 0
    bench.record(cut(15))
    assert bench.ring.greatest == 3


def test_a_minute_record_is_written_within_its_time() -> None:
    bench = Bench()
    bench.record(cut(1))
    asyncio.run(bench.board.advance(HOLD_MS - 1))
    bench.record()
    assert bench.ring.greatest == 0
    asyncio.run(bench.board.advance(1))
    bench.record()
    assert bench.ring.greatest == 1


def test_the_chain_goes_on_over_a_restart_and_unused_numbers_are_named() -> None:
    bench = Bench()
    bench.record(*[cut(minute) for minute in range(16)])
    last = bench.written_bytes()[-1]
    bench.start()
    bench.record(cut(30))
    again = bench.written()[-1]
    assert again.prev == record_hash(last)
    assert again.prev_slot == record_hash(last)
    assert (again.boot, again.rseq, again.closed) == (2, BLOCK + 1, ((17, BLOCK, UNUSED),))


def test_flags_tell_gap_rolled_over_and_swapped() -> None:
    bench = Bench()
    bench.record(cut(1, 1000), cut(2, 1001, gap=True), cut(3, 5), cut(4, 6))
    bench.serial = "10000002"
    bench.record(cut(15, 6))
    flags = [record.flags for record in bench.written()]
    assert flags == [0, GAP_BEFORE, ROLLED_OVER, 0, METER_SWAPPED]


def test_a_register_that_leapt_is_flagged_too() -> None:
    bench = Bench()
    leapt = cut(2, 90_000)
    leapt.level_is_new = True
    bench.record(cut(1, 1000), leapt, cut(15, 90_001))
    assert [record.flags for record in bench.written()] == [0, ROLLED_OVER, 0]


def test_flags_remember_the_register_over_a_restart() -> None:
    bench = Bench()
    bench.record(cut(15, 1000))
    bench.start()
    bench.record(cut(30, 999))
    assert bench.written()[-1].flags == ROLLED_OVER


def test_relative_time_does_not_count_as_the_last_time_known() -> None:
    bench = Bench()
    bench.record(cut(1), quality=RELATIVE)
    assert bench.recorder.last()[0] is None
    asyncio.run(bench.board.advance(HOLD_MS))
    bench.record()
    bench.start()
    assert bench.recorder.last()[0] is None


def test_a_reading_that_no_record_can_hold_is_left_out_and_costs_no_number() -> None:
    bench = Bench()
    bench.record(cut(14, -5), cut(15, 10))
    [record] = bench.written()
    assert (record.rseq, record.import_wh, record.flags) == (1, 10, GAP_BEFORE)
    assert bench.log.counts["reading_refused"] == 1


def test_a_flash_that_refuses_loses_nothing_while_there_is_room_in_ram() -> None:
    flash = MemoryFlash()
    bench = Bench(flash)
    bench.record(cut(14))
    flash.full = True
    with pytest.raises(OSError, match="no space"):
        bench.record(cut(15), cut(16), cut(30))
    flash.full = False
    bench.record()
    assert [record.rseq for record in bench.written()] == [1, 2, 3, 4]


def test_beyond_the_room_in_ram_the_oldest_go_and_a_gap_is_said() -> None:
    flash = MemoryFlash()
    bench = Bench(flash)
    flash.full = True
    with pytest.raises(OSError, match="no space"):
        bench.record(*[cut(minute) for minute in range(1, MAX_IN_RAM + 11)])
    assert bench.recorder.in_ram() <= MAX_IN_RAM
    flash.full = False
    bench.record()
    records = bench.written()
    assert records[0].flags & GAP_BEFORE
    assert [record.rseq for record in records] == list(range(1, len(records) + 1))


def test_what_the_ring_drops_is_named_a_few_ranges_at_a_time() -> None:
    bench = Bench()
    minute = 0
    while not bench.ring.dropped:
        minute += 1
        bench.record(cut(minute))
    for later in range(minute + 1, minute + 31):
        bench.record(cut(later))
    kept = {record.rseq for record in bench.written()}
    closed = {
        rseq
        for record in bench.written()
        for first, last, reason in record.closed
        for rseq in range(first, last + 1)
        if reason == DROPPED
    }
    assert kept | closed == set(range(1, bench.ring.greatest + 1))
    assert not kept & closed


def test_a_new_agent_is_told_what_is_not_for_it() -> None:
    bench = Bench()
    bench.record(cut(15), cut(30), cut(45))
    bench.ring.accept_receipt(2)
    bench.recorder.begin_stream(2)
    bench.record(cut(60))
    stream = Stream()
    for data in bench.written_bytes():
        stream.take(unpack_record(data)[1], record_hash(data))
    assert stream.receipt == 4


Damage = Callable[[MemoryFlash], None]


def deliver(bench: Bench, stream: Stream, *, limit: int = 10**9) -> None:
    """Sends what the ring holds; the agent's own rules take it, and its receipt comes back."""
    for data in bench.written_bytes()[:limit]:
        stream.take(unpack_record(data)[1], record_hash(data))
    assert bench.ring.accept_receipt(stream.receipt)


def live(flash: MemoryFlash, stream: Stream, minutes: range, told: list[int]) -> None:
    """Records, delivers now and then, and notes what the ring said it had written."""
    bench = Bench(flash)
    for minute in minutes:
        bench.record(cut(minute))
        told[0] = max(told[0], bench.ring.greatest)
        if minute % 4 == 0:
            deliver(bench, stream, limit=5)
        if minute % 9 == 0:
            bench.ring.save_receipt()


@pytest.mark.parametrize("torn", [0, 77, WHOLE])
def test_after_a_power_cut_at_any_operation_intake_has_every_written_record(torn: int) -> None:
    cut_at, finished = 0, False
    while not finished:
        cut_at += 1
        flash, stream, told = MemoryFlash(), Stream(), [0]
        flash.cut_at, flash.torn = cut_at, torn
        try:
            live(flash, stream, range(1, 50), told)
            finished = True
        except PowerCutError:
            pass
        again = Bench(MemoryFlash(flash.files))
        deliver(again, stream)
        assert stream.receipt >= told[0]
        again.record(*[cut(minute) for minute in range(50, 61)])
        deliver(again, stream)
        assert stream.receipt == again.ring.greatest
        assert stream.lost == []


def decay_newest(flash: MemoryFlash) -> None:
    name = max(name for name in flash.files if name[1:].isdigit())
    data = flash.files[name]
    flash.files[name] = data[:-1] + bytes((data[-1] ^ 1,))


def decay_oldest(flash: MemoryFlash) -> None:
    name = min(name for name in flash.files if name[1:].isdigit())
    data = flash.files[name]
    flash.files[name] = data[:40] + bytes((data[40] ^ 1,)) + data[41:]


def lose_ring(flash: MemoryFlash) -> None:
    for name in [name for name in flash.files if name[1:].isdigit()]:
        del flash.files[name]


def lose_numbers(flash: MemoryFlash) -> None:
    del flash.files["numbers"]


@pytest.mark.parametrize("damage", [decay_newest, decay_oldest, lose_ring, lose_numbers])
@pytest.mark.parametrize("delivered", [0, 5, 100])
def test_a_damaged_flash_never_stops_the_stream(damage: Damage, delivered: int) -> None:
    flash, stream = MemoryFlash(), Stream()
    bench = Bench(flash)
    bench.record(*[cut(minute) for minute in range(1, 31)])
    deliver(bench, stream, limit=delivered)
    bench.ring.save_receipt()
    damage(flash)
    again = Bench(flash)
    again.record(*[cut(minute) for minute in range(31, 61)])
    deliver(again, stream)
    again.record(*[cut(minute) for minute in range(61, 91)])
    deliver(again, stream)
    assert stream.receipt == again.ring.greatest


def test_a_record_that_decays_while_the_node_runs_is_named_when_it_is_looked_for() -> None:
    flash, stream = MemoryFlash(), Stream()
    bench = Bench(flash)
    bench.record(*[cut(minute) for minute in range(1, 31)])
    decay_oldest(flash)
    deliver(bench, stream)
    assert stream.receipt == 0
    bench.recorder.look_for_gaps()
    bench.record(cut(45))
    deliver(bench, stream)
    assert stream.receipt == bench.ring.greatest
    assert [reason for _, _, reason in stream.lost] == [UNREADABLE]


def test_taking_up_does_not_fail_on_a_record_of_another_version() -> None:
    flash = MemoryFlash()
    Ring(flash, Log(lambda: 0)).write(7, b"not a record of ours", True)
    bench = Bench(flash)
    bench.record(cut(15))
    assert bench.ring.greatest > 7
