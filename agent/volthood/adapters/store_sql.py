"""Both stores on SQLAlchemy Core: SQLite files, or in memory for tests and simulations.

A store holds one connection with one open transaction; `commit` ends it. If a write fails, the process stops and starts
again from what is on the disk: memory and disk never go separate ways.

Statements are made once, at the head of the file: making them costs several times what SQLite takes to carry them out.
"""

import weakref
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Self

import sqlalchemy as sa
from sqlalchemy import bindparam as given
from sqlalchemy.dialects.sqlite import insert

from volthood.adapters import sql_tables as t
from volthood.core.deals import Deal, Role
from volthood.ports.stores import (
    Conviction,
    EventRow,
    HistorySlot,
    OutboxRow,
    RoundKey,
    RoundNote,
    SlotNote,
    StoredRecord,
)


def _upsert(table: sa.Table) -> sa.Executable:
    """Insert a row, or replace what stands under its key."""
    statement = insert(table)
    keys = [column.name for column in table.primary_key]
    changed = {column.name: statement.excluded[column.name] for column in table.c if column.name not in keys}
    return statement.on_conflict_do_update(index_elements=keys, set_=changed)


def _islands() -> sa.Executable:
    """Runs of consecutive rseq: number less row number is the same within a run."""
    island = (_R.rseq - sa.func.row_number().over(order_by=_R.rseq)).label("island")
    numbered = sa.select(_R.rseq, island).where(_R.node == given("of")).subquery()
    first, last = sa.func.min(numbered.c.rseq).label("first"), sa.func.max(numbered.c.rseq).label("last")
    return sa.select(first, last).group_by(numbered.c.island).order_by(first)


_R, _C, _H = t.records.c, t.closed.c, t.history.c
_IN_TIME = (_R.time_s >= given("start_s")) & (_R.time_s < given("end_s"))
_ADD_RECORD = insert(t.records).on_conflict_do_nothing()
_RECORD = sa.select(_R.data).where(_R.node == given("of"), _R.rseq == given("number"))
_SET_TIME = t.records.update().where(_R.node == given("of"), _R.rseq == given("number")).values(time_s=given("time"))
_KEPT_TIME = sa.select(_R.time_s).where(_R.node == given("of"), _R.rseq == given("number"))
_CLOSE_RANGE = insert(t.closed).on_conflict_do_nothing()
_HELD_RANGES = _islands()
_CLOSED_RANGES = sa.select(_C.first, _C.last, _C.reason).where(_C.node == given("of")).order_by(_C.first)
_LAST_RECORDS = sa.select(_R.data).where(_R.node == given("of")).order_by(_R.rseq.desc()).limit(given("count"))
_SLOT_RECORDS = sa.select(t.records).where(_R.is_slot, _IN_TIME).order_by(_R.time_s, _R.rseq)
_RECORDS_BETWEEN = sa.select(t.records).where(_IN_TIME).order_by(_R.time_s, _R.rseq)
_ALL_RECORDS = sa.select(t.records).order_by(_R.node, _R.rseq)
_IMPORT = insert(t.history).on_conflict_do_nothing()
_HISTORY = sa.select(t.history).where(_H.slot >= given("start_s"), _H.slot < given("end_s")).order_by(_H.slot)

