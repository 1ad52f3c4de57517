"""Console: a meter's newest reading, register by register. Loaded when asked for."""

from collections import OrderedDict

from voltnode.console.commands import RefusedError
from voltnode.console.reading_rows import reading_rows
from voltnode.console.which_meter import chosen
from voltnode.meters import OPTIONAL

TYPE_CHECKING = False
if TYPE_CHECKING:
    from voltnode.console.commands import Answer, Context
    from voltnode.meters import MeterTable


def show_reading(context: "Context", argument: str) -> "Answer":
    """`meter read [METER]`. Raises RefusedError."""
    sampler = chosen(context, argument)
    reading, table = sampler.latest, sampler.meter.table
    if reading is None:
        raise RefusedError("no_reading", sampler.error or "none yet")
    needs = {(register.function, register.address): register.need for register in table.registers}
    rows = []
    for quantity, function, address, words, value, unit in reading_rows(reading):
        row = OrderedDict([("quantity", quantity), ("function", function), ("register", address)])
        row.update([("raw", words.hex()), ("value", value), ("unit", unit)])
        row["note"] = _note(table, quantity, needs.get((function, address), 0))
        rows.append(row)
    return [
        ("meter", sampler.index),
        ("serial", sampler.serial),
        ("age_ms", context.node.board.now_ms() - sampler.latest_ms),
        ("power_w", reading.power_w),
        ("import_wh", reading.import_wh),
        ("export_wh", reading.export_wh),
        ("resolution_wh", reading.resolution_wh),
        ("registers", rows),
        ("meter_error", sampler.error),
        ("bus", sampler.meter.bus.counters(sampler.meter.unit).as_dict()),
    ]


def _note(table: "MeterTable", quantity: str, need: int) -> str:
    if quantity in table.disputed:
        return "disputed"
    if quantity in table.single_source:
        return "one source"
    return "optional" if need >= OPTIONAL else ""
