"""Every message, field by field: what it takes, what it refuses, and that it has one encoding."""

import importlib
import pkgutil
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import volthood.wire
from volthood.wire import cose
from volthood.wire.cbor import WireError, decode, encode
from volthood.wire.inbox import RECEIPT, Envelope
from volthood.wire.market import Allocation, Bundle, Contract, Evidence, Order, Settlement, unpack_eddsa
from volthood.wire.message import Bytes, Field, Int, Message, Row, Rows, Text
from volthood.wire.record import Live, Receipt, Record, record_hash, unpack_record


def messages() -> list[type[Message]]:
    for module in pkgutil.iter_modules(volthood.wire.__path__, "volthood.wire."):
        importlib.import_module(module.name)
    found: list[type[Message]] = []
    todo: list[type[Message]] = [Message]
    while todo:
        subclasses = todo.pop().__subclasses__()
        todo += subclasses
        found += [cls for cls in subclasses if cls.FIELDS and cls.__module__.startswith("volthood.wire.")]
    return sorted(found, key=lambda cls: cls.__name__)


MESSAGES = messages()
each_message = pytest.mark.parametrize("cls", MESSAGES, ids=lambda cls: cls.__name__)


def smallest(kind: object) -> Any:
    """A value that the kind takes."""
    if isinstance(kind, Int):
        return max(kind.low, 0)
    if isinstance(kind, Bytes):
        return b"\x07" * kind.low
    if isinstance(kind, Text):
        return "t"
    if isinstance(kind, Row):
        return tuple(smallest(item) for item in kind.kinds)
    assert isinstance(kind, Rows)
    return tuple(smallest(kind.kind) for _ in range(kind.low))


def sample(cls: type[Message], **changed: object) -> dict[str, Any]:
    """Fields of a small good message."""
    values = {field.name: smallest(field.kind) for field in cls.FIELDS if field.default is ...}
    special: dict[type[Message], dict[str, object]] = {
        Contract: {"buyer": bytes(32)},
        Envelope: {"kind": 1, "counter": 1, "body": b"body"},
        Evidence: {"first": b"one", "second": b"two"},
    }
    return values | special.get(cls, {}) | changed


def as_map(message: Message) -> dict[Any, Any]:
    values = decode(message.to_cbor())
    assert isinstance(values, dict)
    return values


def reason(cls: type[Message], values: object) -> str:
    """Why the payload is refused; empty where it is not."""
    try:
        cls.from_cbor(encode(values))
    except WireError as error:
        return error.reason
    return ""


def values_of(kind: object) -> st.SearchStrategy[Any]:
    if isinstance(kind, Int):
        return st.integers(kind.low, kind.high)
    if isinstance(kind, Bytes):
        return st.binary(min_size=kind.low, max_size=min(kind.high, kind.low + 40))
    if isinstance(kind, Text):
        return st.text(st.characters(codec="utf-8"), min_size=1, max_size=kind.high)
    if isinstance(kind, Row):
        return st.tuples(*map(values_of, kind.kinds))
    assert isinstance(kind, Rows)
    return st.lists(values_of(kind.kind), min_size=kind.low, max_size=min(kind.high, 5)).map(tuple)


def field_values(field: Field) -> st.SearchStrategy[Any]:
    values = values_of(field.kind)
    return values if field.default is ... else st.one_of(st.just(field.default), values)


def good(cls: type[Message]) -> st.SearchStrategy[Message]:
    """Messages of a class; what breaks a rule between fields is left out."""

    def made(values: dict[str, Any]) -> Message | None:
        if cls is Settlement:
            values["delivered_wh"] = min(values["seller_wh"], values["buyer_wh"])
        if cls is Order:
            values |= {"side": 0, "steps": ()} if not values["side"] or not values["steps"] else {}
        if cls is Envelope:
            values |= {"kind": RECEIPT} if values["body"] == b"" else {"kind": 1, "counter": values["counter"] or 1}
        if cls is Record:
            edges = sorted({edge for row in values["closed"] for edge in row[:2]})
            values["closed"] = tuple((low, low, 2) for low in edges)[:8]
            values["rseq"] = max([values["rseq"], *(edge + 1 for edge in edges)])
        try:
            return cls(**values)
        except WireError:
            return None

    fields = st.fixed_dictionaries({field.name: field_values(field) for field in cls.FIELDS})
    return fields.map(made).filter(bool)  # type: ignore[return-value]


