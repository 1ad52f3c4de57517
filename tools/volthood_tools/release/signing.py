"""The releaser's key: a PEM file, P-256. Its public half is what the boards are given."""

import os
from pathlib import Path

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature

from volthood.adapters.crypto import P256_ORDER
from volthood.core.release import Bundle
from volthood.wire import cose
from volthood.wire.keys import kid, spki_p256
from volthood.wire.update import Manifest
from volthood_tools.release.build import ReleaseError

PUBLIC_BYTES = 64


def new_key(path: Path, password: bytes | None) -> bytes:
    """Makes a private key in a new file that only its owner may read, encrypted where there is a password.

    Returns:
        the public key, x and y.

    Raises:
        ReleaseError: the file is there already, or cannot be written.
    """
    private = ec.generate_private_key(ec.SECP256R1())
    encryption = serialization.BestAvailableEncryption(password) if password else serialization.NoEncryption()
    pem = private.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise ReleaseError(f"{path}: {error.strerror}; a key is never overwritten") from error
    with os.fdopen(descriptor, "wb") as file:
        file.write(pem)
    return public_of(private.public_key())


def load_private(path: Path, password: bytes | None) -> ec.EllipticCurvePrivateKey:
    """The private key in a PEM file. Raises ReleaseError."""
    try:
        key = serialization.load_pem_private_key(path.read_bytes(), password)
    except OSError as error:
        raise ReleaseError(f"{path}: {error.strerror}; `volthood-release key new` makes a key") from error
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise ReleaseError(f"{path}: not a private key in PEM, or another password") from error
    if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP256R1):
        raise ReleaseError(f"{path}: not a P-256 key")
    return key


def load_public(path: Path, password: bytes | None = None) -> bytes:
    """The public key, x and y, in a PEM file of either half, or in one of 64 raw bytes as boards have it.

    Raises:
        ReleaseError: none of these.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ReleaseError(f"{path}: {error.strerror}") from error
    if len(content) == PUBLIC_BYTES:
        return content
    if b"PRIVATE" in content:
        return public_of(load_private(path, password).public_key())
    try:
        key = serialization.load_pem_public_key(content)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise ReleaseError(f"{path}: not a key in PEM") from error
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
        raise ReleaseError(f"{path}: not a P-256 key")
    return public_of(key)


def public_of(key: ec.EllipticCurvePublicKey) -> bytes:
    """A public key as boards have it: x and y, 32 bytes each."""
    return key.public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)[1:]


def public_pem(xy: bytes) -> bytes:
    """A public key as PEM."""
    return _point(xy).public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


def sign_manifest(manifest: Manifest, private: ec.EllipticCurvePrivateKey) -> bytes:
    """The signed manifest: COSE_Sign1, ES256, low s. The same manifest gives the same bytes (RFC 6979)."""
    return sign_payload(manifest.to_cbor(), private)


def sign_payload(payload: bytes, private: ec.EllipticCurvePrivateKey) -> bytes:
    """A manifest's payload, signed."""
    protected = cose.protected_header(cose.ES256, kid(spki_p256(public_of(private.public_key()))))
    message = cose.to_be_signed(Manifest.KIND, protected, payload)
    r, s = decode_dss_signature(private.sign(message, ec.ECDSA(hashes.SHA256(), deterministic_signing=True)))
    low = s if s <= P256_ORDER // 2 else P256_ORDER - s
    return cose.pack_sign1(protected, payload, r.to_bytes(32, "big") + low.to_bytes(32, "big"))


def is_signed_by(bundle: Bundle, xy: bytes) -> bool:
    """Whether the holder of the key signed the bundle's manifest."""
    parts = cose.unpack_sign1(bundle.signed, len(bundle.signed))
    r, s = int.from_bytes(parts.signature[:32], "big"), int.from_bytes(parts.signature[32:], "big")
    if parts.alg != cose.ES256 or parts.kid != kid(spki_p256(xy)) or s > P256_ORDER // 2:
        return False
    message = cose.to_be_signed(Manifest.KIND, parts.protected, parts.payload)
    try:
        _point(xy).verify(encode_dss_signature(r, s), message, ec.ECDSA(hashes.SHA256()))
    except InvalidSignature:
        return False
    return True


def _point(xy: bytes) -> ec.EllipticCurvePublicKey:
    try:
        return ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), b"\x04" + xy)
    except ValueError as error:
        raise ReleaseError("not a point of P-256: the public key is damaged") from error
