"""Signed notes (C2SP signed-note v1.0.0): a text, an empty line, and signature lines of several signers.

Only Ed25519 signatures (type 0x01) are written; lines of other types and of unknown keys are kept apart and ignored, as
the specification demands. Who must have signed is the reader's rule, not the format's.
"""

from binascii import a2b_base64, b2a_base64

from volthood.wire.cbor import WireError, utf8
from volthood.wire.keys import sha256
from volthood.wire.limits import MAX_NOTE_BYTES, MAX_NOTE_SIGNATURES

_DASH = "\u2014 "
_ED25519 = b"\x01"
# Unicode's White_Space above the control characters, by number: MicroPython knows only ASCII's.
_SPACES = (0x20, 0x85, 0xA0, 0x1680, 0x2028, 0x2029, 0x202F, 0x205F, 0x3000) + tuple(range(0x2000, 0x200B))


class Signature:
    """One signature line: the signer's name, the 4-byte key hash and the signature's bytes."""

    def __init__(self, name: str, key_hash: bytes, signature: bytes) -> None:
        self.name = name
        self.key_hash = key_hash
        self.signature = signature


def note_key_hash(name: str, raw_ed25519: bytes) -> bytes:
    """The 4 bytes by which a signature line names its key: SHA-256(name, newline, type, key)[:4]."""
    return sha256(name.encode() + b"\n" + _ED25519 + raw_ed25519)[:4]


def signature_line(name: str, raw_ed25519: bytes, signature: bytes) -> str:
    """The line that a signer adds; `signature` is over the note's text, its last newline included."""
    _check_name(name)
    return _DASH + name + " " + base64(note_key_hash(name, raw_ed25519) + signature) + "\n"


def pack_note(text: str, lines: "list[str]") -> bytes:
    """The note of `text` (ending in a newline) and its signature lines."""
    if not text.endswith("\n"):
        raise WireError("note_format", "the text ends in a newline")
    return (text + "\n" + "".join(lines)).encode()


def unpack_note(data: bytes) -> "tuple[str, list[Signature]]":
    """(text with its last newline, signatures), nothing verified.

    Raises:
        WireError: `too_large`, `too_many_items`, `not_utf8` or `note_format`.
    """
    if len(data) > MAX_NOTE_BYTES:
        raise WireError("too_large")
    whole = utf8(data)
    split = whole.rfind("\n\n")
    if split < 0 or not whole.endswith("\n"):
        raise WireError("note_format", "no empty line before the signatures")
    for char in whole:
        if ord(char) < 32 and char != "\n":
            raise WireError("note_format", "control character")
    lines = whole[split + 2 : -1].split("\n")
    if len(lines) > MAX_NOTE_SIGNATURES:
        raise WireError("too_many_items")
    return whole[: split + 1], [_signature(line) for line in lines]


def _signature(line: str) -> Signature:
    parts = line[len(_DASH) :].split(" ") if line.startswith(_DASH) else []
    if len(parts) != 2:
        raise WireError("note_format", "signature line")
    _check_name(parts[0])
    raw = unbase64(parts[1])
    if len(raw) < 5:
        raise WireError("note_format", "signature too short")
    return Signature(parts[0], raw[:4], raw[4:])


def _check_name(name: str) -> None:
    if not name or "+" in name or any([ord(char) < 0x20 or ord(char) in _SPACES for char in name]):
        raise WireError("note_format", "signer's name")


def base64(data: bytes) -> str:
    """Standard base64 with padding, on one line (RFC 4648 section 4)."""
    return str(b2a_base64(data), "ascii").rstrip("\n")


def unbase64(text: str) -> bytes:
    """The bytes of strict standard base64. Raises `WireError` for anything that does not encode back to `text`."""
    try:
        data = a2b_base64(text.encode())
    except ValueError:
        raise WireError("note_format", "base64")
    if base64(data) != text:
        raise WireError("note_format", "base64")
    return data
