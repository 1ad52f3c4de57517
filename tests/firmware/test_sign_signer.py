"""The signer and its key file: made once, whole or not at all, never replaced, never given out."""

import asyncio
import errno
import hashlib
from collections.abc import Callable, Generator

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key

from volthood.wire.keys import kid
from voltnode.sign.curve import N
from voltnode.sign.keyfile import KeyFile, SignerError, open_key
from voltnode.sign.p256 import sign
from voltnode.sign.public import public_key, public_spki
from voltnode.sign.signer import Signer, SoftwareSigner


class Chance:
    """Random bytes from a counter, so that a test sees the same ones each time."""

    def __init__(self, seed: int = 0) -> None:
        self.drawn = seed << 32

    def __call__(self, size: int) -> bytes:
        self.drawn += 1
        return hashlib.shake_256(self.drawn.to_bytes(8, "big")).digest(size)


class FaultyFile(KeyFile):
    """A key file in RAM on a flash that fails as told: before a write, or after it took effect."""

    def __init__(self, *, fails: str = "", data: bytes | None = None) -> None:
        super().__init__("flash/node.key")
        self.fails = fails
        self.data = data

    def read(self) -> bytes | None:
        if self.fails == "read":
            raise OSError(errno.EIO, "flash")
        return self.data

    def write(self, data: bytes) -> None:
        if self.data is not None:
            raise AssertionError("a key file was written twice")
        if self.fails == "before":
            raise OSError(errno.ENOSPC, "flash full")
        self.data = data[:-1] if self.fails == "cut" else data
        if self.fails == "after":
            raise OSError(errno.EIO, "flash")


def open_signer(file: KeyFile, chance: Callable[[int], bytes]) -> SoftwareSigner:
    """As the board does at its start."""
    return SoftwareSigner(open_key(file, chance), chance)


def judge(signer: Signer, message: bytes, signature: bytes) -> None:
    """Raises where OpenSSL, given the signer's public key as it publishes it, refuses the signature."""
    public = load_der_public_key(signer.public_spki())
    assert isinstance(public, ec.EllipticCurvePublicKey)
    r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
    public.verify(encode_dss_signature(r, s), message, ec.ECDSA(SHA256()))


def test_a_new_key_signs_and_is_found_again() -> None:
    file = FaultyFile()
    first, again = open_signer(file, Chance(1)), open_signer(file, Chance(2))
    assert first.public_spki() == again.public_spki()
    assert first.kid == again.kid == hashlib.sha256(first.public_spki()).digest()[:8] == kid(first.public_spki())
    judge(again, b"a record", first.sign(b"a record"))


def test_every_signature_draws_fresh_bytes() -> None:
    signer = SoftwareSigner(5, Chance())
    signatures = {signer.sign(b"the same") for _ in range(10)}
    assert len(signatures) == 10
    for signature in signatures:
        judge(signer, b"the same", signature)


@pytest.mark.parametrize("damage", [b"", b"VHK1", bytes(68), b"\xff" * 68, b"VHK1" + bytes(64), bytes(1000)])
def test_a_damaged_file_is_an_error_and_stays(damage: bytes) -> None:
    file = FaultyFile(data=damage)
    with pytest.raises(SignerError, match=r"node\.key is damaged.*factory-reset"):
        open_signer(file, Chance())
    assert file.data == damage


@pytest.mark.parametrize("private", [0, N, 2**256 - 1])
def test_a_whole_file_with_no_possible_key_is_refused(private: int) -> None:
    content = b"VHK1" + private.to_bytes(32, "big")
    with pytest.raises(SignerError, match="damaged"):
        open_signer(FaultyFile(data=content + hashlib.sha256(content).digest()), Chance())


def test_every_flipped_bit_is_noticed() -> None:
    file = FaultyFile()
    open_signer(file, Chance())
    whole = file.data or b""
    for bit in range(8 * len(whole)):
        file.data = (int.from_bytes(whole, "big") ^ 1 << bit).to_bytes(len(whole), "big")
        with pytest.raises(SignerError):
            open_signer(file, Chance())


def test_a_flash_that_cannot_be_read_makes_no_new_key() -> None:
    file = FaultyFile(fails="read")
    with pytest.raises(SignerError, match="flash"):
        open_signer(file, Chance())
    assert file.data is None


def test_a_write_that_is_refused_leaves_no_key() -> None:
    file = FaultyFile(fails="before")
    with pytest.raises(SignerError, match="flash full"):
        open_signer(file, Chance())
    file.fails = ""
    open_signer(file, Chance()).sign(b"x")


def test_a_write_that_was_done_but_not_acknowledged_keeps_its_key() -> None:
    file = FaultyFile(fails="after")
    with pytest.raises(SignerError):
        open_signer(file, Chance(1))
    written, file.fails = file.data, ""
    open_signer(file, Chance(2))
    assert file.data == written


def test_a_write_that_lied_is_noticed_before_the_key_is_used() -> None:
    with pytest.raises(SignerError, match="damaged"):
        open_signer(FaultyFile(fails="cut"), Chance())


@pytest.mark.parametrize("stuck", [bytes(32), b"\xff" * 32, b"0123456789abcdef" * 2])
def test_a_stuck_generator_makes_no_key(stuck: bytes) -> None:
    file = FaultyFile()
    with pytest.raises(SignerError, match="stuck"):
        open_signer(file, lambda size: (stuck * 2)[:size])
    assert file.data is None


def test_a_draw_beyond_the_order_is_drawn_again() -> None:
    draws = [b"first" + bytes(27), N.to_bytes(32, "big"), bytes(31) + b"\x07", bytes(64)]
    signer = open_signer(FaultyFile(), lambda size: draws.pop(0)[:size])
    assert signer.public_spki()[-64:] == public_key(7, bytes(64))


def test_sign_between_pauses_often_and_signs_the_same() -> None:
    pauses = 0

    async def pause() -> None:
        nonlocal pauses
        pauses += 1
        await asyncio.sleep(0)

    signer = SoftwareSigner(7, Chance())
    signature = asyncio.run(signer.sign_between(b"a record", pause))
    judge(signer, b"a record", signature)
    assert pauses > 30


def test_another_kind_of_signer_gives_only_steps() -> None:
    class Chip(Signer):
        """A secure element: it answers after a while."""

        def sign_steps(self, message: bytes) -> Generator[None, None, bytes]:
            yield
            return sign(9, hashlib.sha256(message).digest(), b"", bytes(64))

    chip = Chip(public_spki(9, bytes(64)))
    judge(chip, b"a record", chip.sign(b"a record"))


def test_no_public_name_gives_the_key_out() -> None:
    signer = SoftwareSigner(0xC0FFEE, Chance())
    public = [getattr(signer, name) for name in dir(signer) if not name.startswith("_")]
    assert 0xC0FFEE not in public
    assert "12648430" not in repr(signer)
