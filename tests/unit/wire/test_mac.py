"""HMAC-SHA256 and the comparison against CPython's own."""

import hmac

from hypothesis import example, given
from hypothesis import strategies as st

from volthood.wire.mac import MAC_BYTES, equal, hmac_sha256


@example(bytes(63), b"a key one byte shorter than a block, as long, one longer")
@example(bytes(64), b"")
@example(bytes(65), b"")
@given(st.binary(max_size=200), st.binary(max_size=300))
def test_hmac_is_what_cpython_computes(key: bytes, data: bytes) -> None:
    mac = hmac_sha256(key, data)
    assert mac == hmac.digest(key, data, "sha256")
    assert len(mac) == MAC_BYTES


@given(st.binary(max_size=64), st.binary(max_size=64))
def test_equal_is_equality(a: bytes, b: bytes) -> None:
    assert equal(a, b) is (a == b)
    assert equal(a, bytes(a)) is True


@given(st.binary(min_size=1, max_size=64), st.data())
def test_one_bit_anywhere_makes_a_difference(a: bytes, data: st.DataObject) -> None:
    at, bit = data.draw(st.integers(0, len(a) - 1)), data.draw(st.integers(0, 7))
    other = bytearray(a)
    other[at] ^= 1 << bit
    assert equal(a, bytes(other)) is False
