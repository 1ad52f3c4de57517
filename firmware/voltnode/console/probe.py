"""Console: looks for meters whose settings nobody knows. Loaded when asked for.

`meter probe [ADDRESSES] [BAUD] [all]` tries speeds, parities and addresses on the RS-485 bus, the usual ones first, and ends
with the line settings under which somebody answered; `all` goes on. `meter probe HOST:PORT [ADDRESSES]` asks a Modbus TCP
meter or gateway. Each request takes the bus for a moment only, in the settings it is to try; in between the meters that
are configured are read as before. Nothing is changed: the answer says what `config set` would be.
"""

from collections import OrderedDict

from voltnode.bus.once import ask_once
from voltnode.bus.outcome import BusError
from voltnode.config import ConfigError
from voltnode.console.commands import RefusedError
from voltnode.on_demand import call

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from voltnode.bus.master import Bus, Line
    from voltnode.console.commands import Answer, Context
    from voltnode.console.recognise import Ask

RTU = "rtu"
_MAX_UNIT = 247
_BAUDS = (9600, 2400, 19_200, 4800, 38_400, 115_200, 57_600, 1200)
_PARITIES = ("N", "E", "O")
_USUAL_UNITS = list(range(1, 11)) + [33]
_FIRST = (4, 3)
"""Functions with which a unit is asked whether it is there; a refusal is an answer too."""
_WAIT_MS = 200
_USAGE = "meter probe [ADDRESSES] [BAUD] [all], ADDRESSES as 1-10 or 1,5,33; or meter probe HOST:PORT [ADDRESSES]"


async def probe(context: "Context", argument: str) -> "Answer":
    """`meter probe`. Raises RefusedError."""
    units, baud, where, every = _wanted(argument)
    found: list[dict[str, Any]] = []
    tried = 0
    if where:
        tried = await _network(context, where, units or [1], found)
    else:
        bus = context.node.metering.bus
        for line in _lines(bus.line, baud):
            await _say(context, "%s: addresses %s" % (_named(line), _ranges(units or _USUAL_UNITS)))
            tried += await _line(context, line, units or _USUAL_UNITS, found)
            if context.typed() or (found and not every):
                break
    stopped = context.pressed()
    return [("found", found), ("tried", tried), ("stopped", stopped), ("set", [_advice(row) for row in found])]


def _wanted(argument: str) -> "tuple[list[int], int, str, bool]":
    """(addresses, speed, HOST:PORT, whether to go on) of what stands behind the command. Raises RefusedError."""
    units: list[int] = []
    baud, where, every = 0, "", False
    for word in argument.split():
        if word == "all":
            every = True
        elif ":" in word:
            try:
                call("voltnode.settings", "place", word)
            except ConfigError:
                raise RefusedError("option_invalid", _USAGE)
            where = word
        elif word.isdigit() and len(word) < 7 and int(word) in _BAUDS:
            baud = int(word)
        else:
            units += _units(word)
    return units, baud, where, every


def _units(word: str) -> "list[int]":
    units: list[int] = []
    for part in word.split(","):
        first, dash, last = part.partition("-")
        last = last if dash else first
        if not (first.isdigit() and last.isdigit() and len(last) < 4 and 0 < int(first) <= int(last) <= _MAX_UNIT):
            raise RefusedError("option_invalid", _USAGE)
        units += range(int(first), int(last) + 1)
    return units


def _lines(usual: "Line", baud: int) -> "list[Line]":
    """What to try, as the line is now first. A line without a speed (a pty) has no others unless one is asked for."""
    if not usual[0] and not baud:
        return [usual]
    bauds = (baud,) if baud else _BAUDS
    lines: list[Line] = [usual] if usual[0] in bauds else []
    return lines + [(speed, parity, 1) for speed in bauds for parity in _PARITIES if (speed, parity, 1) != usual]