_P, _D, _O, _S, _F = t.posted.c, t.deals.c, t.outbox.c, t.seen.c, t.seen_floors.c
_COUNT = (
    insert(t.counters)
    .on_conflict_do_update(index_elements=["name"], set_={"value": t.counters.c.value + 1})
    .returning(t.counters.c.value)
)
_SAVE_POSTED = insert(t.posted)
_POSTED = sa.select(_P.data).where(_P.slot == given("of"), _P.gate == given("at"), _P.kind == given("which"))
_SAVE_BOOK = _upsert(t.books)
_BOOK = sa.select(t.books.c.data).where(t.books.c.slot == given("of"), t.books.c.gate == given("at"))
_FORGET_ORDERS = [table.delete().where(table.c.slot < given("before")) for table in (t.posted, t.books)]
_SAVE_DEAL = _upsert(t.deals)
_DEALS = sa.select(t.deals).where(_D.slot >= given("since")).order_by(_D.slot, _D.id)
_UNSIGNED = _D.own_settlement.is_(None) | _D.peer_settlement.is_(None)
_OPEN_DEALS = (
    sa.select(t.deals).where(_D.counted, _UNSIGNED, ~_D.voided, ~_D.disputed, ~_D.expired).order_by(_D.slot, _D.id)
)
_DEAL_FIELDS = [field.name for field in fields(Deal)]
_DEAL = sa.select(t.deals).where(_D.id == given("of"))
_PUT_OUTBOX = insert(t.outbox)
_DROP_OUTBOX = t.outbox.delete().where(_O.recipient == given("to"), _O.counter <= given("upto"))
_OUTBOX = sa.select(t.outbox).order_by(_O.recipient, _O.counter)
_MARK_SEEN = insert(t.seen).on_conflict_do_nothing()
_IS_SEEN = sa.select(_S.counter).where(_S.sender == given("of"), _S.counter == given("number"))
_DROP_SEEN = t.seen.delete().where(_S.sender == given("of"), _S.counter == given("number"))
_FLOOR = sa.select(_F.counter).where(_F.sender == given("of"))
_RAISE_FLOOR = _upsert(t.seen_floors)
_SAVE_SLOT_NOTE = _upsert(t.slot_notes)
_SLOT_NOTES = sa.select(t.slot_notes).where(t.slot_notes.c.slot == given("of")).order_by(t.slot_notes.c.gate)
_SAVE_ROUND_NOTE = _upsert(t.round_notes)
_ROUND_NOTES = sa.select(t.round_notes).where(t.round_notes.c.slot == given("of")).order_by(t.round_notes.c.gate)
_CONVICT = insert(t.convicted).on_conflict_do_nothing()
_CONVICTED = sa.select(t.convicted).order_by(t.convicted.c.agent)
_ADD_EVENT = insert(t.events).inline()
_SETTING = sa.select(t.settings.c.value).where(t.settings.c.name == given("of"))
_SET_SETTING = _upsert(t.settings)


class _SqlStore:
    def __init__(self, engine: sa.Engine) -> None:
        self._connection = engine.connect()
        # A store that is dropped gives its file back too, as a process that ends does.
        self._give_back = weakref.finalize(self, _give_back, engine, self._connection)

    def commit(self) -> None:
        """Make everything written since the last call durable."""
        self._connection.commit()

    def rollback(self) -> None:
        """Undo everything written since the last commit: what a killed process leaves behind."""
        self._connection.rollback()

    def close(self) -> None:
        """Give the file back; what was not committed is undone."""
        self._give_back()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()

    def _rows(self, query: sa.Executable, **values: object) -> Iterator[dict[str, object]]:
        for row in self._connection.execute(query, values).mappings():
            yield dict(row)


def _give_back(engine: sa.Engine, connection: sa.Connection) -> None:
    connection.close()
    engine.dispose()


