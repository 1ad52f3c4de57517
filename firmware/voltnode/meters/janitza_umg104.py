"""Janitza UMG 104.

- OpenEMS files 9851 as "production" and 9863 as "consumption" for the default orientation: which is import depends on
  CT direction; confirm by test.
- Whether the UMG 104 also serves the 19000 block was not verified.
- Not found: probe.
"""

from voltnode.meters import DETAIL, OPTIONAL, REQUIRED, MeterTable, Register


def _register(quantity: str, address: int, kind: str, numerator: int, unit: str, need: int = OPTIONAL) -> Register:
    return Register(quantity, 3, address, kind, numerator, 1, unit, need)


TABLE = MeterTable(
    name="janitza_umg104",
    vendor="Janitza",
    model="UMG 104",
    verified=False,
    little=False,
    max_registers=125,
    max_gap=16,
    resolution_wh=1,
    baud=0,
    parity="N",
    stop_bits=1,
    unit=1,
    registers=(
        _register("voltage_l1", 0x0525, "float32", 1000, "mV"),
        _register("voltage_l2", 0x0527, "float32", 1000, "mV"),
        _register("voltage_l3", 0x0529, "float32", 1000, "mV"),
        _register("current_l1", 0x052D, "float32", 1000, "mA"),
        _register("current_l2", 0x052F, "float32", 1000, "mA"),
        _register("current_l3", 0x0531, "float32", 1000, "mA"),
        _register("power_l1", 0x0535, "float32", 1000, "mW"),
        _register("power_l2", 0x0537, "float32", 1000, "mW"),
        _register("power_l3", 0x0539, "float32", 1000, "mW"),
        _register("reactive_power_l1", 0x053D, "float32", 1000, "mvar", DETAIL),
        _register("reactive_power_l2", 0x053F, "float32", 1000, "mvar", DETAIL),
        _register("reactive_power_l3", 0x0541, "float32", 1000, "mvar", DETAIL),
        _register("power_total", 0x0559, "float32", 1000, "mW", REQUIRED),
        _register("reactive_power_total", 0x055B, "float32", 1000, "mvar", DETAIL),
        _register("frequency", 0x059F, "float32", 1000, "mHz"),
        _register("energy_export", 0x267B, "float32", 1, "Wh", REQUIRED),
        _register("energy_import", 0x2687, "float32", 1, "Wh", REQUIRED),
    ),
    serial=None,
    disputed=(
        "energy_export",
        "energy_import",
    ),
)
