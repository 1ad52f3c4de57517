"""Checks of signing that run on both interpreters: `check_sign.py FOLDER`, the folder of the vectors.

Prints a line for each group and ends with status 1 when a case failed. MicroPython's subset only: no pytest here.
"""

import asyncio
import hashlib
import json
import sys

import volthood.wire.keys  # noqa: F401 - compiled while there is memory in large pieces; the signer asks for it late
from volthood.wire.mac import equal, hmac_sha256
from voltnode.sign.curve import N, P, finish, inverse_steps
from voltnode.sign.keyfile import KeyFile, SignerError, open_key
from voltnode.sign.nonce import candidates
from voltnode.sign.p256 import sign, sign_steps
from voltnode.sign.public import public_key
from voltnode.sign.signer import SoftwareSigner
from voltnode.sign.verify import verify, verify_steps

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

MASKS = (bytes(64), b"\xff" * 64, hashlib.sha256(b"z").digest() + hashlib.sha256(b"blind").digest())


def cases(name: str) -> "Iterator[dict[str, Any]]":
    """The cases of a vector file, one at a time: the board could not hold them all."""
    with open(sys.argv[1] + "/" + name + ".jsonl") as file:
        for line in file:
            yield json.loads(line)


def check_rfc6979() -> "Iterator[tuple[str, bool]]":
    """Nonce and signature of the RFC's own examples."""
    for case in cases("rfc6979"):
        private, digest = int(case["private"], 16), hashlib.sha256(case["message"].encode()).digest()
        yield case["name"] + ", k", next(candidates(private, digest, b"")) == int(case["k"], 16)
        signature, s = sign(private, digest, b"", MASKS[0]), int(case["s"], 16)
        yield case["name"] + ", r", signature[:32] == bytes.fromhex(case["r"])
        yield case["name"] + ", s", int.from_bytes(signature[32:], "big") == min(s, N - s)
        yield case["name"] + ", key", public_key(private, MASKS[0]) == bytes.fromhex(case["xy"])


def check_signed() -> "Iterator[tuple[str, bool]]":
    """Deterministic signatures and public keys of edge scalars, whatever the mask is."""
    for i, case in enumerate(cases("signed")):
        private, mask = int(case["private"], 16), MASKS[i % len(MASKS)]
        digest = hashlib.sha256(bytes.fromhex(case["message"])).digest()
        yield case["name"], sign(private, digest, b"", mask) == bytes.fromhex(case["signature"])
        yield case["name"] + ", key", public_key(private, mask) == bytes.fromhex(case["xy"])


def check_judged() -> "Iterator[tuple[str, bool]]":
    """What a verifier takes and refuses."""
    for case in cases("judged"):
        xy, digest, signature = (bytes.fromhex(case[key]) for key in ("xy", "digest", "signature"))
        yield case["name"], verify(xy, digest, signature) is case["valid"]


def check_fresh() -> "Iterator[tuple[str, bool]]":
    """With random additional data: another signature each time, each good; in small steps."""
    private = int.from_bytes(hashlib.sha256(b"fresh").digest(), "big")
    xy, digest = public_key(private, MASKS[2]), hashlib.sha256(b"message").digest()
    signatures = [sign(private, digest, hashlib.sha256(bytes([i])).digest(), MASKS[2]) for i in range(8)]
    yield "all differ", len(set(signatures)) == len(signatures)
    for signature in signatures:
        yield "good", verify(xy, digest, signature)
    yield "sign yields", sum(1 for _ in sign_steps(private, digest, b"", MASKS[2])) > 30
    yield "verify yields", sum(1 for _ in verify_steps(xy, digest, signatures[0])) > 250


def check_inverses() -> "Iterator[tuple[str, bool]]":
    """Inverses, which the interpreter's own `pow` gets wrong."""
    for modulus in (P, N):
        for value in (1, 2, 3, 1 << 200, modulus - 1, modulus - 2, 0xC0FFEE**10):
            yield "inverse", finish(inverse_steps(value, modulus)) * value % modulus == 1


