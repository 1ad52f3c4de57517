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

from voltnode.registers import ALL_ONES, DETAIL, LIMITS, NEVER, OPTIONAL, REQUIRED, SUNSPEC, WORDS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from typing import NamedTuple

__all__ = (
    "ALL_ONES",
    "DETAIL",
    "LIMITS",
    "NAMES",
    "NEVER",
    "OPTIONAL",
    "REQUIRED",
    "SUNSPEC",
    "UNVERIFIED",
    "WORDS",
    "Finding",
    "MeterTable",
    "Register",
    "load",
)

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

    class MeterTable(NamedTuple):
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

        name: str
        vendor: str
        model: str
        verified: bool
        little: bool
        max_registers: int
        max_gap: int
        resolution_wh: int
        baud: int
        parity: str
        stop_bits: int
        unit: int
        registers: tuple[Register, ...]
        serial: tuple[int, int, str] | None
        missing: int = NEVER
        limits: dict[str, tuple[int, int]] = {}
        disputed: tuple[str, ...] = ()
        single_source: tuple[str, ...] = ()
        max_power_w: int = 0
        find: "Callable[[], Search] | None" = None
        sign: tuple[int, int, int, int, int] | None = None

    Search = Generator[Finding, bytes | None, "MeterTable | None"]
else:
    # A tuple with names takes a third of an object's memory, and a meter has thirty of them.
    _FIELDS = ("quantity", "function", "address", "kind", "numerator", "denominator", "unit", "need", "scale")
    _Register = namedtuple("Register", _FIELDS)  # noqa: PYI024 - the board has no typing
    Finding = namedtuple("Finding", ("function", "address", "words"))  # noqa: PYI024 - as above
    _MORE = {
        "missing": NEVER,
        "limits": {},
        "disputed": (),
        "single_source": (),
        "max_power_w": 0,
        "find": None,
        "sign": None,
    }
    _GIVEN = (
        "name",
        "vendor",
        "model",
        "verified",
        "little",
        "max_registers",
        "max_gap",
        "resolution_wh",
        "baud",
        "parity",
        "stop_bits",
        "unit",
        "registers",
        "serial",
    )
    _Table = namedtuple("MeterTable", _GIVEN + tuple(_MORE))  # noqa: PYI024 - as above

    def Register(quantity, function, address, kind, numerator, denominator, unit, need, scale=-1):  # noqa: N802
        """See above: MicroPython's named tuples have no defaults."""
        return _Register(quantity, function, address, kind, numerator, denominator, unit, need, scale)

    def MeterTable(**fields):  # noqa: N802
        """See above."""
        return _Table(*[fields[name] if name in fields else _MORE[name] for name in _GIVEN + tuple(_MORE)])


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
