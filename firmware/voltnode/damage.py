"""Which small files on flash are damaged or foreign, so that it is said. Loaded at the start and dropped then.

Whoever reads such a file goes on without it: the node starts whatever stands there.
"""

from voltnode.config import ConfigError, Enrolment
from voltnode.sealed import read_sealed, whole

TYPE_CHECKING = False
if TYPE_CHECKING:
    from voltnode.hal import Flash

NUMBERS = {
    "numbers": ("boot", "reserved"),
    "receipt": ("rseq",),
    "pin-failures": ("count",),
    "floor": ("s",),
    "failed-starts": ("failed",),
}
"""Files of whole numbers."""
CONFIG, BOARD, CRASH = "config", "board", "crash"


def damaged(flash: "Flash") -> "list[tuple[str, str]]":
    """(file, what is wrong with it) for each that is."""
    found: list[tuple[str, str]] = []
    for name in list(NUMBERS) + [CONFIG, BOARD, CRASH]:
        if not flash.size(name):
            continue
        value = read_sealed(flash, name)
        wrong = "check sum" if value is None else _wrong(name, value)
        if wrong:
            found.append((name, wrong))
    return found


def _wrong(name: str, value: "dict[str, object]") -> str:
    for key in NUMBERS.get(name, ()):
        if whole(value.get(key), -1) < 0:
            return key
    return _wrong_config(value) if name == CONFIG else ""


def _wrong_config(value: "dict[str, object]") -> str:
    enrolment, pin = value.get("enrolment"), value.get("pin")
    try:
        if not isinstance(enrolment, dict):
            return "enrolment"
        Enrolment(enrolment)
        good = isinstance(pin, dict) and len(bytes.fromhex(str(pin["digest"]) + str(pin["salt"]))) > 32
    except (ConfigError, KeyError, ValueError) as error:
        return error.reason if isinstance(error, ConfigError) else "pin"
    return "" if good else "pin"
