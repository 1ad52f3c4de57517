"""What stands for HPKE inside one process: the same sizes and refusals, and no chance, so that a seed repeats every byte.

The sender's signature stays inside, as ever; only the secrecy is left out, since everyone lives in one process. HPKE
itself draws a fresh key share for every message, and is tested where it lives.
"""

import hashlib

from volthood.errors import PeerError

KEY_BYTES = 32
TAG_BYTES = 16


class PlainSealer:
    """`ports.crypto.Sealer`: names the recipient, keeps the plaintext, and adds a checksum in the place of the tag."""

    def __init__(self, own_key: bytes) -> None:
        self._own_key = own_key

    def seal(self, recipient: bytes, plaintext: bytes) -> bytes:
        """`plaintext` marked for the holder of this key. Raises `PeerError` (`bad_key`)."""
        if len(recipient) != KEY_BYTES:
            raise PeerError("bad_key", f"{len(recipient)} bytes")
        return recipient + plaintext + _tag(recipient, plaintext)

    def unseal(self, sealed: bytes) -> bytes:
        """What was marked for us. Raises `PeerError` (`not_sealed_for_us`): another recipient, or changed bytes."""
        recipient, plaintext, tag = sealed[:KEY_BYTES], sealed[KEY_BYTES:-TAG_BYTES], sealed[-TAG_BYTES:]
        if recipient != self._own_key or tag != _tag(recipient, plaintext):
            raise PeerError("not_sealed_for_us", f"{len(sealed)} bytes")
        return plaintext


def _tag(recipient: bytes, plaintext: bytes) -> bytes:
    return hashlib.blake2b(recipient + plaintext, digest_size=TAG_BYTES).digest()
