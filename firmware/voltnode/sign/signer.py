"""Who signs for the node: a key in a file of its flash today (`keyfile`), a secure element behind the same interface tomorrow.

The private key is made on the board and never leaves it: nothing here gives it out.
"""

import hashlib

from voltnode.on_demand import call
from voltnode.sign.curve import finish
from voltnode.sign.p256 import MASK_BYTES, sign_steps

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Generator

_NONCE_BYTES = 32


class Signer:
    """Signs with ES256 (ECDSA P-256, SHA-256, low s). A kind of signer gives `sign_steps`.

    Attributes:
        kid: first 8 bytes of the SHA-256 of the public key (SPKI DER).
    """

    def __init__(self, spki: bytes) -> None:
        self._spki = spki
        self.kid = hashlib.sha256(spki).digest()[:8]

    def public_spki(self) -> bytes:
        """The public key as SPKI DER, 91 bytes."""
        return self._spki

    def sign_steps(self, message: bytes) -> "Generator[None, None, bytes]":
        """The 64-byte signature of `message`, in steps of a few milliseconds of the board's time."""
        raise NotImplementedError

    def sign(self, message: bytes) -> bytes:
        """The 64-byte signature of `message`, without a pause: 0.1 to 0.3 s on the board."""
        signature: bytes = finish(self.sign_steps(message))
        return signature

    async def sign_between(self, message: bytes, pause: "Callable[[], Awaitable[None]]") -> bytes:
        """The 64-byte signature of `message`, awaiting `pause()` after each step, so that the bus is served."""
        steps = self.sign_steps(message)
        try:
            while True:
                next(steps)
                await pause()
        except StopIteration as end:
            signature: bytes = end.value
            return signature


class SoftwareSigner(Signer):
    """Signs with a private key in RAM.

    Args:
        private: the private key, 1 .. N - 1.
        random_bytes: gives that many fresh random bytes.
    """

    def __init__(self, private: int, random_bytes: "Callable[[int], bytes]") -> None:
        super().__init__(call("voltnode.sign.public", "public_spki", private, random_bytes(MASK_BYTES)))
        self._private = private
        self._random_bytes = random_bytes

    def sign_steps(self, message: bytes) -> "Generator[None, None, bytes]":
        """See `Signer`."""
        digest = hashlib.sha256(message).digest()
        return sign_steps(self._private, digest, self._random_bytes(_NONCE_BYTES), self._random_bytes(MASK_BYTES))
