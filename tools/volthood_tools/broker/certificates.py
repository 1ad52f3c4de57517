"""A household's certificate authority, and those of tests: ECDSA P-256, as the design wants it (mbedTLS refuses Ed25519).

A household's CA keeps its key beside its certificate; who has the folder can make nodes and brokers of this household. What
it issues outlives the board on the wall: a node asks nobody for a new certificate, and has no clock to trust but its own.
"""

import ipaddress
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from volthood.adapters.crypto import read_secret, write_secret
from volthood.adapters.mqtt import TlsFiles
from volthood.errors import LocalError
from volthood_tools.broker.choice import LOOPBACK

DAY = timedelta(days=1)
CA_YEARS, YEARS = 30, 25
CA_FILE, CA_KEY_FILE = "ca.pem", "ca.key"


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


def for_years(years: int) -> Validity:
    """From a day ago, for so many years."""
    now = datetime.now(UTC)
    return Validity(now - DAY, now + years * 365 * DAY)


class Authority:
    """A CA that puts what it issues into a folder. Made anew, it keeps its key in memory alone.

    Attributes:
        ca_file: its certificate, PEM.
        ca_der: the same in DER, as a board takes it.
    """

    def __init__(
        self, folder: Path, name: str = "Volthood test CA", key: ec.EllipticCurvePrivateKey | None = None
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self.ca_file = folder / CA_FILE
        self._key = key or ec.generate_private_key(ec.SECP256R1())
        if key is None or not self.ca_file.exists():
            self._name = _named(name)
            validity = around_now() if key is None else for_years(CA_YEARS)
            certificate = (
                self._builder(self._name, self._key.public_key(), validity)
                .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
                .add_extension(_key_usage(ca=True), critical=True)
                .sign(self._key, hashes.SHA256())
            )
            self.ca_file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        loaded = x509.load_pem_x509_certificate(self.ca_file.read_bytes())
        self._name = loaded.subject
        self.ca_der = loaded.public_bytes(serialization.Encoding.DER)

    @classmethod
    def of_household(cls, folder: Path) -> "Authority":
        """The household's CA in `folder`, made where there is none.

        Raises:
            LocalError: its files are damaged, or others may read its key.
        """
        path = folder / CA_KEY_FILE
        try:
            if not path.exists():
                folder.mkdir(parents=True, exist_ok=True)
                write_secret(path, _pem(ec.generate_private_key(ec.SECP256R1())))
                (folder / CA_FILE).unlink(missing_ok=True)
            key = serialization.load_pem_private_key(read_secret(path), None)
            if isinstance(key, ec.EllipticCurvePrivateKey):
                made = cls(folder, f"Volthood CA {secrets.token_hex(4)}", key)
                if key.public_key() == x509.load_der_x509_certificate(made.ca_der).public_key():
                    return made
        except (OSError, ValueError) as error:
            raise LocalError(f"{folder}: damaged CA: {error}") from error
        raise LocalError(f"{folder}: {CA_KEY_FILE} is not the key of {CA_FILE}")

    def issue(
        self, common_name: str, validity: Validity | None = None, *, server: bool = False, hosts: Iterable[str] = ()
    ) -> TlsFiles:
        """A certificate and its key for an identity, or for a broker: on the loopback interface, or known as `hosts`."""
        key = ec.generate_private_key(ec.SECP256R1())
        builder = self._leaf(common_name, key.public_key(), validity or around_now(), server=server)
        if server:
            names = [_host_name(host) for host in hosts or (LOOPBACK,)]
            builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        certificate = builder.sign(self._key, hashes.SHA256())
        files = TlsFiles(self.ca_file, self._folder / f"{common_name}.pem", self._folder / f"{common_name}.key")
        files.cert_file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        write_secret(files.key_file, _pem(key))
        return files

    def issue_for(self, common_name: str, spki: bytes, validity: Validity | None = None) -> bytes:
        """A client certificate in DER for a key that somebody else made and keeps. Raises `LocalError` for other keys."""
        try:
            public = serialization.load_der_public_key(spki)
        except ValueError as error:
            raise LocalError(f"no public key: {error}") from error
        if not isinstance(public, ec.EllipticCurvePublicKey) or not isinstance(public.curve, ec.SECP256R1):
            raise LocalError("a node's TLS key is ECDSA P-256")
        builder = self._leaf(common_name, public, validity or for_years(YEARS), server=False)
        return builder.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)

    def _leaf(
        self, common_name: str, public: ec.EllipticCurvePublicKey, validity: Validity, *, server: bool
    ) -> x509.CertificateBuilder:
        usage = ExtendedKeyUsageOID.SERVER_AUTH if server else ExtendedKeyUsageOID.CLIENT_AUTH
        return (
            self._builder(_named(common_name), public, validity)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_key_usage(ca=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
        )

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


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    plain = serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)


def _host_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


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
