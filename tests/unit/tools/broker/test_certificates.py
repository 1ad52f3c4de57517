"""A household's CA: made once, the same afterwards, refused where its files are not what they must be."""

from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from volthood.errors import LocalError
from volthood_tools.broker.certificates import Authority
from volthood_tools.enrol.household import household_ca


def spki_of(key: ec.EllipticCurvePrivateKey | Ed25519PrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def test_a_household_has_one_ca_and_it_outlives_what_it_issues(tmp_path: Path) -> None:
    made = Authority.of_household(tmp_path / "ca")
    assert (tmp_path / "ca" / "ca.key").stat().st_mode & 0o777 == 0o600
    again = Authority.of_household(tmp_path / "ca")
    assert again.ca_der == made.ca_der
    ca = x509.load_der_x509_certificate(again.ca_der)
    key = ec.generate_private_key(ec.SECP256R1())
    issued = x509.load_der_x509_certificate(again.issue_for("0011223344556677", spki_of(key)))
    issued.verify_directly_issued_by(ca)
    assert issued.public_key() == key.public_key()
    assert (issued.not_valid_after_utc - issued.not_valid_before_utc).days > 20 * 365
    assert ca.not_valid_after_utc > issued.not_valid_after_utc


def test_two_households_have_two_cas(tmp_path: Path) -> None:
    one, two = (Authority.of_household(tmp_path / name) for name in ("one", "two"))
    assert x509.load_der_x509_certificate(one.ca_der).subject != x509.load_der_x509_certificate(two.ca_der).subject


@pytest.mark.parametrize("damage", ["key", "certificate", "mixed", "open"])
def test_damaged_files_are_named(tmp_path: Path, damage: str) -> None:
    Authority.of_household(tmp_path)
    if damage == "key":
        (tmp_path / "ca.key").write_bytes(b"no key")
    elif damage == "certificate":
        (tmp_path / "ca.pem").write_bytes(b"no certificate")
    elif damage == "open":
        (tmp_path / "ca.key").chmod(0o644)
    else:
        other = Authority.of_household(tmp_path / "other")
        (tmp_path / "ca.pem").write_bytes(other.ca_file.read_bytes())
    with pytest.raises(LocalError, match="ca"):
        Authority.of_household(tmp_path)


@pytest.mark.parametrize(
    "spki", [b"", spki_of(Ed25519PrivateKey.generate()), spki_of(ec.generate_private_key(ec.SECP384R1()))]
)
def test_only_p256_keys_are_certified(tmp_path: Path, spki: bytes) -> None:
    with pytest.raises(LocalError):
        Authority(tmp_path).issue_for("0011223344556677", spki)


def test_broker_and_agent_get_theirs_once(tmp_path: Path) -> None:
    household_ca(tmp_path, "house01", "pi.local:8883")
    broker = (tmp_path / "broker.pem").read_bytes()
    names = x509.load_pem_x509_certificate(broker).extensions.get_extension_for_class(x509.SubjectAlternativeName)
    assert names.value.get_values_for_type(x509.DNSName) == ["pi.local"]
    agent = x509.load_pem_x509_certificate((tmp_path / "house01.pem").read_bytes())
    assert agent.subject.rfc4514_string() == "CN=house01"
    config = (tmp_path / "broker.conf").read_text()
    assert "listener 8883 0.0.0.0\n" in config
    assert "require_certificate true" in config
    assert "user house01" in (tmp_path / "broker.acl").read_text()
    household_ca(tmp_path, "house01", "pi.local:8883")
    assert (tmp_path / "broker.pem").read_bytes() == broker
