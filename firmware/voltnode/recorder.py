"""Makes the signed, linked records of the durable stream and puts them on flash.

- A record is built, signed and written in the order of its rseq, by one task. The signature's steps let the bus run.
- A slot record is written at once, together with the minute records before it; a minute record within `HOLD_MS`.
- What the agent will never get is named in the next record (`closed`): numbers that a boot gave up, records that the
  ring dropped, records that flash lost, and at an enrolment everything that an earlier agent had.
- When flash refuses to write, readings wait in RAM, at most `MAX_IN_RAM` of them; then the oldest are given up and the
  next record says that there is a gap.
"""

import asyncio

from volthood.wire.cbor_writer import WireError
from volthood.wire.cose_writer import ES256, pack_sign1, protected_header, to_be_signed
from volthood.wire.limits import MAX_CLOSED_RANGES
from volthood.wire.node import (
    DROPPED,
    GAP_BEFORE,
    GENESIS,
    METER_SWAPPED,
    RECORD_KIND,
    RECORD_ROWS,
    RELATIVE,
    ROLLED_OVER,
    UNREADABLE,
    UNUSED,
    meter_hash,
    payload,
    record_hash,
)
from voltnode.on_demand import call

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from voltnode.edges import Cut
    from voltnode.hal import Board
    from voltnode.ring import Lost, Ring
    from voltnode.sequence import Sequence
    from voltnode.sign.signer import Signer

HOLD_MS = 30_000
HOLD_RECORDS = 10
MAX_IN_RAM = 100
_RETRY_MS = 1000
_STEP_PAUSE_MS = 0


_TAKE_UP = "voltnode.takeup"
_NO_PHASES = ((), (), (), None, None)


def last_boot(ring: "Ring") -> int:
    """The boot counter in the newest record; 0 without one."""
    boot: int = call(_TAKE_UP, "last_boot", ring)
    return boot


