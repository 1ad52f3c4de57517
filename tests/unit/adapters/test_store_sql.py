"""Both stores: what is written comes back, numbers are never given twice, nothing half-written stays."""

from pathlib import Path

import pytest
import sqlalchemy as sa

from volthood.adapters import sql_tables
from volthood.adapters.store_sql import SqlReadingStore, SqlTradeStore
from volthood.core.deals import Deal, Role
from volthood.errors import LocalError
from volthood.ports.stores import EventRow, HistorySlot, OutboxRow, RoundNote, SlotNote, StoredRecord
from volthood.wire.market import Contract

NODE = b"n" * 8


def record(rseq: int, time_s: int = 0, *, is_slot: bool = False) -> StoredRecord:
    return StoredRecord(NODE, rseq, time_s or rseq * 60, is_slot, 1000 + rseq, 0, 60, b"record %d" % rseq)


def deal(energy_wh: int = 100) -> Deal:
    contract = Contract(
        hood=b"h" * 32,
        slot=900,
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


def test_a_record_is_kept_once_and_comes_back() -> None:
    with SqlReadingStore.open(None) as store:
        assert store.add_record(record(1))
        assert not store.add_record(record(1, time_s=99))
        assert store.record(NODE, 1) == b"record 1"
        assert store.record(NODE, 2) is None


@pytest.mark.parametrize(
    ("held", "ranges"),
    [([], []), ([1, 2, 3], [(1, 3)]), ([1, 3, 4, 9], [(1, 1), (3, 4), (9, 9)]), ([5, 4], [(4, 5)])],
)
def test_held_ranges(held: list[int], ranges: list[tuple[int, int]]) -> None:
    with SqlReadingStore.open(None) as store:
        for rseq in held:
            store.add_record(record(rseq))
        assert store.held_ranges(NODE) == ranges


def test_closed_ranges_and_last_records() -> None:
    with SqlReadingStore.open(None) as store:
        for rseq in (1, 2, 6):
            store.add_record(record(rseq))
        store.close_range(NODE, 3, 5, 1)
        store.close_range(NODE, 3, 5, 1)
        assert store.closed_ranges(NODE) == [(3, 5, 1)]
        assert store.last_records(NODE, 2) == [b"record 2", b"record 6"]


def test_slot_records_are_those_of_the_time() -> None:
    with SqlReadingStore.open(None) as store:
        for rseq, time_s in ((1, 900), (2, 960), (3, 1800), (4, 2700)):
            store.add_record(record(rseq, time_s, is_slot=time_s % 900 == 0))
        assert [row.time_s for row in store.slot_records(900, 2700)] == [900, 1800]
        assert [row.time_s for row in store.records_between(0, 1000)] == [900, 960]


def test_imported_history_is_kept_as_it_was_first() -> None:
    with SqlReadingStore.open(None) as store:
        store.import_history([HistorySlot(0, 10, 1), HistorySlot(900, 20, 2)])
        store.import_history([HistorySlot(0, 99, 9)])
        assert store.history(0, 900) == [HistorySlot(0, 10, 1)]


def test_what_was_not_committed_is_gone_after_a_crash(tmp_path: Path) -> None:
    path = tmp_path / "readings.db"
    with SqlReadingStore.open(path) as store:
        store.add_record(record(1))
        store.commit()
        store.add_record(record(2))
    with SqlReadingStore.open(path, read_only=True) as store:
        assert store.held_ranges(NODE) == [(1, 1)]


def test_counters_never_repeat(tmp_path: Path) -> None:
    path = tmp_path / "trades.db"
    with SqlTradeStore.open(path) as store:
        assert [store.next_counter("board") for _ in range(3)] == [1, 2, 3]
        assert store.next_counter("inbox:aa") == 1
        store.commit()
    with SqlTradeStore.open(path) as store:
        assert store.next_counter("board") == 4


def test_a_second_version_of_a_posted_message_is_impossible() -> None:
    with SqlTradeStore.open(None) as store:
        store.save_posted((900, 0), "order", b"one")
        with pytest.raises(LocalError):
            store.save_posted((900, 0), "order", b"two")
        assert store.posted((900, 255), "order") is None


def test_a_deal_is_kept_in_its_newest_state() -> None:
    with SqlTradeStore.open(None) as store:
        first = deal()
        store.save_deal(first)
        store.save_deal(first.stated(80))
        assert store.deals(0) == [first.stated(80)]
        assert store.deals(901) == []


def test_the_outbox_forgets_only_what_is_confirmed() -> None:
    with SqlTradeStore.open(None) as store:
        rows = [OutboxRow(b"r" * 32, n, b"sealed %d" % n) for n in (1, 2, 3)] + [OutboxRow(b"q" * 32, 1, b"x")]
        for row in rows:
            store.put_outbox(row)
        store.drop_outbox(b"r" * 32, 2)
        assert store.outbox() == [rows[3], rows[2]]


def test_seen_numbers_have_a_floor() -> None:
    sender = b"s" * 32
    with SqlTradeStore.open(None) as store:
        assert store.seen_floor(sender) == 0
        for counter, floor in ((2, 0), (3, 0), (1, 3), (5, 3), (4, 5)):
            assert store.mark_seen(sender, counter)
            assert store.seen_floor(sender) == floor
        assert not store.mark_seen(sender, 2)
        assert store.is_seen(sender, 5)
        assert not store.is_seen(sender, 6)


def test_notes_events_and_settings() -> None:
    note = SlotNote(900, 0, 120, 80, 150, "like_median", 1, 120, 22000, 22000, 8000, "forecast")
    cleared = RoundNote(900, 0, 6, 3, 500, 15000, b"b" * 32)
    with SqlTradeStore.open(None) as store:
        store.save_slot_note(note)
        store.save_round_note(cleared)
        store.add_event(EventRow(5, "ContractSigned", "slot=900"))
        store.add_event(EventRow(6, "MessageRefused", "reason=stranger"))
        assert store.slot_notes(900) == [note]
        assert store.round_notes(900) == [cleared]
        assert [row.name for row in store.events(0)] == ["ContractSigned", "MessageRefused"]
        assert [row.name for row in store.events(0, ("MessageRefused",))] == ["MessageRefused"]
        assert store.setting("trading") is None
        store.set_setting("trading", "off")
        store.set_setting("trading", "on")
        assert store.setting("trading") == "on"


def test_a_newer_database_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "trades.db"
    SqlTradeStore.open(path).close()
    engine = sa.create_engine(f"sqlite:///{path}")
    with engine.begin() as connection:
        connection.execute(sql_tables.trade_tables.tables["meta"].update().values(value="2"))
    engine.dispose()
    with pytest.raises(LocalError, match=r"trades\.db.*newer"):
        SqlTradeStore.open(path)


def test_a_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    path = tmp_path / "trades.db"
    path.write_bytes(b"not a database, but long enough to be read as one" * 100)
    with pytest.raises(LocalError, match=r"trades\.db"):
        SqlTradeStore.open(path)


def test_reading_never_writes(tmp_path: Path) -> None:
    path = tmp_path / "trades.db"
    SqlTradeStore.open(path).close()
    with SqlTradeStore.open(path, read_only=True) as store, pytest.raises(LocalError, match=r"trades\.db"):
        store.set_setting("trading", "off")
