"""SunSpec meters, models 201 to 204 (integers) and 211 to 214 (float32): they say themselves where their registers are.

At one of three addresses stands 'SunS'; from there a chain of models, each with its number and length, up to the number
0xFFFF. The common model (1) holds the serial number. In the integer models a value is raw x 10^sf, and sf has a register
of its own, which is read together with the values. (SunSpec Device Information Model Specification, models 1, 201-204 and
211-214; offsets include the two words of the header.)

- The sign of the power is left to the maker: at installation a known load must show as import.
- 0 in an energy register also means that the meter does not count there: nothing accumulated is 0 either way.
"""

from voltnode.meters import OPTIONAL, REQUIRED, SUNSPEC, Finding, MeterTable, Register

TYPE_CHECKING = False
if TYPE_CHECKING:
    from voltnode.meters import Search

BASES = (40000, 50000, 0)
"""Where the chain may begin, in the order in which it is looked for."""

COMMON_MODEL, END_MODEL = 1, 0xFFFF
INTEGER_MODELS, FLOAT_MODELS = (201, 202, 203, 204), (211, 212, 213, 214)
SERIAL_OFFSET = 50
"""Of the serial number in the common model."""

_MARKER = b"SunS"
_COMMON_LENGTH, _INTEGER_LENGTH, _FLOAT_LENGTH = 65, 105, 124
"""Words behind the header; the common model is at times one longer. A shorter one is not what it says."""

_MAX_MODELS = 64
_READ = 3

_INTEGER_POINTS = (
    ("current", 3, 6, 1000, "mA"),
    ("voltage", 8, 15, 1000, "mV"),
    ("frequency", 16, 17, 1000, "mHz"),
    ("power_total", 18, 22, 1000, "mW"),
    ("power", 19, 22, 1000, "mW"),
    ("power_factor_total", 33, 37, 10, "permille"),
    ("energy_export", 38, 54, 1, "Wh"),
    ("energy_import", 46, 54, 1, "Wh"),
)
"""Quantity, offset, offset of its power of ten, factor, unit. The power factor is in percent."""

_FLOAT_POINTS = (
    ("current", 4, 0, 1000, "mA"),
    ("voltage", 12, 0, 1000, "mV"),
    ("frequency", 26, 0, 1000, "mHz"),
    ("power_total", 28, 0, 1000, "mW"),
    ("power", 30, 0, 1000, "mW"),
    ("power_factor_total", 52, 0, 1000, "permille"),
    ("energy_export", 60, 0, 1, "Wh"),
    ("energy_import", 68, 0, 1, "Wh"),
)

_PER_PHASE = ("current", "voltage", "power")
_NEEDED = ("power_total", "energy_import", "energy_export")
_PHASES = {1: ("",), 2: ("_l1", "_l2"), 3: ("_l1", "_l2", "_l3"), 4: ("_l1", "_l2", "_l3")}


def find() -> "Search":
    """Looks for a meter: yields requests and is sent their words, None for a refusal. Its table, None without one."""
    for base in BASES:
        words = yield Finding(_READ, base, 2)
        if words == _MARKER:
            table = yield from _walk(base + 2)
            return table
    return None


def _walk(address: int) -> "Search":
    """Goes along the chain to the first meter. Never longer than `_MAX_MODELS`: a hostile chain may be a ring."""
    serial: tuple[int, int, str] | None = None
    for _ in range(_MAX_MODELS):
        words = yield Finding(_READ, address, 2)
        if words is None:
            return None
        model, length = words[0] << 8 | words[1], words[2] << 8 | words[3]
        after = address + 2 + length
        if model == END_MODEL or after > 0xFFFF - 2:
            return None
        if model == COMMON_MODEL and length >= _COMMON_LENGTH and serial is None:
            serial = (_READ, address + SERIAL_OFFSET, "text16")
        if (model in INTEGER_MODELS and length >= _INTEGER_LENGTH) or (
            model in FLOAT_MODELS and length >= _FLOAT_LENGTH
        ):
            return table_of(model, address, serial)
        address = after
    return None


def table_of(model: int, address: int, serial: "tuple[int, int, str] | None") -> MeterTable:
    """The table of a meter model whose header stands at `address`."""
    floats = model in FLOAT_MODELS
    scales: list[int] = []
    registers: list[Register] = []
    for quantity, offset, scale, factor, unit in _FLOAT_POINTS if floats else _INTEGER_POINTS:
        kind, words = _kind(floats, unit)
        need = REQUIRED if quantity in _NEEDED else OPTIONAL
        phases = _PHASES[model % 10] if quantity in _PER_PHASE else ("",)
        for i in range(len(phases)):
            at, scaled_by = address + offset + i * words, address + scale if scale else -1
            registers.append(Register(quantity + phases[i], _READ, at, kind, factor, 1, unit, need, scaled_by))
        if scale and scale not in scales:
            scales.append(scale)
    for scale in scales:
        registers.append(Register("scale_%d" % scale, _READ, address + scale, "sunssf", 1, 1, "scale", OPTIONAL))
    return MeterTable(
        name="sunspec",
        vendor="SunSpec",
        model="model %d" % model,
        verified=True,
        little=False,
        max_registers=125,
        max_gap=24,
        resolution_wh=1,
        baud=9600,
        parity="N",
        stop_bits=1,
        unit=1,
        registers=tuple(registers),
        serial=serial,
        missing=SUNSPEC,
        disputed=("power_total",),
        find=find,
    )


def _kind(floats: bool, unit: str) -> "tuple[str, int]":
    if floats:
        return "float32", 2
    return ("uint32", 2) if unit == "Wh" else ("int16", 1)


TABLE = MeterTable(
    name="sunspec",
    vendor="SunSpec",
    model="models 201-204, 211-214",
    verified=True,
    little=False,
    max_registers=125,
    max_gap=24,
    resolution_wh=1,
    baud=9600,
    parity="N",
    stop_bits=1,
    unit=1,
    registers=(),
    serial=None,
    missing=SUNSPEC,
    disputed=("power_total",),
    find=find,
)
