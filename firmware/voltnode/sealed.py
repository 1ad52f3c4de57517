"""Small state files with a check sum: there whole, or not there."""

import json
from binascii import crc32

TYPE_CHECKING = False
if TYPE_CHECKING:
    from voltnode.hal import Flash

MAX_BYTES = 4096
MAX_WHOLE = 1 << 39
"""A record a second for 17,000 years; half of what the wire takes."""

_CRC_CHARS = 8


def write_sealed(flash: "Flash", name: str, value: "dict[str, object]") -> None:
    """Replaces the file by `value`. Raises OSError; then the old value stands."""
    body = json.dumps(value).encode()
    flash.replace(name, b"%08x" % crc32(body) + body)


def read_sealed(flash: "Flash", name: str) -> "dict[str, object] | None":
    """The file's value; None where there is none, its check sum is wrong, or it cannot be one of ours."""
    if flash.size(name) > MAX_BYTES:
        return None
    data = flash.read(name)
    if data is None or len(data) < _CRC_CHARS:
        return None
    body = data[_CRC_CHARS:]
    if data[:_CRC_CHARS] != b"%08x" % crc32(body):
        return None
    try:
        value = json.loads(body)
    except (ValueError, RuntimeError):  # nested deeper than the interpreter goes
        return None
    return value if isinstance(value, dict) else None


def whole(value: object, default: int) -> int:
    """`value` where it is a whole number from 0 to `MAX_WHOLE`, else `default`."""
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MAX_WHOLE else default
