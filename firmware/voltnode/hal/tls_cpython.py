"""A TLS context on CPython, which reads a certificate and its key from files alone."""

import binascii
import os
import ssl
import tempfile


def context_of(ca: bytes, certificate: bytes, key: bytes) -> ssl.SSLContext:
    """Mutual TLS for a client, all three in DER. Raises OSError and ValueError."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(cadata=ca)
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "own.pem")
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(_pem("CERTIFICATE", certificate) + _pem("EC PRIVATE KEY", key))
        context.load_cert_chain(path)
    return context


def _pem(name: str, der: bytes) -> str:
    body = binascii.b2a_base64(der, newline=False).decode()
    lines = [body[at : at + 64] for at in range(0, len(body), 64)]
    return "-----BEGIN %s-----\n%s\n-----END %s-----\n" % (name, "\n".join(lines), name)
