"""Electricity meters as data: a table for each model says which register holds what, and how it is read.

A new model is one module beside this one with a `TABLE`, a line in `NAMES`, and a vector file in tests/vectors/meters.
Tables hold facts only; `decode` turns words into integers and `plan` registers into requests. The simulated meter
serves the same tables.

Values are integers in milli-units, or Wh: raw x numerator / denominator, rounded to the nearest. Positive power is
import from the grid. Addresses count from 0, as on the wire.
"""

NAMES = ("eastron_sdm630",)
"""The models there are tables for, by the names of their modules."""

WORDS = {"int16": 1, "uint16": 1, "int32": 2, "uint32": 2, "int64": 4, "uint64": 4, "float32": 2}
"""Registers that a value of each kind takes."""

REQUIRED, OPTIONAL, DETAIL = 0, 1, 2
"""Without it a reading fails; read where the meter has it; read only when a technician asks."""

LIMITS = {
    "Wh": (0, 10**13),
    "mW": (-(10**10), 10**10),
    "mvar": (-(10**10), 10**10),
    "mV": (0, 10**6),
    "mA": (-(10**7), 10**7),
    "mHz": (0, 10**5),
    "permille": (-1000, 1000),
}
"""What can be true, by unit. A value outside is an error of the meter or of the line."""


class Register:
    """One quantity and where it stands.

    Attributes:
        quantity: what it is; ends in `_l1`, `_l2`, `_l3` or `_total` where there are several.
        function: 3 for holding registers, 4 for input registers.
        address: of its first word, from 0.
        kind: a key of `WORDS`.
        numerator, denominator: raw x numerator / denominator is the value in `unit`.
        unit: a key of `LIMITS`.
        need: `REQUIRED`, `OPTIONAL` or `DETAIL`.
    """

    def __init__(
        self,
        quantity: str,
        function: int,
        address: int,
        kind: str,
        numerator: int,
        denominator: int,
        unit: str,
        need: int,
    ) -> None:
        self.quantity = quantity
        self.function = function
        self.address = address
        self.kind = kind
        self.numerator = numerator
        self.denominator = denominator
        self.unit = unit
        self.need = need


class MeterTable:
    """What is known of a model.

    Attributes:
        verified: whether independent sources agree on it and it has vectors; others are off until somebody says so.
        little: whether the least significant word comes first.
        max_registers: most registers in one request.
        max_gap: most registers without a meaning that may be read over to join two requests.
        resolution_wh: smallest step of the energy registers.
        baud, parity, stop_bits, unit: as it comes from the factory; parity is N, E or O.
        registers: in the order of their addresses.
        serial: (function, address, kind) of the serial number.
    """

    def __init__(
        self,
        name: str,
        vendor: str,
        model: str,
        verified: bool,
        little: bool,
        max_registers: int,
        max_gap: int,
        resolution_wh: int,
        baud: int,
        parity: str,
        stop_bits: int,
        unit: int,
        registers: "tuple[Register, ...]",
        serial: "tuple[int, int, str]",
    ) -> None:
        self.name = name
        self.vendor = vendor
        self.model = model
        self.verified = verified
        self.little = little
        self.max_registers = max_registers
        self.max_gap = max_gap
        self.resolution_wh = resolution_wh
        self.baud = baud
        self.parity = parity
        self.stop_bits = stop_bits
        self.unit = unit
        self.registers = registers
        self.serial = serial


def load(name: str) -> MeterTable:
    """The table of a model in `NAMES`; only what is asked for takes memory. Raises: `ValueError` for another name."""
    if name not in NAMES:
        raise ValueError("no meter table '%s'; there are: %s" % (name, ", ".join(NAMES)))
    module = __import__("voltnode.meters." + name, None, None, ("TABLE",))
    table: MeterTable = module.TABLE
    return table
