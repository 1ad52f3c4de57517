"""Console: what changes something. Loaded when asked for."""

import json

from voltnode.config import Enrolment
from voltnode.console.commands import RefusedError
from voltnode.on_demand import call

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from voltnode.console.commands import Answer, Context

CONFIRM_MS = 60_000
_PIN = "voltnode.pin"
_MAX_NESTING = 8


def enrol(context: "Context", argument: str) -> "Answer":
    """`enrol JSON`. Raises RefusedError, ConfigError, OSError."""
    node = context.node
    values = parsed(argument, 'enrol {"house": ..., "link_key": ..., "broker": "host:port", "tls": ..., "pin": "..."}')
    if node.config.enrolment is not None:
        if values.get("again") is not True:
            raise RefusedError("already_enrolled", "for %s; again with the PIN" % node.config.enrolment.house)
        call(_PIN, "check_pin", node.board, node.config, values.get("pin"))
    values["ca"] = values["cert"] = ""
    enrolment, pin = Enrolment(values), call(_PIN, "kept_pin", node.board, values.get("pin"))
    if values.get("tls") is True:
        enrolment.ca, enrolment.cert = call("voltnode.console.certify", "kept", context)
    elif values.get("tls") is not False:
        raise RefusedError("tls_missing", "true after cert put, or false for a broker without certificates")
    node.enrol(enrolment, pin)
    call("voltnode.identity", "tidy", node.board.flash, enrolment)
    return [("enrolled", True), ("node", node.name), ("house", values["house"])]


def reboot(context: "Context", _: str) -> "Answer":
    """`reboot`."""
    context.then = context.node.reboot
    return [("rebooting", True)]


def factory_reset(context: "Context", argument: str) -> "Answer":
    """`factory-reset [PIN] [CODE]`. Raises RefusedError, ConfigError, OSError."""
    node = context.node
    words = argument.split()
    if node.config.enrolment is not None:
        if not words:
            raise RefusedError("pin_missing", "factory-reset PIN; all records and the key will be gone")
        call(_PIN, "check_pin", node.board, node.config, words.pop(0))
    now_ms = node.board.now_ms()
    if words and context.reset_code and words[0] == context.reset_code and now_ms < context.reset_until_ms:
        context.then = node.forget_everything
        return [("erasing", True)]
    context.reset_code = node.board.random(3).hex()
    context.reset_until_ms = now_ms + CONFIRM_MS
    return [("code", context.reset_code), ("next", "within a minute the same line again with the code behind it")]


def parsed(argument: str, usage: str) -> "dict[str, Any]":
    """The JSON object behind a command. Raises RefusedError."""
    if argument.count("[") + argument.count("{") > _MAX_NESTING:
        raise RefusedError("json_invalid", "nested too deep")
    try:
        values = json.loads(argument)
    except ValueError:
        values = None
    if not isinstance(values, dict):
        raise RefusedError("json_invalid", usage)
    return values
