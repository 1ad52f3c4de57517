"""What the board itself must know of the formats: it writes records and live values, and reads receipts.

`record.py` says what the messages are and reads them; this is as little as a node can keep loaded. A test holds the rows
here against the fields there. Nothing a node writes is refused by who reads it: each value is checked against its row.
"""

import hashlib

from volthood.wire.cbor_writer import WireError, encode
from volthood.wire.cose_writer import HMAC_256, pack_mac0, protected_header, to_be_maced
from volthood.wire.limits import MAX_RECEIPT_BYTES
from volthood.wire.mac import equal, hmac_sha256

TYPE_CHECKING = False
if TYPE_CHECKING:
    Row = tuple[int, int, object]
    """The least and the greatest value, or the size of a byte string; and the value that is left out of the bytes."""

SYNCHRONISED, INFORMATIVE, UNKNOWN, RELATIVE = 0, 1, 2, 3
"""Quality of a record's time: set from a trusted source; held since; held too long; counted from boot."""

ESTIMATED, GAP_BEFORE, METER_ERROR, ROLLED_OVER, METER_SWAPPED, LIMITED_ACCURACY = 1, 2, 4, 8, 16, 32
"""Flags, a bit field."""

UNUSED, DROPPED, UNREADABLE = 1, 2, 3
"""Why an rseq range was closed: never written before a boot; dropped when the ring was full; lost to a CRC error."""

HASH_BYTES = 16
GENESIS = bytes(HASH_BYTES)
"""`prev` of a node's first record."""

ROOT = "vh/1/"
HOME = "home"

RECORD_KIND = "volthood/1/record"
RECEIPT_KIND = "volthood/1/receipt"

_MAC_BYTES = 34
"""With its head."""

PHASE_ROWS: "tuple[Row, ...]" = (
    (0, 10**9, ()),  # voltage_mv, by phase
    (-(10**9), 10**9, ()),  # current_ma
    (-(10**9), 10**9, ()),  # phase_power_w
    (1, 10**6, None),  # frequency_mhz
    (-1000, 1000, None),  # power_factor_permille
)
RECORD_ROWS: "tuple[Row, ...]" = (
    (8, 8, None),  # meter
    (0, 31, None),  # index
    (1, 2**40, None),  # rseq
    (0, 2**32, None),  # boot
    (0, 2**40, None),  # time_s
    (0, 3, 0),  # quality
    (0, 10**13, None),  # import_wh
    (0, 10**13, None),  # export_wh
    (1, 10**6, 1),  # resolution_wh
    (-(10**9), 10**9, None),  # power_w
    (0, 63, 0),  # flags
    (HASH_BYTES, HASH_BYTES, None),  # prev
    (HASH_BYTES, HASH_BYTES, None),  # prev_slot
    (3, 3, ()),  # closed
) + PHASE_ROWS
LIVE_ROWS: "tuple[Row, ...]" = (
    (
        (0, 2**40, None),  # time_s
        (0, 3, 0),  # quality
        (-(10**9), 10**9, None),  # power_w
        (0, 10**13, None),  # import_wh
        (0, 10**13, None),  # export_wh
    )
    + PHASE_ROWS
    + ((0, 31, 0),)
)  # index


def payload(rows: "tuple[Row, ...]", values: "tuple[object, ...]") -> bytes:
    """The message with these values, in the order of its fields. Raises `WireError` where one is out of range."""
    out: dict[object, object] = {1: 1}
    for i in range(len(rows)):
        low, high, left_out = rows[i]
        value = values[i]
        if value == left_out:
            continue
        for item in value if isinstance(value, tuple) else (value,):
            size = item if isinstance(item, int) else len(item)
            if not low <= size <= high:
                raise WireError("field_range", "%d: %d" % (i + 2, size))
        out[i + 2] = value
    return encode(out)


def open_receipt(link_key: bytes, kid: bytes, data: bytes) -> int:
    """The rseq of a receipt for the node `kid` under our link key.

    A receipt has one encoding, so the one that says this rseq must give the same bytes.

    Raises:
        WireError: `mac_wrong`, `too_large`, or `receipt_unknown` for whatever is no receipt for this node.
    """
    if len(data) > MAX_RECEIPT_BYTES:
        raise WireError("too_large")
    protected = protected_header(HMAC_256, kid)
    start = len(pack_mac0(protected, b"", b"")) - 1
    said, mac = data[start:-_MAC_BYTES], data[-_MAC_BYTES + 2 :]
    rseq = int.from_bytes(said[5:] or said[4:], "big")
    message = encode({1: 1, 2: rseq})
    if data != pack_mac0(protected, message, mac):
        raise WireError("receipt_unknown")
    if not equal(mac, hmac_sha256(link_key, to_be_maced(RECEIPT_KIND, protected, message))):
        raise WireError("mac_wrong")
    return rseq


def record_hash(signed_record: bytes) -> bytes:
    """The 16 bytes by which the next record links to this one."""
    return hashlib.sha256(signed_record).digest()[:HASH_BYTES]


def meter_hash(serial: str) -> bytes:
    """The short hash of a meter's serial number."""
    return hashlib.sha256(serial.encode()).digest()[:8]


def node_topic(house: str, node: str, what: str) -> str:
    """A node's topic on the home broker; `what` is live, record, receipt, status, `do/<verb>` or `did/<request>`."""
    return ROOT + HOME + "/" + house + "/node/" + node + "/" + what
