"""Console: the meters that are read here, and the models there are. Loaded when asked for."""

from collections import OrderedDict

from voltnode.meters import NAMES, UNVERIFIED
from voltnode.on_demand import call

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from voltnode.console.commands import Answer, Context
    from voltnode.meters import MeterTable

COARSE_WH = 10
"""From such steps on an installer is told: a quarter of an hour at 1 kW is 25 of them, and at 100 Wh two and a half."""


def show_meters(context: "Context", argument: str) -> "Answer":
    """`meter list [all]`."""
    if argument == "all":
        return [("models", _model_rows())]
    node, rows = context.node, []
    for sampler in node.metering.samplers:
        entry = node.board.settings["meters"][sampler.index]
        row: Any = OrderedDict([("meter", sampler.index), ("model", entry["model"])])
        row["unit"] = sampler.meter.unit
        row.update([("where", entry["where"]), ("serial", sampler.serial), ("error", sampler.error)])
        row.update(_facts(sampler.meter.table))
        rows.append(row)
    return [("meters", rows)]


def _model_rows() -> "Iterator[dict[str, Any]]":
    """What is known of each model. Only one at a time takes memory."""
    for name in NAMES + UNVERIFIED:
        yield _model_row(name)


def _model_row(name: str) -> "dict[str, Any]":
    table: MeterTable = call("voltnode.meters", "load", name, True)
    usual = "%d %s%d" % (table.baud, table.parity, table.stop_bits) if table.baud else "unknown"
    row: Any = OrderedDict([("model", name), ("name", "%s %s" % (table.vendor, table.model))])
    row.update([("line", usual), ("unit", table.unit)])
    row.update(_facts(table))
    return row


def _facts(table: "MeterTable") -> "list[tuple[str, Any]]":
    """What an installer should know of a table: whether it was checked, its steps, what sources disagree on."""
    facts: list[tuple[str, Any]] = [("verified", table.verified), ("resolution_wh", table.resolution_wh)]
    facts += [("disputed", list(table.disputed)), ("single_source", list(table.single_source))]
    warnings = [] if table.verified else ["nobody has checked this table against a meter"]
    if table.resolution_wh >= COARSE_WH:
        warnings.append("counts in %d Wh steps" % table.resolution_wh)
    if table.disputed:
        warnings.append("compare what is disputed with the display")
    return facts + [("warning", "; ".join(warnings))]
