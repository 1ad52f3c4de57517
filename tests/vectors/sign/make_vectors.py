"""Writes `signed.jsonl` and `judged.jsonl` beside itself: `python tests/vectors/sign/make_vectors.py`.

signed.jsonl  private keys and messages with the signature that RFC 6979 prescribes, s in its lower half.
judged.jsonl  public keys, digests and signatures with the answer that a verifier must give.

The hand is the `cryptography` package (OpenSSL): its keys, its deterministic signatures, its verdicts. Where a case is
steered to a special point, the textbook equations below choose the numbers, and `cryptography` still says what holds.
"""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed, decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

Case = dict[str, object]

P = 2**256 - 2**224 + 2**192 + 2**96 - 1
N = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
B = 0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B
MEETS_ITSELF = 0xFFFFFFFFFFDFFFFFFFFFFC00000000008000000000100000000002
"""The one scalar for which the node's comb would add a point to itself."""

EDGE_SCALARS = {
    "1": 1,
    "2": 2,
    "3": 3,
    "n - 1": N - 1,
    "n - 2": N - 2,
    "(n - 1) / 2": (N - 1) // 2,
    "(n + 1) / 2": (N + 1) // 2,
    "2^255": 1 << 255,
    "2^128": 1 << 128,
    "2^43": 1 << 43,
    "2^43 - 1": (1 << 43) - 1,
    "2^22 + 1": (1 << 22) + 1,
    "all digits of every tooth -1": (1 - (1 << 258)) % N,
    "all digits of every tooth +1": ((1 << 258) - 1) % N,
    "the comb meets the same point": MEETS_ITSELF,
    "the comb's other spelling would meet the same point": MEETS_ITSELF - 4,
}
KEYS, MESSAGES = 8, 4


def drawn(label: str) -> int:
    """A number below N, the same for the same label."""
    return 1 + int.from_bytes(hashlib.sha512(label.encode()).digest(), "big") % (N - 1)


def hex32(*numbers: int) -> str:
    """Numbers as 32 big-endian bytes each, in hex."""
    return b"".join(number.to_bytes(32, "big") for number in numbers).hex()


def key(private: int) -> ec.EllipticCurvePrivateKey:
    """The key of a scalar."""
    return ec.derive_private_key(private, ec.SECP256R1())


def point(private: int) -> tuple[int, int]:
    """Scalar times generator."""
    numbers = key(private).public_key().public_numbers()
    return numbers.x, numbers.y


def low(s: int) -> int:
    """The one of s and N - s that is allowed."""
    return min(s, N - s)


def holds(xy: tuple[int, int], digest: bytes, r: int, s: int) -> bool:
    """What `cryptography` says. It takes a high s; the caller has to refuse that."""
    public = ec.EllipticCurvePublicNumbers(*xy, ec.SECP256R1()).public_key()
    try:
        public.verify(encode_dss_signature(r, s), digest, ec.ECDSA(Prehashed(SHA256())))
    except InvalidSignature:
        return False
    return True


def signed() -> Iterator[Case]:
    """Deterministic signatures: edge scalars, then keys and messages of all lengths around a hash block."""
    scalars = EDGE_SCALARS | {f"key {i}": drawn(f"key {i}") for i in range(KEYS)}
    for name, private in scalars.items():
        for i in range(MESSAGES):
            message = hashlib.shake_256(f"{name} message {i}".encode()).digest([0, 55, 64, 300][i])
            der = key(private).sign(message, ec.ECDSA(SHA256(), deterministic_signing=True))
            r, s = decode_dss_signature(der)
            yield {
                "name": f"{name}, message {i}",
                "private": hex32(private),
                "xy": hex32(*point(private)),
                "message": message.hex(),
                "signature": hex32(r, low(s)),
            }


def judged() -> Iterator[Case]:
    """Good and mostly bad inputs for a verifier."""
    private = drawn("judged")
    xy, digest = point(private), hashlib.sha256(b"judged").digest()
    r, s = decode_dss_signature(key(private).sign(digest, ec.ECDSA(Prehashed(SHA256()), deterministic_signing=True)))
    s = low(s)
    good: Case = {"xy": hex32(*xy), "digest": digest.hex(), "signature": hex32(r, s)}
    yield {"name": "good", **good, "valid": holds(xy, digest, r, s)}
    yield from bad_signatures(good, r, s)
    yield from bad_keys(good, xy)
    yield from steered(private, xy)


