"""SNTP (RFC 4330, RFC 5905) as bytes: a request, and what its answer is worth. No I/O.

The request says nothing about us: its transmit time is a nonce, so that only whoever read it can answer. An answer is
taken only where it came from a server that says itself that it knows the time, from how far away it has it, and on which
way. `TimeRefusedError` names whatever is not so.
"""

from voltnode.clock import MAX_ANSWER_BYTES

PORT = 123
MAX_SERVERS = 2
NONCE_BYTES = 8
PACKET_BYTES = 48
MAX_ROUND_TRIP_MS = 2000
MAX_ROOT_DISTANCE_MS = 1000
"""Half the delay to the reference clock and the dispersion over the way: so far off may the server itself be."""
TO_UNIX_S = 2_208_988_800
"""From 1900, where NTP counts from, to 1970."""
_ERA_S = 1 << 32
_CLIENT, _SERVER = 3, 4
_REQUEST = 4 << 3 | _CLIENT
_UNSYNCHRONISED = 3
_MAX_STRATUM = 15


class TimeRefusedError(Exception):
    """An answer is refused. `reason` is a short stable name."""

    def __init__(self, reason: str, detail: object = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.detail = str(detail)


def parse_servers(text: str) -> "list[tuple[str, int]]":
    """Time servers from `host` or `host:port`, with commas between; none from an empty text. Raises ValueError."""
    return [_parse_server(part.strip()) for part in text.split(",")] if text else []


def are_servers(text: str) -> bool:
    """Whether `parse_servers` gives at most `MAX_SERVERS` servers of a text."""
    try:
        return len(parse_servers(text)) <= MAX_SERVERS
    except ValueError:
        return False


def _parse_server(text: str) -> "tuple[str, int]":
    host, colon, port = text.partition(":")
    number = (int(port) if port.isdigit() and len(port) <= 5 else 0) if colon else PORT
    if not 1 <= len(host) <= 64 or not 0 < number < 65536:
        raise ValueError("a time server is host or host:port")
    return host, number


def request(nonce: bytes) -> bytes:
    """The question, with 8 fresh random bytes."""
    return bytes((_REQUEST,)) + bytes(39) + nonce


def time_of(data: bytes, nonce: bytes, elapsed_ms: int, near_s: int) -> "tuple[int, int]":
    """(Unix ms when the answer came, ms that this may be wrong by) of the answer to our request.

    Args:
        elapsed_ms: transport time between request and answer.
        near_s: NTP counts anew every 136 years; of the times that it may mean the one nearest to this is taken.

    Raises: TimeRefusedError: short, mode, foreign, kiss (detail is its code), unsynchronised, root_distance, no_time,
        round_trip.
    """
    if not PACKET_BYTES <= len(data) <= MAX_ANSWER_BYTES:
        raise TimeRefusedError("short" if len(data) < PACKET_BYTES else "long", len(data))
    if data[0] & 7 != _SERVER or not 3 <= data[0] >> 3 & 7 <= 4:
        raise TimeRefusedError("mode", data[0])
    if data[24:32] != nonce:
        raise TimeRefusedError("foreign")
    if data[1] == 0:
        raise TimeRefusedError("kiss", "".join([chr(byte) for byte in data[12:16] if 32 < byte < 127]))
    if data[0] >> 6 == _UNSYNCHRONISED or data[1] > _MAX_STRATUM:
        raise TimeRefusedError("unsynchronised", data[1])
    distance_ms = (_number(data, 4) // 2 + _number(data, 8)) * 1000 >> 16
    if distance_ms > MAX_ROOT_DISTANCE_MS:
        raise TimeRefusedError("root_distance", distance_ms)
    received_ms, sent_ms = _timestamp_ms(data, 32, near_s), _timestamp_ms(data, 40, near_s)
    way_ms = elapsed_ms - (sent_ms - received_ms)
    if sent_ms < received_ms or not 0 <= way_ms + 1 <= MAX_ROUND_TRIP_MS:
        raise TimeRefusedError("round_trip", way_ms)
    return sent_ms + way_ms // 2, distance_ms + way_ms // 2 + 1


def _timestamp_ms(data: bytes, at: int, near_s: int) -> int:
    """A 64-bit NTP timestamp as Unix ms. Raises TimeRefusedError (no_time) where it is zero: not known."""
    if data[at : at + 8] == bytes(8):
        raise TimeRefusedError("no_time")
    seconds = _number(data, at) - TO_UNIX_S
    while seconds + _ERA_S // 2 < near_s:
        seconds += _ERA_S
    return seconds * 1000 + (_number(data, at + 4) * 1000 >> 32)


def _number(data: bytes, at: int) -> int:
    return int.from_bytes(data[at : at + 4], "big")
