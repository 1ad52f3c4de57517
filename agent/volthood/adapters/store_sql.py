"""Both stores on SQLAlchemy Core: SQLite files, or in memory for tests and simulations.

A store holds one connection with one open transaction; `commit` ends it. If a write fails, the process stops and starts
again from what is on the disk: memory and disk never go separate ways.
"""

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Self

import sqlalchemy as sa
from sqlalchemy.dialects.sqlite import insert

from volthood.adapters import sql_tables as t
from volthood.core.deals import Deal, Role
from volthood.ports.stores import (
    EventRow,
    HistorySlot,
    OutboxRow,
    RoundKey,
    RoundNote,
    SlotNote,
    StoredRecord,
)


class _SqlStore:
    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine
        self._connection = engine.connect()

    def commit(self) -> None:
        """Make everything written since the last call durable."""
        self._connection.commit()

    def rollback(self) -> None:
        """Undo everything written since the last commit: what a killed process leaves behind."""
        self._connection.rollback()

    def close(self) -> None:
        """Give the file back; what was not committed is undone."""
        self._connection.close()
        self._engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()


class SqlReadingStore(_SqlStore):
    """`ports.stores.ReadingStore` in SQL."""

    @classmethod
    def open(cls, path: Path | None, *, read_only: bool = False) -> Self:
        """The store in `path`, made if it is new; in memory for None. Raises `LocalError`."""
        return cls(t.open_sqlite(path, t.reading_tables, read_only=read_only))

    def add_record(self, record: StoredRecord) -> bool:
        """Keep a record for ever; False where this (node, rseq) is already kept."""
        result = self._connection.execute(insert(t.records).values(**asdict(record)).on_conflict_do_nothing())
        return result.rowcount == 1

    def record(self, node: bytes, rseq: int) -> bytes | None:
        """The signed bytes kept under a number."""
        query = sa.select(t.records.c.data).where(t.records.c.node == node, t.records.c.rseq == rseq)
        return self._connection.scalar(query)

    def close_range(self, node: bytes, first: int, last: int, reason: int) -> None:
        """Keep that a range of numbers will never come, and why."""
        row = {"node": node, "first": first, "last": last, "reason": reason}
        self._connection.execute(insert(t.closed).values(row).on_conflict_do_nothing())

    def held_ranges(self, node: bytes) -> list[tuple[int, int]]:
        """Ranges of rseq that are stored, ascending and merged."""
        r = t.records.c
        island = (r.rseq - sa.func.row_number().over(order_by=r.rseq)).label("island")
        numbered = sa.select(r.rseq, island).where(r.node == node).subquery()
        first, last = sa.func.min(numbered.c.rseq), sa.func.max(numbered.c.rseq)
        query = sa.select(first, last).group_by(numbered.c.island).order_by(first)
        return [(low, high) for low, high in self._connection.execute(query)]

    def closed_ranges(self, node: bytes) -> list[tuple[int, int, int]]:
        """Ranges that will never come, with their reason."""
        c = t.closed.c
        query = sa.select(c.first, c.last, c.reason).where(c.node == node).order_by(c.first)
        return [(first, last, reason) for first, last, reason in self._connection.execute(query)]

    def last_records(self, node: bytes, count: int) -> list[bytes]:
        """The newest signed records, oldest first."""
        query = (
            sa.select(t.records.c.data).where(t.records.c.node == node).order_by(t.records.c.rseq.desc()).limit(count)
        )
        return list(self._connection.scalars(query))[::-1]

    def slot_records(self, start_s: int, end_s: int) -> list[StoredRecord]:
        """Slot records with start_s <= time < end_s by time."""
        return self._select_records(t.records.c.is_slot, start_s, end_s)

    def records_between(self, start_s: int, end_s: int) -> list[StoredRecord]:
        """All records with start_s <= time < end_s by time."""
        return self._select_records(sa.true(), start_s, end_s)

    def all_records(self) -> Iterator[StoredRecord]:
        """Every record by node and rseq."""
        query = sa.select(t.records).order_by(t.records.c.node, t.records.c.rseq)
        for row in self._connection.execute(query).mappings():
            yield StoredRecord(**row)

    def _select_records(self, only: sa.ColumnElement[bool], start_s: int, end_s: int) -> list[StoredRecord]:
        r = t.records.c
        query = sa.select(t.records).where(only, r.time_s >= start_s, r.time_s < end_s).order_by(r.time_s, r.rseq)
        return [StoredRecord(**row) for row in self._connection.execute(query).mappings()]

    def import_history(self, rows: list[HistorySlot]) -> None:
        """Keep imported slots; those already kept stay as they are."""
        if rows:
            self._connection.execute(insert(t.history).on_conflict_do_nothing(), [asdict(row) for row in rows])

    def history(self, start_s: int, end_s: int) -> list[HistorySlot]:
        """Imported slots in [start_s, end_s) by time."""
        h = t.history.c
        query = sa.select(t.history).where(h.slot >= start_s, h.slot < end_s).order_by(h.slot)
        return [HistorySlot(**row) for row in self._connection.execute(query).mappings()]


