"""Public keys. Loaded at the start, and dropped then."""

from voltnode.sign.curve import N, P, finish, inverse_steps, multiply_steps
from voltnode.sign.p256 import MASK_BYTES, below


def public_key(private: int, mask: bytes) -> bytes:
    """The public key: x then y, 32 bytes each, big-endian.

    Raises:
        ValueError: `private` is not 1 .. N - 1, or `mask` not `MASK_BYTES` long.
    """
    if len(mask) != MASK_BYTES or not 0 < private < N:
        raise ValueError("mask or private key out of range")
    x, y, z = finish(multiply_steps(private, below(mask, P)))
    z_inverse = finish(inverse_steps(z, P))
    zz = z_inverse * z_inverse % P
    return bytes((x * zz % P).to_bytes(32, "big") + (y * zz % P * z_inverse % P).to_bytes(32, "big"))


def public_spki(private: int, mask: bytes) -> bytes:
    """The public key as SPKI DER. Raises as `public_key`."""
    from volthood.wire.keys import spki_p256

    return spki_p256(public_key(private, mask))