class Recorder:
    """The node's record maker.

    Args:
        board: gives transport time and pauses.
        ring: where records go; `sequence` numbers them, `signer` signs them.
        log: notes events.
        serial: gives a meter's serial number as it is known now, by its index.
        meters: how many there are on this node.

    Attributes:
        written: called after records were written.
        progress: called at the end of each turn of the task, and after each signature.
    """

    def __init__(
        self,
        board: "Board",
        ring: "Ring",
        sequence: "Sequence",
        signer: "Signer",
        log: "Callable[..., None]",
        serial: "Callable[[int], str]",
        meters: int = 1,
    ) -> None:
        self._board = board
        self._ring = ring
        self._sequence = sequence
        self._signer = signer
        self._log = log
        self._serial = serial
        self._protected = protected_header(ES256, signer.kid)
        self._cuts: list[tuple[Cut, int, int]] = []
        self._pending: list[tuple[int, bytes, bool]] = []
        self._pending_since_ms = 0
        self._closed: list[Lost] = []
        self._gaps: set[int] = set()
        self._wake = asyncio.Event()
        self.written: Callable[[], None] = _nothing
        self.progress: Callable[[], None] = _nothing
        self._take_up(meters)

    def _take_up(self, meters: int) -> None:
        ring = self._ring
        self._prev = record_hash(ring.newest) if ring.newest else GENESIS
        self._prev_slot = record_hash(ring.newest_slot) if ring.newest_slot else GENESIS
        self._stands: dict[int, list[Any]] = call(_TAKE_UP, "standing", ring, meters)
        unused = self._sequence.unused
        if unused is not None:
            self._close([(unused[0], unused[1], UNREADABLE if ring.decayed else UNUSED)])
        elif ring.decayed:
            # The next record does not link to the one lost, so a number between the two says why.
            rseq = self._sequence.reserve()
            self._sequence.used()
            self._close([(rseq, rseq, UNREADABLE)])
        self._looks = True

    def look_for_gaps(self) -> None:
        """The ring is looked through for records that were written and are gone; the records that follow name them."""
        self._looks = True
        self._wake.set()

    async def _find_gaps(self) -> None:
        steps = call(_TAKE_UP, "gaps", self._ring)
        gaps = next(steps)
        while gaps is None:
            await self._pause()
            self.progress()
            gaps = next(steps)
        if gaps:
            self._log("records_missing", ranges=len(gaps), first=gaps[0][0])
            self._close(gaps)

    def begin_stream(self, base: int) -> None:
        """For a new agent: records up to `base` belonged to another one, and are gone."""
        if base:
            self._close([(1, base, DROPPED)])

    def _close(self, ranges: "list[Lost]") -> None:
        if ranges:
            self._closed = call("voltnode.survey", "closed_with", self._closed, ranges)

    def last(self, index: int = 0) -> "tuple[int | None, int | None]":
        """Calendar time in ms of a meter's newest record, and of its newest slot record; None where there is none."""
        stand = self._stands.get(index) or (None, None, None)
        return stand[1], stand[2]

    def add(self, cuts: "list[Cut]", quality: int, index: int = 0) -> None:
        """Queues a meter's readings to become records. Never waits."""
        for cut in cuts:
            if len(self._cuts) + len(self._pending) >= MAX_IN_RAM:
                if self._cuts:
                    self._gaps.add(self._cuts.pop(0)[2])
                self._log("reading_given_up", waiting=len(self._pending))
            self._cuts.append((cut, quality, index))
        if cuts:
            self._wake.set()

    def wake(self) -> None:
        """Looks whether something is due; called about once a second."""
        self._wake.set()

    def in_ram(self) -> int:
        """Readings and records that are not on flash yet."""
        return len(self._cuts) + len(self._pending)

    async def run(self) -> None:
        """The task."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            try:
                await self.work()
            except OSError as error:
                self._log("flash_failed", error=error)
                await self._board.sleep_ms(_RETRY_MS)
            self.progress()

    async def work(self) -> None:
        """Makes records of what is queued and writes what is due. Raises OSError; what is left stays queued."""
        if self._looks:
            self._looks = False
            await self._find_gaps()
        while self._cuts and len(self._pending) < MAX_IN_RAM:
            rseq = self._sequence.reserve()
            cut, quality, index = self._cuts.pop(0)
            try:
                signed = await self._signed(rseq, cut, quality, index)
            except WireError as error:
                # What no record can say is left out; its number serves the next one.
                self._gaps.add(index)
                self._log("reading_refused", error=error)
                continue
            self._sequence.used()
            self.progress()
            if not self._pending:
                self._pending_since_ms = self._board.now_ms()
            self._pending.append((rseq, signed, cut.is_slot))
            if cut.is_slot:
                self.flush()
        if self._is_due():
            self.flush()

    def _is_due(self) -> bool:
        if not self._pending:
            return False
        held_ms = self._board.now_ms() - self._pending_since_ms
        has_slot = any([entry[2] for entry in self._pending])
        return has_slot or len(self._pending) >= HOLD_RECORDS or held_ms >= HOLD_MS

    def flush(self) -> None:
        """Writes what waits. Raises OSError; what was not written waits on."""
        try:
            self._ring.write_all(self._pending)
        finally:
            self._pending = [entry for entry in self._pending if entry[0] > self._ring.greatest]
        self._close(self._ring.take_lost())
        self.written()

    async def _signed(self, rseq: int, cut: "Cut", quality: int, index: int) -> bytes:
        reading, stand = cut.reading, self._stands.setdefault(index, [None, None, None])
        meter, closed = meter_hash(self._serial(index)), tuple(self._closed[:MAX_CLOSED_RANGES])
        values = (
            meter,
            index,
            rseq,
            self._sequence.boot,
            cut.time_ms // 1000,
            quality,
            reading.import_wh,
            reading.export_wh,
            reading.resolution_wh,
            reading.power_w,
            _flags(cut, meter, stand[0], index in self._gaps),
            self._prev,
            self._prev_slot if cut.is_slot else None,
            closed,
        )
        body = payload(RECORD_ROWS, values + (_NO_PHASES if cut.is_slot else phases(reading)))
        message = to_be_signed(RECORD_KIND, self._protected, body)
        signed = pack_sign1(self._protected, body, await self._signer.sign_between(message, self._pause))
        self._prev = record_hash(signed)
        if cut.is_slot:
            self._prev_slot = self._prev
            stand[2] = cut.time_ms
        if quality != RELATIVE:
            stand[1] = cut.time_ms
        stand[0] = (meter, reading.import_wh, reading.export_wh)
        self._gaps.discard(index)
        self._closed = [entry for entry in self._closed if entry not in closed]
        return signed

    async def _pause(self) -> None:
        await self._board.sleep_ms(_STEP_PAUSE_MS)


def _flags(cut: "Cut", meter: bytes, before: "tuple[bytes, int, int] | None", gap: bool) -> int:
    """A record's flags; `before` is what the meter's last record said."""
    flags = GAP_BEFORE if cut.gap or gap else 0
    if before is not None:
        last_meter, import_wh, export_wh = before
        if last_meter != meter:
            flags |= METER_SWAPPED
        elif cut.level_is_new or cut.reading.import_wh < import_wh or cut.reading.export_wh < export_wh:
            flags |= ROLLED_OVER
    return flags


def phases(reading: "Any") -> "tuple[object, ...]":
    """What a minute record and a live value add where the meter has it, in the order of their fields."""
    return (
        reading.voltage_mv,
        reading.current_ma,
        reading.phase_power_w,
        reading.frequency_mhz,
        reading.power_factor_permille,
    )


def _nothing() -> None:
    """Nobody is to be told."""
