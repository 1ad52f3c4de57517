"""Deterministic CBOR against cbor2, and against bytes that nobody wrote on purpose."""

from typing import Any

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from volthood.wire.cbor import Tag, WireError, decode, encode, utf8

KEYS = st.one_of(st.integers(-300, 300), st.binary(max_size=3), st.text(st.characters(codec="utf-8"), max_size=3))
LEAVES = st.one_of(
    *(st.none(), st.booleans(), st.integers(-(2**63), 2**63 - 1)),
    *(st.binary(max_size=300), st.text(st.characters(codec="utf-8"), max_size=30)),
)
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.lists(inner, max_size=5),
        st.dictionaries(KEYS, inner, max_size=5),
        st.builds(Tag, st.integers(6, 20).filter(lambda number: number < 12 or number > 16), inner),
    ),
    max_leaves=20,
)


def too_deep(value: Any, left: int = 8) -> bool:
    if isinstance(value, Tag):
        return left == 0 or too_deep(value.value, left - 1)
    if isinstance(value, dict):
        return bool(value) and (left == 0 or any(too_deep(item, left - 1) for item in value.values()))
    return isinstance(value, list) and bool(value) and (left == 0 or any(too_deep(item, left - 1) for item in value))


def foreign(value: Any) -> Any:
    """The value as cbor2 gives it."""
    if isinstance(value, Tag):
        return cbor2.CBORTag(value.number, foreign(value.value))
    if isinstance(value, dict):
        return {key: foreign(item) for key, item in value.items()}
    return [foreign(item) for item in value] if isinstance(value, list) else value


@given(VALUES.filter(lambda value: not too_deep(value)))
def test_what_is_written_is_read_as_the_same_by_us_and_by_cbor2(value: object) -> None:
    raw = encode(value)
    assert decode(raw) == value
    assert cbor2.loads(raw) == foreign(value)


@given(st.binary(max_size=40))
def test_random_bytes_are_refused_or_encode_back_to_themselves(raw: bytes) -> None:
    try:
        value = decode(raw)
    except WireError:
        return
    assert encode(value) == raw


@given(VALUES.filter(lambda value: not too_deep(value)), st.data())
def test_changed_bytes_are_refused_or_encode_back_to_themselves(value: object, data: st.DataObject) -> None:
    raw = bytearray(encode(value))
    place = data.draw(st.integers(0, len(raw) - 1))
    action = data.draw(st.sampled_from(["change", "remove", "insert"]))
    if action == "change":
        raw[place] = data.draw(st.integers(0, 255))
    elif action == "remove":
        del raw[place]
    else:
        raw.insert(place, data.draw(st.integers(0, 255)))
    try:
        changed = decode(bytes(raw))
    except WireError:
        return
    assert encode(changed) == raw


@given(st.one_of(st.binary(max_size=8), st.text(max_size=4).map(lambda text: text.encode("utf-8", "surrogatepass"))))
def test_text_is_the_utf8_that_python_knows(raw: bytes) -> None:
    try:
        wanted: str | None = raw.decode()
    except UnicodeDecodeError:
        wanted = None
    if wanted is None:
        with pytest.raises(WireError, match="not_utf8"):
            utf8(raw)
    else:
        assert utf8(raw) == wanted


@given(st.dictionaries(KEYS, st.just(0), max_size=12))
def test_the_order_of_a_map_in_memory_says_nothing(values: dict[object, int]) -> None:
    assert encode(dict(reversed(values.items()))) == encode(values)


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (0.5, "type_unknown"),
        ({1, 2}, "type_unknown"),
        (object(), "type_unknown"),
        ({True: 1}, "type_unknown"),
        ({None: 1}, "type_unknown"),
        ({(1, 2): 1}, "type_unknown"),
        (Tag(-1, 0), "type_unknown"),
        (Tag(2**64, 0), "int_too_large"),
        ("\ud800", "not_utf8"),
        ({"\udfff": 0}, "not_utf8"),
        ([[2**63]], "int_too_large"),
    ],
)
def test_what_has_no_encoding_is_refused(value: object, reason: str) -> None:
    with pytest.raises(WireError) as caught:
        encode(value)
    assert caught.value.reason == reason


def test_long_strings() -> None:
    for value in (bytes(65535), bytes(65536), "x" * 65536):
        assert encode(value) == cbor2.dumps(value)
        assert decode(encode(value)) == value


def test_tuples_and_bytearrays_are_written_as_what_they_become() -> None:
    assert decode(encode((1, bytearray(b"a")))) == [1, b"a"]


def test_tags_compare_by_number_and_value() -> None:
    assert Tag(18, 1) == Tag(18, 1)
    assert Tag(18, 1) != Tag(17, 1)
    assert Tag(18, 1) != 1
    assert len({Tag(18, 1), Tag(18, 1)}) == 1


def test_an_error_has_a_reason_and_a_detail() -> None:
    error = WireError("too_large", "9 bytes")
    assert (error.reason, error.detail, str(error)) == ("too_large", "9 bytes", "too_large: 9 bytes")
    assert str(WireError("truncated")) == "truncated"
