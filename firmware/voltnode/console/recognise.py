"""Which model a meter is: by a register that says so, else by which tables read sensibly. Loaded when a probe found one.

A sign (`MeterTable.sign`) is believed alone. Without one every table is tried in turn: it is a candidate where all it
requires is there, is a number, and voltage and frequency are those of a grid. Models with the same registers cannot be
told apart so; then all are named, and a person chooses by what stands on the case.
"""

from voltnode.bus.meter import Meter, MeterError
from voltnode.bus.outcome import BusError, Counters
from voltnode.meters import NAMES, UNVERIFIED
from voltnode.on_demand import call

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from voltnode.bus import Clock
    from voltnode.bus.meter import Reading
    from voltnode.meters import MeterTable

    Ask = Callable[[int, int, int, int], Awaitable[bytes | None]]
    """ask(unit, function, address, count): the words, empty for a refusal, None for nothing."""

_NOT, _POSSIBLE, _AT_A_GRID = 0, 1, 2
_ILLEGAL_ADDRESS = 2
_GRID_MV, _GRID_MHZ = (80_000, 300_000), (45_000, 65_000)


class Way:
    """A bus as a meter wants it, over the one way that found something. It remembers what it heard of signs."""

    def __init__(self, ask: "Ask", clock: "Clock") -> None:
        self.ask = ask
        self.clock = clock
        self._heard: dict[tuple[int, int, int], bytes] = {}

    def counters(self, _: int) -> Counters:
        """See `voltnode.bus.Reads`; what is tried is not counted."""
        return Counters()

    async def read(self, unit: int, function: int, address: int, count: int) -> bytes:
        """See `voltnode.bus.Reads`."""
        words = await self.ask(unit, function, address, count)
        if words is None:
            raise BusError("timeout")
        if not words:
            raise BusError("exception", _ILLEGAL_ADDRESS)
        return words

    async def sign(self, unit: int, function: int, address: int, count: int) -> bytes:
        """The words of a register that says the model; empty where there is none."""
        place = (function, address, count)
        if place not in self._heard:
            self._heard[place] = await self.ask(unit, *place) or b""
        return self._heard[place]


def table_of(name: str) -> "MeterTable":
    """A model's table, whether checked or not; only its object stays."""
    table: MeterTable = call("voltnode.meters", "load", name, True)
    return table


async def recognise(
    ask: "Ask", clock: "Clock", unit: int, stopped: "Callable[[], bool]"
) -> "tuple[list[str], bool, str, bool]":
    """(models that it may be, whether a sign said so, serial number as far as it is known, whether the first was checked)."""
    models, certain, serial = await _recognised(Way(ask, clock), unit, stopped)
    return models, certain, serial, bool(models) and models[0] in NAMES


async def _recognised(way: Way, unit: int, stopped: "Callable[[], bool]") -> "tuple[list[str], bool, str]":
    others: list[str] = []
    for name in NAMES + UNVERIFIED:
        table = table_of(name)
        if table.sign is None:
            others.append(name)
            continue
        function, address, count, low, high = table.sign
        words = await way.sign(unit, function, address, count)
        if words and low <= int.from_bytes(words, "big") <= high:
            return [name], True, await _serial(way, table, unit)
        if not words:
            # Builds differ: one that does not say what it is may be it all the same.
            others.append(name)
    likely: dict[int, list[str]] = {_AT_A_GRID: [], _POSSIBLE: [], _NOT: []}
    serial = ""
    for name in others:
        if stopped():
            break
        table = table_of(name)
        fits = await _reads(way, table, unit)
        likely[fits].append(name)
        if fits != _NOT:
            serial = serial or await _serial(way, table, unit)
            if table.find is not None:
                return [name], True, serial
    return likely[_AT_A_GRID] or likely[_POSSIBLE], False, serial


async def _reads(way: Way, table: "MeterTable", unit: int) -> int:
    try:
        return _sensible(await Meter(way, table, unit).read())
    except MeterError:
        return _NOT


def _sensible(reading: "Reading") -> int:
    """Whether this is a meter at a grid: some voltage or frequency says so and none otherwise; possible where none is known."""
    voltages = [value for value in reading.voltage_mv if value]
    rates = [reading.frequency_mhz] if reading.frequency_mhz is not None else []
    good = [_GRID_MV[0] <= value <= _GRID_MV[1] for value in voltages]
    good += [_GRID_MHZ[0] <= value <= _GRID_MHZ[1] for value in rates]
    if not all(good):
        return _NOT
    return _AT_A_GRID if good else _POSSIBLE


async def _serial(way: Way, table: "MeterTable", unit: int) -> str:
    try:
        return await Meter(way, table, unit).serial()
    except MeterError:
        return ""
