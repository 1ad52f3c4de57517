"""What the board writes and reads by itself is what everybody else reads and writes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from volthood.wire import node
from volthood.wire.cbor import WireError
from volthood.wire.maced import pack_maced
from volthood.wire.message import Bytes, Int, Message, Rows
from volthood.wire.message import Row as RowKind
from volthood.wire.node import LIVE_ROWS, RECORD_ROWS, open_receipt, payload
from volthood.wire.record import Live, Receipt, Record

KEY, KID = b"k" * 32, b"12345678"


def row(kind: object, default: object) -> "node.Row":
    """The row that says of a field what its kind says."""
    if isinstance(kind, Rows):
        return row(kind.kind, default)
    if isinstance(kind, RowKind):
        return len(kind.kinds), len(kind.kinds), default
    assert isinstance(kind, Int | Bytes)
    return kind.low, kind.high, None if default is ... else default


@pytest.mark.parametrize(("cls", "rows"), [(Record, RECORD_ROWS), (Live, LIVE_ROWS)])
def test_the_rows_say_what_the_fields_say(cls: type[Message], rows: "tuple[node.Row, ...]") -> None:
    assert [field.key for field in cls.FIELDS] == list(range(2, 2 + len(rows)))
    assert [row(field.kind, field.default) for field in cls.FIELDS] == list(rows)


def near(low: int, high: int) -> st.SearchStrategy[int]:
    return st.one_of(st.integers(low - 2, low + 2), st.integers(high - 2, high + 2), st.integers(low, high))


PHASES = st.lists(near(0, 10**9), max_size=3).map(tuple)


@given(
    st.tuples(
        st.binary(min_size=7, max_size=9),
        near(0, 31),
        near(1, 2**40),
        near(0, 2**32),
        near(0, 2**40),
        near(0, 3),
        near(0, 10**13),
        near(0, 10**13),
        near(1, 10**6),
        near(-(10**9), 10**9),
        near(0, 63),
        st.binary(min_size=16, max_size=16),
        st.none() | st.binary(min_size=16, max_size=17),
        st.sampled_from([(), ((1, 1, 1),)]),
        PHASES,
        PHASES,
        PHASES,
        st.none() | near(1, 10**6),
        st.none() | near(-1000, 1000),
    )
)
def test_a_record_has_the_bytes_that_its_message_has(values: tuple[object, ...]) -> None:
    named = {field.name: value for field, value in zip(Record.FIELDS, values, strict=True)}
    try:
        expected = Record(**named).to_cbor()
    except WireError:
        # Only rules between fields, which a node keeps by how it counts, are not looked at again.
        if values[13] == () or values[2] not in {0, 1}:
            with pytest.raises(WireError):
                payload(RECORD_ROWS, values)
        return
    assert payload(RECORD_ROWS, values) == expected


@given(near(0, 2**40))
def test_a_receipt_is_read_as_it_was_written(rseq: int) -> None:
    try:
        sent = pack_maced(Receipt(rseq=rseq), KEY, KID)
    except WireError:
        return
    assert open_receipt(KEY, KID, sent) == rseq


@given(st.integers(0, 2**40), st.data())
def test_a_receipt_with_a_byte_changed_is_refused(rseq: int, data: st.DataObject) -> None:
    sent = bytearray(pack_maced(Receipt(rseq=rseq), KEY, KID))
    at = data.draw(st.integers(0, len(sent) - 1))
    sent[at] ^= data.draw(st.integers(1, 255))
    with pytest.raises(WireError):
        open_receipt(KEY, KID, bytes(sent))


@given(st.binary(max_size=200))
def test_what_is_no_receipt_is_refused(data: bytes) -> None:
    with pytest.raises(WireError):
        open_receipt(KEY, KID, data)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (pack_maced(Receipt(rseq=7), bytes(32), KID), "mac_wrong"),
        (pack_maced(Receipt(rseq=7), KEY, b"87654321"), "receipt_unknown"),
        (pack_maced(Receipt(rseq=7), KEY, KID) + b"\x00", "receipt_unknown"),
        (pack_maced(Receipt(rseq=7), KEY, KID)[:-1], "receipt_unknown"),
        (b"", "receipt_unknown"),
        (bytes(129), "too_large"),
    ],
)
def test_a_refused_receipt_says_why(data: bytes, reason: str) -> None:
    with pytest.raises(WireError) as refused:
        open_receipt(KEY, KID, data)
    assert refused.value.reason == reason
