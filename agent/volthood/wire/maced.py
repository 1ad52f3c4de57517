"""What agent and node say under their link key: a message of `message.py` in a COSE_Mac0, HMAC-SHA256.

The key id in the protected header is the node's: it says whose stream or whose verb is meant, also in what the node says.
"""

from volthood.wire import cose
from volthood.wire.cbor_writer import WireError
from volthood.wire.mac import equal, hmac_sha256

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeVar

    from volthood.wire.message import Message

    AnyMessage = TypeVar("AnyMessage", bound=Message)


def pack_maced(message: "Message", link_key: bytes, kid: bytes) -> bytes:
    """The message as sent, for or from the node `kid`."""
    return seal(message.KIND, message.to_cbor(), link_key, kid)


def unpack_maced(cls: "type[AnyMessage]", link_key: bytes, kid: bytes, data: bytes) -> "AnyMessage":
    """The message in `data`. Raises `WireError`: `kid_unknown`, `mac_wrong`, and whatever breaks the format."""
    return cls.from_cbor(unseal(cls.KIND, cls.MAX_BYTES, link_key, kid, data))


def seal(kind: str, payload: bytes, link_key: bytes, kid: bytes) -> bytes:
    """A payload as sent, for or from the node `kid`."""
    protected = cose.protected_header(cose.HMAC_256, kid)
    return cose.pack_mac0(protected, payload, hmac_sha256(link_key, cose.to_be_maced(kind, protected, payload)))


def unseal(kind: str, most: int, link_key: bytes, kid: bytes, data: bytes) -> bytes:
    """The payload in `data`, of at most `most` bytes. Raises `WireError` as `unpack_maced` does."""
    maced = cose.unpack_mac0(data, most)
    if maced.kid != kid:
        raise WireError("kid_unknown")
    if not equal(hmac_sha256(link_key, cose.to_be_maced(kind, maced.protected, maced.payload)), maced.signature):
        raise WireError("mac_wrong")
    return maced.payload
