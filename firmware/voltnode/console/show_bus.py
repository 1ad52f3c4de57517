"""Console: what happens on the bus. Loaded when asked for; a trace keeps it until it is switched off."""

from collections import OrderedDict

from voltnode.console.commands import RefusedError
from voltnode.metering_setup import trace as set_trace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from voltnode.console.commands import Answer, Context


def show_stats(context: "Context", _: str) -> "Answer":
    """`bus stats`."""
    rows = []
    for sampler in context.node.metering.samplers:
        meter = sampler.meter
        row: Any = OrderedDict([("meter", sampler.index), ("unit", meter.unit)])
        row["where"] = context.node.board.settings["meters"][sampler.index]["where"]
        counters = meter.bus.counters(meter.unit).as_dict()
        row.update([(name, counters[name]) for name in sorted(counters)])
        rows.append(row)
    baud, parity, stop_bits = context.node.metering.bus.line
    return [("line", "%d %s%d" % (baud, parity, stop_bits)), ("meters", rows)]


def trace(context: "Context", argument: str) -> "Answer":
    """`bus trace on|off`: every frame on a line of its own, between prompts. Raises RefusedError."""
    if argument not in ("on", "off"):
        raise RefusedError("option_invalid", "bus trace on|off")
    say, now_ms = context.node.session.say, context.node.board.now_ms

    def told(sent: bytes, came: bytes, verdict: str, took_ms: int) -> None:
        ms = now_ms()
        time = (ms // 1000, ms % 1000)
        say("%d.%03d > %s < %s %s %d ms" % (time + (_hex(sent), _hex(came) or "-", verdict, took_ms)))

    set_trace(context.node.metering, told if argument == "on" else None)
    return [("trace", argument == "on")]


def _hex(data: bytes) -> str:
    text = data.hex()
    return " ".join([text[i : i + 2] for i in range(0, len(text), 2)])
