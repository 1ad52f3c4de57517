"""The file that keeps the node's key. Loaded at the start, and dropped then.

- One key for life. A key file that cannot be read is an error that says so; a new key would be a new node, and every
  record of the old one would be orphaned. Only when no file is there is a key made.
- What was written is read again before the key is used: a key that the flash did not keep must not sign anything.
"""

import hashlib

from voltnode.sign.curve import N

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

_MAGIC = b"VHK1"
_KEY_BYTES = 32


class SignerError(Exception):
    """The node cannot sign. The text says why and what to do."""


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


def open_key(key_file: KeyFile, random_bytes: "Callable[[int], bytes]") -> int:
    """The private key in `key_file`, which is made if there is no such file.

    Args:
        key_file: where the key is kept.
        random_bytes: gives that many bytes of the hardware generator. An ESP32's is only as good as its radio is on.

    Raises:
        SignerError: the file is damaged or cannot be read or written, or the generator is stuck.
    """
    try:
        data = key_file.read()
        if data is None:
            key_file.write(_packed(new_private(random_bytes)))
            data = key_file.read()
    except OSError as error:
        raise SignerError("key file %s: %s; check the flash" % (key_file.path, error))
    return _unpacked(data or b"", key_file.path)


def new_private(random_bytes: "Callable[[int], bytes]") -> int:
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
