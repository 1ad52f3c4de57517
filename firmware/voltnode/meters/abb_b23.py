"""ABB B23 / B24.

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
    name="abb_b23",
    vendor="ABB",
    model="B23 / B24",
    verified=True,
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
        _register("energy_import_l1", 0x5460, "uint64", 10, "Wh", DETAIL),
        _register("energy_import_l2", 0x5464, "uint64", 10, "Wh", DETAIL),
        _register("energy_import_l3", 0x5468, "uint64", 10, "Wh", DETAIL),
        _register("energy_export_l1", 0x546C, "uint64", 10, "Wh", DETAIL),
        _register("energy_export_l2", 0x5470, "uint64", 10, "Wh", DETAIL),
        _register("energy_export_l3", 0x5474, "uint64", 10, "Wh", DETAIL),
        _register("voltage_l1", 0x5B00, "uint32", 100, "mV"),
        _register("voltage_l2", 0x5B02, "uint32", 100, "mV"),
        _register("voltage_l3", 0x5B04, "uint32", 100, "mV"),
        _register("current_l1", 0x5B0C, "uint32", 10, "mA"),
        _register("current_l2", 0x5B0E, "uint32", 10, "mA"),
        _register("current_l3", 0x5B10, "uint32", 10, "mA"),
        _register("power_total", 0x5B14, "int32", 10, "mW", REQUIRED),
        _register("power_l1", 0x5B16, "int32", 10, "mW"),
        _register("power_l2", 0x5B18, "int32", 10, "mW"),
        _register("power_l3", 0x5B1A, "int32", 10, "mW"),
        _register("reactive_power_total", 0x5B1C, "int32", 10, "mvar", DETAIL),
        _register("frequency", 0x5B2C, "uint16", 10, "mHz"),
        _register("power_factor_total", 0x5B3A, "int16", 1, "permille"),
        _register("power_factor_l1", 0x5B3B, "int16", 1, "permille", DETAIL),
        _register("power_factor_l2", 0x5B3C, "int16", 1, "permille", DETAIL),
        _register("power_factor_l3", 0x5B3D, "int16", 1, "permille", DETAIL),
    ),
    serial=(3, 0x8900, "uint32"),
    missing=ALL_ONES,
    single_source=("reactive_power_total",),
    sign=(3, 0x8960, 2, 0x42323320, 0x42323420),
)
