"""The secret number k of a signature: RFC 6979, with additional data (section 3.6).

A k that repeats, or of which a few bits are known, gives the private key away. So it is derived from key and message,
and stays safe when the board's random generator fails; the random bytes mixed in make it differ each time, which denies
an attacker who faults or measures the board the same computation twice.
"""

from volthood.wire.mac import hmac_sha256
from voltnode.sign.curve import N

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator


def candidates(private: int, digest: bytes, extra: bytes) -> "Iterator[int]":
    """Nonces 1 .. N - 1 in the order in which they are to be tried; the first one serves but for bad luck of 2^-128.

    Args:
        private: the private key, 1 .. N - 1.
        digest: SHA-256 of the message, 32 bytes.
        extra: fresh random bytes; empty for RFC 6979 as its test vectors use it.
    """
    seed = private.to_bytes(32, "big") + (int.from_bytes(digest, "big") % N).to_bytes(32, "big") + extra
    key, value = bytes(32), b"\x01" * 32
    for step in (b"\x00", b"\x01"):
        key = hmac_sha256(key, value + step + seed)
        value = hmac_sha256(key, value)
    while True:
        value = hmac_sha256(key, value)
        k = int.from_bytes(value, "big")
        if 0 < k < N:
            yield k
        key = hmac_sha256(key, value + b"\x00")
        value = hmac_sha256(key, value)
