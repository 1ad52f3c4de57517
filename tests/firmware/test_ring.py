"""The ring: order, capacity, receipts, and what is left after torn writes, decayed bits and a full flash."""

from collections.abc import Callable

import pytest

from volthood.wire.record import DROPPED, UNREADABLE
from volthood_tools.memory_board import WHOLE, MemoryFlash, PowerCutError
from voltnode.log import Log
from voltnode.ring import MINUTE_SEGMENTS, SEGMENT_BYTES, Ring, frame
from voltnode.survey import gaps

Entry = tuple[int, bytes, bool]
Lost = tuple[int, int, int]
RECORD_BYTES = 180


def nothing_closed(_record: bytes) -> tuple[tuple[int, int, int], ...]:
    return ()


def log() -> Log:
    return Log(lambda: 0)


def record(rseq: int) -> bytes:
    """Bytes that hold the frame's magic too, to mislead a reader that looks for it."""
    return (b"\xa7V" + rseq.to_bytes(4, "big")) * (RECORD_BYTES // 6)


def entries(first: int, last: int, slot_every: int = 15) -> list[Entry]:
    return [(rseq, record(rseq), rseq % slot_every == 0) for rseq in range(first, last + 1)]


def read_all(ring: Ring) -> list[int]:
    reader = ring.reader()
    found = []
    while (entry := reader.next()) is not None:
        assert entry[1] == record(entry[0])
        found.append(entry[0])
    return found


def test_records_of_both_series_come_back_in_the_order_of_rseq() -> None:
    ring = Ring(MemoryFlash(), log())
    ring.write_all(entries(1, 40))
    assert read_all(ring) == list(range(1, 41))
    assert ring.greatest == 40
    assert ring.newest == record(40)
    assert ring.newest_slot == record(30)


def test_a_reader_picks_up_what_is_written_later() -> None:
    ring = Ring(MemoryFlash(), log())
    reader = ring.reader()
    assert reader.next() is None
    for entry in entries(1, 200):
        ring.write(*entry)
        found = reader.next()
        assert found is not None
        assert found[0] == entry[0]
    assert reader.next() is None


def test_a_restart_finds_everything() -> None:
    flash = MemoryFlash()
    Ring(flash, log()).write_all(entries(1, 300))
    again = Ring(flash, log())
    assert read_all(again) == list(range(1, 301))
    assert (again.greatest, again.newest, again.newest_slot) == (300, record(300), record(300))
    assert not again.decayed


def test_the_receipt_moves_forward_only_and_never_beyond_what_was_written() -> None:
    flash = MemoryFlash()
    ring = Ring(flash, log())
    ring.write_all(entries(1, 20))
    assert ring.accept_receipt(12)
    assert ring.accept_receipt(5)
    assert not ring.accept_receipt(21)
    assert ring.receipt == 12
    assert read_all(ring) == list(range(13, 21))
    ring.save_receipt()
    assert read_all(Ring(flash, log())) == list(range(13, 21))


def test_a_full_series_drops_its_oldest_segment_and_names_what_had_no_receipt() -> None:
    ring = Ring(MemoryFlash(), log())
    each = len(frame(1, record(1)))
    per_segment = SEGMENT_BYTES // each
    ring.accept_receipt(0)
    minutes = [entry for entry in entries(1, per_segment * MINUTE_SEGMENTS * 2) if not entry[2]]
    slots = {entry[0] for entry in entries(1, per_segment * MINUTE_SEGMENTS * 2) if entry[2]}
    for entry in entries(1, minutes[per_segment * MINUTE_SEGMENTS][0]):
        ring.write(*entry)
    lost = ring.take_lost()
    gone = [rseq for first, last, _ in lost for rseq in range(first, last + 1)]
    assert gone == [entry[0] for entry in minutes[:per_segment]]
    assert {reason for _, _, reason in lost} == {DROPPED}
    assert not slots & set(gone)
    assert ring.take_lost() == []
    assert ring.dropped == per_segment
    kept = read_all(ring)
    assert set(kept) == set(range(1, ring.greatest + 1)) - set(gone)


def test_what_has_a_receipt_is_dropped_without_a_word_and_the_receipt_saved_before() -> None:
    flash = MemoryFlash()
    ring = Ring(flash, log())
    for entry in entries(1, 600, slot_every=10**6):
        ring.write(*entry)
        ring.accept_receipt(entry[0])
    ring.write_all(entries(601, 800, slot_every=10**6))
    assert ring.take_lost() == []
    assert missing(Ring(flash, log()), nothing_closed) == []


def test_the_size_never_exceeds_the_budget() -> None:
    flash = MemoryFlash()
    ring = Ring(flash, log())
    for entry in entries(1, 6000, slot_every=2):
        ring.write(*entry)
    sizes = {name: len(data) for name, data in flash.files.items() if name[0] in "sm" and name[1:].isdigit()}
    assert max(sizes.values()) <= SEGMENT_BYTES
    assert sum(sizes.values()) <= 704 * 1024
    assert len([name for name in sizes if name[0] == "s"]) == 36
    assert len([name for name in sizes if name[0] == "m"]) == 8


def missing(ring: Ring, closed_by: Callable[[bytes], tuple[Lost, ...]]) -> list[Lost] | None:
    """What is gone from a ring, once all of it was looked through."""
    return list(gaps(ring, closed_by))[-1]


def newest_file(flash: MemoryFlash) -> str:
    return max(name for name in flash.files if name[0] == "m" and name[1:].isdigit())


def test_every_truncation_of_the_last_segment_leaves_all_whole_records() -> None:
    flash = MemoryFlash()
    Ring(flash, log()).write_all(entries(1, 6, slot_every=10**6))
    name = newest_file(flash)
    whole = flash.files[name]
    each = len(whole) // 6
    for size in range(len(whole) + 1):
        left = MemoryFlash({**flash.files, name: whole[:size]})
        ring = Ring(left, log())
        assert read_all(ring) == list(range(1, size // each + 1))
        assert not ring.decayed
        ring.write(size // each + 10, record(size // each + 10), False)
        assert read_all(Ring(left, log())) == [*range(1, size // each + 1), size // each + 10]


def test_every_flipped_bit_costs_one_record_at_most_and_is_noticed() -> None:
    flash = MemoryFlash()
    Ring(flash, log()).write_all(entries(1, 4, slot_every=10**6))
    name = newest_file(flash)
    whole = flash.files[name]
    each = len(whole) // 4
    for at in range(len(whole)):
        damaged = bytearray(whole)
        damaged[at] ^= 1 << at % 8
        ring = Ring(MemoryFlash({**flash.files, name: bytes(damaged)}), log())
        hit = at // each + 1
        assert read_all(ring) == [rseq for rseq in range(1, 5) if rseq != hit]
        if hit < 4:
            assert missing(ring, nothing_closed) == [(hit, hit, UNREADABLE)]


def test_a_newest_record_that_decayed_is_told_from_one_that_was_torn() -> None:
    flash = MemoryFlash()
    Ring(flash, log()).write_all(entries(1, 4, slot_every=10**6))
    name = newest_file(flash)
    whole = flash.files[name]
    damaged = whole[:-1] + bytes((whole[-1] ^ 1,))
    assert Ring(MemoryFlash({**flash.files, name: damaged}), log()).decayed
    assert not Ring(MemoryFlash({**flash.files, name: whole[:-1]}), log()).decayed


def test_gaps_that_a_record_names_are_not_named_again() -> None:
    flash = MemoryFlash()
    Ring(flash, log()).write_all([(1, record(1), False), (5, record(5), False)])
    ring = Ring(flash, log())
    assert missing(ring, nothing_closed) == [(2, 4, UNREADABLE)]
    assert missing(ring, lambda data: ((2, 4, 1),) if data == record(5) else ()) == []
    assert missing(ring, lambda data: ((3, 3, 1),) if data == record(5) else ()) == [
        (2, 2, UNREADABLE),
        (4, 4, UNREADABLE),
    ]


@pytest.mark.parametrize("torn", [0, 10, 128, 250])
def test_a_full_flash_refuses_and_the_same_records_may_be_written_again(torn: int) -> None:
    flash = MemoryFlash()
    ring = Ring(flash, log())
    ring.write_all(entries(1, 5))
    flash.full, flash.torn = True, torn
    with pytest.raises(OSError, match="no space"):
        ring.write_all(entries(6, 8))
    assert ring.greatest == 5
    flash.full = False
    ring.write_all(entries(6, 8))
    assert read_all(ring) == list(range(1, 9))
    assert read_all(Ring(flash, log())) == list(range(1, 9))


@pytest.mark.parametrize("torn", [0, 100, WHOLE])
def test_a_power_cut_at_any_operation_loses_nothing_that_was_written(torn: int) -> None:
    cut_at = 0
    finished = False
    while not finished:
        cut_at += 1
        flash = MemoryFlash()
        flash.cut_at, flash.torn = cut_at, torn
        told = 0
        try:
            ring = Ring(flash, log())
            for entry in entries(1, 120, slot_every=7):
                ring.write(*entry)
                told = entry[0]
                ring.accept_receipt(told - 10 if told > 10 else 0)
                if told % 20 == 0:
                    ring.save_receipt()
            finished = True
        except PowerCutError:
            pass
        ring = Ring(MemoryFlash(flash.files), log())
        assert ring.greatest in (told, told + 1)
        assert read_all(ring) == list(range(ring.receipt + 1, ring.greatest + 1))
