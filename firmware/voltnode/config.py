"""What the node was told: its enrolment and its PIN, in one file that changes whole or not at all."""

from voltnode.on_demand import call
from voltnode.sealed import read_sealed, write_sealed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from voltnode.hal import Flash

FILE = "config"
DEFAULT_SLOT_S = 900
_ENROLMENT = "voltnode.enrolment"


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
        """Raises ConfigError."""
        checked: tuple[str, bytes, str, int, str, str, int, int, int] = call(_ENROLMENT, "checked", values)
        self.house, self.link_key, self.host, self.port, self.ca, self.cert, self.slot_s, self.base, self.since = (
            checked
        )

    @property
    def tls(self) -> bool:
        """Whether the broker is spoken to with TLS."""
        return bool(self.ca)


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
        write_sealed(self._flash, FILE, {"enrolment": call(_ENROLMENT, "values_of", enrolment), "pin": pin})
        self.pin = pin
        self.enrolment = enrolment
