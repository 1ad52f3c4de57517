"""Signing, verifying and sealing with `cryptography`, and the two key files of a household.

Rules, and why:

- A key file is written whole or not at all, never over another, with mode 600 from its first byte. Lost keys are a lost
  membership, so a file that is damaged is named and left as it is.
- The key file holds each public key beside its private one: a flipped bit in a seed would otherwise be a valid key of
  nobody.
- ES256 signatures count only with s in the lower half of the group's order. Of the two values that verify, one is the
  record: its hash links the next one, and nobody may choose.
- A signature counts for the key that its own header names (`kid`): a message shown under another member's name is bad.
- A verdict is a bool. Foreign bytes and keys raise nothing but where there is no value to give (`seal`, `unseal`).
"""

import binascii
import json
import os
import secrets
import stat
from base64 import b64decode, b64encode
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

from volthood.errors import LocalError, PeerError
from volthood.wire import cose
from volthood.wire.cbor import WireError
from volthood.wire.inbox import HPKE_INFO
from volthood.wire.keys import key_hash, kid, spki_ed25519, spki_p256
from volthood.wire.maced import pack_maced, unpack_maced
from volthood.wire.note import Signature, note_key_hash, signature_line
from volthood.wire.record import Receipt

P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
"""Order of the group (SEC 2 section 2.4.2)."""

_ED25519_PRIME = 2**255 - 19
_SMALL_ORDER_Y = 0x7A03AC9277FDC74EC6CC392CFA53202A0F67100D760B3CBA4FD83D3D706A17C7
# The heights of the eight points whose signatures anybody can make (RFC 8032 section 5.1; the library takes them).
_WEAK_KEYS = {0, 1, _ED25519_PRIME - 1, _SMALL_ORDER_Y, _ED25519_PRIME - _SMALL_ORDER_Y}

_SUITE = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.CHACHA20_POLY1305)
_KEY_FILE = "volthood/1/keys"
_ROLES = ("agent", "seal", "witness")
_KEY_BYTES = 32
_MANY_KEYS = 4096
_RESTORE = "put its backup in place: a new key would be a new member"


@dataclass(frozen=True)
class PublicKeys:
    """What a household tells the others: raw public keys of 32 bytes."""

    agent: bytes
    seal: bytes
    witness: bytes


class AgentKeys:
    """A household's private keys: `Signer` and `Sealer`.

    Attributes:
        public: the three raw public keys.
        agent_hash: SHA-256 of the agent's public key (SPKI DER): the household's name.
        kid: its first 8 bytes.
    """

    def __init__(self, agent: bytes, seal: bytes, witness: bytes) -> None:
        self._agent = Ed25519PrivateKey.from_private_bytes(agent)
        self._seal = X25519PrivateKey.from_private_bytes(seal)
        self._witness = Ed25519PrivateKey.from_private_bytes(witness)
        self.public = PublicKeys(
            self._agent.public_key().public_bytes_raw(),
            self._seal.public_key().public_bytes_raw(),
            self._witness.public_key().public_bytes_raw(),
        )
        self.agent_hash = key_hash(spki_ed25519(self.public.agent))
        self.kid = self.agent_hash[:8]
        self._plain_header = cose.protected_header(cose.EDDSA, self.kid)

    @classmethod
    def create(cls, path: Path) -> "AgentKeys":
        """New keys, kept in a new file. Raises `LocalError` where the file exists or cannot be written."""
        seeds = {role: secrets.token_bytes(_KEY_BYTES) for role in _ROLES}
        keys = cls(**seeds)
        rows = {role: _key_row(seeds[role], getattr(keys.public, role)) for role in _ROLES}
        write_secret(path, json.dumps({"format": _KEY_FILE, **rows}, indent=1).encode() + b"\n")
        return keys

    @classmethod
    def load(cls, path: Path) -> "AgentKeys":
        """The keys of a file.

        Raises:
            LocalError: missing, readable by others, or damaged; the text names the file and the remedy.
        """
        try:
            seeds, public = _parse_keys(read_secret(path))
        except ValueError as error:
            raise LocalError(f"{path}: damaged key file ({error}); {_RESTORE}") from error
        keys = cls(*seeds)
        if keys.public != PublicKeys(*public):
            raise LocalError(f"{path}: damaged key file (a private key is not that of its public key); {_RESTORE}")
        return keys

    def sign(self, kind: str, payload: bytes, checkpoint: bytes | None = None) -> bytes:
        """A COSE_Sign1 (EdDSA, RFC 9052) over `payload`; deterministic, so the same bytes for the same arguments."""
        protected = self._plain_header
        if checkpoint is not None:
            protected = cose.protected_header(cose.EDDSA, self.kid, checkpoint)
        return cose.pack_sign1(protected, payload, self._agent.sign(cose.to_be_signed(kind, protected, payload)))

    def sign_note(self, name: str, text: str) -> str:
        """The signature line of `name` under a note's text (C2SP signed-note), by the agent key."""
        return signature_line(name, self.public.agent, self._agent.sign(text.encode()))

    def seal(self, recipient: bytes, plaintext: bytes) -> bytes:
        """HPKE (RFC 9180) base mode, X25519, HKDF-SHA256, ChaCha20-Poly1305: key share (32 bytes), then ciphertext.

        Raises:
            PeerError: `bad_key`: not an X25519 key, or one that gives everybody the same secret.
        """
        try:
            return _SUITE.encrypt(plaintext, X25519PublicKey.from_public_bytes(recipient), info=HPKE_INFO)
        except ValueError as error:
            raise PeerError("bad_key", str(error)) from error

    def unseal(self, sealed: bytes) -> bytes:
        """What was sealed for us. Raises `PeerError` (`not_sealed_for_us`): another recipient, or changed bytes."""
        try:
            return _SUITE.decrypt(sealed, self._seal, info=HPKE_INFO)
        except (InvalidTag, ValueError) as error:
            raise PeerError("not_sealed_for_us", f"{len(sealed)} bytes") from error


