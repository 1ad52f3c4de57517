"""What the node was told: its enrolment and its PIN, in one file that changes whole or not at all."""

from volthood.wire.cbor_writer import WireError
from voltnode.on_demand import call
from voltnode.sealed import read_sealed, whole, write_sealed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from voltnode.hal import Flash

FILE = "config"
DEFAULT_SLOT_S = 900
SLOT_LENGTHS_S = (900, 1800, 3600)


class ConfigError(Exception):
    """A setting is refused. `reason` is a short stable name, `detail` says what would be right."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(reason + ": " + detail)
        self.reason = reason
        self.detail = detail


class Enrolment:
    """Whose meter this is and where its agent listens.

    Attributes:
        house: the household's name in topics.
        link_key: 32 bytes shared with the agent.
        host, port: the home broker.
        ca, cert: files of the household's CA and of our certificate; empty where the broker is spoken to without TLS.
        slot_s: length of a slot.
        base: records up to this rseq are not this agent's.
        since: greatest rseq written before this enrolment.
    """

    def __init__(self, values: "dict[str, object]") -> None:
        self.house = _name(values.get("house"))
        self.link_key = _link_key(values.get("link_key"))
        self.host, self.port = _broker(values.get("broker"))
        self.ca, self.cert = str(values.get("ca", "")), str(values.get("cert", ""))
        self.slot_s = _slot(values.get("slot_s", DEFAULT_SLOT_S))
        self.base = whole(values.get("base"), 0)
        self.since = whole(values.get("since"), 0)

    @property
    def tls(self) -> bool:
        """Whether the broker is spoken to with TLS."""
        return bool(self.ca)

    def to_values(self) -> "dict[str, object]":
        """As kept in the file."""
        return {
            "house": self.house,
            "link_key": self.link_key.hex(),
            "broker": "%s:%d" % (self.host, self.port),
            "ca": self.ca,
            "cert": self.cert,
            "slot_s": self.slot_s,
            "base": self.base,
            "since": self.since,
        }


class Config:
    """The settings on flash.

    Attributes:
        enrolment: None on a board that nobody enrolled.
        pin: salt and digest of the installer's PIN, None before the first enrolment.
        pin_failed_ms: transport time of the last wrong PIN; 0, the start, before one.
    """

    def __init__(self, flash: "Flash") -> None:
        self._flash = flash
        kept = read_sealed(flash, FILE) or {}
        pin, enrolment = kept.get("pin"), kept.get("enrolment")
        self.pin: dict[str, object] | None = pin if isinstance(pin, dict) else None
        self.pin_failed_ms = 0
        self.enrolment: Enrolment | None = None
        try:
            if isinstance(enrolment, dict):
                self.enrolment = Enrolment(enrolment)
        except ConfigError:
            pass  # Of another version: a node that nobody enrolled. `voltnode.damage` says why.

    def enrol(self, enrolment: Enrolment, pin: "dict[str, object]") -> None:
        """Keeps the enrolment and the PIN (as `kept_pin` gives it). Raises OSError."""
        write_sealed(self._flash, FILE, {"enrolment": enrolment.to_values(), "pin": pin})
        self.pin = pin
        self.enrolment = enrolment


def _name(value: object) -> str:
    if not isinstance(value, str):
        raise ConfigError("house_invalid", "a name")
    try:
        call("volthood.wire.topics", "check_name", value)
    except WireError as error:
        raise ConfigError("house_invalid", str(error))
    return value


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
