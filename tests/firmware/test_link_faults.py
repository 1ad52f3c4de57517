"""What went wrong, in words: the libraries' sayings on both interpreters, and errors of the network."""

import pytest

from voltnode.config import ConfigError
from voltnode.hal import TlsError
from voltnode.link import LinkError
from voltnode.link_faults import explain
from voltnode.mqtt import MqttError

FOREIGN, EXPIRED, EARLY = "tls_foreign_ca", "tls_expired", "tls_not_yet_valid"
NAME, REFUSED = "tls_wrong_name", "tls_refused"


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        # mbedTLS 3.6
        ("The certificate is not correctly signed by the trusted CA", FOREIGN),
        ("The certificate validity has expired", EXPIRED),
        ("The certificate validity starts in the future", EARLY),
        ("The certificate Common Name (CN) does not match with the expected CN", NAME),
        ("[Errno -30592] MBEDTLS_ERR_SSL_FATAL_ALERT_MESSAGE", REFUSED),
        # OpenSSL 3
        ("unable to get local issuer certificate", FOREIGN),
        ("self-signed certificate in certificate chain", FOREIGN),
        ("certificate has expired", EXPIRED),
        ("certificate is not yet valid", EARLY),
        ("IP address mismatch, certificate is not valid for '127.0.0.1'.", NAME),
        ("Hostname mismatch, certificate is not valid for 'pi.local'.", NAME),
        ("[SSL: SSLV3_ALERT_CERTIFICATE_EXPIRED] sslv3 alert certificate expired (_ssl.c:2580)", REFUSED),
        ("[SSL: TLSV1_ALERT_UNKNOWN_CA] tlsv1 alert unknown ca (_ssl.c:2580)", REFUSED),
        # two at once: the one that explains the other comes first
        ("The certificate validity starts in the future; The certificate is not correctly signed", EARLY),
        ("something new", "tls_failed"),
        ("own certificate or key: invalid key", "tls_own"),
    ],
)
def test_what_the_library_says_of_tls(said: str, reason: str) -> None:
    assert explain(TlsError(said), "pi.local", tls=True, greeted=False)[0] == reason


def test_a_wrong_name_says_which_was_expected() -> None:
    words = explain(TlsError("does not match"), "pi.local", tls=True, greeted=False)[1]
    assert words.endswith("another name than pi.local")


@pytest.mark.parametrize(
    ("error", "tls", "greeted", "reason", "words"),
    [
        (OSError(111, "ECONNREFUSED"), False, False, "unreachable", "nobody listens there"),
        (OSError(113, "EHOSTUNREACH"), True, False, "unreachable", "no way to that host"),
        (OSError(118), True, False, "unreachable", "no way to that host"),
        (OSError("no such host: pi.local"), True, False, "unreachable", "no such host: pi.local"),
        (TimeoutError(), True, False, "unreachable", "no answer"),
        (OSError(32), True, False, REFUSED, "the reason stands in the broker's log"),
        (OSError(104), True, False, REFUSED, "the reason stands in the broker's log"),
        (OSError(12, "ENOMEM"), True, False, "memory_short", "not enough memory for TLS"),
        (OSError(-9984, "MBEDTLS_ERR_X509_CERT_VERIFY_FAILED"), True, False, "tls_failed", "CERT_VERIFY_FAILED"),
        (OSError(104), False, False, "unreachable", "reset by the broker"),
        (OSError(104), True, True, "unreachable", "reset by the broker"),
        (LinkError("broker closed the connection"), True, False, REFUSED, "the reason stands in the broker's log"),
        (LinkError("broker closed the connection"), True, True, "ended", "broker closed the connection"),
        (LinkError("broker silent for 46 s"), True, True, "ended", "broker silent for 46 s"),
        (MqttError("broker refuses: 5"), True, False, "broker_refuses", "not authorised"),
        (MqttError("broker refuses: 9"), False, False, "broker_refuses", "broker refuses: 9"),
        (MqttError("broker refuses the subscription"), True, True, "mqtt_broken", "the subscription"),
        (MqttError("publish cut short"), True, True, "mqtt_broken", "publish cut short"),
        (ConfigError("cert_missing", "TLS key is not on the flash"), True, False, "cert_missing", "on the flash"),
    ],
)
def test_other_errors(error: BaseException, tls: bool, greeted: bool, reason: str, words: str) -> None:
    found, said = explain(error, "pi.local", tls, greeted)
    assert found == reason
    assert said.endswith(words)
