"""Names of houses, hoods and nodes: short, lower case, without MQTT's special characters, so that none widens a subscription."""

from volthood.wire.cbor_writer import WireError
from volthood.wire.limits import MAX_NAME_CHARS

_NAME_CHARS = "abcdefghijklmnopqrstuvwxyz0123456789-_"


def check_name(name: str) -> str:
    """`name` if it may stand in a topic: 1 to 32 of a-z, 0-9, `-`, `_`. Raises `WireError`."""
    if not 1 <= len(name) <= MAX_NAME_CHARS:
        raise WireError("name_invalid", "1 to %d characters" % MAX_NAME_CHARS)
    for char in name:
        if char not in _NAME_CHARS:
            raise WireError("name_invalid", "a-z, 0-9, - and _ only")
    return name
