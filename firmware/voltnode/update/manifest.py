"""Whether a release may replace the one that runs. Rules only: takes bytes, and trusts them or refuses them with a reason."""

import hashlib
import sys

from volthood.wire import cose
from volthood.wire.cbor_writer import WireError
from volthood.wire.keys import kid, spki_p256
from volthood.wire.limits import MAX_MANIFEST_BYTES
from volthood.wire.rows import MANIFEST_KIND, read_manifest, release_numbers, release_text
from voltnode.sign.verify import verify_steps

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Generator
    from typing import Any

KEY_BYTES = 64


class Manifest:
    """What a release says of itself.

    Attributes:
        release, minimum: its number, and that of the oldest release that it may replace, as three numbers.
        hardware, mpy: the board, and the version of the .mpy format, that it is for.
        files, content_bytes: how many files, and their bytes.
        list_bytes, list_hash: size and SHA-256 of the file list.
    """

    def __init__(self, payload: bytes) -> None:
        values: list[Any] = read_manifest(payload)
        self.release: tuple[int, int, int] = values[0]
        self.hardware: str = values[1]
        self.minimum: tuple[int, int, int] = values[2]
        self.mpy: int = values[3]
        self.files: int = values[4]
        self.content_bytes: int = values[5]
        self.list_bytes: int = values[6]
        self.list_hash: bytes = values[7]


_BLOCK_BYTES = 4096
_SPARE_BLOCKS = 24
"""For folders, the file list, and the records that go on being written meanwhile."""


def opened(signed: bytes) -> Manifest:
    """The manifest in `signed`, its signature not looked at. Raises WireError."""
    return Manifest(cose.unpack_sign1(signed, MAX_MANIFEST_BYTES).payload)


def open_steps(signed: bytes, key: bytes) -> "Generator[None, None, Manifest]":
    """The manifest in `signed`, in steps of a few milliseconds of the board's time.

    Args:
        key: the release key, x and y of a P-256 point.

    Raises:
        WireError: `key_missing`, `kid_unknown`, `signature_wrong`, and whatever breaks the format.
    """
    if len(key) != KEY_BYTES:
        raise WireError("key_missing", "this node has no release key, and takes no updates")
    parts = cose.unpack_sign1(signed, MAX_MANIFEST_BYTES)
    if parts.alg != cose.ES256 or parts.kid != kid(spki_p256(key)):
        raise WireError("kid_unknown", "not signed with this node's release key")
    message = cose.to_be_signed(MANIFEST_KIND, parts.protected, parts.payload)
    good = yield from verify_steps(key, hashlib.sha256(message).digest(), parts.signature)
    if not good:
        raise WireError("signature_wrong")
    return Manifest(parts.payload)


def check_fits(manifest: Manifest, running: str, hardware: str, free_bytes: int) -> None:
    """Refuses a release that is not for this node now.

    Args:
        running: the release that runs.
        hardware: this board's.
        free_bytes: room for it on flash.

    Raises:
        WireError: `hardware_wrong`, `mpy_wrong`, `not_newer`, `too_old`, `flash_full`.
    """
    if manifest.hardware != hardware:
        raise WireError("hardware_wrong", "for %s, this is %s" % (manifest.hardware, hardware))
    mpy = getattr(sys.implementation, "_mpy", 0) & 0xFF
    if manifest.mpy not in (0, mpy):
        raise WireError("mpy_wrong", "compiled to .mpy version %d, this board reads %d" % (manifest.mpy, mpy))
    now = release_numbers(running)
    if manifest.release <= now:
        raise WireError("not_newer", "%s is not newer than %s, which runs" % (release_text(manifest.release), running))
    if manifest.minimum > now:
        raise WireError("too_old", "%s runs, %s must come first" % (running, release_text(manifest.minimum)))
    # Files lie in whole blocks, and half of the last one is lost mostly.
    needed = manifest.content_bytes + (manifest.files // 2 + _SPARE_BLOCKS) * _BLOCK_BYTES
    if needed > free_bytes:
        raise WireError("flash_full", "%d bytes needed, %d free" % (needed, free_bytes))
