"""Console: certificates on their way to the enrolment. Loaded when asked for."""

from binascii import a2b_base64

from voltnode import identity
from voltnode.config import ConfigError
from voltnode.console.commands import RefusedError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from voltnode.console.commands import Answer, Context

MAX_BYTES = 2048
_STAGED = ("ca", "node")


def show_key(context: "Context", _: str) -> "Answer":
    """`cert key`. Raises OSError."""
    return [("node", context.node.name), ("tls_key", identity.public_spki(context.node.board).hex())]


def put_cert(context: "Context", argument: str) -> "Answer":
    """`cert put ca|node N BASE64`. Only `enrol` makes it count. Raises RefusedError, ConfigError."""
    words = argument.split()
    if len(words) != 3 or words[0] not in _STAGED or not words[1].isdigit():
        raise RefusedError("cert_usage", "cert put ca|node N BASE64, pieces from 0")
    name, number = words[0], int(words[1])
    pieces = context.staged.get(name, []) if number else []
    if number != len(pieces):
        raise RefusedError("cert_piece", "next is piece %d" % len(pieces))
    try:
        piece = a2b_base64(words[2])
    except ValueError:
        raise RefusedError("cert_piece", "not base64")
    if sum([len(each) for each in pieces]) + len(piece) > MAX_BYTES:
        raise ConfigError("cert_invalid", "at most %d bytes" % MAX_BYTES)
    context.staged[name] = pieces + [piece]
    return [("bytes", sum([len(each) for each in context.staged[name]]))]


def kept(context: "Context") -> "tuple[str, str]":
    """The files of the certificates of CA and node that `cert put` brought, written now. Raises ConfigError, OSError."""
    from voltnode.x509 import Certificate

    parts = [b"".join(context.staged.get(name, [])) for name in _STAGED]
    ca, own = [Certificate(part) for part in parts]
    if own.spki != identity.public_spki(context.node.board):
        raise ConfigError("cert_wrong", "not for this node's TLS key: cert key shows it")
    if own.subject != context.node.name:
        raise ConfigError("cert_wrong", "for %s, this node is %s" % (own.subject, context.node.name))
    if own.issuer_raw != ca.subject_raw:
        raise ConfigError("cert_wrong", "not issued by that CA")
    context.staged.clear()
    return identity.keep(context.node.board.flash, (parts[0], parts[1]))
