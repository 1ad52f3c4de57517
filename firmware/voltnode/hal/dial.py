"""Opens a connection: see `voltnode.hal.tcp`. Loaded when one is opened, and dropped then.

MicroPython's TLS takes DER, and checks nothing unless told to.
"""

import asyncio
import errno
import ssl
import sys

from voltnode.hal import TlsError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from voltnode.hal import Identity

_CPYTHON = sys.implementation.name == "cpython"
_LOOK_MS = 5
_IPPROTO_TCP, _TCP_NODELAY = 6, 1
_EISCONN = (106, 127)
"""On Linux and on ESP-IDF; MicroPython's `errno` lacks it."""


async def dial(host: str, port: int, identity: "Identity | None") -> "tuple[Any, Any]":
    """The two streams of a connection. Raises OSError; TlsError for what is wrong with TLS."""
    context = _context(identity) if identity else None
    try:
        if not _CPYTHON:
            return await _opened(host, port, context)
        name = host if context else None
        return await asyncio.open_connection(host, port, ssl=context, server_hostname=name)
    except OSError as error:
        raise told(error)


async def _opened(host: str, port: int, context: "Any") -> "tuple[Any, Any]":
    """As MicroPython's `open_connection`, but names are looked up beside the loop, and nothing is held back to fill a packet.

    Without TCP_NODELAY a record that follows an acknowledgement waits 40 ms for the other side's.
    """
    import socket

    sockets: Any = socket
    opening: Any = sockets.socket()
    try:
        opening.setblocking(False)
        opening.setsockopt(_IPPROTO_TCP, _TCP_NODELAY, 1)
        address = sockets.getaddrinfo(await _resolved(host), port, 0, sockets.SOCK_STREAM)[0][-1]
        while not _is_connected(opening, address):
            await asyncio.sleep(_LOOK_MS / 1000)
        if context:
            opening = context.wrap_socket(opening, server_hostname=host, do_handshake_on_connect=False)
            opening.setblocking(False)
    except (OSError, ValueError, asyncio.CancelledError):
        opening.close()
        raise
    stream = asyncio.StreamReader(opening)
    return stream, stream


def _is_connected(opening: "Any", address: "Any") -> bool:
    """Connects without waiting; asked again, says what came of it. Raises OSError.

    A poll would not tell a refusal from a success on lwIP, a second `connect` does; lwIP's words for a refusal are others.
    """
    try:
        opening.connect(address)
    except OSError as error:
        number = error.args[0]
        if number in (errno.EINPROGRESS, errno.EALREADY):
            return False
        if number not in _EISCONN:
            raise OSError(errno.ECONNREFUSED if number in (errno.ECONNRESET, errno.ENOTCONN) else number)
    return True


def _context(identity: "Identity") -> "Any":
    ca, certificate, key = identity
    try:
        if _CPYTHON:
            from voltnode.hal.tls_cpython import context_of

            return context_of(ca, certificate, key)
        context: Any = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(cadata=ca)
        context.load_cert_chain(certificate, key)
    except (OSError, ValueError) as error:
        raise TlsError("own certificate or key: " + _words(error))
    return context


async def _resolved(host: str) -> str:
    """The address of a host. On MicroPython the question stops the whole board, so a thread asks it."""
    if _CPYTHON or not [char for char in host if char not in ".0123456789"]:
        return host
    import _thread
    import socket

    found: list[Any] = []

    def look() -> None:
        try:
            found.append(socket.getaddrinfo(host, 0, 0, socket.SOCK_STREAM)[0][-1])
        except OSError:
            found.append(None)

    _thread.start_new_thread(look, ())
    while not found:
        await asyncio.sleep(_LOOK_MS / 1000)
    if found[0] is None:
        raise OSError("no such host: " + host)
    if isinstance(found[0], tuple):
        return str(found[0][0])
    return ".".join([str(byte) for byte in found[0][4:8]])


def told(error: Exception) -> OSError:
    """A library's error about TLS as TlsError, others as they are."""
    if isinstance(error, OSError) and not isinstance(error, getattr(ssl, "SSLError", ())):
        return error
    return TlsError(_words(error))


def _words(error: Exception) -> str:
    said = getattr(error, "verify_message", "") or str(error)
    return str(said).strip().replace("\n", "; ")
