"""Verbs, answers and updates as the board reads and writes them: by rows of plain values, in a fifth of the memory.

`verb.py` and `update.py` say what the messages are; `message.py` is the machine that agents use. This one refuses the same and
for the same reasons: a test holds every row against its field, and both machines against each other.
"""

from volthood.wire.cbor import decode, decode_first
from volthood.wire.cbor_writer import WireError, encode
from volthood.wire.limits import (
    MAX_ANSWER_BODY_BYTES,
    MAX_ANSWER_PARTS,
    MAX_MANIFEST_BYTES,
    MAX_NAME_CHARS,
    MAX_RELEASE_NUMBER,
    MAX_UPDATE_BYTES,
    MAX_UPDATE_FILE_BYTES,
    MAX_UPDATE_FILES,
    MAX_UPDATE_LIST_BYTES,
    MAX_UPDATE_PATH_CHARS,
    MAX_UPDATE_PIECE_BYTES,
    MAX_VERB_ARGUMENT_BYTES,
    MAX_VERB_CHARS,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Row = tuple[Any, int, int, object]
    """Type; least and greatest value, size, or each of three numbers; the value that is left out, `REQUIRED` without one."""

STALE, REPLAYED, UNKNOWN, FAILED = "challenge_stale", "replayed", "verb_unknown", "failed"
"""Refusals that verbs themselves have; each may have others."""
FRESH_MS = 60_000
"""How long a challenge serves, of the node's transport time."""

REQUIRED = ...
_ABSENT = object()
RELEASE_NUMBERS = 3

VERB_KIND = "volthood/1/verb"
VERB: "tuple[Row, ...]" = (
    (bytes, 8, 8, REQUIRED),  # request
    (bytes, 8, 8, REQUIRED),  # challenge
    (str, 1, MAX_VERB_CHARS, REQUIRED),  # name
    (bytes, 0, MAX_VERB_ARGUMENT_BYTES, b""),  # argument
)
ANSWER_KIND = "volthood/1/answer"
ANSWER: "tuple[Row, ...]" = (
    (bytes, 8, 8, REQUIRED),  # request
    (int, 0, MAX_ANSWER_PARTS - 1, 0),  # part
    (bytes, 0, MAX_ANSWER_BODY_BYTES, b""),  # body
    (str, 1, MAX_NAME_CHARS, None),  # refused
    (bytes, 8, 8, None),  # next_challenge
)
MANIFEST_KIND = "volthood/1/update"
MANIFEST: "tuple[Row, ...]" = (
    (list, 0, MAX_RELEASE_NUMBER, REQUIRED),  # release
    (str, 1, MAX_NAME_CHARS, REQUIRED),  # hardware
    (list, 0, MAX_RELEASE_NUMBER, REQUIRED),  # minimum
    (int, 0, 255, REQUIRED),  # mpy
    (int, 1, MAX_UPDATE_FILES, REQUIRED),  # files
    (int, 1, MAX_UPDATE_BYTES, REQUIRED),  # content_bytes
    (int, 1, MAX_UPDATE_LIST_BYTES, REQUIRED),  # list_bytes
    (bytes, 32, 32, REQUIRED),  # list_hash
)
STEP: "tuple[Row, ...]" = (
    (int, 0, 3, REQUIRED),  # action
    (int, 0, MAX_UPDATE_LIST_BYTES + MAX_UPDATE_BYTES, 0),  # offset
    (bytes, 0, MAX_UPDATE_PIECE_BYTES, b""),  # data
)
PROGRESS: "tuple[Row, ...]" = (
    (int, 0, MAX_UPDATE_LIST_BYTES + MAX_UPDATE_BYTES, REQUIRED),  # next
    (int, 0, 1, 0),  # applied
)
_FILE: "tuple[Row, ...]" = (
    (str, 1, MAX_UPDATE_PATH_CHARS, REQUIRED),
    (int, 1, MAX_UPDATE_FILE_BYTES, REQUIRED),
    (bytes, 32, 32, REQUIRED),
)

OFFER, PIECE, APPLY, DROP = 0, 1, 2, 3
"""What a step does."""

MAX_ROW_BYTES = MAX_UPDATE_PATH_CHARS + 48
"""Enough for the longest row of a file list."""
_PATH_CHARS = "abcdefghijklmnopqrstuvwxyz0123456789_"
_MAX_LEVELS = 5


def read(rows: "tuple[Row, ...]", payload: bytes, most: int) -> "list[Any]":
    """The values of a message of at most `most` bytes, in the order of its fields. Raises `WireError`."""
    if len(payload) > most:
        raise WireError("too_large", "%d bytes, at most %d" % (len(payload), most))
    values = decode(payload)
    if not isinstance(values, dict):
        raise WireError("not_a_map")
    version = values.pop(1, None)
    if isinstance(version, bool) or version != 1:
        raise WireError("version_unknown")
    found: list[Any] = []
    for i in range(len(rows)):
        value, default = values.pop(i + 2, _ABSENT), rows[i][3]
        if value == default and default is not REQUIRED:
            raise WireError("not_canonical", "default written out: %d" % (i + 2))
        found.append(value)
    if values:
        raise WireError("field_unknown")
    for i in range(len(rows)):
        if found[i] is not _ABSENT:
            _check(rows[i], found[i], i + 2)
        elif rows[i][3] is REQUIRED:
            raise WireError("field_missing", "%d" % (i + 2))
        else:
            found[i] = rows[i][3]
    return found


def write(rows: "tuple[Row, ...]", *values: object) -> bytes:
    """The message with these values, in the order of its fields. Raises `WireError`."""
    out: dict[object, object] = {1: 1}
    for i in range(len(rows)):
        if rows[i][3] is REQUIRED or values[i] != rows[i][3]:
            _check(rows[i], values[i], i + 2)
            out[i + 2] = values[i]
    return encode(out)


def _check(row: "Row", value: "Any", key: int) -> None:
    kind, low, high, _ = row
    if not isinstance(value, kind) or isinstance(value, bool):
        raise WireError("field_type", "%d" % key)
    if kind is list:
        if len(value) != RELEASE_NUMBERS:
            raise WireError("field_type", "%d" % key)
        for number in value:
            _check((int, low, high, REQUIRED), number, key)
        return
    size: int = value if kind is int else len(value)
    if not low <= size <= high:
        raise WireError("field_range", "%d: %d, allowed %d..%d" % (key, size, low, high))


def read_manifest(payload: bytes) -> "list[Any]":
    """The values of a manifest, in the order of its fields; both releases as tuples. Raises `WireError`."""
    values = read(MANIFEST, payload, MAX_MANIFEST_BYTES)
    values[0], values[2] = tuple(values[0]), tuple(values[2])
    return values


def release_numbers(text: str) -> "tuple[int, int, int]":
    """The numbers of a release, of 1.2.3 they are (1, 2, 3). Raises `WireError` (`release_invalid`)."""
    parts = text.split(".")
    if len(parts) == RELEASE_NUMBERS and all([_is_number(part) for part in parts]):
        numbers = int(parts[0]), int(parts[1]), int(parts[2])
        if release_text(numbers) == text:
            return numbers
    raise WireError("release_invalid", "three numbers: 1.2.3")


def _is_number(text: str) -> bool:
    return 1 <= len(text) <= 4 and all([char in "0123456789" for char in text])


def release_text(numbers: "tuple[int, int, int]") -> str:
    """A release as people write it."""
    return "%d.%d.%d" % tuple(numbers)


def check_path(path: str) -> str:
    """`path` if a file of a release may lie there. Raises `WireError` (`path_refused`)."""
    stem, _, ending = path.rpartition(".")
    levels = stem.split("/")
    if not (2 <= len(levels) <= _MAX_LEVELS and levels[0] in ("volthood", "voltnode") and ending == "mpy"):
        raise WireError("path_refused", path[:32])
    for level in levels:
        if not level or not all([char in _PATH_CHARS for char in level]):
            raise WireError("path_refused", path[:32])
    return path


def pack_row(path: str, size: int, digest: bytes) -> bytes:
    """A row of the file list. Raises `WireError`."""
    row = (check_path(path), size, digest)
    _check_file(row)
    return encode(row)


def unpack_row(data: bytes) -> "tuple[str, int, bytes, int]":
    """(path, size, SHA-256, bytes of the row) of the row that `data` begins with. Raises `WireError`."""
    value: Any
    value, used = decode_first(data)
    if not isinstance(value, list):
        raise WireError("field_type", "row")
    _check_file(value)
    return check_path(value[0]), value[1], value[2], used


def _check_file(row: "Any") -> None:
    if len(row) != len(_FILE):
        raise WireError("field_type", "row")
    for i in range(len(_FILE)):
        _check(_FILE[i], row[i], i)
