"""A meter on the bus: its readings in integers, by its table.

A reading is taken whole or not at all: a required quantity that is missing, no number, or beyond what can be true is an
error, never 0, and so are registers that moved as they cannot have (`voltnode.meters.jumps`). An optional one is left
out. A meter that refuses a block has it asked in halves from then on, until the register it does not have stands alone;
that one is never asked for again. A meter whose table is not known beforehand (SunSpec) is searched first, and again
when it refuses what it said it had.
"""

from voltnode.bus.frames import ILLEGAL_ADDRESS, ILLEGAL_VALUE
from voltnode.bus.outcome import BusError
from voltnode.bus.reading import Reading
from voltnode.meters.decode import BadValueError, float32_step, raw, scaled, text
from voltnode.meters.jumps import JumpGuard, Registers
from voltnode.on_demand import call, load, once
from voltnode.registers import LIMITS, OPTIONAL, REQUIRED, WORDS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from voltnode.bus import Reads
    from voltnode.bus.fine import FineCounters
    from voltnode.meters import MeterTable, Register
    from voltnode.meters.plan import Block

__all__ = ("NO_SERIAL", "Meter", "MeterError", "Reading")

NO_SERIAL = "none"
"""Of a meter that has no number to ask for."""
FINE = "_fine"
"""The ending of quantities with finer steps: `voltnode.bus.fine`."""
_PLAN = "voltnode.meters.plan"


class MeterError(Exception):
    """No reading.

    Attributes:
        reason: that of a `BusError`; or nan, infinite, range, missing, with the quantity; or jump: the energy registers
            moved as they cannot have.
        quantity: whose register it was; empty for an error of the bus.
    """

    def __init__(self, reason: str, quantity: str = "") -> None:
        super().__init__("%s %s" % (quantity, reason) if quantity else reason)
        self.reason = reason
        self.quantity = quantity


