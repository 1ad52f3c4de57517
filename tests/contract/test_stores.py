"""The contract of both stores, kept alike by every adapter: SQLite in a file, SQLite in memory, and dictionaries."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from volthood.adapters.store_memory import MemoryReadingStore, MemoryTradeStore
from volthood.adapters.store_sql import SqlReadingStore, SqlTradeStore
from volthood.core.deals import Deal, Role
from volthood.errors import LocalError
from volthood.ports.stores import Conviction, EventRow, HistorySlot, OutboxRow, RoundNote, SlotNote, StoredRecord
from volthood.wire.market import Contract

NODE, OTHER_NODE = b"n" * 8, b"o" * 8
Readings = SqlReadingStore | MemoryReadingStore
Trades = SqlTradeStore | MemoryTradeStore


@pytest.fixture(params=["file", "sql", "memory"])
def readings(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Readings]:
    if request.param == "memory":
        yield MemoryReadingStore()
        return
    with SqlReadingStore.open(tmp_path / "readings.db" if request.param == "file" else None) as store:
        yield store


@pytest.fixture(params=["file", "sql", "memory"])
def trades(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Trades]:
    if request.param == "memory":
        yield MemoryTradeStore()
        return
    with SqlTradeStore.open(tmp_path / "trades.db" if request.param == "file" else None) as store:
        yield store


class Crash:
    """A process that dies and starts again on the same store."""

    def __init__(self, tmp_path: Path, kind: str) -> None:
        self._path = tmp_path
        self._kind = kind
        self.readings: Readings
        self.trades: Trades
        self._open()

    def _open(self) -> None:
        if self._kind == "memory":
            self.readings, self.trades = MemoryReadingStore(), MemoryTradeStore()
        else:
            self.readings = SqlReadingStore.open(self._path / "readings.db")
            self.trades = SqlTradeStore.open(self._path / "trades.db")

    def restart(self) -> None:
        if isinstance(self.readings, MemoryReadingStore) and isinstance(self.trades, MemoryTradeStore):
            self.readings.rollback()
            self.trades.rollback()
        else:
            self.close()
            self._open()

    def close(self) -> None:
        if isinstance(self.readings, SqlReadingStore) and isinstance(self.trades, SqlTradeStore):
            self.readings.close()
            self.trades.close()


@pytest.fixture(params=["file", "memory"])
def process(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Crash]:
    crash = Crash(tmp_path, request.param)
    yield crash
    crash.close()


def record(rseq: int, time_s: int = 0, node: bytes = NODE, *, is_slot: bool = False) -> StoredRecord:
    return StoredRecord(node, rseq, time_s or rseq * 60, is_slot, 1000 + rseq, 0, 60, b"record %d" % rseq)


def deal(slot: int = 900, energy_wh: int = 100) -> Deal:
    contract = Contract(
        hood=b"h" * 32,
        slot=slot,
        gate=0,
        algorithm="mid-market/1",
        book=b"b" * 32,
        seller=b"s" * 32,
        buyer=b"u" * 32,
        energy_wh=energy_wh,
        seller_price=1,
        buyer_price=2,
    )
    return Deal(contract.to_cbor(), Role.BUYER, buyer_signature=b"sig")


NOTE = SlotNote(900, 0, 120, 80, 150, "like_median", 1, 120, 22000, 22000, 8000, "forecast")
CLEARED = RoundNote(900, 0, 6, 3, 500, 15000, b"b" * 32)


def test_a_record_is_kept_once(readings: Readings) -> None:
    assert readings.add_record(record(1))
    assert not readings.add_record(record(1, time_s=99))
    assert readings.add_record(record(1, node=OTHER_NODE))
    assert readings.record(NODE, 1) == b"record 1"
    assert readings.record(NODE, 2) is None


def test_ranges_and_the_newest_records_are_those_of_one_node(readings: Readings) -> None:
    for rseq in (1, 2, 6, 3):
        readings.add_record(record(rseq))
    readings.add_record(record(4, node=OTHER_NODE))
    for reason in (1, 2):
        readings.close_range(NODE, 4, 5, reason)
    assert readings.held_ranges(NODE) == [(1, 3), (6, 6)]
    assert readings.closed_ranges(NODE) == [(4, 5, 1)]
    assert readings.last_records(NODE, 2) == [b"record 3", b"record 6"]
    assert readings.held_ranges(b"x" * 8) == []


def test_records_of_a_time(readings: Readings) -> None:
    for rseq, time_s in ((4, 2700), (1, 900), (2, 960), (3, 1800)):
        readings.add_record(record(rseq, time_s, is_slot=time_s % 900 == 0))
    assert [row.time_s for row in readings.slot_records(900, 2700)] == [900, 1800]
    assert [row.time_s for row in readings.records_between(0, 1000)] == [900, 960]


def test_a_time_that_becomes_known_later_moves_the_record_and_leaves_its_bytes(readings: Readings) -> None:
    for rseq, time_s in ((1, 60), (2, 120), (3, 900)):
        readings.add_record(record(rseq, time_s))
    readings.commit()
    readings.set_time(NODE, 2, 1000)
    readings.set_time(NODE, 9, 1000)
    assert [row.rseq for row in readings.records_between(0, 2000)] == [1, 3, 2]
    assert readings.record(NODE, 2) == b"record 2"
    readings.rollback()
    assert [row.rseq for row in readings.records_between(0, 2000)] == [1, 2, 3]


def test_imported_history_stays_as_it_was_first(readings: Readings) -> None:
    readings.import_history([HistorySlot(900, 20, 2), HistorySlot(0, 10, 1)])
    readings.import_history([HistorySlot(0, 99, 9), HistorySlot(1800, 30, 3)])
    assert readings.history(0, 1800) == [HistorySlot(0, 10, 1), HistorySlot(900, 20, 2)]
    readings.import_history([])
    assert len(readings.history(0, 10_000)) == 3


def test_counters_never_repeat(trades: Trades) -> None:
    assert [trades.next_counter("board") for _ in range(3)] == [1, 2, 3]
    assert trades.next_counter("inbox:aa") == 1


def test_books_and_own_orders_are_forgotten_by_slot(trades: Trades) -> None:
    for slot in (900, 1800):
        trades.save_posted((slot, 0), "order", b"own")
        trades.save_book((slot, 0), b"first")
        trades.save_book((slot, 0), b"book %d" % slot)
    trades.forget_orders(1800)
    assert (trades.posted((900, 0), "order"), trades.book((900, 0))) == (None, None)
    assert (trades.posted((1800, 0), "order"), trades.book((1800, 0))) == (b"own", b"book 1800")
    assert trades.book((1800, 255)) is None


def test_a_second_version_of_a_posted_message_is_refused(trades: Trades) -> None:
    trades.save_posted((900, 0), "order", b"one")
    trades.save_posted((900, 0), "bundle", b"other")
    with pytest.raises(LocalError):
        trades.save_posted((900, 0), "order", b"two")
    assert trades.posted((900, 0), "order") == b"one"
    assert trades.posted((900, 255), "order") is None


def test_deals_come_in_their_newest_state_by_slot(trades: Trades) -> None:
    early, late = deal(900), deal(1800)
    for each in (late, early, early.stated(80)):
        trades.save_deal(each)
    assert trades.deals(0) == [early.stated(80), late]
    assert trades.deals(901) == [late]


def test_open_deals_are_those_that_wait_for_their_settlement(trades: Trades) -> None:
    counted = replace(deal(900), counted=True)
    half_signed = replace(counted, own_settlement=b"own")
    states = [
        deal(900, 1),
        replace(half_signed, payload=deal(1800, 2).payload),
        replace(half_signed, payload=deal(1800, 3).payload, peer_settlement=b"peer"),
        replace(counted, payload=deal(2700, 4).payload, voided=True),
        replace(counted, payload=deal(2700, 5).payload, disputed=True),
        replace(counted, payload=deal(2700, 6).payload, expired=True),
        replace(counted, payload=deal(2700, 7).payload),
    ]
    for state in states:
        trades.save_deal(state)
    assert [row.contract.energy_wh for row in trades.open_deals()] == [2, 7]
    assert all(trades.deal(state.id) == state for state in states)
    assert trades.deal(b"?" * 32) is None


def test_all_records_come_by_node_and_number(readings: Readings) -> None:
    rows = [record(2), record(1), record(3, node=b"a" * 8)]
    for row in rows:
        readings.add_record(row)
    assert list(readings.all_records()) == [rows[2], rows[1], rows[0]]


def test_a_rollback_undoes_what_was_not_committed(trades: Trades) -> None:
    trades.save_posted((900, 0), "order", b"kept")
    trades.commit()
    trades.save_posted((900, 0), "bundle", b"lost")
    trades.rollback()
    assert (trades.posted((900, 0), "order"), trades.posted((900, 0), "bundle")) == (b"kept", None)


def test_the_outbox_forgets_only_what_is_confirmed(trades: Trades) -> None:
    rows = [OutboxRow(b"r" * 32, n, b"sealed %d" % n) for n in (1, 2, 3)] + [OutboxRow(b"q" * 32, 1, b"x")]
    for row in rows:
        trades.put_outbox(row)
    trades.drop_outbox(b"r" * 32, 2)
    assert trades.outbox() == [rows[3], rows[2]]


def test_seen_numbers_have_a_floor(trades: Trades) -> None:
    sender = b"s" * 32
    assert trades.seen_floor(sender) == 0
    for counter, floor in ((2, 0), (3, 0), (1, 3), (5, 3), (4, 5)):
        assert trades.mark_seen(sender, counter)
        assert trades.seen_floor(sender) == floor
    assert not trades.mark_seen(sender, 2)
    assert trades.is_seen(sender, 5)
    assert not trades.is_seen(sender, 6)
    assert not trades.is_seen(b"t" * 32, 1)


def test_notes_events_and_settings(trades: Trades) -> None:
    trades.save_slot_note(NOTE)
    trades.save_round_note(CLEARED)
    trades.add_event(EventRow(5, "ContractSigned", "slot=900"))
    trades.add_event(EventRow(6, "MessageRefused", "reason=stranger"))
    assert trades.slot_notes(900) == [NOTE]
    assert trades.slot_notes(1800) == []
    assert trades.round_notes(900) == [CLEARED]
    assert [row.name for row in trades.events(6)] == ["MessageRefused"]
    assert [row.name for row in trades.events(0, ("ContractSigned",))] == ["ContractSigned"]
    trades.set_setting("trading", "off")
    trades.set_setting("trading", "on")
    assert (trades.setting("trading"), trades.setting("other")) == ("on", None)


def _write(process: Crash, number: int) -> None:
    """Something in every table, different for each number."""
    readings, trades, key = process.readings, process.trades, b"%d" % number * 32
    readings.add_record(record(number, is_slot=True))
    readings.close_range(NODE, 100 * number, 100 * number + 9, 1)
    readings.import_history([HistorySlot(900 * number, number, 0)])
    trades.next_counter("board")
    trades.save_posted((900 * number, 0), "order", b"order %d" % number)
    trades.save_deal(deal(900 * number))
    trades.save_deal(deal(900).stated(number))
    trades.put_outbox(OutboxRow(b"r" * 32, number, key))
    trades.drop_outbox(b"r" * 32, number - 1)
    trades.mark_seen(b"s" * 32, number)
    trades.save_slot_note(SlotNote(900, number, *(None,) * 3, "metered", 0, 0, None, 1, 2, "why"))
    trades.save_round_note(RoundNote(900, number, 1, 1, 0, None, key))
    trades.add_event(EventRow(number, "Happened", ""))
    trades.set_setting("trading", str(number))


def _everything(process: Crash) -> list[object]:
    readings, trades = process.readings, process.trades
    return [
        [row.rseq for row in readings.records_between(0, 10**9)],
        readings.held_ranges(NODE),
        readings.closed_ranges(NODE),
        readings.history(0, 10**9),
        [trades.posted((900 * number, 0), "order") for number in (1, 2)],
        trades.deals(0),
        trades.outbox(),
        trades.seen_floor(b"s" * 32),
        trades.slot_notes(900),
        trades.round_notes(900),
        trades.events(0),
        trades.setting("trading"),
    ]


def test_a_crash_loses_what_was_not_committed_and_nothing_else(process: Crash) -> None:
    _write(process, 1)
    process.readings.commit()
    process.trades.commit()
    before = _everything(process)
    _write(process, 2)
    assert _everything(process) != before
    process.restart()
    assert _everything(process) == before
    assert process.trades.next_counter("board") == 2


def test_a_crash_before_the_first_commit_leaves_empty_stores(process: Crash) -> None:
    empty = _everything(process)
    _write(process, 1)
    process.restart()
    assert _everything(process) == empty


@pytest.mark.parametrize("committed", [("readings",), ("trades",)])
def test_the_two_stores_commit_apart(process: Crash, committed: tuple[str, ...]) -> None:
    _write(process, 1)
    getattr(process, committed[0]).commit()
    process.restart()
    assert bool(process.readings.held_ranges(NODE)) == (committed == ("readings",))
    assert bool(process.trades.events(0)) == (committed == ("trades",))


def test_a_conviction_is_kept_once(trades: Trades) -> None:
    assert trades.convicted() == []
    for row in (Conviction(b"b" * 32, 900, "order"), Conviction(b"a" * 32, 1800, "bundle")):
        trades.convict(row)
    trades.convict(Conviction(b"b" * 32, 2700, "bundle"))
    assert trades.convicted() == [Conviction(b"a" * 32, 1800, "bundle"), Conviction(b"b" * 32, 900, "order")]


def test_a_conviction_outlives_a_crash_once_it_is_committed(process: Crash) -> None:
    process.trades.convict(Conviction(b"a" * 32, 900, "order"))
    process.trades.commit()
    process.trades.convict(Conviction(b"b" * 32, 900, "order"))
    process.restart()
    assert process.trades.convicted() == [Conviction(b"a" * 32, 900, "order")]
