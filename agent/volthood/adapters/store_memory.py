"""Both stores in dictionaries: for simulations of thousands of agents, and for tests that crash one in mid-step.

The same contract as the SQL stores, and the same answer to a crash: `rollback` gives back exactly what the last `commit`
held. Every write notes what it replaced; a commit forgets the notes, a rollback replays them backwards.
"""

from bisect import bisect_left, insort
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterator
from dataclasses import replace
from typing import TypeVar

from volthood.core.deals import Deal
from volthood.core.ranges import Ranges
from volthood.errors import LocalError
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

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")
Row = TypeVar("Row", int, tuple[int, int, bytes])


class _MemoryStore:
    """Writes with a way back."""

    def __init__(self) -> None:
        self._undo: list[Callable[[], object]] = []

    def commit(self) -> None:
        """Make everything written since the last call survive a `rollback`."""
        self._undo.clear()

    def rollback(self) -> None:
        """Lose everything written since the last `commit`, as a process that dies does."""
        while self._undo:
            self._undo.pop()()

    def _put(self, table: dict[Key, Value], key: Key, value: Value) -> None:
        if key in table:
            before = table[key]
            self._undo.append(lambda: table.__setitem__(key, before))
        else:
            self._undo.append(lambda: table.pop(key))
        table[key] = value

    def _drop(self, table: dict[Key, Value], key: Key) -> None:
        before = table.pop(key)
        self._undo.append(lambda: table.__setitem__(key, before))


class MemoryReadingStore(_MemoryStore):
    """`ports.stores.ReadingStore` in memory."""

    def __init__(self) -> None:
        super().__init__()
        self._records: dict[tuple[bytes, int], StoredRecord] = {}
        self._by_time: list[tuple[int, int, bytes]] = []
        self._held: defaultdict[bytes, list[int]] = defaultdict(list)
        self._closed: dict[tuple[bytes, int, int], int] = {}
        self._history: dict[int, HistorySlot] = {}
        self._history_slots: list[int] = []

    def add_record(self, record: StoredRecord) -> bool:
        """Keep a record for ever; False where this (node, rseq) is already kept."""
        key = (record.node, record.rseq)
        if key in self._records:
            return False
        self._put(self._records, key, record)
        self._insert(self._by_time, (record.time_s, record.rseq, record.node))
        self._insert(self._held[record.node], record.rseq)
        return True

    def _insert(self, rows: list[Row], row: Row) -> None:
        insort(rows, row)
        self._undo.append(lambda: rows.remove(row))

    def set_time(self, node: bytes, rseq: int, time_s: int) -> None:
        """A kept record's time becomes known; its signed bytes stay."""
        before = self._records.get((node, rseq))
        if before is None:
            return
        row = (before.time_s, rseq, node)
        self._by_time.remove(row)
        self._undo.append(lambda: insort(self._by_time, row))
        self._put(self._records, (node, rseq), replace(before, time_s=time_s))
        self._insert(self._by_time, (time_s, rseq, node))

    def record(self, node: bytes, rseq: int) -> bytes | None:
        """The signed bytes kept under a number."""
        found = self._records.get((node, rseq))
        return None if found is None else found.data

    def close_range(self, node: bytes, first: int, last: int, reason: int) -> None:
        """Keep that a range of numbers will never come, and why; the first reason stays."""
        if (node, first, last) not in self._closed:
            self._put(self._closed, (node, first, last), reason)

    def held_ranges(self, node: bytes) -> list[tuple[int, int]]:
        """Ranges of rseq that are stored, ascending and merged."""
        return list(Ranges((rseq, rseq) for rseq in self._held[node]))

    def closed_ranges(self, node: bytes) -> list[tuple[int, int, int]]:
        """Ranges that will never come, with their reason."""
        return sorted((first, last, why) for (owner, first, last), why in self._closed.items() if owner == node)

    def last_records(self, node: bytes, count: int) -> list[bytes]:
        """The newest signed records, oldest first."""
        return [self._records[node, rseq].data for rseq in self._held[node][-count:]]

    def slot_records(self, start_s: int, end_s: int) -> list[StoredRecord]:
        """Slot records with start_s <= time < end_s by time."""
        return [record for record in self.records_between(start_s, end_s) if record.is_slot]

    def records_between(self, start_s: int, end_s: int) -> list[StoredRecord]:
        """All records with start_s <= time < end_s by time."""
        low, high = (bisect_left(self._by_time, (time_s, 0, b"")) for time_s in (start_s, end_s))
        return [self._records[node, rseq] for _, rseq, node in self._by_time[low:high]]

    def all_records(self) -> Iterator[StoredRecord]:
        """Every record by node and rseq."""
        return (self._records[key] for key in sorted(self._records))

    def import_history(self, rows: list[HistorySlot]) -> None:
        """Keep slots for forecasts; those already kept stay as they are."""
        for row in rows:
            if row.slot not in self._history:
                self._put(self._history, row.slot, row)
                self._insert(self._history_slots, row.slot)

    def history(self, start_s: int, end_s: int) -> list[HistorySlot]:
        """Those slots in [start_s, end_s) by time."""
        low, high = bisect_left(self._history_slots, start_s), bisect_left(self._history_slots, end_s)
        return [self._history[slot] for slot in self._history_slots[low:high]]


