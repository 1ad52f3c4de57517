"""Who the node is to a TLS broker: its own TLS key, made here and never shown, and the certificates given at enrolment.

The TLS key is not the key that signs records. A broker that chooses what a handshake signs learns nothing about records,
the TLS key can be made anew without making a new node, and the record key may sit in a chip that mbedTLS cannot use.

A certificate is a file named after its hash, and the enrolment names the files: what belongs together changes together.
Loaded when a connection is opened and at enrolment.
"""

import hashlib

from voltnode.config import ConfigError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from voltnode.config import Enrolment
    from voltnode.hal import Board, Flash, Identity

KEY_FILE = "tls.key"
PREFIX = "cert-"
_HEAD = bytes.fromhex("30770201010420")
_CURVE = bytes.fromhex("a00a06082a8648ce3d030107a144034200")
_KEY_BYTES = 121


def identity(board: "Board", enrolment: "Enrolment") -> "Identity":
    """What `Board.connect` needs. Raises ConfigError (`cert_missing`) where flash lost a part of it."""
    parts = [board.flash.read(name) for name in (enrolment.ca, enrolment.cert, KEY_FILE)]
    for name, part in zip(("CA certificate", "own certificate", "TLS key"), parts):
        if not part:
            raise ConfigError("cert_missing", name + " is not on the flash: enrol the node again")
    return parts[0] or b"", parts[1] or b"", parts[2] or b""


def public_spki(board: "Board") -> bytes:
    """The public half of the TLS key, which is made where there is none. Raises OSError, SignerError."""
    data = board.flash.read(KEY_FILE)
    if data is None or len(data) != _KEY_BYTES or data[: len(_HEAD)] != _HEAD:
        data = _made(board)
    from volthood.wire.keys import spki_p256

    return spki_p256(data[-64:])


def _made(board: "Board") -> bytes:
    """A new key as SEC 1 DER (RFC 5915)."""
    from voltnode.sign.keyfile import new_private
    from voltnode.sign.p256 import MASK_BYTES
    from voltnode.sign.public import public_key

    private = new_private(board.random)
    public = public_key(private, board.random(MASK_BYTES))
    data = _HEAD + private.to_bytes(32, "big") + _CURVE + b"\x04" + public
    board.flash.replace(KEY_FILE, data)
    return data


def keep(flash: "Flash", certificates: "tuple[bytes, bytes]") -> "tuple[str, str]":
    """Writes the CA's and our own certificate; gives their files' names. Raises OSError."""
    names = []
    for data in certificates:
        names.append(PREFIX + hashlib.sha256(data).digest()[:6].hex())
        flash.replace(names[-1], data)
    return names[0], names[1]


def tidy(flash: "Flash", enrolment: "Enrolment") -> None:
    """Removes the certificates that this enrolment does not name."""
    for name in flash.names():
        if name.startswith(PREFIX) and name not in (enrolment.ca, enrolment.cert):
            flash.remove(name)
