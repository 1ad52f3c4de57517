"""Makes the signed, linked records of the durable stream and puts them on flash.

- A record is built, signed and written in the order of its rseq, by one task. The signature's steps let the bus run.
- A slot record is written at once, together with the minute records before it; a minute record within `HOLD_MS`.
- What the agent will never get is named in the next record (`closed`): numbers that a boot gave up, records that the
  ring dropped, records that flash lost, and at an enrolment everything that an earlier agent had.
- When flash refuses to write, readings wait in RAM, at most `MAX_IN_RAM` of them; then the oldest are given up and the
  next record says that there is a gap.
"""

import asyncio

from volthood.wire import cose
from volthood.wire.cbor import WireError
from volthood.wire.limits import MAX_CLOSED_RANGES
from volthood.wire.record import (
    DROPPED,
    GAP_BEFORE,
    GENESIS,
    METER_SWAPPED,
    RELATIVE,
    ROLLED_OVER,
    UNREADABLE,
    UNUSED,
    Record,
    meter_hash,
    record_hash,
    unpack_record,
)
from voltnode.ring import without

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


def unpacked(signed_record: "bytes | None") -> "Record | None":
    """A record of ours from flash; None where there is none or an older version wrote it."""
    try:
        return unpack_record(signed_record)[1] if signed_record else None
    except WireError:
        return None


def closed_by(signed_record: bytes) -> "tuple[Lost, ...]":
    """The ranges that a record of ours closes."""
    record = unpacked(signed_record)
    return record.closed if record else ()


def last_boot(ring: "Ring") -> int:
    """The boot counter in the newest record; 0 without one."""
    record = unpacked(ring.newest)
    return record.boot if record else 0


