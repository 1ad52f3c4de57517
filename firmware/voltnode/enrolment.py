"""What an enrolment may say, and how it is kept. Loaded at the start and when a node is enrolled, and dropped then."""

from volthood.wire.cbor_writer import WireError
from volthood.wire.names import check_name
from voltnode.config import DEFAULT_SLOT_S, ConfigError
from voltnode.sealed import whole

TYPE_CHECKING = False
if TYPE_CHECKING:
    from voltnode.config import Enrolment

SLOT_LENGTHS_S = (900, 1800, 3600)


def checked(values: "dict[str, object]") -> "tuple[object, ...]":
    """House, link key, host, port, files of CA and certificate, slot length, base and since. Raises ConfigError."""
    house, link_key = _name(values.get("house")), _link_key(values.get("link_key"))
    host, port = _broker(values.get("broker"))
    files = (str(values.get("ca", "")), str(values.get("cert", "")))
    slot_s = _slot(values.get("slot_s", DEFAULT_SLOT_S))
    return (house, link_key, host, port) + files + (slot_s, whole(values.get("base"), 0), whole(values.get("since"), 0))


def values_of(enrolment: "Enrolment") -> "dict[str, object]":
    """As kept in the file."""
    return {
        "house": enrolment.house,
        "link_key": enrolment.link_key.hex(),
        "broker": "%s:%d" % (enrolment.host, enrolment.port),
        "ca": enrolment.ca,
        "cert": enrolment.cert,
        "slot_s": enrolment.slot_s,
        "base": enrolment.base,
        "since": enrolment.since,
    }


def _name(value: object) -> str:
    if not isinstance(value, str):
        raise ConfigError("house_invalid", "a name")
    try:
        return check_name(value)
    except WireError as error:
        raise ConfigError("house_invalid", str(error))


def _link_key(value: object) -> bytes:
    if isinstance(value, str) and len(value) == 64:
        try:
            return bytes.fromhex(value)
        except ValueError:
            pass
    raise ConfigError("link_key_invalid", "64 hex digits")


def _broker(value: object) -> "tuple[str, int]":
    host, _, port = str(value).rpartition(":")
    number = int(port) if len(port) <= 5 and port.isdigit() else 0
    if 1 <= len(host) <= 64 and 0 < number < 65536:
        return host, number
    raise ConfigError("broker_invalid", "host:port")


def _slot(value: object) -> int:
    if isinstance(value, int) and value in SLOT_LENGTHS_S:
        return value
    raise ConfigError("slot_invalid", "slot_s is one of " + ", ".join([str(length) for length in SLOT_LENGTHS_S]))
