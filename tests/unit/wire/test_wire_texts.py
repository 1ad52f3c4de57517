"""Notes, rosters and topics: texts that nobody wrote on purpose, and texts of which a part was changed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from volthood.wire.cbor import WireError
from volthood.wire.keys import hash_of, key_hash, kid, raw_ed25519, sha256, spki_ed25519, spki_p256, spki_x25519
from volthood.wire.note import base64, pack_note, signature_line, unbase64, unpack_note
from volthood.wire.roster import Roster, RosterMember
from volthood.wire.topics import (
    BOARD_KINDS,
    NODE_KINDS,
    board_topic,
    check_name,
    hood_level,
    inbox_topic,
    node_topic,
    parse_round,
    parse_topic,
)

NAMES = st.text("abcdefghijklmnopqrstuvwxyz0123456789-_", min_size=1, max_size=32)
KEYS = st.binary(min_size=32, max_size=32)
LINES = st.text(st.characters(codec="utf-8", min_codepoint=32), max_size=20)
TOPIC_WORDS = ["vh", "1", "a", "in", "node", "board", "live", "+", "#", "0.0", ""]
SIGNERS = st.text(
    st.characters(codec="utf-8", min_codepoint=33, exclude_categories=["Zs", "Zl", "Zp", "Cc"], exclude_characters="+"),
    min_size=1,
    max_size=12,
)


def member(house: str = "house01", key: bytes = bytes(32), **changed: object) -> RosterMember:
    values: dict[str, object] = {
        **dict.fromkeys(("agent_key", "seal_key", "witness_key", "metering_point"), key),
        "node_keys": (key + key,),
        "fuse_w": 17250,
        "grid_node": "root",
        "broker": "broker.local:8883",
    }
    return RosterMember(house, **(values | changed))  # type: ignore[arg-type]


ROSTER = Roster(1, None, 1782000000, 1782000000, (member(), member("house02", b"2" * 32, void_from=1782043200)))


@given(st.lists(LINES, min_size=1), st.lists(st.tuples(SIGNERS, KEYS, st.binary(min_size=64, max_size=64)), min_size=1))
def test_a_note_is_read_as_it_was_written(lines: list[str], signers: list[tuple[str, bytes, bytes]]) -> None:
    text = "\n".join(lines) + "\n"
    note = pack_note(text, [signature_line(*signer) for signer in signers])
    read, signatures = unpack_note(note)
    assert read == text
    assert [(line.name, line.signature) for line in signatures] == [(name, made) for name, _, made in signers]


@given(st.binary(max_size=60))
def test_random_bytes_are_no_note(data: bytes) -> None:
    with pytest.raises(WireError):
        unpack_note(data)


@given(st.data())
def test_a_changed_note_is_refused_or_says_something_else(data: st.DataObject) -> None:
    line = signature_line("house01", bytes(32), bytes(range(64)))
    note = bytearray(pack_note("the text\n", [line]))
    before = unpack_note(bytes(note))
    place = data.draw(st.integers(0, len(note) - 1))
    note[place] = data.draw(st.integers(0, 255).filter(lambda byte: byte != note[place]))
    try:
        text, signatures = unpack_note(bytes(note))
    except WireError:
        return
    rows = [[(line.name, line.key_hash, line.signature) for line in lines] for lines in (before[1], signatures)]
    assert (before[0], rows[0]) != (text, rows[1])


@pytest.mark.parametrize("text", ["", "no newline", "two\nlines"])
def test_a_text_without_its_last_newline_is_no_note(text: str) -> None:
    with pytest.raises(WireError, match="note_format"):
        pack_note(text, [])


@given(st.binary(max_size=60))
def test_base64_is_read_as_it_was_written(data: bytes) -> None:
    assert unbase64(base64(data)) == data


@given(st.text(st.characters(codec="utf-8"), max_size=9))
def test_text_is_no_base64_or_the_only_one_of_its_bytes(text: str) -> None:
    try:
        data = unbase64(text)
    except WireError:
        return
    assert base64(data) == text


@given(st.data())
def test_a_changed_roster_is_refused_or_another(data: st.DataObject) -> None:
    text = ROSTER.to_text()
    place = data.draw(st.integers(0, len(text) - 1))
    char = data.draw(st.sampled_from("\n\t -,+/=0127abZ\u0661"))
    cut = data.draw(st.integers(0, 1))
    changed = text[:place] + char + text[place + cut :]
    try:
        roster = Roster.from_text(changed)
    except WireError:
        return
    assert roster.to_text() == changed


def test_lines_of_a_roster_swapped_or_doubled_are_refused_or_another() -> None:
    lines = ROSTER.to_text().split("\n")[:-1]
    for i in range(len(lines)):
        for j in range(len(lines)):
            changed = [*lines[:i], lines[j], *lines[i + 1 :]]
            if changed != lines:
                with pytest.raises(WireError):
                    Roster.from_text("\n".join(changed) + "\n")
    swapped = Roster.from_text("\n".join([*lines[:5], lines[6], lines[5], ""]))
    assert swapped.digest != ROSTER.digest


def test_a_roster_says_what_it_was_made_of() -> None:
    read = Roster.from_text(ROSTER.to_text())
    assert read.digest == ROSTER.digest
    assert [vars(one) for one in read.members] == [vars(one) for one in ROSTER.members]
    first = read.members[0]
    assert first.agent == key_hash(spki_ed25519(bytes(32)))
    assert first.kid == first.agent[:8]
    assert first.nodes == {kid(spki_p256(bytes(64))): spki_p256(bytes(64))}


@pytest.mark.parametrize(
    "changed",
    [
        {"broker": "two words"},
        {"broker": "line\n"},
        {"broker": ""},
        {"fuse_w": 0},
        {"fuse_w": -1},
        {"void_from": -1},
        {"void_from": 10**13},
        {"grid_node": "Root"},
        {"agent_key": bytes(31)},
        {"node_keys": (bytes(65),)},
        {"metering_point": b""},
    ],
)
def test_a_member_that_could_not_be_written_cannot_be_made(changed: dict[str, object]) -> None:
    with pytest.raises(WireError):
        member(**changed)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("version", "previous", "issued", "valid_from"),
    [
        (0, None, 0, 0),
        (1, bytes(32), 0, 0),
        (2, None, 0, 0),
        (2, bytes(31), 0, 0),
        (10**13, bytes(32), 0, 0),
        (1, None, -1, 0),
        (1, None, 0, 10**13),
    ],
)
def test_a_roster_that_could_not_be_written_cannot_be_made(
    version: int, previous: bytes | None, issued: int, valid_from: int
) -> None:
    with pytest.raises(WireError):
        Roster(version, previous, issued, valid_from, (member(),))


@given(NAMES, NAMES, st.integers(0, 2**40), st.integers(0, 255), st.sampled_from(BOARD_KINDS))
def test_a_topic_of_the_board_is_read_as_it_was_written(hood: str, house: str, slot: int, gate: int, kind: str) -> None:
    parsed = parse_topic(board_topic(hood, house, slot, gate, kind))
    assert (parsed.hood, parsed.house, parsed.area, parsed.detail[1]) == (hood, house, "board", kind)
    assert parse_round(parsed.detail[0]) == (slot, gate)


@given(NAMES, NAMES, NAMES, st.sampled_from(NODE_KINDS))
def test_other_topics_are_read_as_they_were_written(hood: str, house: str, other: str, kind: str) -> None:
    parsed = parse_topic(inbox_topic(hood, house, other))
    assert (parsed.hood, parsed.house, parsed.area, parsed.detail) == (hood, house, "in", (other,))
    parsed = parse_topic(node_topic(house, other, kind))
    assert (parsed.hood, parsed.house, parsed.area, parsed.detail) == ("home", house, "node", (other, kind))


@given(st.one_of(st.text(max_size=40), st.lists(st.sampled_from(TOPIC_WORDS), max_size=8)))
def test_any_text_is_a_topic_or_refused(topic: str | list[str]) -> None:
    text = topic if isinstance(topic, str) else "/".join(topic)
    try:
        parsed = parse_topic(text)
    except WireError:
        return
    assert "/".join(["vh/1", parsed.hood, parsed.house, parsed.area, *parsed.detail]) == text
    for name in (parsed.hood, parsed.house):
        assert check_name(name) == name


@given(st.text("0123456789.+-_ \u0661", max_size=18))
def test_any_text_is_a_round_or_refused(level: str) -> None:
    try:
        slot, gate = parse_round(level)
    except WireError:
        return
    assert f"{slot}.{gate}" == level
    assert slot <= 2**40
    assert gate <= 255


def test_the_level_of_a_hood() -> None:
    assert hood_level(bytes(range(32))) == "0001020304050607"


def test_keys_have_one_form() -> None:
    for make, length in ((spki_p256, 64), (spki_ed25519, 32), (spki_x25519, 32)):
        assert make(bytes(length)).endswith(bytes(length))
        for wrong in (length - 1, length + 1):
            with pytest.raises(WireError, match="key_unknown"):
                make(bytes(wrong))
    assert raw_ed25519(spki_ed25519(b"k" * 32)) == b"k" * 32
    for spki in (spki_x25519(bytes(32)), spki_ed25519(bytes(32))[:-1], b""):
        with pytest.raises(WireError, match="key_unknown"):
            raw_ed25519(spki)


def test_a_hash_of_values_is_of_their_array() -> None:
    assert hash_of(b"a", 1) == sha256(b"\x82\x41a\x01")
    assert hash_of(b"a", 1) != hash_of(b"a", b"\x01")