class SqlReadingStore(_SqlStore):
    """`ports.stores.ReadingStore` in SQL."""

    @classmethod
    def open(cls, path: Path | None, *, read_only: bool = False) -> Self:
        """The store in `path`, made if it is new; in memory for None. Raises `LocalError`."""
        return cls(t.open_sqlite(path, t.reading_tables, read_only=read_only))

    def add_record(self, record: StoredRecord) -> bool:
        """Keep a record for ever; False where this (node, rseq) is already kept."""
        return self._connection.execute(_ADD_RECORD, vars(record)).rowcount == 1

    def set_time(self, node: bytes, rseq: int, time_s: int) -> None:
        """A kept record's time becomes known; its signed bytes stay."""
        self._connection.execute(_SET_TIME, {"of": node, "number": rseq, "time": time_s})

    def record(self, node: bytes, rseq: int) -> bytes | None:
        """The signed bytes kept under a number."""
        return self._connection.scalar(_RECORD, {"of": node, "number": rseq})

    def kept_time_s(self, node: bytes, rseq: int) -> int | None:
        """The time under which a record is kept."""
        return self._connection.scalar(_KEPT_TIME, {"of": node, "number": rseq})

    def close_range(self, node: bytes, first: int, last: int, reason: int) -> None:
        """Keep that a range of numbers will never come, and why."""
        self._connection.execute(_CLOSE_RANGE, {"node": node, "first": first, "last": last, "reason": reason})

    def held_ranges(self, node: bytes) -> list[tuple[int, int]]:
        """Ranges of rseq that are stored, ascending and merged."""
        return [(row.first, row.last) for row in self._connection.execute(_HELD_RANGES, {"of": node})]

    def closed_ranges(self, node: bytes) -> list[tuple[int, int, int]]:
        """Ranges that will never come, with their reason."""
        return [(first, last, reason) for first, last, reason in self._connection.execute(_CLOSED_RANGES, {"of": node})]

    def last_records(self, node: bytes, count: int) -> list[bytes]:
        """The newest signed records, oldest first."""
        return list(self._connection.scalars(_LAST_RECORDS, {"of": node, "count": count}))[::-1]

    def slot_records(self, start_s: int, end_s: int) -> list[StoredRecord]:
        """Slot records with start_s <= time < end_s by time."""
        return list(self._records(_SLOT_RECORDS, start_s=start_s, end_s=end_s))

    def records_between(self, start_s: int, end_s: int) -> list[StoredRecord]:
        """All records with start_s <= time < end_s by time."""
        return list(self._records(_RECORDS_BETWEEN, start_s=start_s, end_s=end_s))

    def all_records(self) -> Iterator[StoredRecord]:
        """Every record by node and rseq."""
        return self._records(_ALL_RECORDS)

    def _records(self, query: sa.Executable, **values: int) -> Iterator[StoredRecord]:
        for row in self._connection.execute(query, values).mappings():
            yield StoredRecord(**row)

    def import_history(self, rows: list[HistorySlot]) -> None:
        """Keep slots for forecasts; those already kept stay as they are."""
        if rows:
            self._connection.execute(_IMPORT, [vars(row) for row in rows])

    def history(self, start_s: int, end_s: int) -> list[HistorySlot]:
        """Those slots in [start_s, end_s) by time."""
        found = self._connection.execute(_HISTORY, {"start_s": start_s, "end_s": end_s})
        return [HistorySlot(**row) for row in found.mappings()]


