"""Who signs for the node: a key in a file of its flash today, a secure element behind the same interface tomorrow.

- The private key is made on the board at its first start and never leaves it: nothing here gives it out.
- One key for life. A key file that cannot be read is an error that says so; a new key would be a new node, and every
  record of the old one would be orphaned. Only when no file is there is a key made.
- What was written is read again before the key is used: a key that the flash did not keep must not sign anything.
"""

import hashlib

from volthood.wire.keys import kid, spki_p256
from voltnode.sign.curve import N, finish
from voltnode.sign.p256 import MASK_BYTES, public_key, sign_steps

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Generator

_MAGIC = b"VHK1"
_KEY_BYTES = 32
_NONCE_BYTES = 32


class SignerError(Exception):
    """The node cannot sign. The text says why and what to do."""


class Signer:
    """Signs with ES256 (ECDSA P-256, SHA-256, low s). A kind of signer gives `sign_steps`.

    Attributes:
        kid: first 8 bytes of the SHA-256 of the public key (SPKI DER).
    """

    def __init__(self, xy: bytes) -> None:
        self._spki = spki_p256(xy)
        self.kid = kid(self._spki)

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
        super().__init__(public_key(private, random_bytes(MASK_BYTES)))
        self._private = private
        self._random_bytes = random_bytes

    def sign_steps(self, message: bytes) -> "Generator[None, None, bytes]":
        """See `Signer`."""
        digest = hashlib.sha256(message).digest()
        return sign_steps(self._private, digest, self._random_bytes(_NONCE_BYTES), self._random_bytes(MASK_BYTES))


class KeyFile:
    """Where the key is kept: a small file that is there whole or not at all.

    Attributes:
        path: how to name it to a person.
    """

    def __init__(self, path: str) -> None:
        self.path = path

    def read(self) -> "bytes | None":
        """What the file holds; None where there is none. Raises OSError for any other reason."""
        raise NotImplementedError

    def write(self, data: bytes) -> None:
        """Makes the file in one step that a power cut cannot halve, or raises OSError."""
        raise NotImplementedError


def open_signer(key_file: KeyFile, random_bytes: "Callable[[int], bytes]") -> SoftwareSigner:
    """The signer with the key in `key_file`, which is made if there is no such file.

    Args:
        key_file: where the key is kept.
        random_bytes: gives that many bytes of the hardware generator. An ESP32's is only as good as its radio is on.

    Raises:
        SignerError: the file is damaged or cannot be read or written, or the generator is stuck.
    """
    try:
        data = key_file.read()
        if data is None:
            key_file.write(_packed(_new_private(random_bytes)))
            data = key_file.read()
    except OSError as error:
        raise SignerError("key file %s: %s; check the flash" % (key_file.path, error))
    return SoftwareSigner(_unpacked(data or b"", key_file.path), random_bytes)


def _new_private(random_bytes: "Callable[[int], bytes]") -> int:
    """A private key. All values are equally likely: what is out of range is drawn again, not folded back."""
    previous = b""
    while True:
        drawn = random_bytes(_KEY_BYTES)
        if len(drawn) != _KEY_BYTES or drawn == previous or drawn == drawn[:1] * _KEY_BYTES:
            raise SignerError("the hardware random generator is stuck: no key was made")
        if previous and 0 < int.from_bytes(drawn, "big") < N:
            return int.from_bytes(drawn, "big")
        previous = drawn


def _packed(private: int) -> bytes:
    content = _MAGIC + private.to_bytes(_KEY_BYTES, "big")
    return content + hashlib.sha256(content).digest()


def _unpacked(data: bytes, path: str) -> int:
    private = int.from_bytes(data[len(_MAGIC) : len(_MAGIC) + _KEY_BYTES], "big")
    if _packed(private) != data or not 0 < private < N:
        raise SignerError(
            "key file %s is damaged; it is never replaced by itself: factory-reset makes a new node" % path
        )
    return private
