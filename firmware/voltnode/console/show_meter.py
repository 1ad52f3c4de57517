"""Console: the meter. Loaded when asked for."""

from collections import OrderedDict

from voltnode.console.commands import RefusedError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from voltnode.console.commands import Answer, Context


def show_meters(context: "Context", _: str) -> "Answer":
    """`meter list`."""
    meter = context.node.meter
    table = meter.table
    row = {"unit": meter.unit, "vendor": table.vendor, "model": table.model, "serial": context.node.sampler.serial}
    return [("meters", [row])]


def show_reading(context: "Context", _: str) -> "Answer":
    """`meter read`. Raises RefusedError."""
    node = context.node
    sampler = node.sampler
    reading = sampler.latest
    if reading is None:
        raise RefusedError("no_reading", sampler.error or "none yet")
    rows = []
    for quantity, function, address, words, value, unit in reading.rows():
        row = OrderedDict([("quantity", quantity), ("function", function), ("register", address)])
        row.update([("raw", words.hex()), ("value", value), ("unit", unit)])
        rows.append(row)
    return [
        ("serial", sampler.serial),
        ("age_ms", node.board.now_ms() - sampler.latest_ms),
        ("power_w", reading.power_w),
        ("import_wh", reading.import_wh),
        ("export_wh", reading.export_wh),
        ("registers", rows),
        ("meter_error", sampler.error),
        ("bus", node.bus.counters(node.meter.unit).as_dict()),
    ]
