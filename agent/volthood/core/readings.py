"""What intake knows of one node's durable stream: a machine over records whose signature is already verified.

Trust rules:

- `rseq` counts records without a gap from 1. A record is taken whatever its order; a gap stays open until its records
  come or the node closes it in a signed record. The receipt is the greatest r such that all rseq <= r are held or
  closed: it never falls, and nothing below it was guessed.
- `prev` is the hash of the record before. It is checked as soon as a record and its neighbour are both held and only
  never-used rseq lie between: for a late record against both sides. Behind a dropped or unreadable record it cannot be
  checked, and that is said. `prev_slot` links slot records likewise. A link that fails is refused; so are two records
  with one rseq, and a boot counter that runs backwards (a board rolled back or copied).
- The same record again is a duplicate, no fault: receipts get lost.
- A node with several meters has one stream. Its links run through the records of all of them; a clock or register that
  runs backwards is looked for between two records of one meter.
- A closed range closes what is missing; what is held stays held, and what arrives after all is still taken.
- A clock or register that runs backwards, a meter that changed, a time without trust are facts of the world: the record
  is kept as it is, and the finding says so. What may be billed is decided in `energy`.

Memory: digests of the newest `WINDOW` records, and one pair of numbers a gap, at most `MAX_RANGES`; a record that would
open one more is refused and not acknowledged, so the node will send it again.

The machine holds what was *taken*; a receipt may leave only after the store has committed it.
"""

from bisect import bisect_left, insort
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from volthood.core.ranges import Ranges
from volthood.errors import PeerError
from volthood.wire.record import (
    DROPPED,
    GENESIS,
    INFORMATIVE,
    METER_SWAPPED,
    RELATIVE,
    ROLLED_OVER,
    SYNCHRONISED,
    UNREADABLE,
    UNUSED,
    Record,
)

WINDOW = 4096
"""Records whose links are remembered: nearly three days of minutes."""
MAX_RANGES = 1024
"""Ranges of held or closed rseq, so one more than the gaps."""

Closed = tuple[int, int, int]
"""(first rseq, last rseq, reason) as the wire has it."""


class Finding(StrEnum):
    """What is odd about a record that is nevertheless taken."""

    OUT_OF_ORDER = "out_of_order"
    LINK_UNVERIFIED = "link_unverified"
    TIME_BACKWARDS = "time_backwards"
    TIME_UNTRUSTED = "time_untrusted"
    REGISTER_BACKWARDS = "register_backwards"
    REGISTER_ROLLED_OVER = "register_rolled_over"
    METER_CHANGED = "meter_changed"
    CLOSED_BEFORE = "closed_before"


@dataclass(frozen=True)
class Taken:
    """What became of a record: `new` is False for a duplicate, `closed` the ranges its node gave up with it."""

    new: bool
    findings: tuple[Finding, ...] = ()
    closed: tuple[Closed, ...] = ()


@dataclass(frozen=True)
class Link:
    """A held record and its digest, the 16 bytes by which the next one names it."""

    record: Record
    digest: bytes


