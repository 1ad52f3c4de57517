"""Console: changes the board's settings. Loaded when asked for.

`config set PIN baud=19200 parity=E meter.1=eastron_sdm120,5` changes all of it or nothing. A meter is
MODEL[,UNIT[,WHERE[,unverified]]], where WHERE is rtu or HOST:PORT; `meter.1=` takes that meter out. A program may send
`config set {"pin": ..., "baud": 19200, "meters": [...]}`. No PIN where none was set.
"""

from voltnode.config import ConfigError
from voltnode.console.commands import RefusedError
from voltnode.on_demand import call
from voltnode.settings import MAX_METERS, RTU, change, checked

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from voltnode.console.commands import Answer, Context

_USAGE = "config set [PIN] NAME=VALUE..., or a JSON object; config get lists the names"
_AT_RESTART = ("tx", "rx", "direction", "ssid", "password", "time_servers")


async def set_config(context: "Context", argument: str) -> "Answer":
    """`config set`. Raises RefusedError, ConfigError, OSError."""
    node = context.node
    changes, pin = _from_json(argument) if argument[:1] == "{" else _from_words(argument, node.board.settings)
    if not changes:
        raise RefusedError("nothing_to_set", _USAGE)
    for name in changes:
        checked(name, changes[name], node.board.defaults)
    if node.config.pin is not None:
        if pin is None:
            raise RefusedError("pin_missing", _USAGE)
        call("voltnode.pin", "check_pin", node.board, node.config, pin)
    before = node.board.settings
    settings = change(node.board.flash, node.board.defaults, changes)
    try:
        await call("voltnode.metering_setup", "change", node.metering, settings)
    except MemoryError:
        change(node.board.flash, node.board.defaults, {name: before[name] for name in changes})
        raise
    node.log("settings_changed", names=" ".join(sorted(changes)))
    if "time_servers" in changes:
        node.use_time_servers()
    later = [name for name in sorted(changes) if name in _AT_RESTART]
    return [("changed", sorted(changes)), ("after_reboot", later)]


def _from_json(argument: str) -> "tuple[dict[str, Any], Any]":
    from voltnode.console.change import parsed

    values = parsed(argument, _USAGE)
    pin = values.pop("pin", None)
    return values, pin


def _from_words(argument: str, settings: "dict[str, Any]") -> "tuple[dict[str, Any], str | None]":
    """The changes, and the PIN where the first word is none of them. Raises RefusedError, ConfigError."""
    words = argument.split()
    pin = words.pop(0) if words and "=" not in words[0] else None
    changes: dict[str, Any] = {}
    for word in words:
        name, equals, text = word.partition("=")
        if not equals:
            raise RefusedError("option_invalid", _USAGE)
        if name[:6] == "meter.":
            meters = changes.setdefault("meters", [dict(meter) for meter in settings["meters"]])
            _put_meter(meters, name[6:], text)
        else:
            changes[name] = _value(text, settings.get(name))
    return changes, pin


def _value(text: str, before: "Any") -> "Any":
    """A number where the setting is one."""
    digits = text[1:] if text[:1] == "-" else text
    return int(text) if isinstance(before, int) and digits.isdigit() and len(digits) < 10 else text


def _put_meter(meters: "list[dict[str, Any]]", place: str, text: str) -> None:
    """Changes, adds or takes out the meter with an index. Raises ConfigError."""
    index = int(place) if place.isdigit() and len(place) < 3 else -1
    if not 0 <= index <= min(len(meters), MAX_METERS - 1):
        raise ConfigError("no_such_meter", "meter.0 to meter.%d" % min(len(meters), MAX_METERS - 1))
    parts = text.split(",")
    if not text:
        del meters[index : index + 1]
        return
    if len(parts) > 4 or (len(parts) == 4 and parts[3] != "unverified"):
        raise ConfigError("setting_refused", "meter.%d=MODEL[,UNIT[,WHERE[,unverified]]]" % index)
    unit = parts[1] if len(parts) > 1 and parts[1] else "0"
    meter = {
        "model": parts[0],
        "unit": int(unit) if unit.isdigit() and len(unit) < 4 else unit,
        "where": (parts[2] if len(parts) > 2 else "") or RTU,
        "accept_unverified": len(parts) == 4,
    }
    meters[index : index + 1] = [meter]