class SqlTradeStore(_SqlStore):
    """`ports.stores.TradeStore` in SQL."""

    @classmethod
    def open(cls, path: Path | None, *, read_only: bool = False) -> Self:
        """The store in `path`, made if it is new; in memory for None. Raises `LocalError`."""
        return cls(t.open_sqlite(path, t.trade_tables, read_only=read_only))

    def _upsert(self, table: sa.Table, row: dict[str, object]) -> None:
        keys = [column.name for column in table.primary_key]
        changed = {name: value for name, value in row.items() if name not in keys}
        self._connection.execute(insert(table).values(row).on_conflict_do_update(index_elements=keys, set_=changed))

    def next_counter(self, name: str) -> int:
        """1, 2, 3, ... for each name, never twice."""
        query = (
            insert(t.counters)
            .values(name=name, value=1)
            .on_conflict_do_update(index_elements=["name"], set_={"value": t.counters.c.value + 1})
            .returning(t.counters.c.value)
        )
        value: int = self._connection.execute(query).scalar_one()
        return value

    def save_posted(self, key: RoundKey, kind: str, data: bytes) -> None:
        """Keep our own board message of a round; a second one for the same round and kind is refused by the key."""
        self._connection.execute(t.posted.insert().values(slot=key[0], gate=key[1], kind=kind, data=data))

    def posted(self, key: RoundKey, kind: str) -> bytes | None:
        """Our own board message of a round."""
        p = t.posted.c
        query = sa.select(p.data).where(p.slot == key[0], p.gate == key[1], p.kind == kind)
        return self._connection.scalar(query)

    def save_deal(self, deal: Deal) -> None:
        """Keep the newest state of a deal."""
        row = asdict(deal) | {"id": deal.id, "slot": deal.contract.slot, "role": deal.role.value}
        self._upsert(t.deals, row)

    def deals(self, since_slot: int) -> list[Deal]:
        """All deals of slots from `since_slot` on."""
        query = sa.select(t.deals).where(t.deals.c.slot >= since_slot).order_by(t.deals.c.slot, t.deals.c.id)
        return [_deal(dict(row)) for row in self._connection.execute(query).mappings()]

    def open_deals(self) -> list[Deal]:
        """All deals that count and wait for their settlement, however old."""
        d = t.deals.c
        unsigned = d.own_settlement.is_(None) | d.peer_settlement.is_(None)
        query = sa.select(t.deals).where(d.counted, unsigned, ~d.voided, ~d.disputed, ~d.expired).order_by(d.slot, d.id)
        return [_deal(dict(row)) for row in self._connection.execute(query).mappings()]

    def deal(self, contract_id: bytes) -> Deal | None:
        """The deal of a contract."""
        row = self._connection.execute(sa.select(t.deals).where(t.deals.c.id == contract_id)).mappings().first()
        return None if row is None else _deal(dict(row))

    def put_outbox(self, row: OutboxRow) -> None:
        """Keep a message until its receipt."""
        self._connection.execute(t.outbox.insert().values(**asdict(row)))

    def drop_outbox(self, recipient: bytes, upto: int) -> None:
        """Forget what the recipient has confirmed."""
        o = t.outbox.c
        self._connection.execute(t.outbox.delete().where(o.recipient == recipient, o.counter <= upto))

    def outbox(self) -> list[OutboxRow]:
        """All unconfirmed messages by recipient and counter."""
        query = sa.select(t.outbox).order_by(t.outbox.c.recipient, t.outbox.c.counter)
        return [OutboxRow(**row) for row in self._connection.execute(query).mappings()]

    def mark_seen(self, sender: bytes, counter: int) -> bool:
        """Note a numbered message as dealt with; False where it already was. Numbers below the floor are not kept."""
        if self.is_seen(sender, counter):
            return False
        self._connection.execute(t.seen.insert().values(sender=sender, counter=counter))
        floor = self.seen_floor(sender)
        s = t.seen.c
        while self._connection.execute(t.seen.delete().where(s.sender == sender, s.counter == floor + 1)).rowcount:
            floor += 1
        self._upsert(t.seen_floors, {"sender": sender, "counter": floor})
        return True

    def is_seen(self, sender: bytes, counter: int) -> bool:
        """Whether a numbered message was dealt with."""
        s = t.seen.c
        query = sa.select(s.counter).where(s.sender == sender, s.counter == counter)
        return counter <= self.seen_floor(sender) or self._connection.scalar(query) is not None

    def seen_floor(self, sender: bytes) -> int:
        """Greatest number below which every message of a sender was dealt with."""
        query = sa.select(t.seen_floors.c.counter).where(t.seen_floors.c.sender == sender)
        return self._connection.scalar(query) or 0

    def save_slot_note(self, note: SlotNote) -> None:
        """Keep why we ordered what we ordered."""
        self._upsert(t.slot_notes, asdict(note))

    def slot_notes(self, slot: int) -> list[SlotNote]:
        """The notes of a slot by gate."""
        query = sa.select(t.slot_notes).where(t.slot_notes.c.slot == slot).order_by(t.slot_notes.c.gate)
        return [SlotNote(**row) for row in self._connection.execute(query).mappings()]

    def save_round_note(self, note: RoundNote) -> None:
        """Keep what a round came to."""
        self._upsert(t.round_notes, asdict(note))

    def round_notes(self, slot: int) -> list[RoundNote]:
        """The notes of a slot's rounds by gate."""
        query = sa.select(t.round_notes).where(t.round_notes.c.slot == slot).order_by(t.round_notes.c.gate)
        return [RoundNote(**row) for row in self._connection.execute(query).mappings()]

    def add_event(self, row: EventRow) -> None:
        """Keep an event."""
        self._connection.execute(t.events.insert().values(**asdict(row)))

    def events(self, since_s: int, names: tuple[str, ...] = ()) -> list[EventRow]:
        """Events from a calendar time on, of some names or of all, in the order they happened."""
        e = t.events.c
        query = sa.select(e.time_s, e.name, e.details).where(e.time_s >= since_s).order_by(e.number)
        if names:
            query = query.where(e.name.in_(names))
        return [EventRow(**row) for row in self._connection.execute(query).mappings()]

    def setting(self, name: str) -> str | None:
        """A setting of the household, such as `trading`."""
        return self._connection.scalar(sa.select(t.settings.c.value).where(t.settings.c.name == name))

    def set_setting(self, name: str, value: str) -> None:
        """Change a setting of the household."""
        self._upsert(t.settings, {"name": name, "value": value})


def _deal(row: dict[str, object]) -> Deal:
    del row["id"], row["slot"]
    row["role"] = Role(str(row["role"]))
    return Deal(**row)  # type: ignore[arg-type]
