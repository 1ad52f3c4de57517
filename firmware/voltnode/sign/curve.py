"""The curve P-256 (SEC 2, section 2.4.2): multiples of its generator, and inverses.

How it is written is what the interpreter likes, measured on it: plain `%` (a reduction written out for this prime is 26
times slower), one reduction for each coordinate, no calls in the inner loop, extended Euclid for inverses.
`pow(k, -1, n)` must never be used: it quietly gives 0 on MicroPython.

What handles a secret scalar does the same operations whatever the scalar is, as far as an interpreter can: both forms
of a choice are computed and one is picked. The rest is left to the random Z that the coordinates start from.

Long work is a generator that yields every few milliseconds of the board's time, so that the caller can serve the bus.
"""

from voltnode.sign.comb import TABLE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Generator
    from typing import Any

P = 0xFFFFFFFF00000001000000000000000000000000FFFFFFFFFFFFFFFFFFFFFFFF
"""The field's prime."""
N = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
"""The group's order."""

_DIGITS = 258
_TOOTH = 43
_COLUMNS = 22
_ONES = int.from_bytes(b"\x01" * _COLUMNS, "big")
_HALF_BYTES = 2048
_ROUNDS_PER_YIELD = 8


def finish(steps: "Generator[None, None, Any]") -> "Any":
    """What `steps` returns, without a pause."""
    try:
        while True:
            next(steps)
    except StopIteration as end:
        return end.value


def multiply_steps(scalar: int, z: int) -> "Generator[None, None, tuple[int, int, int]]":
    """`scalar` times the generator, in Jacobian coordinates X, Y, Z: x = X/Z^2, y = Y/Z^3.

    Args:
        scalar: 1 .. N - 1.
        z: 1 .. P - 1; random, where the scalar is a secret.
    """
    odd = (scalar + N, scalar)[scalar & 1]
    x, y, zz, zzz = yield from _comb_steps(*comb_digits(odd), z)
    if not zz:
        # The comb was about to add a point to itself: of all scalars, one does that. Spelled so, it does not.
        x, y, zz, zzz = yield from _comb_steps(*comb_digits(odd + 2 * N), z)
    return x * zz % P, y * zzz % P, zz


def comb_digits(odd: int) -> "tuple[bytes, bytes]":
    """The digits of an odd number below 2^258 in columns, last column first: 22 for half 0, 21 for half 1.

    A column is a byte. Bit 5 is set where the top tooth has +1; bit i where tooth i has the top tooth's sign. So the
    lower five say which point of the table it is, and bit 5 whether that point or its negative.
    """
    # The binary digits b of (odd + 2^258 - 1) / 2 give the signed digits 2b - 1 of the number itself. Written as text,
    # each tooth is a row of characters 0 and 1; the rows are laid over each other, each a bit to the left of the next.
    text = "{:0258b}".format(odd + (1 << _DIGITS) - 1 >> 1).encode()
    low = high = 0
    for start in range(0, _DIGITS, _TOOTH):
        middle, end = start + _TOOTH - _COLUMNS, start + _TOOTH
        high = high << 1 | int.from_bytes(text[start:middle], "big") & _ONES
        low = low << 1 | int.from_bytes(text[middle:end], "big") & _ONES
    low ^= (~low >> 5 & _ONES) * 31
    high ^= (~high >> 5 & _ONES >> 8) * 31
    return low.to_bytes(_COLUMNS, "big"), high.to_bytes(_COLUMNS - 1, "big")


def _comb_steps(low: bytes, high: bytes, z: int) -> "Generator[None, None, tuple[int, int, int, int]]":
    """The comb itself. Gives X, Y, Z^2, Z^3; a Z of zero says that the formula for a sum did not serve.

    Formulas: Explicit-Formulas Database, shortw/xyzz-3, dbl-2008-s-1 and madd-2008-s.
    """
    table, p, load = memoryview(TABLE), P, int.from_bytes
    zz = z * z % p
    zzz = zz * z % p
    x = y = 0
    for i in range(2 * _COLUMNS - 1):
        if i & 1:
            yield
            # Twice the sum.
            u = y + y
            v = u * u % p
            w = u * v % p
            s = x * v % p
            m = 3 * (x - zz) * (x + zz) % p
            x = (m * m - s - s) % p
            y = (m * (s - x) - w * y) % p
            zz = v * zz % p
            zzz = w * zzz % p
            digits, at = high[i >> 1], _HALF_BYTES
        else:
            digits, at = low[i >> 1], 0
        at += (digits & 31) << 6
        x2, y2 = load(table[at : at + 32], "big"), load(table[at + 32 : at + 64], "big")
        y2 = (p - y2, y2)[digits >> 5]
        if not i:
            x, y = x2 * zz % p, y2 * zzz % p
            continue
        # The sum and the table's point.
        h = (x2 * zz - x) % p
        r = (y2 * zzz - y) % p
        v = h * h % p
        w = h * v % p
        s = x * v % p
        x = (r * r - w - s - s) % p
        y = (r * (s - x) - w * y) % p
        zz = v * zz % p
        zzz = w * zzz % p
    return x, y, zz, zzz


def inverse_steps(value: int, modulus: int) -> "Generator[None, None, int]":
    """The inverse of `value` modulo a prime, by extended Euclid; its time depends on `value`, so blind a secret one."""
    a, b, u, v, divide = modulus, value, 0, 1, divmod
    while True:
        # Two divisions a round, so that nothing has to change places. Always: a = u value, b = v value (mod modulus).
        for _ in range(_ROUNDS_PER_YIELD):
            q, a = divide(a, b)
            u -= q * v
            if not a:
                return v % modulus
            q, b = divide(b, a)
            v -= q * u
            if not b:
                return u % modulus
        yield
