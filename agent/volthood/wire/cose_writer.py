"""COSE (RFC 9052), the writing half: what the board keeps loaded. The rules stand in `cose.py`, which reads."""

from volthood.wire.cbor_writer import Tag, byte_string, encode

ES256 = -7
EDDSA = -8
HMAC_256 = 5

ALG, KID = 1, 4
CHECKPOINT = -65537
"""Private header label (RFC 9052 section 3.1): hash of the signer's newest checkpoint, in a contract's signature."""

SIGN1, MAC0 = 18, 17
_EMPTY_MAP = encode({})
_SIGNATURE1 = encode(["Signature1", b"", b"", b""])[:-3]
SIGN1_HEAD = encode(Tag(SIGN1, [b"", {}, b"", b""]))[:-4]
"""Everything that is the same in all signed messages, encoded once; the byte strings follow."""


def protected_header(alg: int, kid: bytes, checkpoint: bytes | None = None) -> bytes:
    """The encoded protected header: algorithm, key id and, in contracts, the newest checkpoint's hash."""
    header: dict[object, object] = {ALG: alg, KID: kid}
    if checkpoint is not None:
        header[CHECKPOINT] = checkpoint
    return encode(header)


def to_be_signed(kind: str, protected: bytes, payload: bytes) -> bytes:
    """The bytes that an ES256 or EdDSA signature covers (RFC 9052 section 4.4)."""
    return _SIGNATURE1 + byte_string(protected) + byte_string(kind.encode()) + byte_string(payload)


def to_be_maced(kind: str, protected: bytes, payload: bytes) -> bytes:
    """The bytes that a MAC covers (RFC 9052 section 6.3)."""
    return encode(["MAC0", protected, kind.encode(), payload])


def pack_sign1(protected: bytes, payload: bytes, signature: bytes) -> bytes:
    """The message as sent."""
    return SIGN1_HEAD + byte_string(protected) + _EMPTY_MAP + byte_string(payload) + byte_string(signature)


def pack_mac0(protected: bytes, payload: bytes, mac: bytes) -> bytes:
    """The message as sent."""
    return encode(Tag(MAC0, [protected, {}, payload, mac]))