class MemoryTradeStore(_MemoryStore):
    """`ports.stores.TradeStore` in memory."""

    def __init__(self) -> None:
        super().__init__()
        self._counters: dict[str, int] = {}
        self._posted: dict[tuple[RoundKey, str], bytes] = {}
        self._books: dict[RoundKey, bytes] = {}
        self._deals: defaultdict[int, dict[bytes, Deal]] = defaultdict(dict)
        self._slot_of: dict[bytes, int] = {}
        self._outbox: dict[tuple[bytes, int], OutboxRow] = {}
        self._seen: dict[tuple[bytes, int], bool] = {}
        self._floors: dict[bytes, int] = {}
        self._slot_notes: defaultdict[int, dict[int, SlotNote]] = defaultdict(dict)
        self._round_notes: defaultdict[int, dict[int, RoundNote]] = defaultdict(dict)
        self._convicted: dict[bytes, Conviction] = {}
        self._events: list[EventRow] = []
        self._settings: dict[str, str] = {}

    def next_counter(self, name: str) -> int:
        """1, 2, 3, ... for each name, never twice."""
        value = self._counters.get(name, 0) + 1
        self._put(self._counters, name, value)
        return value

    def save_posted(self, key: RoundKey, kind: str, data: bytes) -> None:
        """Keep our own board message of a round. Raises `LocalError` for a second one of the same round and kind."""
        if (key, kind) in self._posted:
            raise LocalError(f"a second {kind} for slot {key[0]} gate {key[1]}")
        self._put(self._posted, (key, kind), data)

    def posted(self, key: RoundKey, kind: str) -> bytes | None:
        """Our own board message of a round."""
        return self._posted.get((key, kind))

    def save_book(self, key: RoundKey, encoded: bytes) -> None:
        """Keep the book that was cleared in a round; the newest counts."""
        self._put(self._books, key, encoded)

    def book(self, key: RoundKey) -> bytes | None:
        """The book that was cleared in a round."""
        return self._books.get(key)

    def forget_orders(self, before_slot: int) -> None:
        """Drop our own board messages and the books of all slots before one."""
        for posted in [key for key in self._posted if key[0][0] < before_slot]:
            self._drop(self._posted, posted)
        for book in [key for key in self._books if key[0] < before_slot]:
            self._drop(self._books, book)

    def save_deal(self, deal: Deal) -> None:
        """Keep the newest state of a deal."""
        slot = deal.contract.slot
        self._put(self._deals[slot], deal.id, deal)
        self._slot_of[deal.id] = slot

    def deals(self, since_slot: int) -> list[Deal]:
        """All deals of slots from `since_slot` on."""
        slots = sorted(slot for slot in self._deals if slot >= since_slot)
        return [self._deals[slot][key] for slot in slots for key in sorted(self._deals[slot])]

    def open_deals(self) -> list[Deal]:
        """All deals that count and wait for their settlement, however old."""
        return [deal for deal in self.deals(0) if deal.open]

    def deal(self, contract_id: bytes) -> Deal | None:
        """The deal of a contract."""
        slot = self._slot_of.get(contract_id)
        return None if slot is None else self._deals[slot].get(contract_id)

    def put_outbox(self, row: OutboxRow) -> None:
        """Keep a message until its receipt."""
        self._put(self._outbox, (row.recipient, row.counter), row)

    def drop_outbox(self, recipient: bytes, upto: int) -> None:
        """Forget what the recipient has confirmed."""
        for key in [key for key in self._outbox if key[0] == recipient and key[1] <= upto]:
            self._drop(self._outbox, key)

    @property
    def waiting(self) -> int:
        """How many messages wait for a receipt."""
        return len(self._outbox)

    def outbox(self) -> list[OutboxRow]:
        """All unconfirmed messages by recipient and counter."""
        return [self._outbox[key] for key in sorted(self._outbox)]

    def mark_seen(self, sender: bytes, counter: int) -> bool:
        """Note a numbered message as dealt with; False where it already was. Numbers below the floor are not kept."""
        if self.is_seen(sender, counter):
            return False
        self._put(self._seen, (sender, counter), True)
        floor = self.seen_floor(sender)
        while (sender, floor + 1) in self._seen:
            floor += 1
            self._drop(self._seen, (sender, floor))
        self._put(self._floors, sender, floor)
        return True

    def seen_floor(self, sender: bytes) -> int:
        """Greatest number below which every message of a sender was dealt with."""
        return self._floors.get(sender, 0)

    def is_seen(self, sender: bytes, counter: int) -> bool:
        """Whether a numbered message was dealt with."""
        return counter <= self.seen_floor(sender) or (sender, counter) in self._seen

    def save_slot_note(self, note: SlotNote) -> None:
        """Keep why we ordered what we ordered."""
        self._put(self._slot_notes[note.slot], note.gate, note)

    def slot_notes(self, slot: int) -> list[SlotNote]:
        """The notes of a slot by gate."""
        return _by_key(self._slot_notes.get(slot, {}))

    def save_round_note(self, note: RoundNote) -> None:
        """Keep what a round came to."""
        self._put(self._round_notes[note.slot], note.gate, note)

    def round_notes(self, slot: int) -> list[RoundNote]:
        """The notes of a slot's rounds by gate."""
        return _by_key(self._round_notes.get(slot, {}))

    def convict(self, row: Conviction) -> None:
        """Keep for ever that a member misbehaved; the first time counts."""
        if row.agent not in self._convicted:
            self._put(self._convicted, row.agent, row)

    def convicted(self) -> list[Conviction]:
        """Everybody who was convicted, by the hash of the key."""
        return [self._convicted[agent] for agent in sorted(self._convicted)]

    def add_event(self, row: EventRow) -> None:
        """Keep an event."""
        self._events.append(row)
        self._undo.append(self._events.pop)

    def events(self, since_s: int, names: tuple[str, ...] = ()) -> list[EventRow]:
        """Events from a calendar time on, of some names or of all, in the order they happened."""
        return [row for row in self._events if row.time_s >= since_s and (not names or row.name in names)]

    def setting(self, name: str) -> str | None:
        """A setting of the household, such as `trading`."""
        return self._settings.get(name)

    def set_setting(self, name: str, value: str) -> None:
        """Change a setting of the household."""
        self._put(self._settings, name, value)


def _by_key(table: dict[int, Value]) -> list[Value]:
    return [table[key] for key in sorted(table)]
