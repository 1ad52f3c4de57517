"""ABB B21.

- Not-supported values read as all ones (unsigned) or 0x7FFF.. (signed): map to missing, never to a number.
- Single-phase B21 reports per-phase values as not supported; use the totals (Victron).
- Model text is readable as uint32 at 0x8960: 0x42323120 = "B21 ", 0x42323320 = "B23 ", 0x42323420 = "B24 ".
- Factory setting not found in any source read: probe.
- power_total: star.ke.st lists it unsigned; mbmd and Victron decode signed, which is needed for export
- reactive_power_total: single source; star.ke.st lists unsigned
- energy_import: raw 0.01 kWh
- energy_export: raw 0.01 kWh; all ones = not supported by this type
"""

from voltnode.meters import ALL_ONES, DETAIL, OPTIONAL, REQUIRED, MeterTable, Register


def _register(quantity: str, address: int, kind: str, numerator: int, unit: str, need: int = OPTIONAL) -> Register:
    return Register(quantity, 3, address, kind, numerator, 1, unit, need)


TABLE = MeterTable(
    name="abb_b21",
    vendor="ABB",
    model="B21",
    verified=False,
    little=False,
    max_registers=125,
    max_gap=16,
    resolution_wh=10,
    baud=0,
    parity="N",
    stop_bits=1,
    unit=1,
    registers=(
        _register("energy_import", 0x5000, "uint64", 10, "Wh", REQUIRED),
        _register("energy_export", 0x5004, "uint64", 10, "Wh", REQUIRED),
        _register("voltage", 0x5B00, "uint32", 100, "mV"),
        _register("current", 0x5B0C, "uint32", 10, "mA"),
        _register("power_total", 0x5B14, "int32", 10, "mW", REQUIRED),
        _register("reactive_power_total", 0x5B1C, "int32", 10, "mvar", DETAIL),
        _register("frequency", 0x5B2C, "uint16", 10, "mHz"),
        _register("power_factor_total", 0x5B3A, "int16", 1, "permille"),
    ),
    serial=(3, 0x8900, "uint32"),
    missing=ALL_ONES,
    sign=(3, 0x8960, 2, 0x42323120, 0x42323120),
)
