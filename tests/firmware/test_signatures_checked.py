"""What the node signs on MicroPython is checked by others: OpenSSL (`cryptography`) and a COSE library (`cwt`)."""

from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_public_key
from cwt import COSE, COSEKey, VerifyError

from volthood.wire.cose_writer import to_be_signed
from volthood.wire.record import Record, record_hash, unpack_record

SCRIPT = Path(__file__).with_name("check_signatures.py")
HALF_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551 // 2


def check_all(lines: list[str]) -> int:
    """Raises where one does not verify; how many did."""
    public = load_der_public_key(bytes.fromhex(lines[0]))
    assert isinstance(public, ec.EllipticCurvePublicKey)
    kid = unpack_record(bytes.fromhex(lines[1]))[0].kid
    foreign = COSEKey.from_pem(
        public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo), kid=kid, alg="ES256"
    )
    cose, before, nonces = COSE.new(), bytes(16), set()
    for line in lines[1:]:
        data = bytes.fromhex(line)
        signed, record = unpack_record(data)
        assert cose.decode(data, foreign, external_aad=Record.KIND.encode()) == signed.payload
        r, s = (int.from_bytes(half, "big") for half in (signed.signature[:32], signed.signature[32:]))
        message = to_be_signed(Record.KIND, signed.protected, signed.payload)
        public.verify(encode_dss_signature(r, s), message, ec.ECDSA(SHA256()))
        assert s <= HALF_ORDER
        assert record.prev == before
        before = record_hash(data)
        nonces.add(r)
    assert len(nonces) == len(lines) - 1
    return len(nonces)


def test_a_hundred_signatures_are_good(run_on_micropython: Callable[..., str], tmp_path: Path) -> None:
    lines = run_on_micropython(SCRIPT, tmp_path / "flash", 100, heap="512k").split()
    assert check_all(lines) == 100
    bad = bytearray.fromhex(lines[50])
    bad[60] ^= 1
    with pytest.raises((VerifyError, ValueError)):
        check_all([lines[0], lines[1], bad.hex()])


@pytest.mark.long
def test_ten_thousand_signatures_are_good(run_on_micropython: Callable[..., str], tmp_path: Path) -> None:
    assert check_all(run_on_micropython(SCRIPT, tmp_path / "flash", 10_000, heap="512k").split()) == 10_000
