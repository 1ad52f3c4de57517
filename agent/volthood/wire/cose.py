"""COSE (RFC 9052): one signature (COSE_Sign1, tag 18) or one MAC (COSE_Mac0, tag 17) over a payload. Bytes only.

Nothing here signs or verifies: `to_be_signed` gives the bytes for whoever holds the key. The kind of a message is the
external authenticated data (`volthood/1/order`), so a signature of one kind never serves as another. The unprotected
header is always empty: what is not covered by the signature is not there.
"""

from volthood.wire.cbor import Tag, WireError, decode, encode
from volthood.wire.cose_writer import (
    ALG,
    CHECKPOINT,
    EDDSA,
    ES256,
    HMAC_256,
    KID,
    MAC0,
    SIGN1,
    SIGN1_HEAD,
    pack_mac0,
    pack_sign1,
    protected_header,
    to_be_maced,
    to_be_signed,
)

__all__ = (
    "CHECKPOINT",
    "EDDSA",
    "ES256",
    "HMAC_256",
    "Signed",
    "pack_mac0",
    "pack_sign1",
    "protected_header",
    "to_be_maced",
    "to_be_signed",
    "unpack_mac0",
    "unpack_sign1",
)

_SIGNATURE_BYTES, _MAC_BYTES, _KID_BYTES = 64, 32, 8


_PLAIN = {encode({ALG: alg, KID: bytes(_KID_BYTES)})[:-_KID_BYTES]: alg for alg in (ES256, EDDSA, HMAC_256)}
"""Headers without a checkpoint, up to the key id: nearly all, and read without taking them apart."""
_PLAIN_BYTES = len(encode({ALG: EDDSA, KID: bytes(_KID_BYTES)}))
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


def unpack_sign1(data: bytes, max_bytes: int) -> Signed:
    """`data` taken apart.

    Raises:
        WireError: `too_large`, not canonical, not a COSE_Sign1 of the two algorithms, or a header this version lacks.
    """
    return _unpack(data, max_bytes, SIGN1, (ES256, EDDSA), _SIGNATURE_BYTES)


def unpack_mac0(data: bytes, max_bytes: int) -> Signed:
    """`data` taken apart. Raises `WireError` as `unpack_sign1` does."""
    return _unpack(data, max_bytes, MAC0, (HMAC_256,), _MAC_BYTES)


def _unpack(data: bytes, max_bytes: int, tag: int, algorithms: tuple[int, ...], signature_bytes: int) -> Signed:
    if len(data) > max_bytes:
        raise WireError("too_large", "%d bytes, at most %d" % (len(data), max_bytes))
    protected, payload, signature = _plain_parts(data) if tag == SIGN1 else _NO_PARTS
    if not protected:
        protected, payload, signature = _parts(data, tag, signature_bytes)
    alg, kid, checkpoint = _header(protected, algorithms)
    return Signed(protected, alg, kid, checkpoint, payload, signature)


def _plain_parts(data: bytes) -> tuple[bytes, bytes, bytes]:
    """(protected, payload, signature) where those of a message without a checkpoint lie, if they give the same bytes.

    Nearly all messages are plain. Three empty ones say that this one must be taken apart.
    """
    size = len(data) - len(SIGN1_HEAD) - _PLAIN_BYTES - 2 - _SIGNATURE_BYTES - 2
    head = 1 if size < 25 else 2 if size < 258 else 3 if size < 65539 else 5
    start = len(SIGN1_HEAD) + 1
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
        if label not in (ALG, KID, CHECKPOINT):
            raise WireError("header_unknown", str(label))
    alg, kid, checkpoint = header.get(ALG), header.get(KID), header.get(CHECKPOINT)
    if not isinstance(alg, int) or alg not in algorithms:
        raise WireError("algorithm_unknown")
    if not isinstance(kid, bytes) or len(kid) != _KID_BYTES:
        raise WireError("header_unknown", "kid")
    if CHECKPOINT in header and not (alg == EDDSA and isinstance(checkpoint, bytes) and len(checkpoint) == 32):
        raise WireError("header_unknown", "checkpoint")
    return alg, kid, checkpoint
