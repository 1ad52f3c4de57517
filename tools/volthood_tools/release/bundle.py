"""Makes a bundle from the tree, or from a folder that `compile_tree` filled."""

import re
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec

from volthood.core.release import Bundle, make_stream, unpack_bundle
from volthood.errors import PeerError
from volthood.wire.cbor import WireError
from volthood.wire.keys import sha256
from volthood.wire.update import Manifest, release_numbers
from volthood_tools.release.build import PACKAGES, ReleaseError, compile_tree
from volthood_tools.release.signing import sign_manifest

HARDWARE = ("esp32", "virtual")
"""Boards that there are releases for; `virtual` is the node as a process on MicroPython, for tests."""
FLASH_BUDGET_BYTES = 120 * 1024
FIRST_RELEASE = "0.1.0"
_VERSION = re.compile(r'^VERSION = "([^"]*)"$', re.MULTILINE)


@dataclass(frozen=True)
class Contents:
    """What a release is made of: its number, the board it is for, path and content of each file, the .mpy version."""

    release: str
    hardware: str
    files: dict[str, bytes]
    mpy: int

    @property
    def size_bytes(self) -> int:
        """Bytes of all files: what counts against `FLASH_BUDGET_BYTES`."""
        return sum(map(len, self.files.values()))


def compile_contents(hardware: str, packages: Sequence[Path] = PACKAGES) -> Contents:
    """Compiles the tree for a board. Raises ReleaseError."""
    with tempfile.TemporaryDirectory() as folder:
        paths = compile_tree(Path(folder), hardware == "virtual", packages)
        files = {path.as_posix(): Path(folder, path).read_bytes() for path in paths}
    mpy = {content[1] for content in files.values()}
    if len(mpy) != 1:
        raise ReleaseError(f"mpy-cross gave files of several versions: {sorted(mpy)}")
    return Contents(tree_release(packages), hardware, files, mpy.pop())


def tree_release(packages: Sequence[Path] = PACKAGES) -> str:
    """The release that the sources say they are. Raises ReleaseError."""
    sources = {package.name: package for package in packages}
    found = _VERSION.search((sources["voltnode"] / "__init__.py").read_text())
    release = found[1] if found else ""
    try:
        release_numbers(release)
    except WireError as error:
        raise ReleaseError('voltnode/__init__.py must say VERSION = "1.2.3"') from error
    return release


def make_bundle(contents: Contents, private: ec.EllipticCurvePrivateKey, minimum: str = FIRST_RELEASE) -> Bundle:
    """The signed bundle. `minimum` is the oldest release that it may replace. Raises ReleaseError."""
    try:
        rows, stream = make_stream(contents.files)
        manifest = Manifest(
            release=release_numbers(contents.release),
            hardware=contents.hardware,
            minimum=release_numbers(minimum),
            mpy=contents.mpy,
            files=len(contents.files),
            content_bytes=contents.size_bytes,
            list_bytes=len(rows),
            list_hash=sha256(rows),
        )
    except WireError as error:
        raise ReleaseError(f"this cannot be a release: {error}") from error
    return sign_bundle(manifest, stream, private)


def sign_bundle(manifest: Manifest, stream: bytes, private: ec.EllipticCurvePrivateKey) -> Bundle:
    """A bundle of what is there already, signed."""
    head = Bundle(sign_manifest(manifest, private), manifest, (), stream)
    return unpack_bundle(head.pack())


def read_bundle(path: Path) -> Bundle:
    """The bundle in a file. Raises ReleaseError."""
    try:
        return unpack_bundle(path.read_bytes())
    except OSError as error:
        raise ReleaseError(f"{path}: {error.strerror}") from error
    except PeerError as error:
        raise ReleaseError(f"{path}: {error.detail}") from error
