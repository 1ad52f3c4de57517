"""TCP and TLS through asyncio's streams: the same on the ESP32, on the unix port and on CPython.

MicroPython's TLS (mbedTLS) shakes hands within the first write. Its words for what is wrong with a certificate come as a
ValueError; `TlsError` carries them on. On CPython they come from OpenSSL.
"""

import sys

from voltnode.on_demand import call, once

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from voltnode.hal import Identity

_CPYTHON = sys.implementation.name == "cpython"
_DIAL = "voltnode.hal.dial"


class TcpStream:
    """A connection: see `voltnode.hal.Stream`."""

    def __init__(self, reader: "Any", writer: "Any") -> None:
        self._reader = reader
        self._writer = writer

    async def read(self, most: int) -> bytes:
        """See `Stream`."""
        try:
            data: bytes = await self._reader.read(most)
        except (ValueError, OSError) as error:
            raise told(error)
        return data

    async def write(self, data: bytes) -> None:
        """See `Stream`."""
        try:
            self._writer.write(data)
            await self._writer.drain()
        except (ValueError, OSError) as error:
            raise told(error)

    def close(self) -> None:
        """See `Stream`."""
        (self._writer if _CPYTHON else self._writer.s).close()


async def connect(host: str, port: int, identity: "Identity | None") -> TcpStream:
    """A connection, with mutual TLS where we have an identity. Raises OSError; TlsError for what is wrong with TLS."""
    return TcpStream(*await once(_DIAL, "dial")(host, port, identity))


def told(error: Exception) -> OSError:
    """A library's error about TLS as TlsError, others as they are."""
    made: OSError = call(_DIAL, "told", error)
    return made
