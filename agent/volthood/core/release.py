"""A release of the node's program as one file, the bundle: put together by the releaser, read by whoever sends it.

Nobody here checks the signature but by what it covers: the node does, with the key that it was given.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from volthood.errors import PeerError
from volthood.wire import cose
from volthood.wire.cbor import WireError
from volthood.wire.limits import MAX_MANIFEST_BYTES, MAX_UPDATE_PIECE_BYTES
from volthood.wire.update import APPLY, MAGIC, OFFER, PIECE, Manifest, Progress, Step, pack_row, unpack_row

_HEAD_BYTES = len(MAGIC) + 2
MAX_RETURNS = 3
"""How often a node may ask again for what it has had, before the bundle or its flash must be damaged."""


@dataclass(frozen=True)
class Entry:
    """One file of a release: where it lies on the board, its size and SHA-256."""

    path: str
    size: int
    digest: bytes


@dataclass(frozen=True)
class Bundle:
    """A release.

    Attributes:
        signed: the signed manifest.
        manifest: what it says.
        entries: the file list, in the order of the paths.
        stream: the file list and the files, one after the other: what the node is sent in pieces.
    """

    signed: bytes
    manifest: Manifest
    entries: tuple[Entry, ...]
    stream: bytes

    def pack(self) -> bytes:
        """The bundle's file."""
        return MAGIC + len(self.signed).to_bytes(2, "big") + self.signed + self.stream

    def files(self) -> dict[str, bytes]:
        """Path and content of every file."""
        found, at = {}, self.manifest.list_bytes
        for entry in self.entries:
            found[entry.path] = self.stream[at : at + entry.size]
            at += entry.size
        return found


def make_stream(files: Mapping[str, bytes]) -> tuple[bytes, bytes]:
    """(file list, file list and files) of a release. Raises `WireError` for a path or size that no release has."""
    paths = sorted(files)
    rows = b"".join(pack_row(path, len(files[path]), hashlib.sha256(files[path]).digest()) for path in paths)
    return rows, rows + b"".join(files[path] for path in paths)


def unpack_bundle(data: bytes) -> Bundle:
    """The release in a bundle's file.

    Raises:
        PeerError: `bundle_damaged`, for whatever is wrong with it.
    """
    signed_end = _HEAD_BYTES + int.from_bytes(data[len(MAGIC) : _HEAD_BYTES], "big")
    if not data.startswith(MAGIC):
        raise PeerError("bundle_damaged", "this is no bundle of volthood-release")
    signed, stream = data[_HEAD_BYTES:signed_end], data[signed_end:]
    try:
        manifest = Manifest.from_cbor(cose.unpack_sign1(signed, MAX_MANIFEST_BYTES).payload)
        rows = stream[: manifest.list_bytes]
        entries = tuple(_entries(rows))
    except WireError as error:
        raise PeerError("bundle_damaged", str(error)) from error
    bundle = Bundle(signed, manifest, entries, stream)
    fault = _fault(bundle, rows)
    if fault:
        raise PeerError("bundle_damaged", fault)
    return bundle


def _entries(rows: bytes) -> list[Entry]:
    found, at = [], 0
    while at < len(rows):
        path, size, digest, used = unpack_row(rows[at:])
        found.append(Entry(path, size, digest))
        at += used
    return found


def _fault(bundle: Bundle, rows: bytes) -> str:
    """What does not fit together, in words; empty where all does."""
    manifest, paths = bundle.manifest, [entry.path for entry in bundle.entries]
    if hashlib.sha256(rows).digest() != manifest.list_hash:
        return "the file list is not the one that was signed"
    if paths != sorted(set(paths)) or len(paths) != manifest.files:
        return "the file list is not in order, or not complete"
    content_bytes = len(bundle.stream) - manifest.list_bytes
    if sum(entry.size for entry in bundle.entries) != manifest.content_bytes or content_bytes != manifest.content_bytes:
        return f"{content_bytes} bytes of files, not {manifest.content_bytes}: cut off?"
    contents = bundle.files()
    wrong = [entry.path for entry in bundle.entries if hashlib.sha256(contents[entry.path]).digest() != entry.digest]
    return f"damaged: {', '.join(wrong)}" if wrong else ""


class Sending:
    """Sends a bundle to a node, as a machine without I/O: `step` is to be asked of the node, its answer goes into `take`.

    Attributes:
        done: the node has put the release in place and starts again.
        position: bytes of `total` that the node has.
    """

    def __init__(self, bundle: Bundle) -> None:
        self._bundle = bundle
        self._offered = False
        self._returns = 0
        self.total = len(bundle.stream)
        self.position = 0
        self.done = False

    def step(self) -> bytes:
        """The argument of the next verb `update`."""
        if not self._offered:
            return Step(action=OFFER, data=self._bundle.signed).to_cbor()
        if self.position == self.total:
            return Step(action=APPLY).to_cbor()
        piece = self._bundle.stream[self.position : self.position + MAX_UPDATE_PIECE_BYTES]
        return Step(action=PIECE, offset=self.position, data=piece).to_cbor()

    def take(self, answer: bytes) -> None:
        """What the node answered.

        Raises:
            PeerError: `answer_invalid`; `not_kept`: the node's flash does not keep what it is sent.
        """
        try:
            progress = Progress.from_cbor(answer)
        except WireError as error:
            raise PeerError("answer_invalid", str(error)) from error
        if progress.next > self.total:
            raise PeerError("answer_invalid", "the node has more than there is")
        self._returns += self._offered and not progress.applied and progress.next <= self.position
        if self._returns > MAX_RETURNS:
            raise PeerError("not_kept", f"the node asks for byte {progress.next} again and again")
        self._offered = True
        self.position, self.done = progress.next, progress.applied == 1
