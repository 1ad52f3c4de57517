"""ECDSA over P-256 with SHA-256: signatures.

- The nonce is RFC 6979 with random additional data (`nonce`).
- Every value that depends on a secret is masked before work whose time depends on it: coordinates by a random Z, the
  nonce by a random factor while it is inverted. Masks are arguments: 64 fresh random bytes for each signature.
- s is always in the lower half of the group, so that a signature has one form (`wire` refuses the other).

`sign_steps` is a generator for the board, which has a bus to serve while it works.
"""

from voltnode.sign.curve import N, P, finish, inverse_steps, multiply_steps
from voltnode.sign.nonce import candidates

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Generator

DIGEST_BYTES = 32
MASK_BYTES = 64


def sign(private: int, digest: bytes, extra: bytes, mask: bytes) -> bytes:
    """`sign_steps` without a pause."""
    signature: bytes = finish(sign_steps(private, digest, extra, mask))
    return signature


def sign_steps(private: int, digest: bytes, extra: bytes, mask: bytes) -> "Generator[None, None, bytes]":
    """The signature r then s, 32 bytes each, big-endian.

    Args:
        private: the private key, 1 .. N - 1.
        digest: SHA-256 of the message, 32 bytes.
        extra: fresh random bytes for the nonce; empty for plain RFC 6979.
        mask: `MASK_BYTES` fresh random bytes; they do not change the signature of a given nonce.

    Raises:
        ValueError: an argument of another size, or no private key.
    """
    if len(digest) != DIGEST_BYTES or len(mask) != MASK_BYTES or not 0 < private < N:
        raise ValueError("digest, mask or private key out of range")
    z, blind = below(mask[:32], P), below(mask[32:], N)
    hashed = int.from_bytes(digest, "big")
    for k in candidates(private, digest, extra):
        x, _, z_end = yield from multiply_steps(k, z)
        z_inverse = yield from inverse_steps(z_end, P)
        r = x * z_inverse % P * z_inverse % P % N
        k_inverse = yield from inverse_steps(k * blind % N, N)
        s = (blind * hashed + blind * r % N * private) % N * k_inverse % N
        if r and s:
            break
    return r.to_bytes(32, "big") + (s if s <= N >> 1 else N - s).to_bytes(32, "big")


def below(random_bytes: bytes, end: int) -> int:
    """A number 1 .. end - 1. Its bias, about 2^-32, does not matter for a mask."""
    return 1 + int.from_bytes(random_bytes, "big") % (end - 1)
