"""Intake: records of the household's own nodes verified, put in order, kept, and confirmed once they are on the disk.

The rules of a stream stand in `core.readings`; here its bytes are checked and its findings become events. A receipt leaves
only after `ReadingsCommitted`, so what a node forgets is on the disk.
"""

from dataclasses import replace

from volthood.core.energy import CONNECTION
from volthood.core.readings import Finding, Link, Stream, Taken
from volthood.engine.books import stored_record
from volthood.engine.desk import Desk
from volthood.engine.events import CommitReadings, Publish
from volthood.engine.meter import SlotMeter
from volthood.engine.records import taken_apart
from volthood.engine.stamping import Stamping
from volthood.errors import PeerError
from volthood.ports.crypto import ReceiptMaker
from volthood.wire import record as records
from volthood.wire.record import Record, record_hash
from volthood.wire.topics import node_topic

RESUMED_LINKS = 512
"""Records read back after a restart, so that the chain goes on where it was."""

WORTH_TELLING = (Finding.TIME_BACKWARDS, Finding.REGISTER_BACKWARDS, Finding.METER_CHANGED, Finding.LINK_UNVERIFIED)
_CLOSED_NAMES = {records.UNUSED: "unused", records.DROPPED: "dropped", records.UNREADABLE: "unreadable"}


class Intake:
    """All nodes of the household."""

    def __init__(self, desk: Desk, meter: SlotMeter, receipts: ReceiptMaker) -> None:
        self._desk = desk
        self._meter = meter
        self._receipts = receipts
        self._nodes = desk.me.nodes
        self._stamping = Stamping(desk)
        self._streams = {kid: self._resumed(kid) for kid in self._nodes}
        self._to_confirm: set[bytes] = set()
        self._confirmed = dict.fromkeys(self._nodes, 0)
        self._replay_told: dict[bytes, int] = {}

    def _resumed(self, kid: bytes) -> Stream:
        store = self._desk.readings
        recent = [Link(taken_apart(data)[1], record_hash(data)) for data in store.last_records(kid, RESUMED_LINKS)]
        for link in recent:
            self._stamping.time_s(kid, link.record)
        return Stream(store.held_ranges(kid), store.closed_ranges(kid), recent)

    def on_record(self, node: str, data: bytes) -> None:
        """Take a record from a node's topic.

        Raises:
            WireError, PeerError: with the reason where it is refused; `replayed` where it had been confirmed before,
                which is then said again, since receipts get lost. A node that has none repeats many: one a slot is told.
        """
        signed, record = taken_apart(data)
        spki = self._nodes.get(signed.kid)
        if spki is None:
            raise PeerError("foreign_node", signed.kid.hex())
        if signed.kid.hex() != node:
            raise PeerError("wrong_topic", f"{signed.kid.hex()} wrote as {node}")
        if not self._desk.record_verifier.verify_es256(spki, signed, Record.KIND):
            raise PeerError("bad_signature", f"rseq {record.rseq}")
        taken = self._streams[signed.kid].take(record, record_hash(data))
        self._to_confirm.add(signed.kid)
        if taken.new:
            self._keep(signed.kid, record, data, taken)
        elif record.rseq <= self._confirmed[signed.kid]:
            self._tell_replay(signed.kid, record)

    def on_status(self, node: str, data: bytes) -> None:
        """Take what a node says of itself. Raises `PeerError`: `foreign_node`, `status_invalid`."""
        kids = {kid.hex(): kid for kid in self._nodes}
        if node not in kids:
            raise PeerError("foreign_node", node)
        self._stamping.on_status(kids[node], data)

    def _tell_replay(self, kid: bytes, record: Record) -> None:
        slot = self._desk.now_s // self._desk.hood.slot_s
        if self._replay_told.get(kid) != slot:
            self._replay_told[kid] = slot
            raise PeerError("replayed", f"rseq {record.rseq}")

    def _keep(self, kid: bytes, record: Record, data: bytes, taken: Taken) -> None:
        stored = stored_record(kid, record, data)
        self._desk.readings.add_record(replace(stored, time_s=self._stamping.time_s(kid, record)))
        for first, last, reason in taken.closed:
            self._desk.readings.close_range(kid, first, last, reason)
            self._desk.note("RecordsClosed", first=first, last=last, reason=_CLOSED_NAMES[reason])
        for finding in taken.findings:
            if finding in WORTH_TELLING:
                self._desk.note("RecordOdd", rseq=record.rseq, finding=finding.value)
        if record.is_slot:
            self._desk.commands.append(CommitReadings())
            if record.index == CONNECTION:
                self._meter.add(record, data)

    def say_again(self) -> None:
        """Confirm to every node what we have: the link was away, and a node sends again what it sees we lack."""
        self._to_confirm.update(self._nodes)
        self._desk.commands.append(CommitReadings())

    def on_committed(self) -> None:
        """Confirm to each node what is now on the disk."""
        for kid in sorted(self._to_confirm):
            rseq = self._confirmed[kid] = self._streams[kid].receipt
            topic = node_topic(self._desk.me.house, kid.hex(), "receipt")
            self._desk.commands.append(Publish(topic, self._receipts.mac_receipt(kid, rseq)))
        self._to_confirm.clear()
