"""Checks of the wire formats for both interpreters: `check_wire.py FOLDER GROUP`, the vectors and what to check.

Prints how many cases held and ends with status 1 when one did not. MicroPython's subset only: no pytest here, and each
group imports what it checks, since the board's heap has no room for all of them at once.
"""

import json
import sys

from volthood.wire.cbor import Tag, WireError, decode, encode

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any


def cases(name: str) -> "Iterator[dict[str, Any]]":
    """The cases of a vector file, one at a time: the board could not hold them all."""
    with open(sys.argv[1] + "/" + name + ".jsonl") as file:
        for line in file:
            yield json.loads(line)


def value_of(plain: object) -> object:
    """The value that the vectors write as JSON."""
    if isinstance(plain, list):
        return [value_of(item) for item in plain]
    if not isinstance(plain, dict):
        return plain
    if "b" in plain:
        return bytes.fromhex(plain["b"])
    if "t" in plain:
        return Tag(plain["t"][0], value_of(plain["t"][1]))
    return {value_of(key): value_of(item) for key, item in plain["m"]}


def same(value: object, other: object) -> bool:
    """Equal, and true is not 1."""
    return value == other and isinstance(value, bool) == isinstance(other, bool)


def tuples(value: object) -> object:
    """Lists as a message keeps them."""
    return tuple([tuples(item) for item in value]) if isinstance(value, list) else value


def reason_of(action: "Callable[..., object]", *arguments: object) -> str:
    """Why an action refused what it was given; empty where it did not."""
    try:
        action(*arguments)
    except WireError as error:
        return error.reason
    return ""


def check_cbor() -> "Iterator[tuple[str, bool]]":
    for case in cases("cbor"):
        raw = bytes.fromhex(case["bytes"])
        if "refused" in case:
            yield case["name"], reason_of(decode, raw) == case["refused"]
            continue
        value = value_of(case["value"])
        yield case["name"] + ", read", same(decode(raw), value)
        yield case["name"] + ", written", encode(value) == raw
        for end in range(len(raw) if len(raw) < 40 else 0):
            yield case["name"] + ", cut off", reason_of(decode, raw[:end]) == "truncated"


def check_cose() -> "Iterator[tuple[str, bool]]":
    from volthood.wire import cose

    for case in cases("cose"):
        if "refused" in case:
            data = bytes.fromhex(case["signed"])
            yield case["name"], reason_of(cose.unpack_sign1, data, 1000) == case["refused"]
            continue
        covered = cose.to_be_signed if case["structure"] == "Signature1" else cose.to_be_maced
        protected, payload = bytes.fromhex(case["protected"]), bytes.fromhex(case["payload"])
        yield case["name"] + ", covered", covered(case["kind"], protected, payload).hex() == case["covered"]
        if "signed" in case:
            data = bytes.fromhex(case["signed"])
            signed = cose.unpack_sign1(data, len(data))
            checkpoint = signed.checkpoint.hex() if signed.checkpoint else None
            got = [signed.alg, signed.kid.hex(), checkpoint, signed.payload.hex(), signed.signature.hex()]
            wanted = [case[key] for key in ("alg", "kid", "checkpoint", "payload", "signature")]
            yield case["name"] + ", read", got == wanted and signed.protected == protected
            header = cose.protected_header(signed.alg, signed.kid, signed.checkpoint)
            yield case["name"] + ", written", cose.pack_sign1(header, signed.payload, signed.signature) == data
            yield (
                case["name"] + ", size",
                reason_of(cose.unpack_sign1, data, len(data) - 1) == "too_large",
            )


def message_class(name: str) -> "Any":
    from volthood.wire import inbox, market, record, update, verb

    for module in (record, verb, update, market, inbox):
        if hasattr(module, name):
            return getattr(module, name)
    raise KeyError(name)


def unpacked(case: "dict[str, Any]") -> "Any":
    from volthood.wire import cose, market, record

    data = bytes.fromhex(case["signed"])
    if case["message"] == "Record":
        return record.unpack_record(data)[0]
    if case["message"] == "Manifest":
        return cose.unpack_sign1(data, message_class("Manifest").MAX_BYTES)
    if case["message"] in ("Receipt", "Verb", "Answer"):
        return cose.unpack_mac0(data, message_class(case["message"]).MAX_BYTES)
    return market.unpack_eddsa(data, message_class(case["message"]).MAX_BYTES)


def check_messages() -> "Iterator[tuple[str, bool]]":
    from volthood.wire import record

    for case in cases("messages"):
        cls, payload = message_class(case["message"]), bytes.fromhex(case["payload"])
        fields = {key: tuples(value_of(item)) for key, item in case["fields"].items()}
        yield case["name"] + ", written", cls(**fields).to_cbor() == payload
        read = cls.from_cbor(payload)
        for field in cls.FIELDS:
            value = getattr(read, field.name)
            yield case["name"] + ", " + field.name, same(value, fields.get(field.name, field.default))
        if case["signed"]:
            yield case["name"] + ", as sent", unpacked(case).payload == payload
    chain = {case["name"]: bytes.fromhex(case["signed"]) for case in cases("messages") if case["message"] == "Record"}
    last = record.unpack_record(chain["Record"])[1]
    yield "prev", last.prev == record.record_hash(chain["Record of a minute"])
    yield "prev_slot", last.prev_slot == record.record_hash(chain["Record at the start"])


