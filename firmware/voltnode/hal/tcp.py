"""TCP and TLS through asyncio's streams: the same on the ESP32, on the unix port and on CPython.

MicroPython's TLS (mbedTLS) takes DER, checks nothing unless told to, and shakes hands within the first write. Its words for
what is wrong with a certificate come as a ValueError; `TlsError` carries them on. On CPython they come from OpenSSL.
"""

import asyncio
import ssl
import sys

from voltnode.hal import TlsError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from voltnode.hal import Identity

_CPYTHON = sys.implementation.name == "cpython"
_LOOK_MS = 10


class TcpStream:
    """A connection: see `voltnode.hal.Stream`."""

    def __init__(self, reader: "Any", writer: "Any") -> None:
        self._reader = reader
        self._writer = writer

    async def read(self, most: int) -> bytes:
        """See `Stream`."""
        try:
            data: bytes = await self._reader.read(most)
        except ValueError as error:
            raise TlsError(_words(error))
        except OSError as error:
            raise _told(error)
        return data

    async def write(self, data: bytes) -> None:
        """See `Stream`."""
        try:
            self._writer.write(data)
            await self._writer.drain()
        except ValueError as error:
            raise TlsError(_words(error))
        except OSError as error:
            raise _told(error)

    def close(self) -> None:
        """See `Stream`."""
        (self._writer if _CPYTHON else self._writer.s).close()


async def connect(host: str, port: int, identity: "Identity | None") -> TcpStream:
    """A connection, with mutual TLS where we have an identity. Raises OSError; TlsError for what is wrong with TLS."""
    streams: Any = asyncio
    if identity is None:
        return TcpStream(*await streams.open_connection(await _resolved(host), port))
    context = _context(identity)
    address = await _resolved(host)
    try:
        return TcpStream(*await streams.open_connection(address, port, ssl=context, server_hostname=host))
    except OSError as error:
        raise _told(error)


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


def _told(error: OSError) -> OSError:
    """OpenSSL's errors as TlsError, others as they are."""
    if _CPYTHON and isinstance(error, ssl.SSLError):
        return TlsError(_words(error))
    return error


def _words(error: Exception) -> str:
    said = getattr(error, "verify_message", "") or str(error)
    return said.strip().replace("\n", "; ")
