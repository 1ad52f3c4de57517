"""Chint DDSU666.

- Sources disagree on function code: Tasmota reads with 4, field notes and the three-phase sister with 3; probe 3 then 4.
- Power is in kW and kvar.
- The DDSU666-H for Huawei has another map.
- Sources disagree: Tasmota uses 8N1, a field note uses 8N2; receivers accept both, so send 8N2 if in doubt
- power_total: raw kW
- energy_import: raw kWh
- energy_export: raw kWh; single source
"""

from voltnode.meters import DETAIL, OPTIONAL, REQUIRED, MeterTable, Register


def _register(quantity: str, address: int, kind: str, numerator: int, unit: str, need: int = OPTIONAL) -> Register:
    return Register(quantity, 3, address, kind, numerator, 1, unit, need)


TABLE = MeterTable(
    name="chint_ddsu666",
    vendor="Chint",
    model="DDSU666",
    verified=False,
    little=False,
    max_registers=125,
    max_gap=16,
    resolution_wh=1,
    baud=9600,
    parity="N",
    stop_bits=1,
    unit=1,
    registers=(
        _register("voltage", 0x2000, "float32", 1000, "mV"),
        _register("current", 0x2002, "float32", 1000, "mA"),
        _register("power_total", 0x2004, "float32", 1000000, "mW", REQUIRED),
        _register("reactive_power_total", 0x2006, "float32", 1000000, "mvar", DETAIL),
        _register("power_factor", 0x200A, "float32", 1000, "permille"),
        _register("frequency", 0x200E, "float32", 1000, "mHz"),
        _register("energy_import", 0x4000, "float32", 1000, "Wh", REQUIRED),
        _register("energy_export", 0x400A, "float32", 1000, "Wh", REQUIRED),
    ),
    serial=None,
)
