"""Deterministic CBOR, the writing half: what the board keeps loaded. The rules stand in `cbor.py`, which reads."""

from volthood.wire.limits import MAX_DEPTH, MAX_INT_BITS, MAX_ITEMS

_UINT, _NINT, _BYTES, _TEXT, _ARRAY, _MAP, _TAG = 0, 1, 2, 3, 4, 5, 6
INT_END = 1 << MAX_INT_BITS


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


def byte_string(data: bytes) -> bytes:
    """The encoding of a byte string, for messages that are put together of a few of them."""
    if len(data) < 24:
        return bytes([_BYTES << 5 | len(data)]) + data
    if len(data) < 256:
        return bytes([_BYTES << 5 | 24, len(data)]) + data
    out = bytearray()
    _head(out, _BYTES, len(data))
    return bytes(out) + data


def _head(out: bytearray, major: int, n: int) -> None:
    if n < 24:
        out.append(major << 5 | n)
        return
    if n < 256:
        out.append(major << 5 | 24)
        out.append(n)
        return
    for info, size in ((25, 2), (26, 4), (27, 8)):
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
        if not -INT_END <= value < INT_END:
            raise WireError("int_too_large")
        _head(out, _UINT if value >= 0 else _NINT, value if value >= 0 else -1 - value)
    elif isinstance(value, (bytes, bytearray)):
        _head(out, _BYTES, len(value))
        out.extend(value)
    elif isinstance(value, str):
        raw = text_bytes(value)
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
        check_count(len(value))
        _head(out, _ARRAY, len(value))
        for item in value:
            _put(out, item, depth + 1)
    elif isinstance(value, dict):
        check_count(len(value))
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


def text_bytes(text: str) -> bytes:
    """The UTF-8 of a text (RFC 3629). Raises `WireError`."""
    try:
        raw = text.encode()
    except UnicodeError:
        raise WireError("not_utf8", "surrogate")
    if len(raw) != len(text):
        for char in text:
            if 0xD800 <= ord(char) < 0xE000 or ord(char) > 0x10FFFF:
                raise WireError("not_utf8", "surrogate, or beyond Unicode")
    return raw


def check_count(n: int) -> None:
    """Raises `WireError` where an array or map of `n` entries is too long."""
    if n > MAX_ITEMS:
        raise WireError("too_many_items")
