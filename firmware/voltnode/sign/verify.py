"""Checks an ECDSA P-256 signature: for update manifests. Loaded when one arrives, and dropped afterwards.

Nothing here is secret, so the formulas are complete instead of uniform: whoever chooses signature and digest can steer
the sum through any special case, and must get the right answer there too.

Points are Jacobian, (X, Y, Z) with x = X/Z^2, y = Y/Z^3; Z = 0 is infinity. Formulas: Explicit-Formulas Database,
shortw/jacobian-3, dbl-2001-b and add-1986-cc.
"""

from array import array

from voltnode.sign.curve import N, P, finish, inverse_steps, multiply_steps

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Generator

    Point = tuple[int, int, int]

_B = 0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B
_INFINITY = (1, 1, 0)
_WINDOW = 5
_MAX_WINDOWS = 257


def verify(public_key: bytes, digest: bytes, signature: bytes) -> bool:
    """`verify_steps` without a pause."""
    return bool(finish(verify_steps(public_key, digest, signature)))


def verify_steps(public_key: bytes, digest: bytes, signature: bytes) -> "Generator[None, None, bool]":
    """True when `signature` (r, s) of `digest` is by `public_key` (x, y), and s is in the lower half.

    Foreign input: whatever is wrong with it, of whatever size, the answer is False.
    """
    if len(public_key) != 64 or len(digest) != 32 or len(signature) != 64:
        return False
    point = (int.from_bytes(public_key[:32], "big"), int.from_bytes(public_key[32:], "big"), 1)
    r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
    if not (_is_on_curve(point[0], point[1]) and 0 < r < N and 0 < s <= N >> 1):
        return False
    s_inverse = yield from inverse_steps(s, N)
    total = yield from _multiply_steps(r * s_inverse % N, point)
    factor = int.from_bytes(digest, "big") * s_inverse % N
    if factor:
        generator_part = yield from multiply_steps(factor, 1)
        total = _add(total, generator_part)
    x, _, z = total
    # x/Z^2 mod N = r without an inverse: the x meant is r, or r + N where that is still below P.
    zz = z * z % P
    return z != 0 and (r * zz % P == x or (r + N < P and (r + N) * zz % P == x))


def _is_on_curve(x: int, y: int) -> bool:
    """True for the coordinates of a point. Infinity has none, and the cofactor is 1: there are no small groups."""
    return x < P and y < P and (x * x * x - 3 * x + _B - y * y) % P == 0


def _multiply_steps(scalar: int, point: "Point") -> "Generator[None, None, Point]":
    """`scalar` times `point`, by its signed windows (width-w non-adjacent form)."""
    twice = _double(point)
    odd_multiples = [point]
    while len(odd_multiples) < 1 << _WINDOW - 2:
        odd_multiples.append(_add(odd_multiples[-1], twice))
    p = P
    x, y, z = _INFINITY
    for digit in reversed(_windows(scalar)):
        yield
        # `_double`, written out: this is where the time goes.
        zz = z * z % p
        yy = y * y % p
        s = x * yy * 4 % p
        z = (y + y) * z % p
        m = 3 * (x - zz) * (x + zz) % p
        x = (m * m - s - s) % p
        y = (m * (s - x) - 8 * yy * yy) % p
        if digit:
            x2, y2, z2 = odd_multiples[abs(digit) >> 1]
            x, y, z = _add((x, y, z), (x2, y2 if digit > 0 else p - y2, z2))
    return x, y, z


def _windows(scalar: int) -> "array[int]":
    """The digits of `scalar`, lowest first: zero, or odd and below 2^(w-1), no two within w places of each other."""
    digits = array("b", bytes(_MAX_WINDOWS))
    for i in range(_MAX_WINDOWS):
        if scalar & 1:
            digit = scalar & (1 << _WINDOW) - 1
            if digit >> _WINDOW - 1:
                digit -= 1 << _WINDOW
            scalar -= digit
            digits[i] = digit
        scalar >>= 1
    return digits


def _double(point: "Point") -> "Point":
    x, y, z = point
    zz = z * z % P
    yy = y * y % P
    s = x * yy * 4 % P
    m = 3 * (x - zz) * (x + zz) % P
    x = (m * m - s - s) % P
    return x, (m * (s - x) - 8 * yy * yy) % P, (y + y) * z % P


def _add(a: "Point", b: "Point") -> "Point":
    x, y, z = a
    x2, y2, z2 = b
    if not z:
        return b
    p = P
    zz, zz2 = z * z % p, z2 * z2 % p
    u, s = x * zz2 % p, z2 * zz2 % p * y % p
    h = (x2 * zz - u) % p
    r = (z * zz % p * y2 - s) % p
    if not h:
        return _INFINITY if r else _double(a)
    hh = h * h % p
    hhh = hh * h % p
    v = u * hh % p
    x = (r * r - hhh - v - v) % p
    return x, (r * (v - x) - s * hhh) % p, z * z2 % p * h % p