async def _line(context: "Context", line: "Line", units: "list[int]", found: "list[dict[str, Any]]") -> int:
    """Asks the units on a line: how many requests looked for one. Raises RefusedError where there is no port."""
    bus: Bus = context.node.metering.bus
    tried = 0

    async def ask(unit: int, function: int, address: int, count: int) -> "bytes | None":
        try:
            return await ask_once(bus, line, _WAIT_MS, (unit, function, address, count))
        except OSError:
            raise RefusedError("port", "the RS-485 port is not there")

    read_here = _read_here(context) if line == bus.line else {}
    for unit in units:
        if context.typed():
            break
        if unit in read_here:
            model, verified = read_here[unit]
            row = _row(unit, [model], True, "", verified)
        else:
            tried += 1
            if not await _is_there(ask, unit):
                continue
            await _say(context, "%s: address %d answers" % (_named(line), unit))
            row = await _recognised(context, ask, unit)
        row.update([("where", RTU), ("baud", line[0]), ("parity", line[1]), ("stop_bits", line[2])])
        found.append(row)
    return tried


async def _network(context: "Context", where: str, units: "list[int]", found: "list[dict[str, Any]]") -> int:
    """Asks the units at a host and port."""
    from voltnode.bus.tcp import TcpBus

    board = context.node.board
    bus = TcpBus(board.connect, board, *call("voltnode.settings", "place", where))

    async def ask(unit: int, function: int, address: int, count: int) -> "bytes | None":
        try:
            return await bus.read(unit, function, address, count)
        except BusError as error:
            if error.reason == "port":
                raise RefusedError("port", "nobody takes a connection at " + where)
            return b"" if error.reason == "exception" else None

    try:
        for unit in units:
            if not context.typed() and await _is_there(ask, unit):
                row = await _recognised(context, ask, unit)
                row["where"] = where
                found.append(row)
    finally:
        bus.close()
    return len(units)


async def _recognised(context: "Context", ask: "Ask", unit: int) -> "dict[str, Any]":
    from voltnode.console.recognise import recognise

    return _row(unit, *await recognise(ask, context.node.board, unit, context.typed))


def _row(unit: int, models: "list[str]", certain: bool, serial: str, verified: bool) -> "dict[str, Any]":
    """What a probe says of a meter that answered."""
    model = models[0] if models and (certain or len(models) == 1) else None
    row: dict[str, Any] = OrderedDict([("unit", unit), ("model", model)])
    row.update([("candidates", [] if model else models), ("serial", serial), ("verified", bool(model) and verified)])
    return row


async def _is_there(ask: "Ask", unit: int) -> bool:
    for function in _FIRST:
        if await ask(unit, function, 0, 2) is not None:
            return True
    return False


def _read_here(context: "Context") -> "dict[int, tuple[str, bool]]":
    """Meters that are configured on this bus and answer: by address their models, and whether they are checked ones."""
    meters = context.node.board.settings["meters"]
    here = {}
    for sampler in context.node.metering.samplers:
        if meters[sampler.index]["where"] == RTU and sampler.latest is not None and not sampler.error:
            meter = meters[sampler.index]
            here[sampler.meter.unit] = meter["model"], not meter["accept_unverified"]
    return here


async def _say(context: "Context", text: str) -> None:
    if not context.as_json:
        await context.say(text)


def _named(line: "Line") -> str:
    return "%d Bd %s%d" % line if line[0] else "this line"


def _ranges(units: "list[int]") -> str:
    """1-10,33 of 1, 2, ... 10, 33."""
    parts: list[list[int]] = []
    for unit in units:
        if parts and parts[-1][1] == unit - 1:
            parts[-1][1] = unit
        else:
            parts.append([unit, unit])
    return ",".join(["%d-%d" % (first, last) if first < last else "%d" % first for first, last in parts])


def _advice(row: "dict[str, Any]") -> str:
    """What to type to have this meter read."""
    model = row["model"] or "|".join(row["candidates"]) or "MODEL"
    more = "" if row["verified"] or not row["model"] else ",unverified"
    line = "baud=%d parity=%s stop_bits=%d " % (row["baud"], row["parity"], row["stop_bits"]) if row.get("baud") else ""
    return "config set PIN %smeter.0=%s,%d,%s%s" % (line, model, row["unit"], row["where"], more)