def check_arguments() -> "Iterator[tuple[str, bool]]":
    """Wrong sizes and keys are refused."""
    good = (1, bytes(32), b"", bytes(64))
    for i, wrong in ((0, 0), (0, N), (0, -1), (1, bytes(31)), (1, b""), (3, bytes(63)), (3, b"")):
        yield "sign", is_refused(sign, good[:i] + (wrong,) + good[i + 1 :])
    for private, mask in ((0, bytes(64)), (N, bytes(64)), (1, bytes(32))):
        yield "public_key", is_refused(public_key, (private, mask))


def is_refused(function: "Callable[..., object]", arguments: "tuple[object, ...]") -> bool:
    """True when the call raises ValueError."""
    try:
        function(*arguments)
    except ValueError:
        return True
    return False


def check_mac() -> "Iterator[tuple[str, bool]]":
    """RFC 4231, test cases 1 to 4, 6 and 7; and the comparison."""
    for case in cases("rfc4231"):
        mac = hmac_sha256(bytes.fromhex(case["key"]), bytes.fromhex(case["data"]))
        yield case["name"], mac == bytes.fromhex(case["mac"])
    for a, b, same in ((b"", b"", True), (b"ab", b"ab", True), (b"ab", b"ac", False), (b"ab", b"abc", False)):
        yield "equal", equal(a, b) is same


def check_signer() -> "Iterator[tuple[str, bool]]":
    """A key is made once, read again, and never replaced."""
    file = FileInRam()
    first = SoftwareSigner(open_key(file, Counting().draw), Counting().draw)
    again = SoftwareSigner(open_key(file, Counting().draw), Counting().draw)
    yield "same key", first.public_spki() == again.public_spki() and first.kid == again.kid
    digest = hashlib.sha256(b"message").digest()
    yield "signs", verify(first.public_spki()[-64:], digest, again.sign(b"message"))
    between = asyncio.run(first.sign_between(b"message", let_others_run))
    yield "signs between", verify(first.public_spki()[-64:], digest, between)
    yield "a known key", SoftwareSigner(1, Counting().draw).public_spki()[-64:-60] == b"\x6b\x17\xd1\xf2"
    whole = file.data or b""
    for i in range(len(whole)):
        file.data = whole[:i] + bytes([whole[i] ^ 1]) + whole[i + 1 :]
        yield "byte %d damaged" % i, cannot_open(file)
    for data in (b"", whole[:-1], whole + b"\0"):
        file.data = data
        yield "%d bytes" % len(data), cannot_open(file)


async def let_others_run() -> None:
    """What a node awaits between the steps of a signature."""
    await asyncio.sleep(0)


def cannot_open(file: "FileInRam") -> bool:
    """True when the key file is refused and left as it is."""
    before = file.data
    try:
        open_key(file, Counting().draw)
    except SignerError:
        return file.data == before
    return False


class FileInRam(KeyFile):
    """A key file without a flash."""

    def __init__(self) -> None:
        super().__init__("node.key")
        self.data: bytes | None = None

    def read(self) -> "bytes | None":
        """See `KeyFile`."""
        return self.data

    def write(self, data: bytes) -> None:
        """See `KeyFile`."""
        self.data = data


class Counting:
    """Random bytes for tests: hashes of a counter."""

    def __init__(self) -> None:
        self._drawn = 0

    def draw(self, size: int) -> bytes:
        """The next `size` bytes."""
        data = b""
        while len(data) < size:
            self._drawn += 1
            data += hashlib.sha256(b"%d" % self._drawn).digest()
        return data[:size]


def main() -> int:
    """Runs all groups."""
    failed = 0
    for check in (
        check_rfc6979,
        check_signed,
        check_judged,
        check_fresh,
        check_inverses,
        check_arguments,
        check_mac,
        check_signer,
    ):
        count = 0
        for name, good in check():
            count += 1
            if not good:
                failed += 1
                print("FAILED", check.__name__, name)
        print(check.__name__, count)
    return 1 if failed else 0


sys.exit(main())
