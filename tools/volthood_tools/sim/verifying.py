"""Signatures checked once a process: a verdict is remembered by everything that it depends on."""

from volthood.adapters.crypto import SignatureVerifier
from volthood.wire.cose import Signed

MOST_REMEMBERED = 200_000
"""Then all is forgotten and learnt anew; a verdict never changes, so neither does a run."""


class RememberingVerifier:
    """`Verifier` and `RecordVerifier` for all agents of a process."""

    def __init__(self) -> None:
        self._real = SignatureVerifier()
        self._verdicts: dict[tuple[bytes, str, bytes, bytes, bytes], bool] = {}

    def verify_eddsa(self, raw_public: bytes, signed: Signed, kind: str) -> bool:
        """Whether the holder of the Ed25519 key signed the message as this kind."""
        key = (raw_public, kind, signed.protected, signed.payload, signed.signature)
        verdict = self._verdicts.get(key)
        return self._keep(key, self._real.verify_eddsa(raw_public, signed, kind)) if verdict is None else verdict

    def verify_es256(self, public: bytes, signed: Signed, kind: str) -> bool:
        """Whether the holder of the P-256 key signed the message as this kind."""
        key = (public, kind, signed.protected, signed.payload, signed.signature)
        verdict = self._verdicts.get(key)
        return self._keep(key, self._real.verify_es256(public, signed, kind)) if verdict is None else verdict

    def _keep(self, key: tuple[bytes, str, bytes, bytes, bytes], verdict: bool) -> bool:
        if len(self._verdicts) >= MOST_REMEMBERED:
            self._verdicts.clear()
        self._verdicts[key] = verdict
        return verdict
