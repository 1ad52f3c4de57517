"""HMAC-SHA256 over `hashlib` alone, because the board has no `hmac` module.

Authenticates what an agent tells its node (receipts, verbs), and drives the nonce generator of the node's signatures.
"""

import hashlib

MAC_BYTES = 32
_BLOCK_BYTES = 64
# The pads as whole numbers: one XOR of 512 bits is some twenty times faster on the board than 64 of a byte.
_INNER_PAD = int.from_bytes(b"\x36" * _BLOCK_BYTES, "big")
_OUTER_PAD = int.from_bytes(b"\x5c" * _BLOCK_BYTES, "big")


def hmac_sha256(key: bytes, data: bytes) -> bytes:
    """The 32-byte HMAC-SHA256 of `data` under `key` of any length (RFC 2104, FIPS 198-1)."""
    if len(key) > _BLOCK_BYTES:
        key = hashlib.sha256(key).digest()
    padded = int.from_bytes(key, "big") << 8 * (_BLOCK_BYTES - len(key))
    inner = hashlib.sha256((padded ^ _INNER_PAD).to_bytes(_BLOCK_BYTES, "big"))
    inner.update(data)
    outer = hashlib.sha256((padded ^ _OUTER_PAD).to_bytes(_BLOCK_BYTES, "big"))
    outer.update(inner.digest())
    return outer.digest()


def equal(a: bytes, b: bytes) -> bool:
    """True when `a` and `b` are the same bytes; the time taken does not depend on where they differ."""
    if len(a) != len(b):
        return False
    difference = 0
    for x, y in zip(a, b):
        difference |= x ^ y
    return difference == 0
