"""Updates of the node's program: what a release says about itself, and how it comes to the node.

- The **manifest** is signed (COSE_Sign1, ES256) by whoever makes releases. It names version and hardware, and gives
  size and hash of the **file list**, which gives size and hash of every file: one signature vouches for all.
- The file list is a sequence (RFC 8742) of CBOR arrays, one for each file, in the order of their paths.
- A **bundle** is both and then the files, one after the other; where a byte of it lies is its offset, counted from the
  file list's start. A node is offered the manifest and then given the rest in pieces, from wherever it says to go on.
"""

from volthood.wire import limits
from volthood.wire.message import Bytes, Field, Int, Message, Row, Text
from volthood.wire.rows import (
    APPLY,
    DROP,
    MANIFEST_KIND,
    OFFER,
    PIECE,
    check_path,
    pack_row,
    release_numbers,
    release_text,
    unpack_row,
)

__all__ = (
    "APPLY",
    "DROP",
    "MAGIC",
    "OFFER",
    "PIECE",
    "Manifest",
    "Progress",
    "Step",
    "check_path",
    "pack_row",
    "release_numbers",
    "release_text",
    "unpack_row",
)

MAGIC = b"VHU1"
"""How a bundle begins; then the manifest's length, 2 bytes big-endian, the manifest, the file list, the files."""

_NUMBER = Int(0, limits.MAX_RELEASE_NUMBER)
_RELEASE = Row(_NUMBER, _NUMBER, _NUMBER)


class Manifest(Message):
    """A release."""

    KIND = MANIFEST_KIND
    MAX_BYTES = limits.MAX_MANIFEST_BYTES
    FIELDS = (
        Field(2, "release", _RELEASE, "its number: [1, 2, 3] is 1.2.3"),
        Field(3, "hardware", Text(limits.MAX_NAME_CHARS), "the board it is for: esp32, virtual"),
        Field(4, "minimum", _RELEASE, "oldest release that may be replaced by it"),
        Field(5, "mpy", Int(0, 255), "version of the .mpy format; 0: not said"),
        Field(6, "files", Int(1, limits.MAX_UPDATE_FILES), "number of files"),
        Field(7, "content_bytes", Int(1, limits.MAX_UPDATE_BYTES), "of all files together"),
        Field(8, "list_bytes", Int(1, limits.MAX_UPDATE_LIST_BYTES), "of the file list"),
        Field(9, "list_hash", Bytes(32), "SHA-256 of the file list"),
    )

    release: "tuple[int, int, int]"
    hardware: str
    minimum: "tuple[int, int, int]"
    mpy: int
    files: int
    content_bytes: int
    list_bytes: int
    list_hash: bytes


class Step(Message):
    """Agent to node, the argument of the verb `update`."""

    KIND = "volthood/1/update-step"
    MAX_BYTES = limits.MAX_VERB_ARGUMENT_BYTES
    FIELDS = (
        Field(2, "action", Int(OFFER, DROP), "0 offer, 1 piece, 2 apply, 3 drop"),
        Field(3, "offset", Int(0, limits.MAX_UPDATE_LIST_BYTES + limits.MAX_UPDATE_BYTES), "of a piece", 0),
        Field(4, "data", Bytes(0, limits.MAX_UPDATE_PIECE_BYTES), "the signed manifest, or the piece", b""),
    )

    action: int
    offset: int
    data: bytes


class Progress(Message):
    """Node to agent: how far it has come."""

    KIND = "volthood/1/update-progress"
    MAX_BYTES = 64
    FIELDS = (
        Field(2, "next", Int(0, limits.MAX_UPDATE_LIST_BYTES + limits.MAX_UPDATE_BYTES), "where to go on"),
        Field(3, "applied", Int(0, 1), "1: the node starts again with the new release", 0),
    )

    next: int
    applied: int
