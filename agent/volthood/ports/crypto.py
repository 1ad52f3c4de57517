"""Keys, as the engine sees them: it asks for a signature or a verdict and never holds a private key.

Every answer is a value: a bad signature is False, because a neighbour's bytes are ordinary input. Only what cannot be
opened raises, since there is nothing to give back.
"""

from typing import Protocol

from volthood.wire.cose import Signed


class Signer(Protocol):
    """The household's own signature."""

    def sign(self, kind: str, payload: bytes, checkpoint: bytes | None = None) -> bytes:
        """A COSE_Sign1 (EdDSA) over `payload`, `kind` as external data; the same bytes for the same arguments."""
        ...


class Verifier(Protocol):
    """Signatures of agents."""

    def verify_eddsa(self, raw_public: bytes, signed: Signed, kind: str) -> bool:
        """Whether the agent with this Ed25519 key (32 bytes) signed the message as this kind."""
        ...


class RecordVerifier(Protocol):
    """Signatures of nodes."""

    def verify_es256(self, public: bytes, signed: Signed, kind: str) -> bool:
        """Whether the node with this P-256 key (SPKI DER, or x and y as 64 bytes) signed the message; low s only."""
        ...


class Sealer(Protocol):
    """Messages that only their recipient can read."""

    def seal(self, recipient: bytes, plaintext: bytes) -> bytes:
        """`plaintext` for the holder of this X25519 key (32 bytes). Raises `PeerError` (`bad_key`)."""
        ...

    def unseal(self, sealed: bytes) -> bytes:
        """What was sealed for us. Raises `PeerError` (`not_sealed_for_us`)."""
        ...


class ReceiptMaker(Protocol):
    """The household's word to its node, under the link key that both hold."""

    def mac_receipt(self, kid: bytes, rseq: int) -> bytes:
        """A COSE_Mac0 that tells the node `kid`: every record up to `rseq` is stored, or closed."""
        ...
