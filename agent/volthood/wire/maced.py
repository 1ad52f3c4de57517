"""What agent and node say under their link key: a message of `message.py` in a COSE_Mac0, HMAC-SHA256.

The key id in the protected header is the node's: it says whose stream or whose verb is meant, also in what the node says.
"""

from volthood.wire import cose
from volthood.wire.cbor import WireError
from volthood.wire.mac import equal, hmac_sha256
from volthood.wire.message import Message

try:  # only for the type checker: MicroPython has no typing
    from typing import TypeVar

    AnyMessage = TypeVar("AnyMessage", bound=Message)
except ImportError:
    pass


def pack_maced(message: Message, link_key: bytes, kid: bytes) -> bytes:
    """The message as sent, for or from the node `kid`."""
    protected, payload = cose.protected_header(cose.HMAC_256, kid), message.to_cbor()
    return cose.pack_mac0(protected, payload, hmac_sha256(link_key, cose.to_be_maced(message.KIND, protected, payload)))


def unpack_maced(cls: "type[AnyMessage]", link_key: bytes, kid: bytes, data: bytes) -> "AnyMessage":
    """The message in `data`. Raises `WireError`: `kid_unknown`, `mac_wrong`, and whatever breaks the format."""
    maced = cose.unpack_mac0(data, cls.MAX_BYTES)
    if maced.kid != kid:
        raise WireError("kid_unknown")
    if not equal(hmac_sha256(link_key, cose.to_be_maced(cls.KIND, maced.protected, maced.payload)), maced.signature):
        raise WireError("mac_wrong")
    return cls.from_cbor(maced.payload)
