"""Console: the meters, their readings, their buses. Loaded when asked for."""

from collections import OrderedDict

from voltnode.console.commands import RefusedError
from voltnode.console.reading_rows import reading_rows
from voltnode.meters import NAMES, OPTIONAL, UNVERIFIED
from voltnode.on_demand import call

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from voltnode.console.commands import Answer, Context
    from voltnode.meters import MeterTable
    from voltnode.sampler import Sampler

COARSE_WH = 10
"""From such steps on an installer is told: a quarter of an hour at 1 kW is 25 of them, and at 100 Wh two and a half."""

_WATCH_LOOK_MS = 50
_WATCH_EVERY_MS = 1000
_WATCH_JSON_S, _WATCH_MOST_S = 5, 60


def show_meters(context: "Context", argument: str) -> "Answer":
    """`meter list [all]`."""
    if argument == "all":
        return [("models", [_model_row(name) for name in NAMES + UNVERIFIED])]
    node, rows = context.node, []
    for sampler in node.metering.samplers:
        entry = node.board.settings["meters"][sampler.index]
        row: Any = OrderedDict([("meter", sampler.index), ("model", entry["model"])])
        row["unit"] = sampler.meter.unit
        row.update([("where", entry["where"]), ("serial", sampler.serial), ("error", sampler.error)])
        row.update(_facts(sampler.meter.table))
        rows.append(row)
    return [("meters", rows)]


def _model_row(name: str) -> "dict[str, Any]":
    """What is known of a model. Only one table at a time takes memory."""
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


def _chosen(context: "Context", word: str) -> "Sampler":
    """The meter with this index; the household's without one. Raises RefusedError."""
    samplers = context.node.metering.samplers
    index = int(word or "0") if (word or "0").isdigit() and len(word) < 3 else -1
    if not 0 <= index < len(samplers):
        raise RefusedError("no_such_meter", "a number from 0 to %d" % (len(samplers) - 1))
    return samplers[index]


def show_reading(context: "Context", argument: str) -> "Answer":
    """`meter read [METER]`. Raises RefusedError."""
    sampler = _chosen(context, argument)
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


async def watch(context: "Context", argument: str) -> "Answer":
    """`meter watch [METER] [SECONDS]`: a line a second until a key; with --json all at once at the end. Raises RefusedError."""
    words = argument.split()
    sampler = _chosen(context, words[0] if words else "")
    seconds = _seconds(words[1]) if len(words) > 1 else _WATCH_JSON_S if context.as_json else 0
    readings = []
    end_ms = context.node.board.now_ms() + seconds * 1000
    while not context.pressed() and (not seconds or context.node.board.now_ms() < end_ms):
        if context.as_json:
            readings.append(_watched(context, sampler))
        else:
            await context.say(_in_words(sampler))
        await _a_second(context)
    return [("meter", sampler.index)] + ([("readings", readings)] if context.as_json else [])


def _seconds(word: str) -> int:
    if word.isdigit() and 1 <= int(word[:4]) <= _WATCH_MOST_S:
        return int(word)
    raise RefusedError("seconds_invalid", "1 to %d" % _WATCH_MOST_S)


def _watched(context: "Context", sampler: "Sampler") -> "dict[str, Any]":
    reading = sampler.latest
    if reading is None or sampler.error:
        return {"error": sampler.error or "no reading yet"}
    row: Any = OrderedDict([("age_ms", context.node.board.now_ms() - sampler.latest_ms)])
    row["power_w"] = reading.power_w
    row.update([("import_wh", reading.import_wh), ("export_wh", reading.export_wh)])
    row.update([("phase_power_w", reading.phase_power_w), ("voltage_mv", reading.voltage_mv)])
    row.update([("current_ma", reading.current_ma), ("frequency_mhz", reading.frequency_mhz)])
    return row


def _in_words(sampler: "Sampler") -> str:
    """A reading on one line: W, Wh, then V, A and W of each phase."""
    reading = sampler.latest
    if reading is None or sampler.error:
        return sampler.error or "no reading yet"
    parts = ["%d W" % reading.power_w, "import %d Wh" % reading.import_wh, "export %d Wh" % reading.export_wh]
    for i in range(max(len(reading.voltage_mv), len(reading.phase_power_w))):
        phase = [_thousandths(reading.voltage_mv, i, "V"), _thousandths(reading.current_ma, i, "A")]
        if i < len(reading.phase_power_w):
            phase.append("%d W" % reading.phase_power_w[i])
        parts.append("L%d %s" % (i + 1, " ".join([text for text in phase if text])))
    return "  ".join(parts + ([_thousandths((reading.frequency_mhz,), 0, "Hz")] if reading.frequency_mhz else []))


def _thousandths(values: "tuple[int, ...]", i: int, unit: str) -> str:
    if i >= len(values):
        return ""
    sign, size = "-" if values[i] < 0 else "", abs(values[i])
    return "%s%d.%02d %s" % (sign, size // 1000, size % 1000 // 10, unit)


async def _a_second(context: "Context") -> None:
    board = context.node.board
    until_ms = board.now_ms() + _WATCH_EVERY_MS
    while board.now_ms() < until_ms and not context.typed():
        await board.sleep_ms(_WATCH_LOOK_MS)


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

    context.node.metering.trace(told if argument == "on" else None)
    return [("trace", argument == "on")]


def _hex(data: bytes) -> str:
    text = data.hex()
    return " ".join([text[i : i + 2] for i in range(0, len(text), 2)])
