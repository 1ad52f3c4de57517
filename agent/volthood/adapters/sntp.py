"""Tells the household's node the time: SNTP (RFC 4330, RFC 5905) in the agent's process, for a Pi without an NTP server.

A node has no clock that survives a power cut, and TLS fails before it has the time. It asks the agent's machine first. Where
`chronyd` runs there with `allow`, it does this better and is to be preferred; this answers with the agent's own calendar,
and says that it is not synchronised whenever the agent does not trust that itself. An answer is never longer than its
question, so it amplifies nothing.
"""

import asyncio
import logging
import struct
from collections.abc import Callable
from typing import cast

from volthood.errors import LocalError
from volthood.ports.clock import ClockState

log = logging.getLogger("volthood.agent")

PACKET_BYTES = 48
STRATUM = 4
"""We ask no server ourselves and cannot know our distance: behind a usual one of 2 or 3."""
_UNSYNCHRONISED = 16
_TO_UNIX_S = 2_208_988_800
_CLIENT, _SERVER = 3, 4
_HEAD = struct.Struct(">BBbbII4s")
_PRECISION = -10
"""A power of two of a second: a millisecond."""
_REFERENCE = b"LOCL"
_MAX_SHORT = 0xFFFF_FFFF


def answer_to(request: bytes, now_ms: int, wrong_ms: int, *, trusted: bool = True) -> bytes | None:
    """The answer to a request at Unix time `now_ms`, by a clock that may be wrong by `wrong_ms`; None to what is none."""
    if len(request) < PACKET_BYTES or request[0] & 7 != _CLIENT:
        return None
    version = request[0] >> 3 & 7
    leap, stratum = (0, STRATUM) if trusted else (3, _UNSYNCHRONISED)
    dispersion = min(wrong_ms * 65_536 // 1000, _MAX_SHORT)
    head = _HEAD.pack(leap << 6 | version << 3 | _SERVER, stratum, 6, _PRECISION, 0, dispersion, _REFERENCE)
    now = _timestamp(now_ms)
    return head + now + request[40:48] + now + now


def _timestamp(unix_ms: int) -> bytes:
    seconds, ms = divmod(unix_ms, 1000)
    # Rounded up, so that whoever cuts it down to milliseconds again gets ours.
    return struct.pack(">II", (seconds + _TO_UNIX_S) & _MAX_SHORT, ((ms << 32) + 999) // 1000)


class SntpResponder(asyncio.DatagramProtocol):
    """Answers one port.

    Args:
        now_ms: calendar time, Unix ms.
        state: whether that can be trusted.
    """

    def __init__(self, now_ms: Callable[[], int], state: Callable[[], ClockState]) -> None:
        self._now_ms = now_ms
        self._state = state
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See `asyncio`."""
        # Until Python 3.12 what comes is none by its class.
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str | None, int]) -> None:
        """See `asyncio`."""
        state = self._state()
        answer = answer_to(data, self._now_ms(), state.wrong_ms, trusted=state.doubt is None)
        if answer is not None and self._transport is not None:
            self._transport.sendto(answer, addr)

    def error_received(self, exc: Exception) -> None:
        """Whoever asked does not listen any more."""
        log.debug("SntpAnswerLost error=%s", exc)


async def serve_time(port: int, now_ms: Callable[[], int], state: Callable[[], ClockState]) -> asyncio.BaseTransport:
    """Answers on a UDP port until the transport is closed. Raises `LocalError` where the port cannot be had."""
    loop = asyncio.get_running_loop()
    try:
        transport, _ = await loop.create_datagram_endpoint(
            lambda: SntpResponder(now_ms, state),
            local_addr=("0.0.0.0", port),  # noqa: S104 - the node is elsewhere in the household's network
        )
    except OSError as error:
        raise LocalError(f"clock.serve_sntp_port = {port}: {error.strerror}; ports below 1024 need a right") from error
    log.info("TimeServed port=%d", port)
    return transport