def check_maced() -> "Iterator[tuple[str, bool]]":
    """What agent and node say under their link key, made and opened, and what is refused of it."""
    from volthood.wire.maced import pack_maced, unpack_maced

    for case in cases("messages"):
        if case["message"] not in ("Receipt", "Verb", "Answer"):
            continue
        cls, key, data = message_class(case["message"]), bytes.fromhex(case["public"]), bytes.fromhex(case["signed"])
        kid = data[8:16]
        message = unpack_maced(cls, key, kid, data)
        yield case["name"] + ", made", pack_maced(message, key, kid) == data
        yield case["name"] + ", other key", reason_of(unpack_maced, cls, bytes(32), kid, data) == "mac_wrong"
        yield case["name"] + ", other node", reason_of(unpack_maced, cls, key, bytes(8), data) == "kid_unknown"
        for other in ("Receipt", "Verb", "Answer"):
            if other != case["message"]:
                reason = reason_of(unpack_maced, message_class(other), key, kid, data)
                yield case["name"] + " as " + other, reason in ("mac_wrong", "too_large")


def check_notes() -> "Iterator[tuple[str, bool]]":
    from volthood.wire import note

    for case in cases("notes"):
        data = case["note"].encode()
        if "refused" in case:
            yield case["name"], reason_of(note.unpack_note, data) == case["refused"]
            continue
        text, lines = note.unpack_note(data)
        got = [[line.name, line.key_hash.hex(), line.signature.hex()] for line in lines]
        yield case["name"] + ", read", text == case["text"] and got == case["signatures"]
        for i, key in enumerate(case["keys"]):
            line, raw = lines[i], bytes.fromhex(key)
            made = note.signature_line(line.name, raw, line.signature)
            yield case["name"] + ", line", made in case["note"] and note.note_key_hash(line.name, raw) == line.key_hash


def check_rosters() -> "Iterator[tuple[str, bool]]":
    from volthood.wire import roster

    for case in cases("rosters"):
        text = case["text"]
        if "refused" in case:
            yield case["name"], reason_of(roster.Roster.from_text, text) == case["refused"]
            continue
        read = roster.Roster.from_text(text)
        got = [
            [member.house, member.agent.hex(), sorted([kid.hex() for kid in member.nodes])] for member in read.members
        ]
        wanted = [[house, agent, sorted(nodes)] for house, agent, nodes in case["members"]]
        yield case["name"], got == wanted and read.digest.hex() == case["digest"] and read.to_text() == text
        yield case["name"] + ", kid", [member.kid.hex() for member in read.members] == [row[1][:16] for row in wanted]


def check_topics() -> "Iterator[tuple[str, bool]]":
    from volthood.wire import topics

    for case in cases("topics"):
        topic = case["topic"]
        if "refused" in case:
            yield topic, reason_of(topics.parse_topic, topic) == case["refused"]
            continue
        read = topics.parse_topic(topic)
        yield topic, (read.hood, read.house, read.area) + read.detail == tuple(case["parts"])
        if "round" in case:
            slot, gate = case["round"]
            yield topic + ", round", topics.parse_round(read.detail[0]) == (slot, gate)
            yield topic + ", made", topics.board_topic(read.hood, read.house, slot, gate, read.detail[1]) == topic
        elif read.area == "node":
            yield topic + ", made", topics.node_topic(read.house, read.detail[0], "/".join(read.detail[1:])) == topic
        else:
            yield topic + ", made", topics.inbox_topic(read.hood, read.house, read.detail[0]) == topic


def check_limits() -> "Iterator[tuple[str, bool]]":
    """Values that no bytes could bring: the board refuses them as the host does."""
    from volthood.wire import limits

    yield "items", reason_of(encode, [0] * (limits.MAX_ITEMS + 1)) == "too_many_items"
    yield "integer", reason_of(encode, 1 << limits.MAX_INT_BITS) == "int_too_large"
    yield "float", reason_of(encode, 1 / 2) == "type_unknown"
    yield "true as key", reason_of(encode, {True: 0}) == "type_unknown"
    yield "tag below zero", reason_of(encode, Tag(-1, 0)) == "type_unknown"


GROUPS = {
    "limits": check_limits,
    "cbor": check_cbor,
    "cose": check_cose,
    "topics": check_topics,
    "notes": check_notes,
    "rosters": check_rosters,
    "messages": check_messages,
    "maced": check_maced,
}


def main() -> int:
    """Runs one group."""
    held = failed = 0
    for name, ok in GROUPS[sys.argv[2]]():
        held += ok
        failed += not ok
        if not ok:
            print("FAILED", name)
    print("%d cases held" % held)
    return 1 if failed or not held else 0


if __name__ == "__main__":
    sys.exit(main())
