"""Signatures against two independent hands: OpenSSL by way of `cryptography`, and RFC 6979 written with `hmac`."""

import hashlib
import hmac

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed, decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from hypothesis import example, given
from hypothesis import strategies as st

from voltnode.sign.curve import N, P, finish, inverse_steps, multiply_steps
from voltnode.sign.nonce import candidates
from voltnode.sign.p256 import sign
from voltnode.sign.public import public_key
from voltnode.sign.verify import verify

PREHASHED = ec.ECDSA(Prehashed(SHA256()))
ordinary = st.integers(1, N - 1)
near_powers = st.builds(lambda bit, off: (1 << bit) + off, st.integers(3, 255), st.integers(-3, 3))
sparse = st.sets(st.integers(0, 254), min_size=1, max_size=4).map(lambda bits: sum(1 << bit for bit in bits))
scalars = ordinary | near_powers | sparse | sparse.map(lambda scalar: N - scalar)
digests = st.binary(min_size=32, max_size=32)
masks = st.binary(min_size=64, max_size=64)
extras = st.sampled_from([b""]) | st.binary(min_size=32, max_size=32)


def holds(xy: bytes, digest: bytes, signature: bytes) -> bool:
    """What OpenSSL says."""
    public = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), b"\x04" + xy)
    r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
    try:
        public.verify(encode_dss_signature(r, s), digest, PREHASHED)
    except InvalidSignature:
        return False
    return True


def nonce_by_hmac(private: int, digest: bytes, extra: bytes) -> int:
    """RFC 6979 sections 3.2 and 3.6, letter by letter."""
    seed = private.to_bytes(32, "big") + (int.from_bytes(digest, "big") % N).to_bytes(32, "big") + extra
    v, k = b"\x01" * 32, b"\x00" * 32
    k = hmac.digest(k, v + b"\x00" + seed, "sha256")
    v = hmac.digest(k, v, "sha256")
    k = hmac.digest(k, v + b"\x01" + seed, "sha256")
    v = hmac.digest(k, v, "sha256")
    return int.from_bytes(hmac.digest(k, v, "sha256"), "big")


@given(scalars, digests, extras, masks)
def test_every_signature_is_good_and_low(private: int, digest: bytes, extra: bytes, mask: bytes) -> None:
    xy, signature = public_key(private, mask), sign(private, digest, extra, mask)
    assert holds(xy, digest, signature)
    assert verify(xy, digest, signature)
    assert int.from_bytes(signature[32:], "big") <= N // 2


@example(1, b"\xff" * 32, bytes(64))
@given(scalars, digests, masks)
def test_without_additional_data_it_is_the_signature_of_the_rfc(private: int, digest: bytes, mask: bytes) -> None:
    key = ec.derive_private_key(private, ec.SECP256R1())
    r, s = decode_dss_signature(key.sign(digest, ec.ECDSA(Prehashed(SHA256()), deterministic_signing=True)))
    assert sign(private, digest, b"", mask) == r.to_bytes(32, "big") + min(s, N - s).to_bytes(32, "big")


@example(1, b"\xff" * 32, b"")
@given(scalars, digests, extras)
def test_the_nonce_is_the_one_of_the_rfc_with_additional_data(private: int, digest: bytes, extra: bytes) -> None:
    assert next(candidates(private, digest, extra)) == nonce_by_hmac(private, digest, extra)


@given(scalars, digests, extras, masks, masks)
def test_masks_change_nothing_but_the_way(private: int, digest: bytes, extra: bytes, a: bytes, b: bytes) -> None:
    assert sign(private, digest, extra, a) == sign(private, digest, extra, b)
    assert public_key(private, a) == public_key(private, b)


@given(ordinary, digests, st.integers(0, 1023), st.integers(0, 2))
def test_one_bit_off_is_refused(private: int, digest: bytes, bit: int, which: int) -> None:
    parts = [public_key(private, bytes(64)), digest, sign(private, digest, b"", bytes(64))]
    bit %= 8 * len(parts[which])
    parts[which] = (int.from_bytes(parts[which], "big") ^ 1 << bit).to_bytes(len(parts[which]), "big")
    assert not verify(*parts)


@given(st.binary(max_size=100), st.binary(max_size=40), st.binary(max_size=100))
def test_rubbish_is_refused_not_raised(xy: bytes, digest: bytes, signature: bytes) -> None:
    assert not verify(xy, digest, signature)


@given(scalars, st.integers(1, P - 1))
def test_multiples_of_the_generator(scalar: int, z: int) -> None:
    x, y, z = finish(multiply_steps(scalar, z))
    numbers = ec.derive_private_key(scalar, ec.SECP256R1()).public_key().public_numbers()
    assert (x * pow(z, -2, P) % P, y * pow(z, -3, P) % P) == (numbers.x, numbers.y)


@given(st.sampled_from([N, P]), st.data())
def test_inverses(modulus: int, data: st.DataObject) -> None:
    value = data.draw(st.integers(1, modulus - 1))
    assert finish(inverse_steps(value, modulus)) == pow(value, -1, modulus)


def test_a_nonce_that_does_not_serve_is_followed_by_another() -> None:
    tried = candidates(1, bytes(32), b"")
    first_ones = [next(tried) for _ in range(50)]
    assert len(set(first_ones)) == 50
    assert all(0 < k < N for k in first_ones)


def sign_and_judge(count: int) -> None:
    for i in range(count):
        seed = hashlib.sha512(b"%d" % i).digest()
        private, digest = int.from_bytes(seed[:32], "big") % N or 1, seed[32:]
        signature = sign(private, digest, hashlib.sha256(seed).digest(), seed)
        xy = public_key(private, seed)
        assert holds(xy, digest, signature), i
        assert i % 10 or verify(xy, digest, signature), i


def test_five_hundred_signatures() -> None:
    sign_and_judge(500)


@pytest.mark.long
def test_ten_thousand_signatures() -> None:
    sign_and_judge(10_000)
