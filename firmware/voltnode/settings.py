"""What a board is set to: its bus, its meters, its pace, its radio. One file, which changes whole or not at all.

A board brings its defaults (the ESP32's are in its HAL, the virtual board's are its options); the file holds what was
changed since. What is no setting, or is out of range, is refused by name. At the start a file that is damaged or foreign
costs only the settings that are wrong in it: a node that reads its meter with its defaults beats one that is silent.

Loaded when a setting is read or changed, and dropped afterwards.
"""

from voltnode.config import ConfigError
from voltnode.meters import NAMES, UNVERIFIED
from voltnode.on_demand import call
from voltnode.sealed import read_sealed, write_sealed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from voltnode.hal import Flash

    Settings = dict[str, Any]

FILE = "board"
SECRET = ("password",)
"""Never shown."""

RTU = "rtu"
"""Where a meter is that is on the RS-485 bus; others are at HOST:PORT."""
MAX_METERS = 8
MAX_UNIT = 247

BAUDS = (1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200)

RULES: "dict[str, tuple[Any, ...]]" = {
    "baud": ("Bd", BAUDS),
    "parity": ("", ("N", "E", "O")),
    "stop_bits": ("", (1, 2)),
    "sample_ms": ("ms", 100, 60_000),
    "tx": ("pin", 0, 48),
    "rx": ("pin", 0, 48),
    "direction": ("pin, or -1 for none", -1, 48),
    "time_servers": ("characters: host:port, one or two with a comma; empty for the agent's machine", 0, 140),
    "ssid": ("characters", 0, 32),
    "password": ("characters", 0, 63),
}
"""Unit, and either the choices or the least and the most: of a number, or of a text's length."""

_TEXTS = ("parity", "time_servers", "ssid", "password")


def merged(flash: "Flash", defaults: "Settings", errors: "list[str] | None" = None) -> "Settings":
    """The settings of a board: its defaults, and over them those of the file that are right.

    `errors` takes up what is wrong with the others.
    """
    settings = dict(defaults)
    for name, value in (read_sealed(flash, FILE) or {}).items():
        try:
            settings[name] = checked(name, value, defaults)
        except ConfigError as error:
            if errors is not None:
                errors.append(error.detail)
    return settings


def change(flash: "Flash", defaults: "Settings", changes: "Settings") -> "Settings":
    """Checks all, then writes all: the settings that hold now. A default is not written.

    Raises:
        ConfigError: `setting_unknown`, `setting_refused`, `meter_unknown`, `meter_unverified`; nothing has changed.
        OSError: nothing has changed.
    """
    settings = merged(flash, defaults)
    for name, value in changes.items():
        settings[name] = checked(name, value, defaults)
    kept = {name: value for name, value in settings.items() if value != defaults[name]}
    write_sealed(flash, FILE, kept)
    return settings


def checked(name: str, value: "Any", defaults: "Settings") -> "Any":
    """A setting's value as it is kept. Raises: ConfigError."""
    if name not in defaults:
        raise ConfigError("setting_unknown", "%s; there are: %s" % (name[:32], ", ".join(sorted(defaults))))
    if name == "meters":
        return checked_meters(value)
    # What a board starts with is right for it: a pty has no speed.
    if value == defaults[name] and type(value) is type(defaults[name]):
        return value
    if not _fits(name, value):
        raise ConfigError("setting_refused", "%s: %s" % (name, range_of(name)))
    return value


def _fits(name: str, value: "Any") -> bool:
    if isinstance(value, bool) or not isinstance(value, (int, str)) or isinstance(value, str) != (name in _TEXTS):
        return False
    rule = RULES[name]
    if len(rule) == 2:
        return value in rule[1]
    if isinstance(value, str):
        if not rule[1] <= len(value.encode()) <= rule[2]:
            return False
        return name != "time_servers" or bool(call("voltnode.sntp", "are_servers", value))
    return bool(rule[1] <= value <= rule[2])


def range_of(name: str) -> str:
    """What a setting may be, in words."""
    rule = RULES[name]
    if len(rule) == 2:
        return ("one of %s %s" % (", ".join([str(choice) for choice in rule[1]]), rule[0])).strip()
    return ("%d to %d %s" % (rule[1], rule[2], rule[0])).strip()


def checked_meters(value: "Any") -> "list[Settings]":
    """The list of meters, each with `model`, `unit` (0: as from the factory), `where`, `accept_unverified`.

    Raises: ConfigError.
    """
    if not isinstance(value, list) or not 1 <= len(value) <= MAX_METERS:
        raise ConfigError("setting_refused", "meters: 1 to %d meters; the first is the household's" % MAX_METERS)
    meters = [_checked_meter(i, value[i]) for i in range(len(value))]
    places = [(meter["where"], _unit_of(meter)) for meter in meters] if len(meters) > 1 else []
    for i in range(len(places)):
        if places[i] in places[:i]:
            raise ConfigError("setting_refused", "meter %d: another one has this address at this place" % i)
    return meters


def _unit_of(meter: "Settings") -> int:
    """A meter's address, as from the factory where none is given."""
    unit: int = meter["unit"] or call("voltnode.meters", "load", meter["model"], True).unit
    return unit


def _checked_meter(index: int, value: "Any") -> "Settings":
    if not isinstance(value, dict):
        raise ConfigError("setting_refused", "meter %d: model, unit, where, accept_unverified" % index)
    found = {"unit": 0, "where": RTU, "accept_unverified": False}
    found.update(value)
    if len(found) != 4 or "model" not in found:
        raise ConfigError("setting_refused", "meter %d: model, unit, where, accept_unverified and no more" % index)
    model, unit, where, accepts = found["model"], found["unit"], found["where"], found["accept_unverified"]
    if not isinstance(model, str) or model not in NAMES + UNVERIFIED:
        raise ConfigError("meter_unknown", "meter %d: no such model; `meter list all` has them" % index)
    if not isinstance(unit, int) or isinstance(unit, bool) or not 0 <= unit <= MAX_UNIT:
        raise ConfigError("setting_refused", "meter %d: unit is 0 (as from the factory) or 1 to %d" % (index, MAX_UNIT))
    if not isinstance(accepts, bool):
        raise ConfigError("setting_refused", "meter %d: accept_unverified is true or false" % index)
    if model in UNVERIFIED and not accepts:
        raise ConfigError(
            "meter_unverified",
            "meter %d: nobody has checked %s; accept_unverified (or ,unverified behind it) takes it all the same"
            % (index, model),
        )
    if where != RTU:
        place(where)
    return found


def place(where: "Any") -> "tuple[str, int]":
    """(host, port) of HOST:PORT. Raises: ConfigError."""
    if isinstance(where, str):
        host, _, port = where.rpartition(":")
        if 1 <= len(host) <= 64 and len(port) <= 5 and port.isdigit() and 0 < int(port) < 65536:
            return host, int(port)
    raise ConfigError("setting_refused", "where: rtu, or HOST:PORT of a Modbus TCP meter or gateway")