def bad_signatures(good: Case, r: int, s: int) -> Iterator[Case]:
    """Signatures that must be refused, whatever key and digest are."""
    table = {
        "high s": hex32(r, N - s),
        "r zero": hex32(0, s),
        "s zero": hex32(r, 0),
        "r is n": hex32(N, s),
        "s is n": hex32(r, N),
        "r is p": hex32(P, s),
        "s just above half": hex32(r, (N + 1) // 2),
        "all ones": "ff" * 64,
        "all zero": "00" * 64,
        "r and s exchanged": hex32(s, r),
        "r one bit off": hex32(r ^ 1, s),
        "s one bit off": hex32(r, s ^ 1),
        "empty": "",
        "one byte short": hex32(r, s)[:-2],
        "one byte long": hex32(r, s) + "00",
        "DER": encode_dss_signature(r, s).hex(),
    }
    for name, signature in table.items():
        yield {"name": f"signature: {name}", **good, "signature": signature, "valid": False}
    digest = str(good["digest"])
    flipped = hex32(int(digest, 16) ^ 1)
    for name, other in {"one bit off": flipped, "short": digest[:-2], "long": digest + "00"}.items():
        yield {"name": f"digest: {name}", **good, "digest": other, "valid": False}


def bad_keys(good: Case, xy: tuple[int, int]) -> Iterator[Case]:
    """Public keys that must be refused."""
    x, y = xy
    table = {
        "not on the curve": hex32(x, y ^ 1),
        "of another holder": hex32(*point(drawn("another"))),
        "negative": hex32(x, P - y),
        "x is p": hex32(P, y),
        "y is p": hex32(x, P),
        "zero": hex32(0, 0),
        "with the byte 04": "04" + hex32(x, y),
        "empty": "",
    }
    for name, key_hex in table.items():
        yield {"name": f"key: {name}", **good, "xy": key_hex, "valid": False}


def steered(private: int, xy: tuple[int, int]) -> Iterator[Case]:
    """Sums that pass through a special point, or end there."""

    def case(name: str, at: tuple[int, int], e: int, r: int, s: int) -> Case:
        digest = e.to_bytes(32, "big")
        valid = holds(at, digest, r, s)
        return {"name": name, "xy": hex32(*at), "digest": digest.hex(), "signature": hex32(r, s), "valid": valid}

    r = drawn("r")
    yield case("the sum is infinity", xy, -r * private % N, r, low(drawn("s")))
    u = drawn("u")
    r = point(2 * u % N)[0] % N
    e = r * private % N
    yield case("both halves of the sum are one point", xy, e, r, low(e * pow(u, -1, N) % N))
    yield case("the sum is infinity, r fits one half twice", xy, N - e, r, low(e * pow(u, -1, N) % N))
    nonce = drawn("nonce")
    r = point(nonce)[0] % N
    yield case("the digest is zero", xy, 0, r, low(pow(nonce, -1, N) * r * private % N))
    e = N + 5
    yield case("the digest is above n", xy, e, r, low(pow(nonce, -1, N) * (e + r * private) % N))
    for scalar in (1, 2, N - 1, N - 2, MEETS_ITSELF):
        for u in (1, 2, 3, 1 << 21, 1 << 43):
            # u times the generator and u times the key: near the start of a multiplication, where special points are.
            r = point(u * (1 + scalar) % N or 1)[0] % N
            s = r * pow(u, -1, N) % N
            yield case(f"key {scalar:x}, both factors {u}", point(scalar), u * s % N, r, low(s))
    yield from beyond_the_order()
    yield from unlawful_keys()


def beyond_the_order() -> Iterator[Case]:
    """The nonce's point has an x between n and p, so that r is x - n: one in 2^32 points, so the key is made to fit."""
    x, y = point_from(N + 1)
    e, r, s = drawn("beyond e"), x - N, low(drawn("beyond s"))
    inverse = pow(r, -1, N)
    at = plus(times(s * inverse % N, (x, y)), times(-e * inverse % N, point(1)))
    digest = e.to_bytes(32, "big")
    case = {"xy": hex32(*at), "digest": digest.hex(), "signature": hex32(r, s)}
    yield {"name": f"the nonce's x is n + {x - N}", **case, "valid": holds(at, digest, r, s)}
    yield {"name": "the same, r beyond n", **case, "signature": hex32(x, s), "valid": False}


def unlawful_keys() -> Iterator[Case]:
    """Keys for which the equations hold all the same: they use neither the curve's constant nor the coordinates' range.

    With the digest zero and s = r/2, the sum is twice the key.
    """
    x, y = point_from(1)
    keys = {"": (x, y), ", which is not on the curve": (x, y ^ 1), ", written with x + p": (x + P, y)}
    for name, at in keys.items():
        r = plus(at, at)[0] % N
        s = low(r * pow(2, -1, N) % N)
        case = {"xy": hex32(*at), "digest": hex32(0), "signature": hex32(r, s)}
        yield {"name": f"the sum is twice the key{name}", **case, "valid": not name and holds(at, bytes(32), r, s)}


def point_from(x: int) -> tuple[int, int]:
    """The point with the next x from `x` on."""
    while pow(y_squared := (x * x * x - 3 * x + B) % P, (P - 1) // 2, P) != 1:
        x += 1
    return x, pow(y_squared, (P + 1) // 4, P)


def plus(a: tuple[int, int], b: tuple[int, int]) -> tuple[int, int]:
    """The sum of two points by the textbook."""
    top, bottom = (3 * a[0] * a[0] - 3, 2 * a[1]) if a == b else (b[1] - a[1], b[0] - a[0])
    slope = top * pow(bottom, -1, P)
    x = (slope * slope - a[0] - b[0]) % P
    return x, (slope * (a[0] - x) - a[1]) % P


def times(scalar: int, a: tuple[int, int]) -> tuple[int, int]:
    """A multiple of a point by the textbook."""
    total = a
    for bit in f"{scalar:b}"[1:]:
        total = plus(total, total)
        if bit == "1":
            total = plus(total, a)
    return total


def text(cases: Iterator[Case]) -> str:
    """One case a line: the board reads them one by one."""
    return "".join(json.dumps(case) + "\n" for case in cases)


def files() -> dict[str, str]:
    """Name and contents of each vector file."""
    return {"signed.jsonl": text(signed()), "judged.jsonl": text(judged())}


if __name__ == "__main__":
    for file_name, contents in files().items():
        Path(__file__).with_name(file_name).write_text(contents)
