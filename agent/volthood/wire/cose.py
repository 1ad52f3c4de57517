"""COSE (RFC 9052): one signature (COSE_Sign1, tag 18) or one MAC (COSE_Mac0, tag 17) over a payload. Bytes only.

Nothing here signs or verifies: `to_be_signed` gives the bytes for whoever holds the key. The kind of a message is the
external authenticated data (`volthood/1/order`), so a signature of one kind never serves as another. The unprotected
header is always empty: what is not covered by the signature is not there.
"""

from volthood.wire.cbor import Tag, WireError, byte_string, decode, encode

ES256 = -7
EDDSA = -8
HMAC_256 = 5

_ALG, _KID = 1, 4
CHECKPOINT = -65537
"""Private header label (RFC 9052 section 3.1): hash of the signer's newest checkpoint, in a contract's signature."""

_SIGN1, _MAC0 = 18, 17
_EMPTY_MAP = encode({})
_SIGNATURE1 = encode(["Signature1", b"", b"", b""])[:-3]
_SIGN1_HEAD = encode(Tag(_SIGN1, [b"", {}, b"", b""]))[:-4]
"""Everything that is the same in all signed messages, encoded once; the byte strings follow."""
_SIGNATURE_BYTES, _MAC_BYTES, _KID_BYTES = 64, 32, 8


_PLAIN = {encode({_ALG: alg, _KID: bytes(_KID_BYTES)})[:-_KID_BYTES]: alg for alg in (ES256, EDDSA, HMAC_256)}
"""Headers without a checkpoint, up to the key id: nearly all, and read without taking them apart."""
_PLAIN_BYTES = len(encode({_ALG: EDDSA, _KID: bytes(_KID_BYTES)}))
_NO_PARTS = (b"", b"", b"")


class Signed:
    """A COSE_Sign1 or COSE_Mac0 taken apart, its signature not yet checked.

    Attributes:
        protected: the protected header's bytes, as signed.
        alg: `ES256`, `EDDSA` or `HMAC_256`.
        kid: first 8 bytes of the SHA-256 of the key holder's public key.
        checkpoint: 32 bytes, or None where the header has none.
        payload: the signed message.
        signature: 64 bytes of signature, or 32 of MAC.
    """

    def __init__(
        self, protected: bytes, alg: int, kid: bytes, checkpoint: bytes | None, payload: bytes, signature: bytes
    ) -> None:
        self.protected = protected
        self.alg = alg
        self.kid = kid
        self.checkpoint = checkpoint
        self.payload = payload
        self.signature = signature


def protected_header(alg: int, kid: bytes, checkpoint: bytes | None = None) -> bytes:
    """The encoded protected header: algorithm, key id and, in contracts, the newest checkpoint's hash."""
    header: dict[object, object] = {_ALG: alg, _KID: kid}
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
    return _SIGN1_HEAD + byte_string(protected) + _EMPTY_MAP + byte_string(payload) + byte_string(signature)


def pack_mac0(protected: bytes, payload: bytes, mac: bytes) -> bytes:
    """The message as sent."""
    return encode(Tag(_MAC0, [protected, {}, payload, mac]))


def unpack_sign1(data: bytes, max_bytes: int) -> Signed:
    """`data` taken apart.

    Raises:
        WireError: `too_large`, not canonical, not a COSE_Sign1 of the two algorithms, or a header this version lacks.
    """
    return _unpack(data, max_bytes, _SIGN1, (ES256, EDDSA), _SIGNATURE_BYTES)


def unpack_mac0(data: bytes, max_bytes: int) -> Signed:
    """`data` taken apart. Raises `WireError` as `unpack_sign1` does."""
    return _unpack(data, max_bytes, _MAC0, (HMAC_256,), _MAC_BYTES)


def _unpack(data: bytes, max_bytes: int, tag: int, algorithms: tuple[int, ...], signature_bytes: int) -> Signed:
    if len(data) > max_bytes:
        raise WireError("too_large", "%d bytes, at most %d" % (len(data), max_bytes))
    protected, payload, signature = _plain_parts(data) if tag == _SIGN1 else _NO_PARTS
    if not protected:
        protected, payload, signature = _parts(data, tag, signature_bytes)
    alg, kid, checkpoint = _header(protected, algorithms)
    return Signed(protected, alg, kid, checkpoint, payload, signature)


def _plain_parts(data: bytes) -> tuple[bytes, bytes, bytes]:
    """(protected, payload, signature) where those of a message without a checkpoint lie, if they give the same bytes.

    Nearly all messages are plain. Three empty ones say that this one must be taken apart.
    """
    size = len(data) - len(_SIGN1_HEAD) - _PLAIN_BYTES - 2 - _SIGNATURE_BYTES - 2
    head = 1 if size < 25 else 2 if size < 258 else 3 if size < 65539 else 5
    start = len(_SIGN1_HEAD) + 1
    protected, signature = data[start : start + _PLAIN_BYTES], data[-_SIGNATURE_BYTES:]
    payload = data[start + _PLAIN_BYTES + 1 + head : -_SIGNATURE_BYTES - 2]
    return (protected, payload, signature) if pack_sign1(protected, payload, signature) == data else _NO_PARTS


def _parts(data: bytes, tag: int, signature_bytes: int) -> tuple[bytes, bytes, bytes]:
    message = decode(data)
    if not isinstance(message, Tag) or message.number != tag:
        raise WireError("not_cose")
    parts = message.value
    if not isinstance(parts, list) or len(parts) != 4 or parts[1] != {}:
        raise WireError("not_cose")
    protected, _, payload, signature = parts
    if not (isinstance(protected, bytes) and isinstance(payload, bytes) and isinstance(signature, bytes)):
        raise WireError("not_cose")
    if len(signature) != signature_bytes:
        raise WireError("not_cose", "signature of %d bytes" % len(signature))
    return protected, payload, signature


def _header(protected: bytes, algorithms: tuple[int, ...]) -> tuple[int, bytes, bytes | None]:
    alg = _PLAIN.get(protected[:-_KID_BYTES])
    if alg in algorithms:
        return alg, protected[-_KID_BYTES:], None
    return _parsed_header(protected, algorithms)


def _parsed_header(protected: bytes, algorithms: tuple[int, ...]) -> tuple[int, bytes, bytes | None]:
    header = decode(protected)
    if not isinstance(header, dict):
        raise WireError("header_unknown")
    for label in header:
        if label not in (_ALG, _KID, CHECKPOINT):
            raise WireError("header_unknown", str(label))
    alg, kid, checkpoint = header.get(_ALG), header.get(_KID), header.get(CHECKPOINT)
    if not isinstance(alg, int) or alg not in algorithms:
        raise WireError("algorithm_unknown")
    if not isinstance(kid, bytes) or len(kid) != _KID_BYTES:
        raise WireError("header_unknown", "kid")
    if CHECKPOINT in header and not (alg == EDDSA and isinstance(checkpoint, bytes) and len(checkpoint) == 32):
        raise WireError("header_unknown", "checkpoint")
    return alg, kid, checkpoint
