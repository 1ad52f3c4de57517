"""Every limit of `limits.py`: the last that is taken, the first that is refused, and what must fit below it."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from volthood.engine.stamping import start_of
from volthood.errors import PeerError
from volthood.wire import cose, limits
from volthood.wire.cbor import WireError, decode, encode
from volthood.wire.inbox import Envelope
from volthood.wire.market import (
    Allocation,
    Ask,
    Bundle,
    Contract,
    Evidence,
    Give,
    Order,
    Settlement,
    Void,
    unpack_eddsa,
)
from volthood.wire.message import Bytes, Int, Message, Row, Rows, Text
from volthood.wire.note import pack_note, signature_line, unpack_note
from volthood.wire.record import Live, Receipt, Record, unpack_record
from volthood.wire.roster import Roster, RosterMember
from volthood.wire.topics import check_name
from volthood.wire.update import PIECE, Manifest, Step, pack_row, release_numbers, unpack_row
from volthood.wire.verb import Answer, Verb

Check = Callable[[], None]

ROUND: dict[str, Any] = {"hood": bytes(32), "slot": 900, "gate": 0}
ORDER: dict[str, Any] = {**ROUND, "algorithm": "mid-market/1", "side": 1, "counter": 1}
METER: dict[str, Any] = {"meter": bytes(8), "index": 0, "import_wh": 1, "export_wh": 1, "power_w": 0}
RECORD: dict[str, Any] = METER | {"rseq": 100, "boot": 1, "time_s": 1782043200, "prev": bytes(16)}
SEAL_BYTES = 48
"""What HPKE adds: a key share and a tag."""


def refused(reason: str, action: Callable[..., object], *arguments: object, **named: object) -> None:
    with pytest.raises(WireError) as caught:
        action(*arguments, **named)
    assert caught.value.reason == reason


def nested(depth: int) -> object:
    value: object = 0
    for _ in range(depth):
        value = [value]
    return value


def depth() -> None:
    assert decode(encode(nested(limits.MAX_DEPTH))) == nested(limits.MAX_DEPTH)
    refused("too_deep", encode, nested(limits.MAX_DEPTH + 1))
    refused("too_deep", decode, b"\x81" * (limits.MAX_DEPTH + 1) + b"\x00")
    refused("too_deep", decode, b"\xa1\x00" * (limits.MAX_DEPTH + 1) + b"\x00")
    refused("too_deep", decode, b"\xc1" * 100_000)


def items() -> None:
    n = limits.MAX_ITEMS
    assert decode(encode([0] * n)) == [0] * n
    assert decode(encode(dict.fromkeys(range(n), 0))) == dict.fromkeys(range(n), 0)
    refused("too_many_items", encode, [0] * (n + 1))
    refused("too_many_items", encode, dict.fromkeys(range(n + 1), 0))
    refused("too_many_items", decode, b"\x99" + (n + 1).to_bytes(2, "big") + bytes(n + 1))
    refused("too_many_items", decode, b"\xb9" + (n + 1).to_bytes(2, "big"))


def int_bits() -> None:
    for value in (2**limits.MAX_INT_BITS - 1, -(2**limits.MAX_INT_BITS)):
        assert decode(encode(value)) == value
    for value in (2**limits.MAX_INT_BITS, -(2**limits.MAX_INT_BITS) - 1):
        refused("int_too_large", encode, value)
    refused("int_too_large", decode, b"\x1b\x80" + bytes(7))
    refused("int_too_large", decode, b"\x3b\x80" + bytes(7))


def size(limit: int, unpack: Callable[[bytes], object]) -> Check:
    """One byte more than `limit` is refused for its size, `limit` is not."""

    def check() -> None:
        refused("too_large", unpack, bytes(limit + 1))
        refused("trailing_bytes", unpack, bytes(limit))

    return check


def by_agent(cls: type[Message]) -> Callable[[bytes], object]:
    return lambda data: unpack_eddsa(data, cls.MAX_BYTES)


def slot_record() -> None:
    """The mark, for every household: counters and times of 32 bits, registers below 4.29 GWh."""
    most = 2**32 - 1
    counters = {"index": 23, "rseq": most, "boot": most, "time_s": most, "import_wh": most, "export_wh": most}
    values = RECORD | counters | {"quality": 3, "flags": 63, "power_w": -(10**9), "prev_slot": bytes(16)}
    assert len(signed(Record(**values))) <= limits.MAX_SLOT_RECORD_BYTES
    beyond = {"rseq": 2**40, "time_s": 2**40, "import_wh": 10**13, "export_wh": 10**13}
    assert len(signed(Record(**(values | beyond)))) > limits.MAX_SLOT_RECORD_BYTES


def closed_ranges() -> None:
    ranges = tuple((n, n, 1) for n in range(1, limits.MAX_CLOSED_RANGES + 2))
    assert Record(**RECORD, closed=ranges[:-1]).closed == ranges[:-1]
    refused("field_range", Record, **RECORD, closed=ranges)


def order_steps() -> None:
    steps = ((1, 1),) * (limits.MAX_ORDER_STEPS + 1)
    assert Order(**ORDER, steps=steps[:-1]).steps == steps[:-1]
    refused("field_range", Order, **ORDER, steps=steps)


def order_bytes() -> None:
    size(limits.MAX_ORDER_BYTES, by_agent(Order))()
    rest = {**ROUND, "counter": 1}
    assert Bundle(**rest, orders=(bytes(limits.MAX_ORDER_BYTES),)).orders
    refused("field_range", Bundle, **rest, orders=(bytes(limits.MAX_ORDER_BYTES + 1),))
    pair = (b"1", bytes(limits.MAX_ORDER_BYTES + 1))
    refused("field_range", Bundle, **rest, orders=(), evidence=(pair,))


def member(number: int, **changed: Any) -> RosterMember:
    raw = number.to_bytes(32, "big")
    keys: dict[str, Any] = {
        "agent_key": raw,
        "seal_key": raw,
        "witness_key": raw,
        "node_keys": (),
        "metering_point": raw,
    }
    values = {"house": f"h{number}", "fuse_w": 17250, "grid_node": "root", "broker": "broker:8883"}
    return RosterMember(**(keys | values | changed))


def members() -> None:
    orders = (b"order",) * (limits.MAX_MEMBERS + 1)
    assert Bundle(**ROUND, counter=1, orders=orders[:-1]).orders
    refused("field_range", Bundle, **ROUND, counter=1, orders=orders)
    all_members = tuple(map(member, range(limits.MAX_MEMBERS + 1)))
    roster = Roster(1, None, 0, 0, all_members[:-1])
    assert Roster.from_text(roster.to_text()).digest == roster.digest
    refused("too_many_items", Roster, 1, None, 0, 0, all_members)
    refused("too_many_items", Roster.from_text, roster.to_text() + all_members[-1].to_line() + "\n")
    refused("too_many_items", Roster, 1, None, 0, 0, ())


def evidence() -> None:
    pairs = ((b"one", b"two"),) * (limits.MAX_EVIDENCE + 1)
    assert Bundle(**ROUND, counter=1, orders=(), evidence=pairs[:-1]).evidence
    refused("field_range", Bundle, **ROUND, counter=1, orders=(), evidence=pairs)


def bundle_bytes() -> None:
    size(limits.MAX_BUNDLE_BYTES, by_agent(Bundle))()
    rest = {**ROUND, "counter": 1, "what": 2}
    largest, larger = bytes(limits.MAX_BUNDLE_BYTES), bytes(limits.MAX_BUNDLE_BYTES + 1)
    assert Give(**rest, body=largest).body
    refused("field_range", Give, **rest, body=larger)
    refused("field_range", Evidence, **rest, first=larger, second=b"2")
    refused("field_range", Evidence, **rest, first=b"1", second=larger)


def inbox_body() -> None:
    rest = {"hood": bytes(32), "recipient": bytes(32), "kind": 1, "counter": 1}
    assert Envelope(**rest, body=bytes(limits.MAX_INBOX_BODY_BYTES)).body
    refused("field_range", Envelope, **rest, body=bytes(limits.MAX_INBOX_BODY_BYTES + 1))


def note_bytes() -> None:
    line = signature_line("house01", bytes(32), bytes(64))
    overhead = len(pack_note("\n", [line]))
    text = "x" * (limits.MAX_NOTE_BYTES - overhead) + "\n"
    assert unpack_note(pack_note(text, [line]))[0] == text
    refused("too_large", unpack_note, pack_note("x" + text, [line]))


def note_signatures() -> None:
    lines = [signature_line("house01", bytes(32), bytes(64))] * (limits.MAX_NOTE_SIGNATURES + 1)
    assert len(unpack_note(pack_note("text\n", lines[:-1]))[1]) == limits.MAX_NOTE_SIGNATURES
    refused("too_many_items", unpack_note, pack_note("text\n", lines))


def nodes() -> None:
    keys = tuple(bytes([n]) * 64 for n in range(limits.MAX_NODES + 1))
    assert len(member(1, node_keys=keys[:-1]).nodes) == limits.MAX_NODES
    refused("field_range", member, 1, node_keys=keys)


def broker_chars() -> None:
    member(1, broker="b" * limits.MAX_BROKER_CHARS)
    refused("field_range", member, 1, broker="b" * (limits.MAX_BROKER_CHARS + 1))


def fuse() -> None:
    member(1, fuse_w=limits.MAX_FUSE_W)
    refused("field_range", member, 1, fuse_w=limits.MAX_FUSE_W + 1)


def name_chars() -> None:
    assert check_name("n" * limits.MAX_NAME_CHARS)
    refused("name_invalid", check_name, "n" * (limits.MAX_NAME_CHARS + 1))
    refused("name_invalid", member, 1, grid_node="n" * (limits.MAX_NAME_CHARS + 1))
    refused("field_range", Order, **{**ORDER, "algorithm": "a" * (limits.MAX_NAME_CHARS + 1)}, steps=((1, 1),))


VERB: dict[str, Any] = {"request": bytes(8), "challenge": bytes(8)}


def verb_chars() -> None:
    assert Verb(**VERB, name="v" * limits.MAX_VERB_CHARS).name
    refused("field_range", Verb, **VERB, name="v" * (limits.MAX_VERB_CHARS + 1))


def verb_argument() -> None:
    most = bytes(limits.MAX_VERB_ARGUMENT_BYTES)
    assert Verb(**VERB, name="update", argument=most).argument == most
    refused("field_range", Verb, **VERB, name="update", argument=most + b"x")


def answer_body() -> None:
    most = bytes(limits.MAX_ANSWER_BODY_BYTES)
    assert Answer(request=bytes(8), body=most).body == most
    refused("field_range", Answer, request=bytes(8), body=most + b"x")


def answer_parts() -> None:
    assert Answer(request=bytes(8), part=limits.MAX_ANSWER_PARTS - 1).part
    refused("field_range", Answer, request=bytes(8), part=limits.MAX_ANSWER_PARTS)


MANIFEST: dict[str, Any] = {
    "release": (1, 2, 3),
    "hardware": "esp32",
    "minimum": (0, 0, 0),
    "mpy": 6,
    "files": 1,
    "content_bytes": 1,
    "list_bytes": 1,
    "list_hash": bytes(32),
}


def manifest_number(field: str, most: int) -> Check:
    def check() -> None:
        Manifest(**{**MANIFEST, field: most})
        refused("field_range", Manifest, **{**MANIFEST, field: most + 1})

    return check


def release_number() -> None:
    most = limits.MAX_RELEASE_NUMBER
    for field in ("release", "minimum"):
        Manifest(**{**MANIFEST, field: (most, most, most)})
        refused("field_range", Manifest, **{**MANIFEST, field: (0, 0, most + 1)})
    refused("release_invalid", release_numbers, f"0.0.{most + 1}")


def update_path() -> None:
    longest = "voltnode/" + "m" * (limits.MAX_UPDATE_PATH_CHARS - 13) + ".mpy"
    assert unpack_row(pack_row(longest, 1, bytes(32)))[0] == longest
    refused("field_range", pack_row, longest.replace("/", "/m"), 1, bytes(32))


def update_file() -> None:
    most = limits.MAX_UPDATE_FILE_BYTES
    assert unpack_row(pack_row("voltnode/a.mpy", most, bytes(32)))[1] == most
    refused("field_range", pack_row, "voltnode/a.mpy", most + 1, bytes(32))


def update_piece() -> None:
    most = bytes(limits.MAX_UPDATE_PIECE_BYTES)
    last = limits.MAX_UPDATE_LIST_BYTES + limits.MAX_UPDATE_BYTES
    assert len(Step(action=PIECE, offset=last, data=most).to_cbor()) <= limits.MAX_VERB_ARGUMENT_BYTES
    refused("field_range", Step.from_cbor, encode({1: 1, 2: PIECE, 4: most + b"x"}))
    refused("field_range", Step.from_cbor, encode({1: 1, 2: PIECE, 3: last + 1}))


def energy() -> None:
    Order(**ORDER, steps=((1, limits.MAX_ENERGY_WH),))
    refused("field_range", Order, **ORDER, steps=((1, limits.MAX_ENERGY_WH + 1),))
    assert limits.MAX_ENERGY_WH * limits.MAX_PRICE_MCT_PER_KWH < 2**limits.MAX_INT_BITS


def price() -> None:
    for sign in (1, -1):
        Order(**ORDER, steps=((sign * limits.MAX_PRICE_MCT_PER_KWH, 1),))
        refused("field_range", Order, **ORDER, steps=((sign * (limits.MAX_PRICE_MCT_PER_KWH + 1), 1),))


def status_bytes() -> None:
    text = json.dumps({"online": True})
    assert start_of(text.encode().ljust(limits.MAX_STATUS_BYTES)) is None
    with pytest.raises(PeerError, match="status_invalid"):
        start_of(text.encode().ljust(limits.MAX_STATUS_BYTES + 1))


CHECKS: dict[str, Check] = {
    "MAX_DEPTH": depth,
    "MAX_ITEMS": items,
    "MAX_INT_BITS": int_bits,
    "MAX_RECORD_BYTES": size(limits.MAX_RECORD_BYTES, unpack_record),
    "MAX_SLOT_RECORD_BYTES": slot_record,
    "MAX_CLOSED_RANGES": closed_ranges,
    "MAX_LIVE_BYTES": size(limits.MAX_LIVE_BYTES, Live.from_cbor),
    "MAX_STATUS_BYTES": status_bytes,
    "MAX_RECEIPT_BYTES": size(limits.MAX_RECEIPT_BYTES, lambda data: cose.unpack_mac0(data, Receipt.MAX_BYTES)),
    "MAX_VERB_BYTES": size(limits.MAX_VERB_BYTES, lambda data: cose.unpack_mac0(data, Verb.MAX_BYTES)),
    "MAX_VERB_CHARS": verb_chars,
    "MAX_VERB_ARGUMENT_BYTES": verb_argument,
    "MAX_ANSWER_BYTES": size(limits.MAX_ANSWER_BYTES, lambda data: cose.unpack_mac0(data, Answer.MAX_BYTES)),
    "MAX_ANSWER_BODY_BYTES": answer_body,
    "MAX_ANSWER_PARTS": answer_parts,
    "MAX_RELEASE_NUMBER": release_number,
    "MAX_MANIFEST_BYTES": size(limits.MAX_MANIFEST_BYTES, Manifest.from_cbor),
    "MAX_UPDATE_FILES": manifest_number("files", limits.MAX_UPDATE_FILES),
    "MAX_UPDATE_PATH_CHARS": update_path,
    "MAX_UPDATE_FILE_BYTES": update_file,
    "MAX_UPDATE_BYTES": manifest_number("content_bytes", limits.MAX_UPDATE_BYTES),
    "MAX_UPDATE_LIST_BYTES": manifest_number("list_bytes", limits.MAX_UPDATE_LIST_BYTES),
    "MAX_UPDATE_PIECE_BYTES": update_piece,
    "MAX_ORDER_STEPS": order_steps,
    "MAX_ORDER_BYTES": order_bytes,
    "MAX_MEMBERS": members,
    "MAX_EVIDENCE": evidence,
    "MAX_BUNDLE_BYTES": bundle_bytes,
    "MAX_ASK_BYTES": size(limits.MAX_ASK_BYTES, by_agent(Ask)),
    "MAX_GIVE_BYTES": size(limits.MAX_GIVE_BYTES, by_agent(Give)),
    "MAX_EVIDENCE_BYTES": size(limits.MAX_EVIDENCE_BYTES, by_agent(Evidence)),
    "MAX_CONTRACT_BYTES": size(limits.MAX_CONTRACT_BYTES, by_agent(Contract)),
    "MAX_SETTLEMENT_BYTES": size(limits.MAX_SETTLEMENT_BYTES, by_agent(Settlement)),
    "MAX_INBOX_BYTES": size(limits.MAX_INBOX_BYTES, by_agent(Envelope)),
    "MAX_INBOX_BODY_BYTES": inbox_body,
    "MAX_NOTE_BYTES": note_bytes,
    "MAX_NOTE_SIGNATURES": note_signatures,
    "MAX_NODES": nodes,
    "MAX_BROKER_CHARS": broker_chars,
    "MAX_FUSE_W": fuse,
    "MAX_NAME_CHARS": name_chars,
    "MAX_ENERGY_WH": energy,
    "MAX_PRICE_MCT_PER_KWH": price,
}


@pytest.mark.parametrize("limit", CHECKS)
def test_one_past_the_limit_is_refused(limit: str) -> None:
    CHECKS[limit]()


def test_every_limit_has_a_check() -> None:
    assert sorted(CHECKS) == sorted(name for name in vars(limits) if name.isupper())


# --- what the limits of the fields allow must fit into the limits of the messages ---


def largest(kind: object) -> Any:
    if isinstance(kind, Int):
        return kind.low if -kind.low > kind.high else kind.high
    if isinstance(kind, Bytes):
        return b"\xff" * kind.high
    if isinstance(kind, Text):
        return "\U0010ffff" * kind.high
    if isinstance(kind, Row):
        return tuple(largest(item) for item in kind.kinds)
    assert isinstance(kind, Rows)
    return (largest(kind.kind),) * kind.high


def signed(message: Message) -> bytes:
    header = cose.protected_header(cose.ES256, bytes(8))
    return cose.pack_sign1(header, message.to_cbor(), bytes(64))


def largest_signed(cls: type[Message], **smaller: object) -> int:
    """Size of the largest message, with a checkpoint; rules between fields do not matter to it."""
    values: dict[object, object] = {1: 1}
    for field in cls.FIELDS:
        values[field.key] = smaller.get(field.name, largest(field.kind))
    header = cose.protected_header(cose.EDDSA, bytes(8), bytes(32))
    return len(cose.pack_sign1(header, encode(values), bytes(64)))


@pytest.mark.parametrize("cls", [Record, Order, Ask, Give, Evidence, Contract, Settlement, Allocation, Void])
def test_the_largest_message_fits(cls: type[Message]) -> None:
    assert largest_signed(cls) <= cls.MAX_BYTES


def test_the_largest_bundle_of_real_orders_fits() -> None:
    order = bytes(largest_signed(Order))
    orders, pairs = [order] * limits.MAX_MEMBERS, [[order, order]] * limits.MAX_EVIDENCE
    assert largest_signed(Bundle, orders=orders, evidence=pairs) <= Bundle.MAX_BYTES


def test_the_largest_sealed_envelope_fits() -> None:
    assert largest_signed(Envelope) + SEAL_BYTES <= limits.MAX_INBOX_BYTES


@pytest.mark.parametrize("cls", [Contract, Settlement, Allocation, Void])
def test_what_goes_into_an_inbox_fits_into_an_envelope(cls: type[Message]) -> None:
    assert largest_signed(cls) <= limits.MAX_INBOX_BODY_BYTES


def test_the_largest_live_message_and_receipt_fit() -> None:
    values = {field.name: largest(field.kind) for field in Live.FIELDS}
    assert len(Live(**values).to_cbor()) <= limits.MAX_LIVE_BYTES
    header = cose.protected_header(cose.HMAC_256, bytes(8))
    assert len(cose.pack_mac0(header, Receipt(rseq=2**40).to_cbor(), bytes(32))) <= limits.MAX_RECEIPT_BYTES


@pytest.mark.parametrize("cls", [Verb, Answer])
def test_the_largest_verb_and_answer_fit(cls: type[Message]) -> None:
    values = {field.name: largest(field.kind) for field in cls.FIELDS}
    header = cose.protected_header(cose.HMAC_256, bytes(8))
    assert len(cose.pack_mac0(header, cls(**values).to_cbor(), bytes(32))) <= cls.MAX_BYTES


def test_an_order_of_4_steps_has_at_most_200_bytes() -> None:
    steps = ((2**16 - 1, 2**16 - 1),) * 4
    order = Order(
        **{**ORDER, "slot": 2**32 - 1, "gate": 255, "counter": 2**32 - 1, "algorithm": "mid-market/1"}, steps=steps
    )
    assert len(signed(order)) <= 200
