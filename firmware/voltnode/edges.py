"""Which readings become records: those nearest to the calendar's minute edges, of which some are slot edges.

Rules:

- An edge is decided as soon as no later reading can be nearer. Of two equally near readings the earlier one is taken.
  Nothing is interpolated; the record says the reading's own time.
- A reading further from the edge than the tolerance is no reading of that edge: the edge has no record, and the next
  record says that there was a gap.
- The tolerance is 60 s or four sampling intervals in calendar time, whichever is more, and at most a quarter of a slot. So
  the edge of a slot record is its time rounded to the nearest slot edge, and nobody has to be told.
- A slot edge is a minute edge too and has one record, the slot record. A minute record is never made of the reading that
  the record before it was made of.
- A calendar that is not known yet has minute edges since boot and no slot edges.

No I/O and no clock: times are arguments, in ms of one calendar.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

MINUTE_MS = 60_000
_SLOT_PARTS = 4


def tolerance_ms(slot_s: int, sample_ms: int, speed: int) -> int:
    """How far from an edge its reading may lie, in calendar ms."""
    return min(max(MINUTE_MS, 4 * sample_ms * speed), slot_s * 1000 // _SLOT_PARTS)


class Cut:
    """A reading that becomes a record.

    Attributes:
        time_ms: when the meter was read.
        reading: what it said.
        is_slot: whether it stands for a slot edge.
        gap: whether an edge before it has no record.
        level_is_new: whether the registers do not go on from those of the record before.
    """

    level_is_new = False

    def __init__(self, time_ms: int, reading: "Any", is_slot: bool, gap: bool) -> None:
        self.time_ms = time_ms
        self.reading = reading
        self.is_slot = is_slot
        self.gap = gap


class EdgeCutter:
    """Cuts a row of readings at the edges of one calendar.

    Args:
        slot_s: length of a slot, or 0 while the calendar is relative: then there are no slot edges.
        tolerance: see `tolerance_ms`.
        last_ms: time of the newest record in this calendar, None without any.
        last_slot_ms: time of the newest slot record, None without any.
        gap: whether the first record follows a gap in any case: the clock was set.
    """

    def __init__(
        self, slot_s: int, tolerance: int, last_ms: "int | None", last_slot_ms: "int | None", gap: bool = False
    ) -> None:
        self._slot_ms = slot_s * 1000
        self._tolerance = tolerance
        self._last_ms = last_ms
        self._last_slot_edge = None if last_slot_ms is None or not slot_s else self._slot_edge_near(last_slot_ms)
        self._edge = -1
        self._before: tuple[int, object] | None = None
        self._gap = gap
        self.missed_slots = 0

    def feed(self, time_ms: int, reading: "Any") -> "list[Cut]":
        """The records that a reading decides; `time_ms` not before the reading fed last."""
        if self._edge < 0:
            self._edge = self._first_edge(time_ms)
        cuts: list[Cut] = []
        while self._edge <= time_ms:
            before = self._before
            if before is not None and self._edge - before[0] <= time_ms - self._edge:
                self._decide(cuts, before)
            else:
                self._decide(cuts, (time_ms, reading))
        self._before = (time_ms, reading)
        return cuts

    def tick(self, now_ms: int) -> "list[Cut]":
        """The records that silence decides: at `now_ms` no reading is under way, so none with an earlier time will come."""
        cuts: list[Cut] = []
        while 0 <= self._edge < now_ms:
            late = now_ms - self._edge
            before = self._before
            if late <= self._tolerance and (before is None or self._edge - before[0] > late):
                break
            self._decide(cuts, before)
        return cuts

    def _decide(self, cuts: "list[Cut]", chosen: "tuple[int, object] | None") -> None:
        edge, self._edge = self._edge, self._edge + MINUTE_MS
        is_slot = self._is_slot_edge(edge)
        if chosen is None or abs(chosen[0] - edge) > self._tolerance:
            self._gap = True
            self.missed_slots += is_slot
            return
        time_ms, reading = chosen
        if is_slot or time_ms != self._last_ms:
            cuts.append(Cut(time_ms, reading, is_slot, self._gap))
            self._gap = False
            self._last_ms = time_ms

    def _first_edge(self, time_ms: int) -> int:
        """The first edge that a first reading may stand for: a slot edge behind it too, if it has no record yet."""
        edge = max((time_ms - self._tolerance + MINUTE_MS - 1) // MINUTE_MS * MINUTE_MS, 0)
        while self._is_past(edge, time_ms):
            edge += MINUTE_MS
        last = self._last_ms
        self._gap = self._gap or (last is not None and edge - last > MINUTE_MS + self._tolerance)
        return edge

    def _is_past(self, edge: int, time_ms: int) -> bool:
        recorded = self._last_slot_edge
        if recorded is not None and edge <= recorded:
            # After a clock that ran far ahead the edges are recorded again rather than never.
            return recorded - time_ms <= self._slot_ms
        return edge < time_ms and not self._is_slot_edge(edge)

    def _is_slot_edge(self, edge: int) -> bool:
        return self._slot_ms > 0 and edge % self._slot_ms == 0

    def _slot_edge_near(self, time_ms: int) -> int:
        return (time_ms + self._slot_ms // 2) // self._slot_ms * self._slot_ms
