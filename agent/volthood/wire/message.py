"""A message is a table of fields: small integer key, name, kind, range. One machine packs, unpacks and checks them all.

Unknown keys, missing fields, values out of range and defaults written out are refused, so a message has one encoding
and one meaning. Version 1 is field 1 of each.
"""

from volthood.wire.cbor import WireError, decode, encode

try:  # only for the type checker: MicroPython has no typing and never evaluates annotations
    from typing import Self
except ImportError:
    pass

VERSION = 1


class Int:
    """An integer from `low` to `high`."""

    def __init__(self, low: int, high: int) -> None:
        self.low = low
        self.high = high

    def check(self, value: object, name: str) -> object:
        """`value` as kept, or `WireError`."""
        if isinstance(value, bool) or not isinstance(value, int):
            raise WireError("field_type", name)
        if not self.low <= value <= self.high:
            raise WireError("field_range", "%s %d, allowed %d..%d" % (name, value, self.low, self.high))
        return value


class Bytes:
    """A byte string of `low` to `high` bytes (exactly `low` without `high`)."""

    def __init__(self, low: int, high: int | None = None) -> None:
        self.low = low
        self.high = low if high is None else high

    def check(self, value: object, name: str) -> object:
        """`value` as kept, or `WireError`."""
        if not isinstance(value, bytes):
            raise WireError("field_type", name)
        if not self.low <= len(value) <= self.high:
            raise WireError("field_range", "%s of %d bytes, allowed %d..%d" % (name, len(value), self.low, self.high))
        return value


class Text:
    """A text of 1 to `high` characters."""

    def __init__(self, high: int) -> None:
        self.high = high

    def check(self, value: object, name: str) -> object:
        """`value` as kept, or `WireError`."""
        if not isinstance(value, str):
            raise WireError("field_type", name)
        if not 1 <= len(value) <= self.high:
            raise WireError("field_range", "%s of %d characters, allowed 1..%d" % (name, len(value), self.high))
        return value


class Row:
    """A fixed sequence of values, one kind each; kept as a tuple."""

    def __init__(self, *kinds: object) -> None:
        self.kinds = kinds

    def check(self, value: object, name: str) -> object:
        """`value` as a tuple, or `WireError`."""
        if not isinstance(value, (list, tuple)) or len(value) != len(self.kinds):
            raise WireError("field_type", name)
        return tuple([_check(kind, item, name) for kind, item in zip(self.kinds, value)])


class Rows:
    """A sequence of `low` to `high` values of one kind; kept as a tuple."""

    def __init__(self, kind: object, low: int, high: int) -> None:
        self.kind = kind
        self.low = low
        self.high = high

    def check(self, value: object, name: str) -> object:
        """`value` as a tuple, or `WireError`."""
        if not isinstance(value, (list, tuple)):
            raise WireError("field_type", name)
        if not self.low <= len(value) <= self.high:
            raise WireError("field_range", "%s of %d items, allowed %d..%d" % (name, len(value), self.low, self.high))
        return tuple([_check(self.kind, item, name) for item in value])


def _check(kind: object, value: object, name: str) -> object:
    return kind.check(value, name)  # type: ignore[attr-defined]


class Field:
    """One line of a message's table. `default` is the value left out of the bytes; without one the field must stand."""

    def __init__(self, key: int, name: str, kind: object, unit: str, default: object = ...) -> None:
        self.key = key
        self.name = name
        self.kind = kind
        self.unit = unit
        self.default = default


class Message:
    """A message of version 1. Subclasses state `KIND` (the external authenticated data), `FIELDS` and `MAX_BYTES`.

    The constructor takes every field by name and refuses what the table does not allow, so a message that exists can
    be sent.
    """

    KIND = ""
    MAX_BYTES = 0
    FIELDS: tuple[Field, ...] = ()

    def __init__(self, **values: object) -> None:
        for field in self.FIELDS:
            if field.name in values:
                value = values.pop(field.name)
                known = field.default is not ... and value == field.default
                value = field.default if known else _check(field.kind, value, field.name)  # 0 where False was given
            elif field.default is ...:
                raise WireError("field_missing", field.name)
            else:
                value = field.default
            setattr(self, field.name, value)
        if values:
            raise WireError("field_unknown", ", ".join(sorted(values)))
        self.check()

    def check(self) -> None:
        """What the table cannot say: rules between fields. Raises `WireError`."""

    def to_cbor(self) -> bytes:
        """The payload's one encoding."""
        out: dict[object, object] = {1: VERSION}
        for field in self.FIELDS:
            value = getattr(self, field.name)
            if field.default is ... or value != field.default:
                out[field.key] = value
        return encode(out)

    @classmethod
    def from_cbor(cls, payload: bytes) -> "Self":
        """The message in `payload`. Raises `WireError`, its reason `version_unknown` for a newer version."""
        if len(payload) > cls.MAX_BYTES:
            raise WireError("too_large", "%d bytes, at most %d" % (len(payload), cls.MAX_BYTES))
        values = decode(payload)
        if not isinstance(values, dict):
            raise WireError("not_a_map")
        version = values.pop(1, None)
        if isinstance(version, bool) or version != VERSION:  # true equals 1
            raise WireError("version_unknown")
        named = {}
        for field in cls.FIELDS:
            if field.key in values:
                named[field.name] = values.pop(field.key)
                if field.default is not ... and named[field.name] == field.default:
                    raise WireError("not_canonical", "default written out: " + field.name)
        if values:
            raise WireError("field_unknown", str(sorted([str(key) for key in values])))
        return cls(**named)

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and other.to_cbor() == self.to_cbor()

    def __hash__(self) -> int:
        return hash(self.to_cbor())

    def __repr__(self) -> str:
        shown = ["%s=%r" % (field.name, getattr(self, field.name)) for field in self.FIELDS]
        return "%s(%s)" % (type(self).__name__, ", ".join(shown))
