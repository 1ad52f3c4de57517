"""What the engine keeps, and how it asks for it.

Writes become durable at `commit`; the composition root commits before it carries out the commands that the engine
returned, so nothing is sent that a power cut could make unsaid.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from volthood.core.deals import Deal

RoundKey = tuple[int, int]
"""(slot, gate) within the hood of the store."""


@dataclass(frozen=True)
class StoredRecord:
    """One verified record of a node, with what queries need. `time_s` is stamped where the record itself counts from boot."""

    node: bytes
    rseq: int
    time_s: int
    is_slot: bool
    import_wh: int
    export_wh: int
    power_w: int
    data: bytes


@dataclass(frozen=True)
class HistorySlot:
    """Energy of one past slot for forecasts, never billed: imported from elsewhere, or the meter's split into both."""

    slot: int
    load_wh: int
    pv_wh: int


@dataclass(frozen=True)
class OutboxRow:
    """A sealed message that its recipient has not confirmed."""

    recipient: bytes
    counter: int
    sealed: bytes


@dataclass(frozen=True)
class SlotNote:
    """What was forecast and ordered for a slot, and the tariff logged before the order."""

    slot: int
    gate: int
    forecast_net_wh: int | None
    forecast_low_wh: int | None
    forecast_high_wh: int | None
    forecast_method: str
    side: int
    order_wh: int
    limit_mct_per_kwh: int | None
    import_mct_per_kwh: int
    export_mct_per_kwh: int
    reason: str


@dataclass(frozen=True)
class RoundNote:
    """What our own clearing of a round's book came to; the price is None where buyers pay different ones."""

    slot: int
    gate: int
    orders: int
    bundles: int
    traded_wh: int
    price_mct_per_kwh: int | None
    book: bytes


@dataclass(frozen=True)
class EventRow:
    """Something worth telling: its calendar time, name and details."""

    time_s: int
    name: str
    details: str


@dataclass(frozen=True)
class Conviction:
    """A member whom public evidence convicted: by the hash of its key, in which slot, and of what."""

    agent: bytes
    slot: int
    why: str


class ReadingStore(Protocol):
    """Records of the household's own nodes, and imported history."""

    def add_record(self, record: StoredRecord) -> bool:
        """Keep a record for ever; False where this (node, rseq) is already kept."""

    def set_time(self, node: bytes, rseq: int, time_s: int) -> None:
        """A kept record's time becomes known; its signed bytes stay."""

    def record(self, node: bytes, rseq: int) -> bytes | None:
        """The signed bytes kept under a number."""

    def close_range(self, node: bytes, first: int, last: int, reason: int) -> None:
        """Keep that a range of numbers will never come, and why."""

    def held_ranges(self, node: bytes) -> list[tuple[int, int]]:
        """Ranges of rseq that are stored, ascending and merged."""

    def closed_ranges(self, node: bytes) -> list[tuple[int, int, int]]:
        """Ranges that will never come, with their reason."""

    def last_records(self, node: bytes, count: int) -> list[bytes]:
        """The newest signed records, oldest first: where the chain goes on after a restart."""

    def slot_records(self, start_s: int, end_s: int) -> list[StoredRecord]:
        """Slot records with start_s <= time < end_s by time."""

    def all_records(self) -> Iterator[StoredRecord]:
        """Every record by node and rseq."""

    def import_history(self, rows: list[HistorySlot]) -> None:
        """Keep slots for forecasts; those already kept stay as they are."""

    def history(self, start_s: int, end_s: int) -> list[HistorySlot]:
        """Those slots in [start_s, end_s) by time."""

    def commit(self) -> None:
        """Make everything durable."""


class TradeStore(Protocol):
    """Own messages, deals, outbox, settings and the story of each slot. Every commit is synchronous."""

    def next_counter(self, name: str) -> int:
        """1, 2, 3, ... for each name, never twice."""

    def save_posted(self, key: RoundKey, kind: str, data: bytes) -> None:
        """Keep our own board message of a round: it is sent again as it is. Raises `LocalError` for a second version."""

    def posted(self, key: RoundKey, kind: str) -> bytes | None:
        """Our own board message of a round."""

    def save_book(self, key: RoundKey, encoded: bytes) -> None:
        """Keep the book that was cleared in a round; the newest counts."""

    def book(self, key: RoundKey) -> bytes | None:
        """The book that was cleared in a round."""

    def forget_orders(self, before_slot: int) -> None:
        """Drop our own board messages and the books of all slots before one."""

    def save_deal(self, deal: Deal) -> None:
        """Keep the newest state of a deal."""

    def deals(self, since_slot: int) -> list[Deal]:
        """All deals of slots from `since_slot` on."""

    def open_deals(self) -> list[Deal]:
        """All deals that count and wait for their settlement, however old."""

    def deal(self, contract_id: bytes) -> Deal | None:
        """The deal of a contract."""

    def put_outbox(self, row: OutboxRow) -> None:
        """Keep a message until its receipt."""

    def drop_outbox(self, recipient: bytes, upto: int) -> None:
        """Forget what the recipient has confirmed."""

    def outbox(self) -> list[OutboxRow]:
        """All unconfirmed messages by recipient and counter."""

    def mark_seen(self, sender: bytes, counter: int) -> bool:
        """Note a numbered message as dealt with; False where it already was."""

    def seen_floor(self, sender: bytes) -> int:
        """Greatest number below which every message of a sender was dealt with."""

    def is_seen(self, sender: bytes, counter: int) -> bool:
        """Whether a numbered message was dealt with."""

    def save_slot_note(self, note: SlotNote) -> None:
        """Keep why we ordered what we ordered."""

    def slot_notes(self, slot: int) -> list[SlotNote]:
        """The notes of a slot by gate."""

    def save_round_note(self, note: RoundNote) -> None:
        """Keep what a round came to."""

    def round_notes(self, slot: int) -> list[RoundNote]:
        """The notes of a slot's rounds by gate."""

    def convict(self, row: Conviction) -> None:
        """Keep for ever that a member misbehaved; the first time counts."""

    def convicted(self) -> list[Conviction]:
        """Everybody who was convicted, by the hash of the key."""

    def add_event(self, row: EventRow) -> None:
        """Keep an event."""

    def events(self, since_s: int, names: tuple[str, ...] = ()) -> list[EventRow]:
        """Events of these names, or all, from an instant on, as they were added."""

    def setting(self, name: str) -> str | None:
        """A setting of the household, such as `trading`."""

    def set_setting(self, name: str, value: str) -> None:
        """Change a setting of the household."""

    def commit(self) -> None:
        """Make everything durable."""
