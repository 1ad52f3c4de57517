"""Electricity meters as data: a table for each model says which register holds what, and how it is read.

A new model is one module beside this one with a `TABLE`, a line in `NAMES`, and a vector file in tests/vectors/meters:
README.md here tells how. Tables hold facts only; `decode` turns words into integers, `plan` registers into requests, and
`jumps` tells what a meter cannot have counted. The simulated meter serves the same tables.

Values are integers in milli-units, or Wh: raw x numerator / denominator, rounded to the nearest. Positive power is
import from the grid. Addresses count from 0, as on the wire. What a table's maker knows beyond that - where sources
disagree, what to check when it is installed - stands in its docstring: the installer's list shows it, and the board,
which has no docstrings, does not carry it.
"""

from collections import namedtuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from typing import NamedTuple

NAMES = (
    "abb_b23",
    "carlo_gavazzi_em24",
    "carlo_gavazzi_em340",
    "chint_dtsu666",
    "eastron_sdm120",
    "eastron_sdm230",
    "eastron_sdm630",
    "eastron_sdm72d_m_v2",
    "schneider_iem3155",
    "sunspec",
)
"""The models with vectors, by the names of their modules."""

UNVERIFIED = (
    "abb_b21",
    "carlo_gavazzi_em111",
    "carlo_gavazzi_em24_e1",
    "chint_ddsu666",
    "eastron_sdm72d_m_v1",
    "finder_7m24",
    "finder_7m38",
    "janitza_umg104",
    "janitza_umg604",
    "janitza_umg604_map_b",
    "schneider_iem2155",
)
"""Models that nobody has checked: off until somebody says so."""

WORDS = {
    "int16": 1,
    "uint16": 1,
    "int32": 2,
    "uint32": 2,
    "int64": 4,
    "uint64": 4,
    "float32": 2,
    "thousandths": 4,
    "sunssf": 1,
    "text7": 7,
    "text16": 16,
}
"""Registers that a value of each kind takes. `sunssf` is a power of ten, for the registers that name it;
`thousandths` are two int32, whole units and then thousandths, as one number."""

REQUIRED, OPTIONAL, DETAIL = 0, 1, 2
"""Without it a reading fails; read where the meter has it; read only when a technician asks."""

NEVER, ALL_ONES, SUNSPEC = 0, 1, 2
"""What a meter puts into an integer register that it does not have: nothing; the greatest number of the kind; SunSpec's
0x8000 or 0xFFFF and their like."""

LIMITS = {
    "Wh": (0, 10**13),
    "mW": (-(10**10), 10**10),
    "mvar": (-(10**10), 10**10),
    "mVA": (-(10**10), 10**10),
    "mV": (0, 10**6),
    "mA": (-(10**7), 10**7),
    "mHz": (0, 10**5),
    "permille": (-1000, 1000),
    "scale": (-10, 10),
    "order": (-1, 0),
}
"""What can be true, by unit. A value outside is an error of the meter or of the line."""

if TYPE_CHECKING:

    class Register(NamedTuple):
        """One quantity and where it stands.

        Attributes:
            quantity: what it is; ends in `_l1`, `_l2`, `_l3` or `_total` where there are several.
            function: 3 for holding registers, 4 for input registers.
            address: of its first word, from 0.
            kind: a key of `WORDS`.
            numerator, denominator: raw x numerator / denominator is the value in `unit`.
            unit: a key of `LIMITS`.
            need: `REQUIRED`, `OPTIONAL` or `DETAIL`.
            scale: the address of the power of ten that also multiplies it; -1 without one.
        """

        quantity: str
        function: int
        address: int
        kind: str
        numerator: int
        denominator: int
        unit: str
        need: int
        scale: int = -1

    class Finding(NamedTuple):
        """A request that looks for the meter's registers: function, address, and how many words."""

        function: int
        address: int
        words: int

    Search = Generator[Finding, bytes | None, "MeterTable | None"]
else:
    # A tuple with names takes a third of an object's memory, and a meter has thirty of them.
    _FIELDS = ("quantity", "function", "address", "kind", "numerator", "denominator", "unit", "need", "scale")
    _Register = namedtuple("Register", _FIELDS)  # noqa: PYI024 - the board has no typing
    Finding = namedtuple("Finding", ("function", "address", "words"))  # noqa: PYI024 - as above

    def Register(quantity, function, address, kind, numerator, denominator, unit, need, scale=-1):  # noqa: N802
        """See above: MicroPython's named tuples have no defaults."""
        return _Register(quantity, function, address, kind, numerator, denominator, unit, need, scale)


class MeterTable:
    """What is known of a model.

    Attributes:
        verified: whether independent sources agree on it and it has vectors; others are off until somebody says so.
        little: whether the least significant word comes first.
        max_registers: most registers in one request.
        max_gap: most registers without a meaning that may be read over to join two requests.
        resolution_wh: smallest step of the energy registers.
        baud, parity, stop_bits, unit: as it comes from the factory; parity is N, E or O; baud 0 where nobody knows.
        registers: in any order; empty for a meter that says itself where they are, by `find`.
        serial: (function, address, kind) of the serial number; None where it cannot be asked for.
        missing: what stands in an integer register that the meter does not have: `NEVER`, `ALL_ONES` or `SUNSPEC`.
        limits: units with narrower `LIMITS` than others have.
        disputed: quantities of which sources disagree, to be compared with the display when it is installed.
        single_source: quantities that only one source knows.
        max_power_w: more cannot flow through it; 0 where it depends on the transformers.
        find: makes the search for the table of the very meter that is there; None where `registers` say it.
        sign: (function, address, words, least, most): what stands there, as one number, is between the two on this model
            and no other; None where no such register is known.
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
        serial: "tuple[int, int, str] | None",
        missing: int = NEVER,
        limits: "dict[str, tuple[int, int]] | None" = None,
        disputed: "tuple[str, ...]" = (),
        single_source: "tuple[str, ...]" = (),
        max_power_w: int = 0,
        find: "Callable[[], Search] | None" = None,
        sign: "tuple[int, int, int, int, int] | None" = None,
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
        self.missing = missing
        self.limits = limits or {}
        self.disputed = disputed
        self.single_source = single_source
        self.max_power_w = max_power_w
        self.find = find
        self.sign = sign


def load(name: str, unverified: bool = False) -> MeterTable:
    """The table of a model; only what is asked for takes memory.

    Args:
        name: one of `NAMES`; with `unverified` also one of `UNVERIFIED`.

    Raises:
        ValueError: for another name.
    """
    if name in UNVERIFIED and not unverified:
        raise ValueError("meter table '%s' is unverified: nobody has checked it against a meter" % name)
    if name not in NAMES + UNVERIFIED:
        raise ValueError("no meter table '%s'; there are: %s" % (name, ", ".join(NAMES)))
    module = __import__("voltnode.meters." + name, None, None, ("TABLE",))
    table: MeterTable = module.TABLE
    return table
