"""Console: a meter's readings as they come. Loaded when asked for."""

from collections import OrderedDict

from voltnode.console.commands import RefusedError
from voltnode.console.which_meter import chosen

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from voltnode.console.commands import Answer, Context
    from voltnode.sampler import Sampler

_LOOK_MS = 50
_EVERY_MS = 1000
_JSON_S, _MOST_S = 5, 60


async def watch(context: "Context", argument: str) -> "Answer":
    """`meter watch [METER] [SECONDS]`: a line a second until a key; with --json all at once at the end. Raises RefusedError."""
    words = argument.split()
    sampler = chosen(context, words[0] if words else "")
    seconds = _seconds(words[1]) if len(words) > 1 else _JSON_S if context.as_json else 0
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
    if word.isdigit() and 1 <= int(word[:4]) <= _MOST_S:
        return int(word)
    raise RefusedError("seconds_invalid", "1 to %d" % _MOST_S)


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
    until_ms = board.now_ms() + _EVERY_MS
    while board.now_ms() < until_ms and not context.typed():
        await board.sleep_ms(_LOOK_MS)
