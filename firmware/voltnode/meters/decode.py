"""Register words to integers, with integer arithmetic alone: the board's floats have 24 bits, and a bill needs more.

Everything here runs with the heap locked: the numbers stay below 62 bits, but for 64-bit registers that are that large.
IEEE 754 binary32: sign, 8 bits of exponent (bias 127), 23 bits of fraction.
"""

from voltnode.registers import ALL_ONES, SUNSPEC, WORDS

_MAX_SHIFT = 16
"""A float32 of 2^40 or more is no reading of any meter; its product would not stay a small integer."""

_MIN_SHIFT = -46
"""Below this a float32 times a numerator of up to 2^21 rounds to 0."""


class BadValueError(ValueError):
    """A register held no number, or none that can be true.

    Attributes:
        reason: `nan`, `infinite` or `range`.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def raw(data: bytes, offset: int, kind: str, little: bool) -> int:
    """The words of one register as an unsigned integer. `little`: the least significant word comes first."""
    words, value = WORDS[kind], 0
    for i in range(words):
        at = offset + 2 * (words - 1 - i if little else i)
        value = value << 16 | data[at] << 8 | data[at + 1]
    return value


def scaled(
    data: bytes, offset: int, kind: str, little: bool, numerator: int, denominator: int, missing: int = 0
) -> int:
    """The register at `offset` x numerator / denominator, rounded to the nearest, halves away from zero.

    Args:
        missing: what stands where the meter has no value, as in `MeterTable`.

    Raises:
        BadValueError: a float32 that is no number, infinite or beyond 2^40; an integer that stands for no value.
    """
    if kind == "thousandths":
        value = 1000 * raw(data, offset, "int32", little) + raw(data, offset + 4, "int32", little)
        return _divided(value * numerator, denominator)
    value = raw(data, offset, kind, little)
    if kind == "float32":
        return float32_scaled(value, numerator, denominator)
    if missing and value == _missing(kind, missing):
        raise BadValueError("nan")
    bits = 16 * WORDS[kind]
    if kind[0] != "u" and value >> bits - 1:
        value -= 1 << bits
    return _divided(value * numerator, denominator)


def _missing(kind: str, style: int) -> int:
    """The raw value of this kind that says: there is none."""
    bits = 16 * WORDS[kind]
    if kind[0] == "u":
        return (1 << bits) - 1
    return (1 << bits - 1) - 1 if style == ALL_ONES else 1 << bits - 1 if style == SUNSPEC else -1


def text(data: bytes) -> str:
    """Characters up to the first that is no printable ASCII, without spaces around them."""
    end = 0
    while end < len(data) and 0x20 <= data[end] < 0x7F:
        end += 1
    return data[:end].decode().strip()


def float32_scaled(bits: int, numerator: int, denominator: int) -> int:
    """The float32 with these bits x numerator / denominator, rounded as in `scaled`. Raises: `BadValueError`."""
    exponent, fraction = bits >> 23 & 0xFF, bits & 0x7FFFFF
    if exponent == 0xFF:
        raise BadValueError("nan" if fraction else "infinite")
    if exponent:
        fraction |= 0x800000
    shift = max(exponent, 1) - 150
    if shift > _MAX_SHIFT:
        raise BadValueError("range")
    if shift < _MIN_SHIFT:
        return 0
    value = fraction * numerator
    value = _divided(value << shift, denominator) if shift >= 0 else _divided(value, denominator << -shift)
    return -value if bits >> 31 else value


def float32_step(bits: int, numerator: int, denominator: int) -> int:
    """The distance from a finite float32 to the next one x numerator / denominator, rounded up, at least 1."""
    shift = max(bits >> 23 & 0xFF, 1) - 150
    if shift < _MIN_SHIFT:
        return 1
    above, below = (numerator << shift, denominator) if shift >= 0 else (numerator, denominator << -shift)
    return -(-above // below)


def _divided(value: int, by: int) -> int:
    """The nearest integer to value / by, halves away from zero."""
    half = by >> 1
    return (value + half) // by if value >= 0 else -((half - value) // by)
