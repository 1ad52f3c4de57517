"""The command line of the virtual board, and what it makes of it. Loaded at the start, and dropped then."""

from voltnode.settings import checked_meters

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from voltnode.hal import Radio, RawFlash

OPTIONS = {
    "dir": "",
    "root": "",
    "uart": "",
    "unit": "0",
    "baud": "0",
    "parity": "N",
    "stop-bits": "1",
    "model": "eastron_sdm630",
    "clock": "",
    "time-server": "",
    "sample-ms": "1000",
    "raw": "",
    "wifi": "",
    "free-for-tls": "",
}
"""Options and what they are by default; `dir` and `uart` must be given."""


def parse_options(arguments: "list[str]") -> "dict[str, str]":
    """The options of a command line over the defaults. Raises ValueError, its text for the person who typed it."""
    options = dict(OPTIONS)
    for i in range(0, len(arguments), 2):
        name = arguments[i][2:]
        if arguments[i][:2] != "--" or name not in options or i + 1 == len(arguments):
            raise ValueError(
                "unknown or without a value: %s; options: --%s" % (arguments[i], " --".join(sorted(options)))
            )
        options[name] = arguments[i + 1]
    for name in ("unit", "baud", "stop-bits", "sample-ms", "free-for-tls"):
        if options[name] and not options[name].isdigit():
            raise ValueError("--%s is a whole number" % name)
    if not options["dir"] or not options["uart"]:
        raise ValueError("--dir and --uart must be given")
    return options


def open_radio(path: str) -> "Radio | None":
    """The radio that a file stands for; none without one."""
    if not path:
        return None
    from voltnode.hal.radio_file import FileRadio

    return FileRadio(path)


def open_raw(path: str) -> "RawFlash | None":
    """The partition that a file stands for; none without one. Raises OSError."""
    if not path:
        return None
    from voltnode.hal.nor_file import NorFile
    from voltnode.hal.partition import Partition
    from voltnode.rawring import RING_BYTES

    return Partition(NorFile(path, RING_BYTES))


def defaults(options: "dict[str, str]") -> "dict[str, Any]":
    """The settings of a board with these options. Raises: ConfigError."""
    meter = {"model": options["model"], "unit": int(options["unit"])}
    found = {
        "baud": int(options["baud"]),
        "parity": options["parity"],
        "stop_bits": int(options["stop-bits"]),
        "sample_ms": int(options["sample-ms"]),
        "time_servers": options["time-server"],
        "meters": checked_meters([meter]),
    }
    if options["wifi"]:
        found.update({"ssid": "", "password": ""})
    return found
