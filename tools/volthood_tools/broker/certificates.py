"""A certificate authority for tests and benchmarks: ECDSA P-256, as the design wants it (mbedTLS refuses Ed25519)."""

import ipaddress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from volthood.adapters.crypto import write_secret
from volthood.adapters.mqtt import TlsFiles
from volthood_tools.broker.choice import LOOPBACK

DAY = timedelta(days=1)


@dataclass(frozen=True)
class Validity:
    """From when until when a certificate counts."""

    start: datetime
    end: datetime


def around_now() -> Validity:
    """A day before now until a day after."""
    now = datetime.now(UTC)
    return Validity(now - DAY, now + DAY)


def expired() -> Validity:
    """Until yesterday."""
    now = datetime.now(UTC)
    return Validity(now - 3 * DAY, now - DAY)


class Authority:
    """A CA that keeps its key in memory and puts what it issues into a folder."""

    def __init__(self, folder: Path, name: str = "Volthood test CA") -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._name = _named(name)
        self._key = ec.generate_private_key(ec.SECP256R1())
        self.ca_file = folder / "ca.pem"
        certificate = (
            self._builder(self._name, self._key.public_key(), around_now())
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_key_usage(ca=True), critical=True)
            .sign(self._key, hashes.SHA256())
        )
        self.ca_file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))

    def issue(self, common_name: str, validity: Validity | None = None, *, server: bool = False) -> TlsFiles:
        """A certificate and its key for an identity, or for a broker on the loopback interface."""
        key = ec.generate_private_key(ec.SECP256R1())
        usage = ExtendedKeyUsageOID.SERVER_AUTH if server else ExtendedKeyUsageOID.CLIENT_AUTH
        builder = (
            self._builder(_named(common_name), key.public_key(), validity or around_now())
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_key_usage(ca=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
        )
        if server:
            address = x509.IPAddress(ipaddress.ip_address(LOOPBACK))
            builder = builder.add_extension(x509.SubjectAlternativeName([address]), critical=False)
        certificate = builder.sign(self._key, hashes.SHA256())
        files = TlsFiles(self.ca_file, self._folder / f"{common_name}.pem", self._folder / f"{common_name}.key")
        files.cert_file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        plain = serialization.NoEncryption()
        pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
        write_secret(files.key_file, pem)
        return files

    def _builder(
        self, subject: x509.Name, public: ec.EllipticCurvePublicKey, validity: Validity
    ) -> x509.CertificateBuilder:
        issuer_key = self._key.public_key()
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(public)
            .serial_number(x509.random_serial_number())
            .not_valid_before(validity.start)
            .not_valid_after(validity.end)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key), critical=False)
        )


def _named(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _key_usage(*, ca: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not ca,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=ca,
        crl_sign=ca,
        encipher_only=False,
        decipher_only=False,
    )
