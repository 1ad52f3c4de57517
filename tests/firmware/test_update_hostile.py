"""Hostile updates: lists that no releaser should sign, manifests that were tampered with, nonsense. Both interpreters."""

import json
import random
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.firmware.update_releases import KEY, XY, board_flash, bundle, run_steps, staging
from volthood.core.release import Bundle, make_stream
from volthood.wire.cbor import encode
from volthood.wire.limits import (
    MAX_UPDATE_BYTES,
    MAX_UPDATE_FILE_BYTES,
    MAX_UPDATE_FILES,
    MAX_UPDATE_LIST_BYTES,
    MAX_UPDATE_PIECE_BYTES,
)
from volthood.wire.update import APPLY, DROP, OFFER, PIECE, Manifest
from volthood_tools.release.signing import sign_manifest, sign_payload

SCRIPT = Path(__file__).with_name("check_update.py")
Step = tuple[int, int, bytes]
Row = list[object]
CONTENT = b"content"
GOOD_ROW: Row = ["voltnode/x.mpy", len(CONTENT), sha256(CONTENT).digest()]
VALUES: dict[str, object] = {"release": (0, 2, 0), "hardware": "esp32", "minimum": (0, 1, 0), "mpy": 0}


def row(path: str) -> Row:
    return [path, *GOOD_ROW[1:]]


def offered(rows: bytes, files: int = 1, content_bytes: int = len(CONTENT)) -> list[Step]:
    """The steps of a release with this file list, properly signed."""
    manifest = Manifest(
        **VALUES, files=files, content_bytes=content_bytes, list_bytes=len(rows), list_hash=sha256(rows).digest()
    )
    steps: list[Step] = [(OFFER, 0, sign_manifest(manifest, KEY))]
    stream = rows + CONTENT
    steps += [
        (PIECE, at, stream[at : at + MAX_UPDATE_PIECE_BYTES]) for at in range(0, len(stream), MAX_UPDATE_PIECE_BYTES)
    ]
    return [*steps, (APPLY, 0, b"")]


BAD_PATHS = (
    "../x.mpy", "voltnode/../../x.mpy", "voltnode/..mpy", "voltnode/.mpy", "/voltnode/x.mpy", "voltnode//x.mpy", "x.mpy",
    "voltnode/x", "voltnode/x.mpy/", "voltnode/x.txt", "main.py", "boot", "a/voltnode/x.mpy", "b/release", "release",
    "voltnode/X.mpy", "voltnode/x y.mpy", "voltnode/x\u0000.mpy", "voltnode/\u00e4.mpy", "voltnode\\x.mpy",
    "voltnode/a/b/c/d/e.mpy",
    "node/node.key", "./voltnode/x.mpy", "volthood/x.mpy.new", "voltnode/x.mpy.mpy", "voltnode/.", "voltnode/..", ".mpy",
)  # fmt: skip
LISTS: dict[str, tuple[list[Row], int, int, str]] = {
    **{f"path {path!r}": ([row(path)], 1, 7, "path_refused") for path in BAD_PATHS},
    "path of none": ([row("")], 1, 7, "field_range"),
    "path too long": ([row("voltnode/" + "x" * 60 + ".mpy")], 1, 7, "field_range"),
    "path no text": ([[b"voltnode/x.mpy", 7, bytes(32)]], 1, 7, "field_type"),
    "size of nothing": ([["voltnode/x.mpy", 0, bytes(32)]], 1, 7, "field_range"),
    "size below nothing": ([["voltnode/x.mpy", -1, bytes(32)]], 1, 7, "field_range"),
    "size over the limit": ([["voltnode/x.mpy", MAX_UPDATE_FILE_BYTES + 1, bytes(32)]], 1, 7, "field_range"),
    "hash too short": ([["voltnode/x.mpy", 7, bytes(31)]], 1, 7, "field_range"),
    "no hash": ([["voltnode/x.mpy", 7]], 1, 7, "field_type"),
    "one more in a row": ([[*GOOD_ROW, 1]], 1, 7, "field_type"),
    "twice the same": ([GOOD_ROW, GOOD_ROW], 2, 14, "list_refused"),
    "out of order": ([row("voltnode/y.mpy"), GOOD_ROW], 2, 14, "list_refused"),
    "more files than said": ([GOOD_ROW, row("voltnode/y.mpy")], 1, 14, "list_refused"),
    "fewer files than said": ([GOOD_ROW], 2, 7, "list_refused"),
    "more bytes than said": ([GOOD_ROW], 1, 6, "list_refused"),
    "fewer bytes than said": ([GOOD_ROW], 1, 8, "list_refused"),
}


@pytest.mark.parametrize("name", LISTS)
def test_a_signed_list_that_breaks_a_rule_is_refused_and_given_up(name: str) -> None:
    rows, files, content_bytes, reason = LISTS[name]
    flash = board_flash()
    before = flash.under("a")
    steps = offered(b"".join(encode(entry) for entry in rows), files, content_bytes)
    assert reason in run_steps(staging(flash), steps)
    assert "offered" not in flash.files
    assert flash.under("a") == before
    assert flash.under("b") == []


def test_what_is_no_list_at_all_is_refused() -> None:
    for rows in (
        b"\x83",
        b"\xff",
        b"\x00",
        encode(GOOD_ROW)[:-1],
        encode(GOOD_ROW) + b"\x00",
        encode([GOOD_ROW]),
        b"\x9f\xff",
    ):
        answers = run_steps(staging(board_flash()), offered(rows))
        assert not {"applied", len(rows)} & set(answers[1:])