class SignatureVerifier:
    """Signatures of agents and nodes: `Verifier` and `RecordVerifier`. Keeps the keys it has seen, loaded."""

    def verify_eddsa(self, raw_public: bytes, signed: cose.Signed, kind: str) -> bool:
        """Whether the holder of the Ed25519 key signed the message as this kind."""
        try:
            key, name = _ed25519(raw_public)
        except (ValueError, WireError):
            return False
        if signed.alg != cose.EDDSA or signed.kid != name:
            return False
        return _holds(key, signed.signature, cose.to_be_signed(kind, signed.protected, signed.payload))

    def verify_es256(self, public: bytes, signed: cose.Signed, kind: str) -> bool:
        """Whether the holder of the P-256 key (SPKI DER, or x and y as 64 bytes) signed the message, with a low s."""
        try:
            key, name = _p256(public)
        except (ValueError, WireError):
            return False
        r, s = int.from_bytes(signed.signature[:32], "big"), int.from_bytes(signed.signature[32:], "big")
        if signed.alg != cose.ES256 or signed.kid != name or not (0 < r < P256_ORDER and 0 < s <= P256_ORDER // 2):
            return False
        try:
            message = cose.to_be_signed(kind, signed.protected, signed.payload)
            key.verify(encode_dss_signature(r, s), message, ec.ECDSA(hashes.SHA256()))
        except InvalidSignature:
            return False
        return True


def verify_ed25519(raw_public: bytes, signature: bytes, message: bytes) -> bool:
    """Whether the holder of the Ed25519 key (32 bytes) signed `message`."""
    try:
        key, _ = _ed25519(raw_public)
    except (ValueError, WireError):
        return False
    return _holds(key, signature, message)


def verify_note(name: str, raw_public: bytes, text: str, signatures: list[Signature]) -> bool:
    """Whether a line of `name` under the note's text was made with this key; foreign lines say nothing."""
    wanted = note_key_hash(name, raw_public)
    lines = [line for line in signatures if line.name == name and line.key_hash == wanted]
    return bool(lines) and all(verify_ed25519(raw_public, line.signature, text.encode()) for line in lines)


class LinkKey:
    """The 32 bytes that an agent and its node share since enrolment: `ReceiptMaker`."""

    def __init__(self, secret: bytes) -> None:
        if len(secret) != _KEY_BYTES:
            raise ValueError(f"a link key has {_KEY_BYTES} bytes, not {len(secret)}")
        self.secret = secret

    @classmethod
    def create(cls, path: Path) -> "LinkKey":
        """A new link key, kept in a new file. Raises `LocalError` where the file exists or cannot be written."""
        key = cls(secrets.token_bytes(_KEY_BYTES))
        write_secret(path, key.secret.hex().encode() + b"\n")
        return key

    @classmethod
    def load(cls, path: Path) -> "LinkKey":
        """The link key of a file: 64 hex digits. Raises `LocalError`: missing, readable by others, or damaged."""
        try:
            return cls(binascii.unhexlify(read_secret(path).strip()))
        except ValueError as error:
            raise LocalError(f"{path}: damaged link key (not 64 hex digits); enrol the node again") from error

    def mac_receipt(self, kid: bytes, rseq: int) -> bytes:
        """A receipt as sent, for the node `kid`: every record up to `rseq` is stored."""
        return pack_maced(Receipt(rseq=rseq), self.secret, kid)

    def verify_receipt(self, kid: bytes, data: bytes) -> int | None:
        """The rseq of a receipt for the node `kid` under this key, else None. Raises `WireError` for broken bytes."""
        try:
            return unpack_maced(Receipt, self.secret, kid, data).rseq
        except WireError as error:
            if error.reason in {"kid_unknown", "mac_wrong"}:
                return None
            raise


def read_secret(path: Path) -> bytes:
    """The content of a file that only its owner may read.

    Raises:
        LocalError: missing, not a plain file, or open to others; the text names the file and the remedy.
    """
    try:
        with open(path, "rb", opener=_at_once) as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise LocalError(f"{path}: not a plain file")
            if status.st_mode & 0o077:
                mode = stat.S_IMODE(status.st_mode)
                raise LocalError(f"{path}: mode {mode:03o} lets others read a secret; run: chmod 600 {path}")
            return file.read()
    except OSError as error:
        raise LocalError(f"{path}: cannot read the key file: {error.strerror}") from error


def write_secret(path: Path, content: bytes) -> None:
    """Put a new file of mode 600 on the disk, whole or not at all.

    Raises:
        LocalError: the file exists (a key is never written over), or the folder cannot be written.
    """
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        try:
            with open(draft, "xb", opener=_owner_only) as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            os.link(draft, path)
        finally:
            draft.unlink(missing_ok=True)
        _sync_folder(path.parent)
    except FileExistsError as error:
        raise LocalError(f"{path}: a key file is there already; move it away first to make a new key") from error
    except OSError as error:
        raise LocalError(f"{path}: cannot write the key file: {error.strerror}") from error


def _owner_only(name: str, flags: int) -> int:
    return os.open(name, flags, 0o600)


def _at_once(name: str, flags: int) -> int:
    return os.open(name, flags | os.O_NONBLOCK)  # a pipe in the place of a file would keep us waiting


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _key_row(private: bytes, public: bytes) -> dict[str, str]:
    return {"private": b64encode(private).decode(), "public": b64encode(public).decode()}


def _parse_keys(content: bytes) -> tuple[list[bytes], list[bytes]]:
    """(private keys, public keys) in the order of the roles. Raises `ValueError`."""
    document = json.loads(content)
    if not isinstance(document, dict) or document.keys() != {"format", *_ROLES} or document["format"] != _KEY_FILE:
        raise ValueError("not a key file of this version")
    pairs = [_key_pair(document[role], role) for role in _ROLES]
    return [private for private, _ in pairs], [public for _, public in pairs]


def _key_pair(row: object, role: str) -> tuple[bytes, bytes]:
    """(private, public) of one role's row. Raises `ValueError`."""
    if not isinstance(row, dict) or set(row) != {"private", "public"}:
        raise ValueError(f"{role} is not a pair of keys")
    if not all(isinstance(value, str) for value in row.values()):
        raise ValueError(f"{role} is not text")
    private, public = (b64decode(row[half], validate=True) for half in ("private", "public"))
    if len(private) != _KEY_BYTES or len(public) != _KEY_BYTES:
        raise ValueError(f"{role} has a key of the wrong length")
    return private, public


def _holds(key: Ed25519PublicKey, signature: bytes, message: bytes) -> bool:
    try:
        key.verify(signature, message)
    except InvalidSignature:
        return False
    return True


@lru_cache(maxsize=_MANY_KEYS)
def _ed25519(raw: bytes) -> tuple[Ed25519PublicKey, bytes]:
    """(key, kid). Raises `ValueError` or `WireError` for bytes that are no key, or a key that binds nobody."""
    if (int.from_bytes(raw, "little") & (1 << 255) - 1) % _ED25519_PRIME in _WEAK_KEYS:
        raise WireError("key_unknown", "a point of small order")
    return Ed25519PublicKey.from_public_bytes(raw), kid(spki_ed25519(raw))


@lru_cache(maxsize=_MANY_KEYS)
def _p256(public: bytes) -> tuple[ec.EllipticCurvePublicKey, bytes]:
    """(key, kid). Raises `ValueError` or `WireError` for bytes that are no P-256 key."""
    xy = public[-64:]
    spki = spki_p256(xy)
    if public not in {xy, spki}:
        raise WireError("key_unknown", "not a P-256 public key")
    return ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), b"\x04" + xy), kid(spki)