@each_message
@given(data=st.data())
def test_what_is_written_is_read_as_the_same(cls: type[Message], data: st.DataObject) -> None:
    message = data.draw(good(cls).filter(fits))
    again = cls.from_cbor(message.to_cbor())
    assert again == message
    assert again.to_cbor() == message.to_cbor()
    assert vars(again) == vars(message)


def fits(message: Message) -> bool:
    return len(message.to_cbor()) <= message.MAX_BYTES


@each_message
@given(data=st.data())
def test_a_changed_payload_is_refused_or_another_message(cls: type[Message], data: st.DataObject) -> None:
    payload = bytearray(cls(**sample(cls)).to_cbor())
    for _ in range(data.draw(st.integers(1, 3))):
        payload[data.draw(st.integers(0, len(payload) - 1))] = data.draw(st.integers(0, 255))
    try:
        message = cls.from_cbor(bytes(payload))
    except WireError:
        return
    assert message.to_cbor() == payload


@each_message
def test_an_unknown_key_is_refused(cls: type[Message]) -> None:
    values = as_map(cls(**sample(cls)))
    for key in (0, 99, -1, "hood", b"hood"):
        assert reason(cls, values | {key: 0}) == "field_unknown"


@each_message
def test_an_unknown_field_is_refused(cls: type[Message]) -> None:
    with pytest.raises(WireError, match="field_unknown: note"):
        cls(**sample(cls, note=1))


@each_message
@pytest.mark.parametrize("version", [0, 2, True, "1", None, [1]])
def test_only_version_1_is_taken(cls: type[Message], version: object) -> None:
    values = as_map(cls(**sample(cls)))
    assert reason(cls, values | {1: version}) == "version_unknown"
    assert reason(cls, {key: value for key, value in values.items() if key != 1}) == "version_unknown"


@each_message
@pytest.mark.parametrize("value", [[], 1, None, b"", "text"])
def test_only_a_map_is_taken(cls: type[Message], value: object) -> None:
    assert reason(cls, value) == "not_a_map"


@each_message
def test_a_missing_field_is_refused_or_has_its_default(cls: type[Message]) -> None:
    for field in cls.FIELDS:
        values = as_map(cls(**sample(cls)))
        values.pop(field.key, None)
        if field.default is ...:
            assert reason(cls, values) == "field_missing", field.name
        elif cls is not Envelope:
            assert getattr(cls.from_cbor(encode(values)), field.name) == field.default, field.name


@each_message
def test_a_default_written_out_is_refused(cls: type[Message]) -> None:
    values = as_map(cls(**sample(cls)))
    for field in cls.FIELDS:
        if field.default is not ...:
            assert reason(cls, values | {field.key: field.default}) in {"not_canonical", "field_range"}, field.name


def wrong_types(kind: object) -> list[object]:
    everything: list[object] = [True, 3, b"123", "text", {1: 1}]
    keeps = {Int: 3, Bytes: b"123", Text: "text"}.get(type(kind), [])
    return [value for value in everything if value != keeps] + ([] if isinstance(kind, Row | Rows) else [[1, 2, 3]])


@each_message
def test_another_type_is_refused(cls: type[Message]) -> None:
    values = as_map(cls(**sample(cls)))
    for field in cls.FIELDS:
        for value in wrong_types(field.kind):
            found = reason(cls, values | {field.key: value})
            assert found in {"field_type", "not_canonical"}, (field.name, value)


def one_past(kind: object) -> list[Any]:
    """Values just outside of what the kind takes."""
    if isinstance(kind, Int):
        return [kind.low - 1, kind.high + 1]
    if isinstance(kind, Bytes):
        return [bytes(size) for size in (kind.low - 1, kind.high + 1) if size >= 0]
    if isinstance(kind, Text):
        return ["", "x" * (kind.high + 1)]
    if isinstance(kind, Row):
        good_row = smallest(kind)
        return [(*good_row[:i], bad, *good_row[i + 1 :]) for i, part in enumerate(kind.kinds) for bad in one_past(part)]
    assert isinstance(kind, Rows)
    sizes = [size for size in (kind.low - 1, kind.high + 1) if size > 0]
    return [(smallest(kind.kind),) * size for size in sizes] + [(bad,) for bad in one_past(kind.kind)]