class Stream:
    """One node's durable stream, fed with verified records in any order."""

    def __init__(
        self, held: Iterable[tuple[int, int]] = (), closed: Iterable[Closed] = (), recent: Iterable[Link] = ()
    ) -> None:
        """Takes up where a store left off: ranges held, ranges closed, and the newest records for their links.

        `held` of (1, n) alone starts behind n records that an earlier agent acknowledged.
        """
        self._held = Ranges(held)
        self._covered = self._held.copy()
        self._closed = {reason: Ranges() for reason in (UNUSED, DROPPED, UNREADABLE)}
        for first, last, reason in closed:
            self._closed[reason].add(first, last)
            self._covered.add(first, last)
        self._links: dict[int, Link] = {}
        self._order: list[int] = []
        self._slots: list[int] = []
        for link in recent:
            self._remember(link)

    @property
    def receipt(self) -> int:
        """The greatest r such that every rseq from 1 to r is held or closed; 0 without any."""
        first, last = next(iter(self._covered), (0, 0))
        return last if first == 1 else 0

    @property
    def missing(self) -> list[tuple[int, int]]:
        """The ranges below the greatest known rseq that are neither held nor closed: what to ask the node for."""
        return self._covered.outside(1, max((last for _, last in self._covered), default=0))

    @property
    def lost(self) -> list[Closed]:
        """The ranges that the node dropped or could not read and that never arrived."""
        return [
            (first, last, reason)
            for reason in (DROPPED, UNREADABLE)
            for low, high in self._closed[reason]
            for first, last in self._held.outside(low, high)
        ]

    def take(self, record: Record, digest: bytes) -> Taken:
        """Takes a verified record; `digest` is its `record_hash`.

        Raises: `PeerError` `rseq_conflict`, `boot_backwards`, `link_broken`, `slot_link_broken` or `too_many_gaps`;
        the stream is then as before.
        """
        if record.rseq in self._held:
            known = self._links.get(record.rseq)
            if known is not None and known.digest != digest:
                raise PeerError("rseq_conflict", f"two records with rseq {record.rseq}")
            return Taken(new=False)
        after_it = _Coverage(self._covered, self._closed, record)
        link = Link(record, digest)
        findings = self._check(link, after_it)
        fresh = tuple(row for row in record.closed if not self._covered.covers(row[0], row[1]))
        self._covered, self._closed = after_it.covered, after_it.closed
        self._held.add(record.rseq, record.rseq)
        self._remember(link)
        return Taken(new=True, findings=findings, closed=fresh)

    def _remember(self, link: Link) -> None:
        rseq = link.record.rseq
        self._links[rseq] = link
        insort(self._order, rseq)
        if link.record.is_slot:
            insort(self._slots, rseq)
        if len(self._order) > WINDOW:
            oldest = self._order.pop(0)
            del self._links[oldest]
            if self._slots and self._slots[0] == oldest:
                del self._slots[0]

    def _neighbours(self, order: list[int], rseq: int) -> tuple[Link | None, Link | None]:
        index = bisect_left(order, rseq)
        before = self._links[order[index - 1]] if index else None
        after = self._links[order[index]] if index < len(order) else None
        return before, after

    def _last_of_meter(self, record: Record) -> Record | None:
        """The record before of the same meter: several on one node share its stream."""
        for place in range(bisect_left(self._order, record.rseq) - 1, -1, -1):
            earlier = self._links[self._order[place]].record
            if earlier.index == record.index:
                return earlier
        return None

    def _check(self, link: Link, known: "_Coverage") -> tuple[Finding, ...]:
        rseq = link.record.rseq
        before, after = self._neighbours(self._order, rseq)
        unverified = known.unverified(before, link) or (after is not None and known.unverified(link, after))
        if link.record.is_slot:
            self._check_slots(link, known)
        last = self._last_of_meter(link.record)
        findings = [] if last is None else _compared(last, link.record)
        if not _trusted(link.record):
            findings.append(Finding.TIME_UNTRUSTED)
        if unverified:
            findings.append(Finding.LINK_UNVERIFIED)
        if after is not None or not known.covered.covers(1, rseq - 1):
            findings.append(Finding.OUT_OF_ORDER)
        if rseq in self._covered:
            findings.append(Finding.CLOSED_BEFORE)
        return tuple(findings)

    def _check_slots(self, link: Link, known: "_Coverage") -> None:
        before, after = self._neighbours(self._slots, link.record.rseq)
        for earlier, later in ((before, link), (link, after)):
            if earlier is not None and later is not None and known.slot_link_broken(earlier, later):
                raise PeerError("slot_link_broken", f"rseq {later.record.rseq} does not follow {earlier.record.rseq}")


class _Coverage:
    """What would be held or closed with one more record, and what that says about links."""

    def __init__(self, covered: Ranges, closed: dict[int, Ranges], record: Record) -> None:
        self.covered = covered.copy()
        self.closed = closed
        self.covered.add(record.rseq, record.rseq)
        if record.closed:
            self.closed = {reason: ranges.copy() for reason, ranges in closed.items()}
        for first, last, reason in record.closed:
            self.covered.add(first, last)
            self.closed[reason].add(first, last)
        if max(len(self.covered), *map(len, self.closed.values())) > MAX_RANGES:
            raise PeerError("too_many_gaps", f"with rseq {record.rseq}")

    def unverified(self, earlier: Link | None, later: Link) -> bool:
        """Whether the link between two neighbours can never be checked. Raises: `PeerError` where it is broken."""
        rseq, digest, boot = (0, GENESIS, 0) if earlier is None else _named(earlier)
        record = later.record
        if boot > record.boot:
            raise PeerError("boot_backwards", f"rseq {record.rseq} of boot {record.boot} follows boot {boot}")
        if record.prev == digest:
            return False
        if self._lossy(rseq, record.rseq - 1):
            return True
        if self.closed[UNUSED].covers(rseq + 1, record.rseq - 1):
            raise PeerError("link_broken", f"rseq {record.rseq} does not follow {rseq}")
        return self.covered.covers(rseq + 1, record.rseq - 1)

    def slot_link_broken(self, earlier: Link, later: Link) -> bool:
        """Whether two neighbouring slot records should name each other and do not."""
        first, last = earlier.record.rseq, later.record.rseq - 1
        if later.record.prev_slot == earlier.digest or self._lossy(first, last):
            return False
        return self.covered.covers(first, last)

    def _lossy(self, first: int, last: int) -> bool:
        return any(self.closed[reason].touches(first, last) for reason in (DROPPED, UNREADABLE))


def _named(link: Link) -> tuple[int, bytes, int]:
    return link.record.rseq, link.digest, link.record.boot


def _trusted(record: Record) -> bool:
    return record.quality in {SYNCHRONISED, INFORMATIVE}


def _compared(before: Record, record: Record) -> list[Finding]:
    findings = []
    same_clock = _trusted(before) and _trusted(record)
    if before.quality == record.quality == RELATIVE and before.boot == record.boot:
        same_clock = True
    if same_clock and record.time_s < before.time_s:
        findings.append(Finding.TIME_BACKWARDS)
    if before.meter != record.meter or record.flags & METER_SWAPPED:
        findings.append(Finding.METER_CHANGED)
    elif record.flags & ROLLED_OVER:
        findings.append(Finding.REGISTER_ROLLED_OVER)
    elif record.import_wh < before.import_wh or record.export_wh < before.export_wh:
        findings.append(Finding.REGISTER_BACKWARDS)
    return findings
