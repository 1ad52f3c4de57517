"""What is wrong with a connection, in a short stable name and in words for a technician. Loaded when one fails.

The words that are looked for are mbedTLS's on the board and OpenSSL's on CPython.
"""

from voltnode.config import ConfigError
from voltnode.hal import TlsError
from voltnode.mqtt import MqttError

_OWN = "own certificate or key"
_ALERT = ("alert", "FATAL_ALERT", "0x7780", "-30592")
_UNTRUSTED = ("CERT_VERIFY_FAILED", "-9984")
_CERTIFICATE = (
    (
        "tls_not_yet_valid",
        ("starts in the future", "not yet valid"),
        "is not valid yet, its validity starts in the future",
    ),
    ("tls_expired", ("has expired",), "has expired"),
    ("tls_foreign_ca", ("not correctly signed", "unable to get", "self-signed", "self signed"), "is of a foreign CA"),
    ("tls_wrong_name", ("not match", "mismatch", "not valid for"), "is for another name than HOST"),
)
_REFUSED = "the broker refuses this node's certificate, or does not speak TLS: the reason stands in the broker's log"
_REFUSALS = {
    "1": "protocol version",
    "2": "client id",
    "3": "server unavailable",
    "4": "user name or password",
    "5": "not authorised",
}
_ERRNO = {104: "reset by the broker", 111: "nobody listens there", 113: "no way to that host", 110: "no answer"}
_ENOMEM = 12
_ESP_ERRNO = {118: 113, 116: 110}


def explain(error: BaseException, host: str, tls: bool, greeted: bool) -> "tuple[str, str]":
    """(reason, words) for an error. `greeted`: the broker had taken us before."""
    words = str(error)
    if isinstance(error, ConfigError):
        return error.reason, error.detail
    if isinstance(error, MqttError):
        return _of_mqtt(words)
    if tls and not greeted and (_has(_ALERT, words) or _broken_off(error)):
        return "tls_refused", _REFUSED
    if isinstance(error, TlsError) or _has(_UNTRUSTED, words):
        return _of_tls(words, host)
    if _errno(error) == _ENOMEM:
        return "memory_short", "not enough memory for TLS"
    return "unreachable" if isinstance(error, OSError) or not words else "ended", _of_errno(error, words)


def _of_mqtt(words: str) -> "tuple[str, str]":
    """MQTT 3.1.1 section 3.2.2.3 has the numbers."""
    head, _, code = words.partition("broker refuses: ")
    if head or not code:
        return "mqtt_broken", words
    return "broker_refuses", "broker refuses: " + _REFUSALS.get(code, code)


def _of_tls(words: str, host: str) -> "tuple[str, str]":
    if words.startswith(_OWN):
        return "tls_own", "this node's " + words
    for reason, parts, means in _CERTIFICATE:
        if _has(parts, words):
            return reason, "the broker's certificate " + means.replace("HOST", host)
    return "tls_failed", "TLS: " + words


def _has(parts: "tuple[str, ...]", words: str) -> bool:
    return bool([part for part in parts if part in words])


def _broken_off(error: BaseException) -> bool:
    """Whether the other side ended the connection, as a broker does that does not like our certificate."""
    return str(error) == "broker closed the connection" or _errno(error) in (32, 104, 128)


def _of_errno(error: BaseException, words: str) -> str:
    number = _errno(error)
    return _ERRNO.get(_ESP_ERRNO.get(number, number), "") or words or "no answer"


def _errno(error: BaseException) -> int:
    if isinstance(error, OSError) and error.args and isinstance(error.args[0], int):
        return error.args[0]
    return 0
