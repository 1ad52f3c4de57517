"""Public keys as SPKI DER (RFC 5280 section 4.1.2.7), and the hashes that name them.

An agent is named by the full SHA-256 of its public key, a key id (`kid`) is the first 8 bytes of that hash, and a
node's name in topics is its key id in hex.
"""

import hashlib

from volthood.wire.cbor_writer import WireError, encode

_P256_PREFIX = (
    b"\x30\x59\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07\x03\x42\x00\x04"
)
_ED25519_PREFIX = b"\x30\x2a\x30\x05\x06\x03\x2b\x65\x70\x03\x21\x00"
_X25519_PREFIX = b"\x30\x2a\x30\x05\x06\x03\x2b\x65\x6e\x03\x21\x00"


def spki_p256(xy: bytes) -> bytes:
    """SPKI DER of an uncompressed P-256 point, given x and y as 64 bytes (RFC 5480)."""
    return _spki(_P256_PREFIX, xy, 64)


def spki_ed25519(raw: bytes) -> bytes:
    """SPKI DER of a raw Ed25519 public key of 32 bytes (RFC 8410)."""
    return _spki(_ED25519_PREFIX, raw, 32)


def spki_x25519(raw: bytes) -> bytes:
    """SPKI DER of a raw X25519 public key of 32 bytes (RFC 8410)."""
    return _spki(_X25519_PREFIX, raw, 32)


def raw_ed25519(spki: bytes) -> bytes:
    """The 32 raw bytes of an Ed25519 public key in SPKI DER. Raises `WireError` where it is another kind of key."""
    if len(spki) != 44 or not spki.startswith(_ED25519_PREFIX):
        raise WireError("key_unknown", "not an Ed25519 public key")
    return spki[12:]


def key_hash(spki: bytes) -> bytes:
    """SHA-256 of a public key: the full name of its holder."""
    return sha256(spki)


def kid(spki: bytes) -> bytes:
    """The key id: first 8 bytes of the key's hash."""
    return sha256(spki)[:8]


def sha256(data: bytes) -> bytes:
    """SHA-256 (FIPS 180-4)."""
    return hashlib.sha256(data).digest()


def hash_of(*values: object) -> bytes:
    """hash(a, b, ...): SHA-256 of the deterministic CBOR array of the values, as the market's rules write it."""
    return sha256(encode(values))


def _spki(prefix: bytes, raw: bytes, size: int) -> bytes:
    if len(raw) != size:
        raise WireError("key_unknown", "%d bytes, not %d" % (len(raw), size))
    return prefix + raw