LIMITS = {
    "files": MAX_UPDATE_FILES,
    "content_bytes": MAX_UPDATE_BYTES,
    "list_bytes": MAX_UPDATE_LIST_BYTES,
    "mpy": 255,
}


@pytest.mark.parametrize("field", LIMITS)
def test_one_past_a_limit_of_the_manifest_is_refused(field: str) -> None:
    values = {1: 1, 2: [0, 2, 0], 3: "esp32", 4: [0, 1, 0], 5: 0, 6: 1, 7: 7, 8: 50, 9: bytes(32)}
    key = {field.name: field.key for field in Manifest.FIELDS}[field]
    for value in (LIMITS[field] + 1, -1, "1", None, True):
        signed = sign_payload(encode({**values, key: value}), KEY)
        assert run_steps(staging(board_flash()), [(OFFER, 0, signed)])[0] in ("field_range", "field_type")


def test_the_largest_release_is_taken() -> None:
    """As many files as there may be, with paths as long as they may be."""
    files = {f"voltnode/{i:051d}.mpy": b"x" for i in range(MAX_UPDATE_FILES)}
    rows, stream = make_stream(files)
    assert len(rows) <= MAX_UPDATE_LIST_BYTES
    manifest = Manifest(
        **VALUES, files=len(files), content_bytes=len(files), list_bytes=len(rows), list_hash=sha256(rows).digest()
    )
    flash = board_flash()
    pieces: list[Step] = [(PIECE, at, stream[at : at + 832]) for at in range(0, len(stream), 832)]
    assert (
        run_steps(staging(flash), [(OFFER, 0, sign_manifest(manifest, KEY)), *pieces, (APPLY, 0, b"")])[-1] == "applied"
    )


@settings(max_examples=60)
@given(st.data())
def test_no_bytes_are_an_offer_but_the_releasers(data: st.DataObject) -> None:
    signed = bundle().signed
    at = data.draw(st.integers(0, len(signed) - 1))
    change = data.draw(st.binary(min_size=1, max_size=8))
    forged = signed[:at] + change + signed[at + len(change) :]
    flash = board_flash()
    before = dict(flash.files)
    answer = run_steps(staging(flash), [(OFFER, 0, forged)])[0]
    if forged != signed:
        assert isinstance(answer, str)
        assert flash.files == before


@settings(max_examples=60)
@given(
    st.dictionaries(st.integers(0, 12), st.one_of(st.integers(-9, 999), st.text(max_size=5), st.binary(max_size=40)))
)
def test_no_signed_nonsense_is_kept(values: dict[object, object]) -> None:
    answer = run_steps(staging(board_flash()), [(OFFER, 0, sign_payload(encode(values), KEY))])[0]
    assert isinstance(answer, str)


def corpus(seed: int) -> Iterator[list[Step]]:
    """Updates that go right, go wrong, and are cut, shuffled and changed."""
    chance = random.Random(seed)
    sent: Bundle = bundle(sizes=(40, 900))
    pieces: list[Step] = [(PIECE, at, sent.stream[at : at + 200]) for at in range(0, len(sent.stream), 200)]
    right: list[Step] = [(OFFER, 0, sent.signed), *pieces, (APPLY, 0, b"")]
    yield right
    other = ec.derive_private_key(7, ec.SECP256R1())
    yield [(OFFER, 0, sign_manifest(sent.manifest, other)), *right[1:]]
    for rows, files, content_bytes, _ in LISTS.values():
        yield offered(b"".join(encode(entry) for entry in rows), files, content_bytes)
    for _ in range(60):
        steps = [(OFFER, 0, sent.signed), *chance.choices([*right, (DROP, 0, b"")], k=9)]
        if chance.random() < 0.6:
            action, offset, data = steps[at := chance.randrange(len(steps))]
            changed = bytearray(data or b"\x00")
            changed[chance.randrange(len(changed))] ^= 1 << chance.randrange(8)
            steps[at] = (action, offset, bytes(changed[:MAX_UPDATE_PIECE_BYTES]))
        yield steps
    for _ in range(20):
        yield [(-1, 0, chance.randbytes(chance.randrange(1, 60))), (OFFER, 0, chance.randbytes(chance.randrange(250)))]


def test_both_interpreters_answer_a_hostile_corpus_alike(
    run_on_cpython: Callable[..., str], run_on_micropython: Callable[..., str], tmp_path: Path
) -> None:
    cases = tmp_path / "cases.jsonl"
    with cases.open("w") as file:
        for steps in corpus(1):
            file.write(json.dumps([[action, offset, data.hex()] for action, offset, data in steps]) + "\n")
    found = [
        run(SCRIPT, tmp_path / name, cases, XY.hex(), **more)
        for run, name, more in ((run_on_cpython, "one", {}), (run_on_micropython, "two", {"heap": "400k"}))
    ]
    assert found[0].splitlines()[0].endswith('"applied"]')
    assert found[0] == found[1]
    said = {answer for line in found[0].splitlines() for answer in json.loads(line) if isinstance(answer, str)}
    assert {"path_refused", "list_refused", "signature_wrong", "kid_unknown", "nothing_offered", "not whole"} <= said
