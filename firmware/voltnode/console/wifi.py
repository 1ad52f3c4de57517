"""Console: Wi-Fi. Loaded when asked for."""

from voltnode.config import ConfigError
from voltnode.console.change import parsed
from voltnode.console.commands import RefusedError
from voltnode.pin import authorise
from voltnode.settings import change

TYPE_CHECKING = False
if TYPE_CHECKING:
    from voltnode.console.commands import Answer, Context
    from voltnode.hal import Radio
    from voltnode.main import Node

NO_RADIO = "this board has no Wi-Fi of its own"


async def scan(context: "Context", _: str) -> "Answer":
    """`wifi scan`. Raises RefusedError, OSError."""
    return [("networks", await _radio(context.node).scan())]


def set_wifi(context: "Context", argument: str) -> "Answer":
    """`wifi set JSON`. Raises RefusedError, ConfigError, OSError."""
    node = context.node
    wifi = node.wifi
    if wifi is None:
        raise RefusedError("no_radio", NO_RADIO)
    values = parsed(argument, 'wifi set {"ssid": ..., "password": ..., "pin": ...}')
    authorise(context, values.pop("pin", None))
    for name in values:
        if name not in ("ssid", "password"):
            raise ConfigError("setting_unknown", "ssid and password")
    node.board.settings = change(node.board.flash, node.board.defaults, values)
    wifi.use(node.board.settings["ssid"], node.board.settings["password"])
    node.log("wifi_set", ssid=node.board.settings["ssid"])
    return [("ssid", node.board.settings["ssid"]), ("wifi", wifi.state), ("next", "status shows what comes of it")]


def _radio(node: "Node") -> "Radio":
    if node.board.radio is None:
        raise RefusedError("no_radio", NO_RADIO)
    return node.board.radio
