"""Kinds of registers, and what their values can be: what is left of a meter's table once it is in use.

`voltnode.meters` has the tables.
"""

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