class SqlTradeStore(_SqlStore):
    """`ports.stores.TradeStore` in SQL."""

    @classmethod
    def open(cls, path: Path | None, *, read_only: bool = False) -> Self:
        """The store in `path`, made if it is new; in memory for None. Raises `LocalError`."""
        return cls(t.open_sqlite(path, t.trade_tables, read_only=read_only))

    def next_counter(self, name: str) -> int:
        """1, 2, 3, ... for each name, never twice."""
        value: int = self._connection.execute(_COUNT, {"name": name, "value": 1}).scalar_one()
        return value

    def save_posted(self, key: RoundKey, kind: str, data: bytes) -> None:
        """Keep our own board message of a round. Raises `LocalError` for a second one of the same round and kind."""
        self._connection.execute(_SAVE_POSTED, {"slot": key[0], "gate": key[1], "kind": kind, "data": data})

    def posted(self, key: RoundKey, kind: str) -> bytes | None:
        """Our own board message of a round."""
        return self._connection.scalar(_POSTED, {"of": key[0], "at": key[1], "which": kind})

    def save_book(self, key: RoundKey, encoded: bytes) -> None:
        """Keep the book that was cleared in a round; the newest counts."""
        self._connection.execute(_SAVE_BOOK, {"slot": key[0], "gate": key[1], "data": encoded})

    def book(self, key: RoundKey) -> bytes | None:
        """The book that was cleared in a round."""
        return self._connection.scalar(_BOOK, {"of": key[0], "at": key[1]})

    def forget_orders(self, before_slot: int) -> None:
        """Drop our own board messages and the books of all slots before one."""
        for query in _FORGET_ORDERS:
            self._connection.execute(query, {"before": before_slot})

    def save_deal(self, deal: Deal) -> None:
        """Keep the newest state of a deal."""
        row = {name: getattr(deal, name) for name in _DEAL_FIELDS}
        row |= {"id": deal.id, "slot": deal.contract.slot, "role": deal.role.value}
        self._connection.execute(_SAVE_DEAL, row)

    def deals(self, since_slot: int) -> list[Deal]:
        """All deals of slots from `since_slot` on."""
        return [_deal(row) for row in self._rows(_DEALS, since=since_slot)]

    def open_deals(self) -> list[Deal]:
        """All deals that count and wait for their settlement, however old."""
        return [_deal(row) for row in self._rows(_OPEN_DEALS)]

    def deal(self, contract_id: bytes) -> Deal | None:
        """The deal of a contract."""
        return next((_deal(row) for row in self._rows(_DEAL, of=contract_id)), None)

    def put_outbox(self, row: OutboxRow) -> None:
        """Keep a message until its receipt."""
        self._connection.execute(_PUT_OUTBOX, vars(row))

    def drop_outbox(self, recipient: bytes, upto: int) -> None:
        """Forget what the recipient has confirmed."""
        self._connection.execute(_DROP_OUTBOX, {"to": recipient, "upto": upto})

    def outbox(self) -> list[OutboxRow]:
        """All unconfirmed messages by recipient and counter."""
        return [OutboxRow(**row) for row in self._connection.execute(_OUTBOX).mappings()]

    def mark_seen(self, sender: bytes, counter: int) -> bool:
        """Note a numbered message as dealt with; False where it already was. Numbers below the floor are not kept."""
        floor = self.seen_floor(sender)
        if counter <= floor:
            return False
        if counter > floor + 1:
            return self._connection.execute(_MARK_SEEN, {"sender": sender, "counter": counter}).rowcount == 1
        while self._connection.execute(_DROP_SEEN, {"of": sender, "number": counter + 1}).rowcount:
            counter += 1
        self._connection.execute(_RAISE_FLOOR, {"sender": sender, "counter": counter})
        return True

    def is_seen(self, sender: bytes, counter: int) -> bool:
        """Whether a numbered message was dealt with."""
        if counter <= self.seen_floor(sender):
            return True
        return self._connection.scalar(_IS_SEEN, {"of": sender, "number": counter}) is not None

    def seen_floor(self, sender: bytes) -> int:
        """Greatest number below which every message of a sender was dealt with."""
        return self._connection.scalar(_FLOOR, {"of": sender}) or 0

    def save_slot_note(self, note: SlotNote) -> None:
        """Keep why we ordered what we ordered."""
        self._connection.execute(_SAVE_SLOT_NOTE, vars(note))

    def slot_notes(self, slot: int) -> list[SlotNote]:
        """The notes of a slot by gate."""
        return [SlotNote(**row) for row in self._connection.execute(_SLOT_NOTES, {"of": slot}).mappings()]

    def save_round_note(self, note: RoundNote) -> None:
        """Keep what a round came to."""
        self._connection.execute(_SAVE_ROUND_NOTE, vars(note))

    def round_notes(self, slot: int) -> list[RoundNote]:
        """The notes of a slot's rounds by gate."""
        return [RoundNote(**row) for row in self._connection.execute(_ROUND_NOTES, {"of": slot}).mappings()]

    def convict(self, row: Conviction) -> None:
        """Keep for ever that a member misbehaved; the first time counts."""
        self._connection.execute(_CONVICT, vars(row))

    def convicted(self) -> list[Conviction]:
        """Everybody who was convicted, by the hash of the key."""
        return [Conviction(**row) for row in self._connection.execute(_CONVICTED).mappings()]

    def add_event(self, row: EventRow) -> None:
        """Keep an event."""
        self._connection.execute(_ADD_EVENT, {"time_s": row.time_s, "name": row.name, "details": row.details})

    def events(self, since_s: int, names: tuple[str, ...] = ()) -> list[EventRow]:
        """Events from a calendar time on, of some names or of all, in the order they happened."""
        e = t.events.c
        query = sa.select(e.time_s, e.name, e.details).where(e.time_s >= since_s).order_by(e.number)
        if names:
            query = query.where(e.name.in_(names))
        return [EventRow(**row) for row in self._connection.execute(query).mappings()]

    def setting(self, name: str) -> str | None:
        """A setting of the household, such as `trading`."""
        return self._connection.scalar(_SETTING, {"of": name})

    def set_setting(self, name: str, value: str) -> None:
        """Change a setting of the household."""
        self._connection.execute(_SET_SETTING, {"name": name, "value": value})


def _deal(row: dict[str, object]) -> Deal:
    del row["id"], row["slot"]
    row["role"] = Role(str(row["role"]))
    return Deal(**row)  # type: ignore[arg-type]
