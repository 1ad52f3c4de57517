"""Console: `wiring`, a minute of readings and what they say about how the meter is connected. Loaded when asked for.

Metering goes on: these readings are taken between its own, of everything that the meter shows.
"""

from collections import OrderedDict

from voltnode.bus.meter import Meter, MeterError
from voltnode.console.commands import RefusedError
from voltnode.console.reading_rows import reading_rows
from voltnode.console.wiring_evidence import Evidence
from voltnode.console.wiring_rules import READINGS, judge
from voltnode.meters import DETAIL

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from voltnode.console.commands import Answer, Context
    from voltnode.console.wiring_evidence import Phase
    from voltnode.console.wiring_rules import Diagnosis

_LOOK_MS = 50
_PACE_MS = 1000
_SAY_MS = 10_000
_LIMITS = {"meter": (0, 31), "seconds": (5, 300), "fuse": (1, 1000), "load": (100, 30_000)}
_USAGE = "wiring [meter=0] [seconds=60] [fuse=A] [load=W] [pv=yes|no]: fuse of the main switch, load that is switched meanwhile"


async def wiring(context: "Context", argument: str) -> "Answer":
    """`wiring`. Raises RefusedError."""
    options = _options(argument)
    await _say(
        context, "Switch a large load on and off, on each phase if you can: more can be said then. A key ends it."
    )
    samplers = context.node.metering.samplers
    if options["meter"] >= len(samplers):
        raise RefusedError("no_such_meter", "a number from 0 to %d" % (len(samplers) - 1))
    read = samplers[options["meter"]].meter
    meter = Meter(read.bus, read.table, read.unit, DETAIL)
    evidence = Evidence([register.quantity for register in meter.table.registers])
    missed = await _collect(context, meter, evidence, options["seconds"] * 1000)
    if evidence.readings < READINGS:
        raise RefusedError(
            "too_few_readings", "%d came, %d failed, %d are needed" % (evidence.readings, missed, READINGS)
        )
    feeds = {"yes": True, "no": False}.get(str(options["pv"]))
    diagnosis = judge(evidence, options["fuse"], options["load"], feeds)
    return _answer(context, evidence, diagnosis, missed)


def _options(argument: str) -> "dict[str, Any]":
    """What stands behind the command. Raises RefusedError."""
    options: dict[str, Any] = {"meter": 0, "seconds": 60, "fuse": 0, "load": 0, "pv": ""}
    for word in argument.split():
        name, _, value = word.partition("=")
        if name == "pv" and value in ("yes", "no"):
            options[name] = value
            continue
        low, high = _LIMITS.get(name, (1, 0))
        if not value.isdigit() or len(value) > 5 or not low <= int(value) <= high:
            raise RefusedError("option_invalid", _USAGE)
        options[name] = int(value)
    return options


async def _collect(context: "Context", meter: Meter, evidence: Evidence, duration_ms: int) -> int:
    """Takes readings for so long, or until a key is pressed. How many failed. Raises RefusedError when none comes."""
    board = context.node.board
    began_ms = said_ms = board.now_ms()
    due_ms, missed = began_ms, 0
    while not context.pressed() and board.now_ms() - began_ms < duration_ms:
        if board.now_ms() < due_ms:
            await board.sleep_ms(min(_LOOK_MS, due_ms - board.now_ms()))
            continue
        due_ms = board.now_ms() + _PACE_MS
        try:
            reading = await meter.read()
        except MeterError as error:
            missed += 1
            if missed >= READINGS and not evidence.readings:
                raise RefusedError("no_reading", str(error))
        else:
            evidence.take({row[0]: row[4] for row in reading_rows(reading)})
        if board.now_ms() - said_ms >= _SAY_MS:
            said_ms = board.now_ms()
            await _say(
                context,
                "%d of %d s, %d readings" % ((said_ms - began_ms) // 1000, duration_ms // 1000, evidence.readings),
            )
    return missed


async def _say(context: "Context", text: str) -> None:
    """A line of progress; a tool takes one object and nothing else."""
    if not context.as_json:
        await context.say(text)


def _answer(context: "Context", evidence: Evidence, diagnosis: "Diagnosis", missed: int) -> "Answer":
    """For a tool as names and values, for a person in sentences."""
    rows: list[tuple[str, object]] = [
        ("verdict", diagnosis.verdict()),
        ("readings", evidence.readings),
        ("failed", missed),
    ]
    if context.as_json:
        rows.append(("findings", [_as_dict(finding) for finding in diagnosis.found]))
        rows.append(("open", [_as_dict(question) for question in diagnosis.open]))
    else:
        rows.append(("wrong", [_sentence(finding) for finding in diagnosis.found]))
        rows.append(("to settle", [_sentence(question) for question in diagnosis.open]))
    rows.append(("cannot_tell", diagnosis.cannot))
    rows.append(("phases", [_figures(phase) for phase in evidence.phases]))
    return rows


def _as_dict(finding: "tuple[str, str, str, str, str]") -> "dict[str, str]":
    names = ("what", "phase", "confidence", "text", "check")
    return OrderedDict([(names[i], finding[i]) for i in range(5)])


def _sentence(finding: "tuple[str, str, str, str, str]") -> str:
    _, _, confidence, text, check = finding
    return "%s%s. Check: %s" % (text, " (%s)" % confidence if confidence else "", check)


def _figures(phase: "Phase") -> "dict[str, object]":
    """What it is based on."""
    row: dict[str, object] = OrderedDict([("phase", phase.name or "L1")])
    for name, unit in (
        ("voltage", "mv"),
        ("current", "ma"),
        ("power", "w"),
        ("reactive_power", "var"),
        ("apparent", "va"),
    ):
        row[name + "_" + unit] = phase.mean(name)
    row["power_factor_permille"] = phase.factor_permille()
    row["steps"] = phase.steps
    return row
