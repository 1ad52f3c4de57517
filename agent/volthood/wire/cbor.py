"""Deterministic CBOR (RFC 8949 section 4.2.1), the part that Volthood signs: integers, bytes, text, arrays, maps, tags.

Rules, and why:

- One value has one encoding: shortest heads, definite lengths, map keys in ascending order of their encoded bytes, no
  key twice. Whatever would not re-encode to the same bytes is refused *while* decoding: two decoders that disagree
  about a signed message would disagree about money.
- No floats, no simple values but false, true and null: nothing signed needs them.
- Depth, number of items and integer size are limited (`limits.py`) before anything is allocated.

Runs unchanged on CPython and MicroPython. The only code that knows CBOR bytes.
"""

from volthood.wire.cbor_writer import INT_END, Tag, WireError, byte_string, check_count, encode, text_bytes
from volthood.wire.limits import MAX_DEPTH

__all__ = ("Tag", "WireError", "byte_string", "decode", "decode_first", "encode", "utf8")

_UINT, _NINT, _BYTES, _TEXT, _ARRAY, _MAP, _TAG, _SIMPLE = 0, 1, 2, 3, 4, 5, 6, 7
_CONSTANTS = {0xF4: False, 0xF5: True, 0xF6: None}


def decode(data: bytes) -> object:
    """The value that `data` is the deterministic encoding of; arrays become lists.

    Raises:
        WireError: not canonical, truncated, followed by more bytes, or over a limit.
    """
    value, end = _take(data, 0, 0)
    if end != len(data):
        raise WireError("trailing_bytes")
    return value


def decode_first(data: bytes) -> tuple[object, int]:
    """The first value of a sequence of them (RFC 8742), and the bytes that it takes. Raises `WireError` as `decode` does."""
    return _take(data, 0, 0)


def utf8(raw: bytes) -> str:
    """The text that `raw` is the UTF-8 of (RFC 3629). Raises `WireError`.

    MicroPython takes longer forms, surrogates and numbers beyond Unicode, CPython does not: checked here for both.
    """
    try:
        text = str(raw, "utf-8")
    except (UnicodeError, ValueError):
        raise WireError("not_utf8")
    if len(text) != len(raw):
        text_bytes(text)
        if sum([_utf8_bytes(ord(char)) for char in text]) != len(raw):
            raise WireError("not_utf8", "longer than needed")
    return text


def _utf8_bytes(code: int) -> int:
    return 1 if code < 0x80 else 2 if code < 0x800 else 3 if code < 0x10000 else 4


def _take_long(data: bytes, at: int, info: int) -> tuple[int, int]:
    """(argument, next offset) of a head with its argument behind it, refusing longer ones than needed."""
    if info > 27:
        raise WireError("not_canonical", "indefinite or reserved length")
    size = 1 << (info - 24)
    if at + size > len(data):
        raise WireError("truncated")
    n = int.from_bytes(data[at : at + size], "big")
    if n < 24 or (size > 1 and n < 1 << (4 * size)):
        raise WireError("not_canonical", "head longer than needed")
    return n, at + size


def _take(data: bytes, at: int, depth: int) -> tuple[object, int]:
    if depth > MAX_DEPTH:
        raise WireError("too_deep")
    if at >= len(data):
        raise WireError("truncated")
    first = data[at]
    if first < 24:
        return first, at + 1
    major, n = first >> 5, first & 31
    if major == _SIMPLE:
        if first not in _CONSTANTS:
            raise WireError("type_unknown", "simple value or float")
        return _CONSTANTS[first], at + 1
    at += 1
    if n >= 24:
        n, at = _take_long(data, at, n)
    if _BYTES <= major <= _TEXT:
        return _take_string(data, at, n, major)
    return _take_more(data, at, n, major, depth)


def _take_more(data: bytes, at: int, n: int, major: int, depth: int) -> tuple[object, int]:
    """What is neither a small number nor a string."""
    if major <= _NINT:
        if n >= INT_END:
            raise WireError("int_too_large")
        return (n if major == _UINT else -1 - n), at
    if major == _TAG:
        value, at = _take(data, at, depth + 1)
        return Tag(n, value), at
    check_count(n)
    if major == _MAP:
        return _take_map(data, at, n, depth)
    items = []
    for _ in range(n):
        value, at = _take(data, at, depth + 1)
        items.append(value)
    return items, at


def _take_string(data: bytes, at: int, n: int, major: int) -> tuple[object, int]:
    if at + n > len(data):
        raise WireError("truncated")
    raw = bytes(data[at : at + n])
    return (raw if major == _BYTES else utf8(raw)), at + n


def _take_map(data: bytes, at: int, n: int, depth: int) -> tuple[object, int]:
    result: dict[object, object] = {}
    previous = b""
    for _ in range(n):
        start = at
        key: object
        if at < len(data) and data[at] < 24:  # a small number, as all keys of messages are
            key, at = data[at], at + 1
        else:
            key, at = _take(data, at, depth + 1)
            if isinstance(key, bool) or not isinstance(key, (int, str, bytes)):
                raise WireError("type_unknown", "map key")
        encoded = bytes(data[start:at])
        if encoded <= previous:
            raise WireError("not_canonical", "map keys out of order or twice")
        previous = encoded
        result[key], at = _take(data, at, depth + 1)
    return result, at
