"""Deterministic CBOR (RFC 8949 section 4.2.1), the part that Volthood signs: integers, bytes, text, arrays, maps, tags.

Rules, and why:

- One value has one encoding: shortest heads, definite lengths, map keys in ascending order of their encoded bytes, no
  key twice. Whatever would not re-encode to the same bytes is refused *while* decoding: two decoders that disagree
  about a signed message would disagree about money.
- No floats, no simple values but false, true and null: nothing signed needs them.
- Depth, number of items and integer size are limited (`limits.py`) before anything is allocated.

Runs unchanged on CPython and MicroPython. The only code that knows CBOR bytes.
"""

from volthood.wire.limits import MAX_DEPTH, MAX_INT_BITS, MAX_ITEMS

_UINT, _NINT, _BYTES, _TEXT, _ARRAY, _MAP, _TAG, _SIMPLE = 0, 1, 2, 3, 4, 5, 6, 7
_CONSTANTS = {0xF4: False, 0xF5: True, 0xF6: None}
_INT_END = 1 << MAX_INT_BITS


class WireError(ValueError):
    """Bytes that break the format. `reason` is a short stable name for counters and events."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(reason + (": " + detail if detail else ""))
        self.reason = reason
        self.detail = detail


class Tag:
    """A tagged value (RFC 8949 section 3.4)."""

    def __init__(self, number: int, value: object) -> None:
        self.number = number
        self.value = value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Tag) and other.number == self.number and other.value == self.value

    def __hash__(self) -> int:
        return hash((Tag, self.number))


def encode(value: object) -> bytes:
    """The one deterministic encoding of `value`.

    Args:
        value: int, bool, None, bytes, str, list or tuple, dict, `Tag`; nested up to `MAX_DEPTH`.

    Raises:
        WireError: a type, size or depth that the format does not have.
    """
    out = bytearray()
    _put(out, value, 0)
    return bytes(out)


def decode(data: bytes) -> object:
    """The value that `data` is the deterministic encoding of; arrays become lists.

    Raises:
        WireError: not canonical, truncated, followed by more bytes, or over a limit.
    """
    value, end = _take(data, 0, 0)
    if end != len(data):
        raise WireError("trailing_bytes")
    return value


def byte_string(data: bytes) -> bytes:
    """The encoding of a byte string, for messages that are put together of a few of them."""
    out = bytearray()
    _head(out, _BYTES, len(data))
    return bytes(out) + data


def _head(out: bytearray, major: int, n: int) -> None:
    if n < 24:
        out.append(major << 5 | n)
        return
    for info, size in ((24, 1), (25, 2), (26, 4), (27, 8)):
        if n < 1 << (8 * size):
            out.append(major << 5 | info)
            out.extend(n.to_bytes(size, "big"))
            return
    raise WireError("int_too_large")


def _put(out: bytearray, value: object, depth: int) -> None:
    if depth > MAX_DEPTH:
        raise WireError("too_deep")
    if type(value) is bytes:
        _head(out, _BYTES, len(value))
        out.extend(value)
    elif value is None or isinstance(value, bool):
        out.append(0xF6 if value is None else 0xF5 if value else 0xF4)
    elif isinstance(value, int):
        if not -_INT_END <= value < _INT_END:
            raise WireError("int_too_large")
        _head(out, _UINT if value >= 0 else _NINT, value if value >= 0 else -1 - value)
    elif isinstance(value, (bytes, bytearray)):
        _head(out, _BYTES, len(value))
        out.extend(value)
    elif isinstance(value, str):
        raw = _from_text(value)
        _head(out, _TEXT, len(raw))
        out.extend(raw)
    elif isinstance(value, Tag):
        if value.number < 0:
            raise WireError("type_unknown", "tag below zero")
        _head(out, _TAG, value.number)
        _put(out, value.value, depth + 1)
    else:
        _put_items(out, value, depth)


def _put_items(out: bytearray, value: object, depth: int) -> None:
    if isinstance(value, (list, tuple)):
        _check_count(len(value))
        _head(out, _ARRAY, len(value))
        for item in value:
            _put(out, item, depth + 1)
    elif isinstance(value, dict):
        _check_count(len(value))
        _head(out, _MAP, len(value))
        if _are_small_and_rise(value):
            for number, item in value.items():
                out.append(number)
                _put(out, item, depth + 1)
            return
        for key, item in sorted([(_key(key), item) for key, item in value.items()], key=_first):
            out.extend(key)
            _put(out, item, depth + 1)
    else:
        raise WireError("type_unknown", str(type(value)))


def _are_small_and_rise(keys: "dict[object, object]") -> bool:
    """Whether all keys take one byte each and stand in their order already, as those of messages do."""
    before = -1
    for key in keys:
        if type(key) is not int or not before < key < 24:
            return False
        before = key
    return True


def _key(key: object) -> bytes:
    if isinstance(key, bool) or not isinstance(key, (int, str, bytes)):
        raise WireError("type_unknown", "map key")
    return encode(key)


def _first(pair: tuple[bytes, object]) -> bytes:
    return pair[0]


def utf8(raw: bytes) -> str:
    """The text that `raw` is the UTF-8 of (RFC 3629). Raises `WireError`.

    MicroPython takes longer forms, surrogates and numbers beyond Unicode, CPython does not: checked here for both.
    """
    try:
        text = str(raw, "utf-8")
    except (UnicodeError, ValueError):
        raise WireError("not_utf8")
    if len(text) != len(raw):
        _from_text(text)
        if sum([_utf8_bytes(ord(char)) for char in text]) != len(raw):
            raise WireError("not_utf8", "longer than needed")
    return text


def _from_text(text: str) -> bytes:
    try:
        raw = text.encode()
    except UnicodeError:
        raise WireError("not_utf8", "surrogate")
    if len(raw) != len(text):
        for char in text:
            if 0xD800 <= ord(char) < 0xE000 or ord(char) > 0x10FFFF:
                raise WireError("not_utf8", "surrogate, or beyond Unicode")
    return raw


def _utf8_bytes(code: int) -> int:
    return 1 if code < 0x80 else 2 if code < 0x800 else 3 if code < 0x10000 else 4


def _check_count(n: int) -> None:
    if n > MAX_ITEMS:
        raise WireError("too_many_items")


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
        if n >= _INT_END:
            raise WireError("int_too_large")
        return (n if major == _UINT else -1 - n), at
    if major == _TAG:
        value, at = _take(data, at, depth + 1)
        return Tag(n, value), at
    _check_count(n)
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
        key, at = _take(data, at, depth + 1)
        if isinstance(key, bool) or not isinstance(key, (int, str, bytes)):
            raise WireError("type_unknown", "map key")
        encoded = bytes(data[start:at])
        if encoded <= previous:
            raise WireError("not_canonical", "map keys out of order or twice")
        previous = encoded
        result[key], at = _take(data, at, depth + 1)
    return result, at