class Recorder:
    """The node's record maker.

    Args:
        board: gives transport time and pauses.
        ring: where records go; `sequence` numbers them, `signer` signs them.
        log: notes events.
        serial: gives the meter's serial number as it is known now.

    Attributes:
        last_ms: calendar time of the newest record, None where there is none; `last_slot_ms` of the newest slot record.
        written: called after records were written.
    """

    def __init__(
        self,
        board: "Board",
        ring: "Ring",
        sequence: "Sequence",
        signer: "Signer",
        log: "Callable[..., None]",
        serial: "Callable[[], str]",
    ) -> None:
        self._board = board
        self._ring = ring
        self._sequence = sequence
        self._signer = signer
        self._log = log
        self._serial = serial
        self._protected = cose.protected_header(cose.ES256, signer.kid)
        self._cuts: list[tuple[Cut, int]] = []
        self._pending: list[tuple[int, bytes, bool]] = []
        self._pending_since_ms = 0
        self._closed: list[Lost] = []
        self._gap = False
        self._wake = asyncio.Event()
        self.written: Callable[[], None] = _nothing
        self._take_up()

    def _take_up(self) -> None:
        ring = self._ring
        self._prev = record_hash(ring.newest) if ring.newest else GENESIS
        self._prev_slot = record_hash(ring.newest_slot) if ring.newest_slot else GENESIS
        last, last_slot = unpacked(ring.newest), unpacked(ring.newest_slot)
        self._registers = (last.meter, last.import_wh, last.export_wh) if last else None
        self.last_ms = last.time_s * 1000 if last and last.quality != RELATIVE else None
        self.last_slot_ms = last_slot.time_s * 1000 if last_slot else None
        unused = self._sequence.unused
        if unused is not None:
            self._close([(unused[0], unused[1], UNREADABLE if ring.decayed else UNUSED)])
        elif ring.decayed:
            # The next record does not link to the one lost, so a number between the two says why.
            rseq = self._sequence.reserve()
            self._sequence.used()
            self._close([(rseq, rseq, UNREADABLE)])
        self.find_gaps()

    def find_gaps(self) -> None:
        """Looks through the ring for records that were written and are gone, and has them named."""
        gaps = self._ring.gaps(closed_by)
        if gaps:
            self._log("records_missing", ranges=len(gaps), first=gaps[0][0])
            self._close(gaps)

    def begin_stream(self, base: int) -> None:
        """For a new agent: records up to `base` belonged to another one, and are gone."""
        if base:
            self._close([(1, base, DROPPED)])

    def _close(self, ranges: "list[Lost]") -> None:
        for first, last, reason in ranges:
            rest = without([(first, last)], tuple(self._closed))
            self._closed.extend([(low, high, reason) for low, high in rest])
        self._closed.sort()

    def add(self, cuts: "list[Cut]", quality: int) -> None:
        """Queues readings to become records. Never waits."""
        for cut in cuts:
            if len(self._cuts) + len(self._pending) >= MAX_IN_RAM:
                if self._cuts:
                    del self._cuts[0]
                self._gap = True
                self._log("reading_given_up", waiting=len(self._pending))
            self._cuts.append((cut, quality))
        if cuts:
            self._wake.set()

    def wake(self) -> None:
        """Looks whether something is due; called about once a second."""
        if self._pending or self._cuts:
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

    async def work(self) -> None:
        """Makes records of what is queued and writes what is due. Raises OSError; what is left stays queued."""
        while self._cuts and len(self._pending) < MAX_IN_RAM:
            rseq = self._sequence.reserve()
            cut, quality = self._cuts.pop(0)
            try:
                signed = await self._signed(rseq, cut, quality)
            except WireError as error:
                # What no record can say is left out; its number serves the next one.
                self._gap = True
                self._log("reading_refused", error=error)
                continue
            self._sequence.used()
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

    async def _signed(self, rseq: int, cut: "Cut", quality: int) -> bytes:
        record = self._record(rseq, cut, quality)
        payload = record.to_cbor()
        message = cose.to_be_signed(Record.KIND, self._protected, payload)
        signed = cose.pack_sign1(self._protected, payload, await self._signer.sign_between(message, self._pause))
        self._prev = record_hash(signed)
        if cut.is_slot:
            self._prev_slot = self._prev
            self.last_slot_ms = cut.time_ms
        if quality != RELATIVE:
            self.last_ms = cut.time_ms
        self._registers = (record.meter, record.import_wh, record.export_wh)
        self._gap = False
        self._closed = [entry for entry in self._closed if entry not in record.closed]
        return signed

    async def _pause(self) -> None:
        await self._board.sleep_ms(_STEP_PAUSE_MS)

    def _record(self, rseq: int, cut: "Cut", quality: int) -> Record:
        reading = cut.reading
        meter = meter_hash(self._serial())
        more: dict[str, Any] = {}
        if cut.is_slot:
            more["prev_slot"] = self._prev_slot
        else:
            more = details(reading)
        return Record(
            meter=meter,
            index=0,
            rseq=rseq,
            boot=self._sequence.boot,
            time_s=cut.time_ms // 1000,
            quality=quality,
            import_wh=reading.import_wh,
            export_wh=reading.export_wh,
            resolution_wh=reading.resolution_wh,
            power_w=reading.power_w,
            flags=self._flags(cut, meter),
            prev=self._prev,
            closed=tuple(self._closed[:MAX_CLOSED_RANGES]),
            **more,
        )

    def _flags(self, cut: "Cut", meter: bytes) -> int:
        flags = GAP_BEFORE if cut.gap or self._gap else 0
        if self._registers is not None:
            last_meter, import_wh, export_wh = self._registers
            if last_meter != meter:
                flags |= METER_SWAPPED
            elif cut.level_is_new or cut.reading.import_wh < import_wh or cut.reading.export_wh < export_wh:
                flags |= ROLLED_OVER
        return flags


def details(reading: "Any") -> "dict[str, Any]":
    """The fields of a reading that a minute record and a live value add where the meter has them."""
    return {
        "voltage_mv": reading.voltage_mv,
        "current_ma": reading.current_ma,
        "phase_power_w": reading.phase_power_w,
        "frequency_mhz": reading.frequency_mhz,
        "power_factor_permille": reading.power_factor_permille,
    }


def _nothing() -> None:
    """Nobody is to be told."""
