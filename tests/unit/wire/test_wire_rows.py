"""What the board reads and writes by rows is what agents read and write by fields, and refused for the same reasons."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from volthood.wire import rows
from volthood.wire.cbor import WireError, encode
from volthood.wire.maced import pack_maced, seal, unpack_maced, unseal
from volthood.wire.message import Bytes, Int, Message, Row, Text
from volthood.wire.update import Manifest, Progress, Step
from volthood.wire.verb import Answer, Verb

KEY, KID = b"k" * 32, b"12345678"
TABLES: list[tuple[type[Message], "tuple[rows.Row, ...]"]] = [
    (Verb, rows.VERB),
    (Answer, rows.ANSWER),
    (Manifest, rows.MANIFEST),
    (Step, rows.STEP),
    (Progress, rows.PROGRESS),
]
each_table = pytest.mark.parametrize(("cls", "table"), TABLES, ids=[cls.__name__ for cls, _ in TABLES])


def row(kind: object, default: object) -> "rows.Row":
    """The row that says of a field what its kind says."""
    if isinstance(kind, Row):
        number = kind.kinds[0]
        assert isinstance(number, Int)
        assert len(kind.kinds) == rows.RELEASE_NUMBERS
        return list, number.low, number.high, default
    if isinstance(kind, Text):
        return str, 1, kind.high, default
    assert isinstance(kind, Int | Bytes)
    return int if isinstance(kind, Int) else bytes, kind.low, kind.high, default


@each_table
def test_the_rows_say_what_the_fields_say(cls: type[Message], table: "tuple[rows.Row, ...]") -> None:
    assert [field.key for field in cls.FIELDS] == list(range(2, 2 + len(table)))
    assert [row(field.kind, field.default) for field in cls.FIELDS] == list(table)


def anything() -> st.SearchStrategy[object]:
    """Values that are near to what some field takes, and others."""
    numbers = st.one_of(
        st.integers(-2, 300), st.sampled_from([2**18, 2**18 + 1, 10_000, 9999, 20480, 282_624, 282_625])
    )
    texts = st.one_of(st.text(max_size=3), st.sampled_from(["x" * 16, "x" * 17, "x" * 32, "x" * 33]))
    sizes = st.one_of(st.integers(0, 9), st.sampled_from([31, 32, 33, 768, 769, 832, 833, 864, 865]))
    triples = st.lists(st.one_of(st.integers(-1, 3), st.just(9999), st.just(10_000), st.booleans()), max_size=4)
    return st.one_of(numbers, texts, sizes.map(bytes), triples, st.none(), st.booleans())


def good(table: "tuple[rows.Row, ...]") -> dict[object, object]:
    """A message with every field."""
    samples: dict[type, object] = {int: 1, bytes: b"\x01" * 8, str: "text", list: [1, 2, 3]}
    found: dict[object, object] = {1: 1}
    for i, (kind, low, high, _) in enumerate(table):
        found[i + 2] = b"\x01" * low if kind is bytes and low == high else samples[kind]
    return found


def answer(read: Callable[..., Any], *arguments: object) -> tuple[Any, str]:
    """What a machine reads, or why it refuses."""
    try:
        return read(*arguments), ""
    except WireError as error:
        return None, error.reason


@each_table
@given(data=st.data())
def test_both_machines_take_and_refuse_the_same(
    cls: type[Message], table: "tuple[rows.Row, ...]", data: st.DataObject
) -> None:
    values = good(table)
    for key in data.draw(st.lists(st.integers(1, len(table) + 2), max_size=2)):
        if data.draw(st.booleans()):
            values[key] = data.draw(anything())
        else:
            values.pop(key, None)
    payload = encode(values)
    expected, reason = answer(cls.from_cbor, payload)
    read, other_reason = answer(rows.read, table, payload, cls.MAX_BYTES)
    assert other_reason == reason
    if expected is not None:
        assert rows.write(table, *read) == payload
        said = [getattr(expected, field.name) for field in cls.FIELDS]
        assert [list(value) if isinstance(value, tuple) else value for value in said] == read


@each_table
def test_what_is_too_large_or_no_map_is_refused(cls: type[Message], table: "tuple[rows.Row, ...]") -> None:
    for payload, reason in ((bytes(cls.MAX_BYTES + 1), "too_large"), (encode([1]), "not_a_map"), (b"", "truncated")):
        with pytest.raises(WireError) as caught:
            rows.read(table, payload, cls.MAX_BYTES)
        assert caught.value.reason == reason


def test_a_board_writes_nothing_that_would_be_refused() -> None:
    for values in (
        (b"short", 0, b"", None, None),
        (bytes(8), 32, b"", None, None),
        (bytes(8), 0, bytes(769), None, None),
    ):
        with pytest.raises(WireError):
            rows.write(rows.ANSWER, *values)


def test_what_is_sealed_is_what_is_packed() -> None:
    verb = Verb(request=bytes(8), challenge=bytes(8), name="console", argument=b"id")
    sealed = seal(rows.VERB_KIND, rows.write(rows.VERB, bytes(8), bytes(8), "console", b"id"), KEY, KID)
    assert sealed == pack_maced(verb, KEY, KID)
    assert unpack_maced(Verb, KEY, KID, sealed) == verb
    assert unseal(rows.VERB_KIND, Verb.MAX_BYTES, KEY, KID, sealed) == verb.to_cbor()


@pytest.mark.parametrize(
    "text",
    ["", "1", "1.2", "1.2.3.4", "1.2.x", "01.2.3", "1.2.-3", " 1.2.3", "1.2.10000", "1..3", "1.2.\u0663", "1.2.\u00b2"],
)
def test_a_release_is_three_numbers(text: str) -> None:
    with pytest.raises(WireError, match="release_invalid"):
        rows.release_numbers(text)
    assert rows.release_text(rows.release_numbers("10.2.9999")) == "10.2.9999"
