"""A meter on the bus: its readings in integers, by its table.

A reading is taken whole or not at all: a required quantity that is missing, no number, or beyond what can be true is an
error, never 0. An optional one is left out. A meter that refuses a block has it asked in halves from then on, until the
register it does not have stands alone; that one is never asked for again.
"""

from voltnode.bus.frames import ILLEGAL_ADDRESS
from voltnode.bus.master import BusError
from voltnode.meters import LIMITS, OPTIONAL, REQUIRED, WORDS
from voltnode.meters.decode import BadValueError, float32_step, raw, scaled
from voltnode.meters.plan import Block, blocks

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from voltnode.bus.master import Bus
    from voltnode.meters import MeterTable, Register

PHASES = ("_l1", "_l2", "_l3")


class MeterError(Exception):
    """No reading.

    Attributes:
        reason: that of a `BusError`; or nan, infinite, range, missing, with the quantity.
        quantity: whose register it was; empty for an error of the bus.
    """

    def __init__(self, reason: str, quantity: str = "") -> None:
        super().__init__("%s %s" % (quantity, reason) if quantity else reason)
        self.reason = reason
        self.quantity = quantity


class Reading:
    """What the meter showed at one time. Positive power is import from the grid.

    Energies are rounded to the nearest Wh, which gives back the counter of a meter that counts whole Wh and shows them
    as float32 kWh, up to 16,384 kWh; cutting off would lose 1 Wh every other time.

    Attributes:
        read_ms: transport time when it came.
        power_w, import_wh, export_wh: in all phases.
        resolution_wh: the step of the energy registers, which a float32 has more of the higher it counts.
        voltage_mv, current_ma, phase_power_w: by phase; empty where the meter does not say.
        frequency_mhz, power_factor_permille: None where the meter does not say.
    """

    def __init__(
        self, read_ms: int, resolution_wh: int, values: "dict[str, int]", raws: "list[tuple[Block, bytes]]"
    ) -> None:
        self.read_ms = read_ms
        self.resolution_wh = resolution_wh
        self.power_w = _watts(values["power_total"])
        self.import_wh = values["energy_import"]
        self.export_wh = values["energy_export"]
        self.voltage_mv = _by_phase(values, "voltage")
        self.current_ma = _by_phase(values, "current")
        self.phase_power_w = tuple([_watts(value) for value in _by_phase(values, "power")])
        # 0 Hz is what a meter shows that cannot measure it.
        self.frequency_mhz = values.get("frequency") or None
        self.power_factor_permille = values.get("power_factor_total", values.get("power_factor"))
        self._values = values
        self._raws = raws

    def rows(self) -> "Iterator[tuple[str, int, int, bytes, int | None, str]]":
        """For the technician: (quantity, function, address, raw words, value or None where it is bad, unit)."""
        for block, data in self._raws:
            for register in block.registers:
                at = block.offset(register)
                words = data[at : at + 2 * WORDS[register.kind]]
                value = self._values.get(register.quantity)
                yield register.quantity, register.function, register.address, words, value, register.unit


class Meter:
    """Reads one meter.

    Args:
        table: what is known of its model.
        unit: its address on the bus; 0 for that of the table.
        most_needed: `DETAIL` also reads what only a technician wants to see.
    """

    def __init__(self, bus: "Bus", table: "MeterTable", unit: int = 0, most_needed: int = OPTIONAL) -> None:
        self.bus = bus
        self.table = table
        self.unit = unit or table.unit
        self._blocks = blocks(table, most_needed)

    async def read(self) -> Reading:
        """A reading of now. Raises: `MeterError`."""
        raws: list[tuple[Block, bytes]] = []
        i = 0
        while i < len(self._blocks):
            block = self._blocks[i]
            try:
                data = await self.bus.read(self.unit, block.function, block.address, block.count)
            except BusError as error:
                if error.code != ILLEGAL_ADDRESS:
                    raise MeterError(error.reason)
                self._blocks[i : i + 1] = self._without(block)
            else:
                raws.append((block, data))
                i += 1
        return self._decoded(self.bus.clock.now_ms(), raws)

    async def serial(self) -> str:
        """The serial number the meter says it has, in decimal digits. Raises: `MeterError`."""
        function, address, kind = self.table.serial
        try:
            data = await self.bus.read(self.unit, function, address, WORDS[kind])
        except BusError as error:
            raise MeterError(error.reason)
        return str(raw(data, 0, kind, self.table.little))

    def _without(self, block: Block) -> "list[Block]":
        """What is asked instead of a refused block. Raises: `MeterError` when nothing is left that could do without."""
        halves = block.halves()
        if not halves and block.registers[0].need == REQUIRED:
            raise MeterError("missing", block.registers[0].quantity)
        return halves

    def _decoded(self, read_ms: int, raws: "list[tuple[Block, bytes]]") -> Reading:
        """The reading that these words are. Raises: `MeterError`."""
        values: dict[str, int] = {}
        resolution_wh = self.table.resolution_wh
        for block, data in raws:
            for register in block.registers:
                at = block.offset(register)
                try:
                    values[register.quantity] = self._value(register, data, at)
                except BadValueError as error:
                    if register.need == REQUIRED:
                        raise MeterError(error.reason, register.quantity)
                else:
                    resolution_wh = max(resolution_wh, self._step_wh(register, data, at))
        return Reading(read_ms, resolution_wh, values, raws)

    def _value(self, register: "Register", data: bytes, at: int) -> int:
        """The value at an offset. Raises: `BadValueError`."""
        value = scaled(data, at, register.kind, self.table.little, register.numerator, register.denominator)
        low, high = LIMITS[register.unit]
        if not low <= value <= high:
            raise BadValueError("range")
        return value

    def _step_wh(self, register: "Register", data: bytes, at: int) -> int:
        """How coarse a total of energy is where it stands now; 0 for other quantities."""
        if register.need != REQUIRED or register.unit != "Wh" or register.kind != "float32":
            return 0
        return float32_step(raw(data, at, register.kind, self.table.little), register.numerator, register.denominator)


def _by_phase(values: "dict[str, int]", quantity: str) -> "tuple[int, ...]":
    """The three phases, the only one, or nothing."""
    if quantity in values:
        return (values[quantity],)
    if all([quantity + phase in values for phase in PHASES]):
        return tuple([values[quantity + phase] for phase in PHASES])
    return ()


def _watts(value_mw: int) -> int:
    """Whole watts, rounded to the nearest, halves away from zero."""
    return (value_mw + 500) // 1000 if value_mw >= 0 else -((500 - value_mw) // 1000)
