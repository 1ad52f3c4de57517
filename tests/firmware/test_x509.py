"""Certificates taken apart on the board, against `cryptography`, and bytes that are none."""

import datetime as dt
from contextlib import suppress
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from volthood_tools.broker.certificates import Authority, Validity
from voltnode.config import ConfigError
from voltnode.x509 import MAX_BYTES, Certificate

DAYS = (
    "1970-01-01T00:00:00",
    "1999-12-31T23:59:59",
    "2000-02-29T12:00:00",
    "2000-03-01T00:00:01",
    "2026-11-24T20:15:36",
    "2028-02-29T00:00:00",
    "2049-12-31T23:59:59",
    "2050-01-01T00:00:00",
    "2100-03-01T00:00:00",
    "9999-12-31T23:59:59",
)


def loaded(pem: Path) -> x509.Certificate:
    return x509.load_pem_x509_certificate(pem.read_bytes())


@pytest.mark.parametrize("end", DAYS)
def test_what_it_says_is_what_it_says(tmp_path: Path, end: str) -> None:
    start = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
    validity = Validity(start, dt.datetime.fromisoformat(end).replace(tzinfo=dt.UTC))
    authority = Authority(tmp_path, "House CA")
    theirs = loaded(authority.issue("0011223344556677", validity).cert_file)
    ours = Certificate(theirs.public_bytes(Encoding.DER))
    assert (ours.issuer, ours.subject) == ("House CA", "0011223344556677")
    assert ours.issuer_raw == theirs.issuer.public_bytes()
    assert ours.subject_raw == theirs.subject.public_bytes()
    assert ours.spki == theirs.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    assert ours.start_s == 0
    assert ours.end_s == int(validity.end.timestamp())


@pytest.fixture(scope="module")
def der(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return loaded(Authority(tmp_path_factory.mktemp("ca")).ca_file).public_bytes(Encoding.DER)


@pytest.mark.parametrize("data", [b"", b"\x30", b"\x30\x80", b"\x30\x00", b"\x30\x84\x00\x00\x00\x00", bytes(500)])
def test_what_is_none_is_refused(data: bytes) -> None:
    with pytest.raises(ConfigError, match="cert_invalid"):
        Certificate(data)


def test_one_past_the_limit_is_refused(der: bytes) -> None:
    with pytest.raises(ConfigError, match="bytes behind it"):
        Certificate(der + bytes(MAX_BYTES - len(der)))
    with pytest.raises(ConfigError, match="at most"):
        Certificate(der + bytes(MAX_BYTES + 1 - len(der)))


def test_every_cut_is_refused(der: bytes) -> None:
    for end in range(len(der)):
        with pytest.raises(ConfigError):
            Certificate(der[:end])


@given(at=st.integers(0, 10_000), byte=st.integers(0, 255), length=st.integers(0, 300))
def test_no_bytes_bring_anything_but_a_refusal(der: bytes, at: int, byte: int, length: int) -> None:
    broken = bytearray(der)
    broken[at % len(der)] = byte
    for data in (bytes(broken), bytes(broken[:length])):
        with suppress(ConfigError):
            Certificate(data)