@each_message
def test_one_past_the_range_is_refused(cls: type[Message]) -> None:
    for field in cls.FIELDS:
        for value in one_past(field.kind):
            if value != field.default:
                with pytest.raises(WireError, match=r"field_range|field_type"):
                    cls(**sample(cls, **{field.name: value}))


def test_every_kind_and_key_stands_once() -> None:
    kinds = [value for cls in MESSAGES for name, value in vars(cls).items() if name.endswith("KIND") and value]
    assert len(set(kinds)) == len(kinds)
    for cls in MESSAGES:
        assert sorted({field.key for field in cls.FIELDS}) == list(range(2, len(cls.FIELDS) + 2)), cls
        assert cls.MAX_BYTES > 0


def test_false_given_for_zero_is_kept_as_zero() -> None:
    live = Live(**sample(Live, quality=False))
    assert live.quality is not False
    assert live == Live(**sample(Live))


def test_messages_compare_by_their_bytes() -> None:
    assert Receipt(rseq=1) == Receipt(rseq=1)
    assert hash(Receipt(rseq=1)) == hash(Receipt(rseq=1))
    assert Receipt(rseq=1) != Receipt(rseq=2)
    assert Receipt(rseq=1) != 1
    assert repr(Receipt(rseq=1)) == "Receipt(rseq=1)"


BROKEN_RULES = [
    ("closed range after the record", Record, {"rseq": 9, "closed": ((9, 9, 1),)}),
    ("closed range that ends in it", Record, {"rseq": 9, "closed": ((3, 9, 1),)}),
    ("closed range backwards", Record, {"rseq": 9, "closed": ((4, 3, 1),)}),
    ("closed ranges overlap", Record, {"rseq": 9, "closed": ((1, 4, 1), (4, 5, 2))}),
    ("closed ranges descend", Record, {"rseq": 9, "closed": ((4, 5, 1), (1, 2, 2))}),
    ("steps of a watcher", Order, {"steps": ((1, 1),)}),
    ("no steps of a buyer", Order, {"side": 1}),
    ("one trades with itself", Contract, {"seller": bytes(32), "buyer": bytes(32)}),
    ("delivered more than allocated", Settlement, {"seller_wh": 4, "buyer_wh": 5, "delivered_wh": 5}),
    ("delivered less than allocated", Settlement, {"seller_wh": 4, "buyer_wh": 5, "delivered_wh": 3}),
    ("receipt with a body", Envelope, {"kind": RECEIPT}),
    ("no body", Envelope, {"body": b""}),
    ("number 0", Envelope, {"counter": 0}),
    ("evidence twice the same", Evidence, {"first": b"one", "second": b"one"}),
    ("evidence twice the same in a bundle", Bundle, {"evidence": ((b"one", b"one"),)}),
]


@pytest.mark.parametrize(("name", "cls", "changed"), BROKEN_RULES, ids=[row[0] for row in BROKEN_RULES])
def test_rules_between_fields(name: str, cls: type[Message], changed: dict[str, Any]) -> None:
    with pytest.raises(WireError, match="field_range"):
        cls(**sample(cls, **changed))


def test_closed_ranges_may_touch() -> None:
    closed = ((1, 4, 1), (5, 5, 2), (6, 8, 3))
    assert Record(**sample(Record, rseq=9, closed=closed)).closed == closed


def test_a_slot_record_is_one_that_links_to_a_slot_record() -> None:
    assert not Record(**sample(Record)).is_slot
    assert Record(**sample(Record, prev_slot=bytes(16))).is_slot


def test_the_round_of_a_message() -> None:
    assert Allocation(**sample(Allocation, slot=900, gate=255)).round == (b"\x07" * 32, 900, 255)


def signed(alg: int, message: Message) -> bytes:
    return cose.pack_sign1(cose.protected_header(alg, bytes(8)), message.to_cbor(), bytes(64))


def test_a_record_is_es256_and_nothing_else() -> None:
    record = Record(**sample(Record))
    assert unpack_record(signed(cose.ES256, record))[1] == record
    with pytest.raises(WireError, match="algorithm_unknown"):
        unpack_record(signed(cose.EDDSA, record))
    with pytest.raises(WireError, match="algorithm_unknown"):
        unpack_eddsa(signed(cose.ES256, record), 1000)


def test_a_link_covers_the_signature_too() -> None:
    data = signed(cose.ES256, Record(**sample(Record)))
    assert record_hash(data) != record_hash(data[:-1] + b"\x01")