class Meter:
    """Reads one meter.

    Args:
        bus: `voltnode.bus.master.Bus` or `voltnode.bus.tcp.TcpBus`.
        table: what is known of its model.
        unit: its address on the bus; 0 for that of the table.
        most_needed: `DETAIL` also reads what only a technician wants to see.

    Attributes:
        table: of the model; once a SunSpec meter was found, of that very meter.
    """

    def __init__(self, bus: "Reads", table: "MeterTable", unit: int = 0, most_needed: int = OPTIONAL) -> None:
        self.bus = bus
        self.unit = unit or table.unit
        self._most_needed = most_needed
        self._fine: FineCounters | None = None
        self._blocks: list[Block] = []
        self._phases: tuple[str, ...] = ()
        self._use(table)
        self._guard = JumpGuard(table.max_power_w)

    async def read(self) -> Reading:
        """A reading of now. Raises: `MeterError`."""
        await self._find()
        raws: list[tuple[Block, bytes]] = []
        i = 0
        while i < len(self._blocks):
            block = self._blocks[i]
            try:
                data = await self.bus.read(self.unit, block.function, block.address, block.words)
            except BusError as error:
                if error.code not in (ILLEGAL_ADDRESS, ILLEGAL_VALUE):
                    raise MeterError(error.reason)
                self._blocks[i : i + 1] = self._without(block)
            else:
                raws.append((block, data))
                i += 1
        reading = self._decoded(self.bus.clock.now_ms(), raws)
        registers = Registers(reading.read_ms, reading.import_wh, reading.export_wh)
        if not self._guard.believes(registers, reading.resolution_wh, self.bus.clock.speed()):
            raise MeterError("jump")
        reading.level_is_new = self._guard.level_is_new
        return reading

    async def serial(self) -> str:
        """The serial number the meter says it has: decimal digits, or its characters. Raises: `MeterError`."""
        await self._find()
        if self.table.serial is None:
            return NO_SERIAL
        function, address, kind = self.table.serial
        try:
            data = await self.bus.read(self.unit, function, address, WORDS[kind])
        except BusError as error:
            raise MeterError(error.reason)
        return (text(data) or NO_SERIAL) if kind[0] == "t" else str(raw(data, 0, kind, self.table.little))

    async def _find(self) -> None:
        """Searches a meter whose registers are not known yet. Raises: `MeterError`."""
        if self._blocks or self.table.find is None:
            return
        self._use(await once("voltnode.bus.search", "search")(self.bus, self.unit, self.table.find()))

    def _use(self, table: "MeterTable") -> None:
        self.table = table
        self._blocks = call(_PLAN, "blocks", table, self._most_needed)
        self._phases = call(_PLAN, "phases", table)
        if any([register.quantity.endswith(FINE) for register in table.registers]):
            self._fine = load("voltnode.bus.fine", "FineCounters")()

    def _without(self, block: "Block") -> "list[Block]":
        """What is asked instead of a refused block. Raises: `MeterError` when nothing is left that could do without."""
        if self.table.find is not None:
            self._blocks = []
            raise MeterError("missing")
        if self._fine is not None and self._fine.used and block.registers[0].quantity.endswith(FINE):
            raise MeterError("exception", block.registers[0].quantity)
        halves: list[Block] = call(_PLAN, "halves", block)
        if not halves and block.registers[0].need == REQUIRED:
            raise MeterError("missing", block.registers[0].quantity)
        return halves

    def _decoded(self, read_ms: int, raws: "list[tuple[Block, bytes]]") -> Reading:
        """The reading that these words are. Raises: `MeterError`."""
        values: dict[str, int] = {}
        resolution_wh, counts_export = self.table.resolution_wh, False
        for block, data in raws:
            for register in block.registers:
                counts_export = counts_export or register.quantity == "energy_export"
                try:
                    values[register.quantity] = self._value(register, block, data)
                except BadValueError as error:
                    if register.need == REQUIRED or register.quantity == "energy_export":
                        raise MeterError(error.reason, register.quantity)
                else:
                    resolution_wh = max(resolution_wh, self._step_wh(register, block, data))
        if not counts_export:
            # A meter of one direction has no such register. It counts no export, which is not the same as a bad value.
            values["energy_export"] = 0
        if self._fine is not None:
            try:
                resolution_wh = self._fine.refine(values, resolution_wh, self.bus.clock.speed())
            except BadValueError as error:
                raise MeterError(error.reason, "energy" + FINE)
        return Reading(read_ms, resolution_wh, values, raws, self._phases)

    def _value(self, register: "Register", block: "Block", data: bytes) -> int:
        """A register's value. Raises: `BadValueError`."""
        numerator, denominator = self._ratio(register, block, data)
        table, at = self.table, 2 * (register.address - block.address)
        value = scaled(data, at, register.kind, table.little, numerator, denominator, table.missing)
        low, high = table.limits.get(register.unit) or LIMITS[register.unit]
        if not low <= value <= high:
            raise BadValueError("range")
        return value

    def _ratio(self, register: "Register", block: "Block", data: bytes) -> "tuple[int, int]":
        """What the raw value is multiplied and divided by. Raises: `BadValueError`."""
        numerator, denominator = register.numerator, register.denominator
        if register.scale >= 0:
            power = scaled(data, 2 * (register.scale - block.address), "sunssf", False, 1, 1, self.table.missing)
            low, high = LIMITS["scale"]
            if not low <= power <= high:
                raise BadValueError("range")
            numerator, denominator = numerator * 10 ** max(power, 0), denominator * 10 ** max(-power, 0)
        return numerator, denominator

    def _step_wh(self, register: "Register", block: "Block", data: bytes) -> int:
        """How coarse a total of energy is where it stands now; 0 for other quantities."""
        if register.need != REQUIRED or register.unit != "Wh":
            return 0
        numerator, denominator = self._ratio(register, block, data)
        if register.kind != "float32":
            return -(-numerator // denominator)
        at = 2 * (register.address - block.address)
        return float32_step(raw(data, at, register.kind, self.table.little), numerator, denominator)
