"""What the node says: the signed record, the receipt that answers it, and the unsigned live values.

A record is a COSE_Sign1 (ES256) whose protected header names the node by its key id; two slot records prove a slot's
energy. Times are seconds: since the Unix epoch, or since boot where the quality is `RELATIVE`.
"""

from volthood.wire import cose, limits
from volthood.wire.cbor import WireError
from volthood.wire.message import Bytes, Field, Int, Message, Row, Rows
from volthood.wire.node import (
    DROPPED,
    ESTIMATED,
    GAP_BEFORE,
    GENESIS,
    HASH_BYTES,
    INFORMATIVE,
    LIMITED_ACCURACY,
    METER_ERROR,
    METER_SWAPPED,
    RECEIPT_KIND,
    RECORD_KIND,
    RELATIVE,
    ROLLED_OVER,
    SYNCHRONISED,
    UNKNOWN,
    UNREADABLE,
    UNUSED,
    meter_hash,
    record_hash,
)

__all__ = (
    "DROPPED",
    "ESTIMATED",
    "GAP_BEFORE",
    "GENESIS",
    "HASH_BYTES",
    "INFORMATIVE",
    "LIMITED_ACCURACY",
    "METER_ERROR",
    "METER_SWAPPED",
    "RELATIVE",
    "ROLLED_OVER",
    "SYNCHRONISED",
    "UNKNOWN",
    "UNREADABLE",
    "UNUSED",
    "Live",
    "Receipt",
    "Record",
    "meter_hash",
    "record_hash",
    "unpack_record",
)

_REGISTER = Int(0, 10**13)
_TIME = Int(0, 2**40)
_RSEQ = Int(1, 2**40)


class Record(Message):
    """A minute record, or a slot record where `prev_slot` stands.

    Energies are the meter's registers in whole Wh, the nearest to what a register in other units shows. Power is
    positive for import from the grid.
    """

    KIND = RECORD_KIND
    MAX_BYTES = limits.MAX_RECORD_BYTES
    FIELDS = (
        Field(2, "meter", Bytes(8), "first 8 bytes of SHA-256 of the meter's serial number"),
        Field(3, "index", Int(0, 31), "meter index on the node"),
        Field(4, "rseq", _RSEQ, "counter of the durable stream, gapless from 1"),
        Field(5, "boot", Int(0, 2**32), "boot counter"),
        Field(6, "time_s", _TIME, "s, UTC since 1970 or since boot"),
        Field(7, "quality", Int(0, 3), "time quality: 0 synchronised, 1 informative, 2 unknown, 3 relative", 0),
        Field(8, "import_wh", _REGISTER, "Wh, import register"),
        Field(9, "export_wh", _REGISTER, "Wh, export register"),
        Field(10, "resolution_wh", Int(1, 10**6), "Wh, step of the registers", 1),
        Field(11, "power_w", Int(-(10**9), 10**9), "W, import positive"),
        Field(
            12,
            "flags",
            Int(0, 63),
            "1 estimated, 2 gap before, 4 meter error, 8 rolled over, 16 swapped, 32 limited",
            0,
        ),
        Field(13, "prev", Bytes(HASH_BYTES), "first 16 bytes of SHA-256 of the previous signed record"),
        Field(14, "prev_slot", Bytes(HASH_BYTES), "the same of the previous slot record; only in slot records", None),
        Field(
            15,
            "closed",
            Rows(Row(_RSEQ, _RSEQ, Int(UNUSED, UNREADABLE)), 1, limits.MAX_CLOSED_RANGES),
            "ranges [first, last, reason]: 1 unused, 2 dropped, 3 unreadable",
            (),
        ),
        Field(16, "voltage_mv", Rows(Int(0, 10**9), 1, 3), "mV per phase", ()),
        Field(17, "current_ma", Rows(Int(-(10**9), 10**9), 1, 3), "mA per phase", ()),
        Field(18, "phase_power_w", Rows(Int(-(10**9), 10**9), 1, 3), "W per phase", ()),
        Field(19, "frequency_mhz", Int(1, 10**6), "mHz", None),
        Field(20, "power_factor_permille", Int(-1000, 1000), "1/1000", None),
    )

    meter: bytes
    index: int
    rseq: int
    boot: int
    time_s: int
    quality: int
    import_wh: int
    export_wh: int
    resolution_wh: int
    power_w: int
    flags: int
    prev: bytes
    prev_slot: bytes | None
    closed: tuple[tuple[int, int, int], ...]
    voltage_mv: tuple[int, ...]
    current_ma: tuple[int, ...]
    phase_power_w: tuple[int, ...]
    frequency_mhz: int | None
    power_factor_permille: int | None

    def check(self) -> None:
        """Closed ranges are ascending, do not overlap and end before this record."""
        below = 0
        for first, last, _ in self.closed:
            if not below < first <= last < self.rseq:
                raise WireError("field_range", "closed ranges not ascending below rseq")
            below = last

    @property
    def is_slot(self) -> bool:
        """Whether this is a slot record."""
        return self.prev_slot is not None


class Receipt(Message):
    """Agent to node: every record up to `rseq` is stored and fsynced, or closed. A COSE_Mac0 under the link key."""

    KIND = RECEIPT_KIND
    MAX_BYTES = limits.MAX_RECEIPT_BYTES
    FIELDS = (Field(2, "rseq", Int(0, 2**40), "greatest rseq below which nothing is missing"),)

    rseq: int


class Live(Message):
    """A meter's newest reading, unsigned, unstored, for display and control only."""

    KIND = "volthood/1/live"
    MAX_BYTES = limits.MAX_LIVE_BYTES
    FIELDS = (
        Field(2, "time_s", _TIME, "s, UTC since 1970 or since boot"),
        Field(3, "quality", Int(0, 3), "as in a record", 0),
        Field(4, "power_w", Int(-(10**9), 10**9), "W, import positive"),
        Field(5, "import_wh", _REGISTER, "Wh"),
        Field(6, "export_wh", _REGISTER, "Wh"),
        Field(7, "voltage_mv", Rows(Int(0, 10**9), 1, 3), "mV per phase", ()),
        Field(8, "current_ma", Rows(Int(-(10**9), 10**9), 1, 3), "mA per phase", ()),
        Field(9, "phase_power_w", Rows(Int(-(10**9), 10**9), 1, 3), "W per phase", ()),
        Field(10, "frequency_mhz", Int(1, 10**6), "mHz", None),
        Field(11, "power_factor_permille", Int(-1000, 1000), "1/1000", None),
        Field(12, "index", Int(0, 31), "meter index on the node", 0),
    )

    time_s: int
    quality: int
    power_w: int
    import_wh: int
    export_wh: int
    voltage_mv: tuple[int, ...]
    current_ma: tuple[int, ...]
    phase_power_w: tuple[int, ...]
    frequency_mhz: int | None
    power_factor_permille: int | None
    index: int


def unpack_record(data: bytes) -> "tuple[cose.Signed, Record]":
    """A signed record taken apart, its signature not yet checked. Raises `WireError`."""
    signed = cose.unpack_sign1(data, Record.MAX_BYTES)
    if signed.alg != cose.ES256:
        raise WireError("algorithm_unknown", "records are ES256")
    return signed, Record.from_cbor(signed.payload)
