"""Finder 7M.24.

- Total power and frequency exist twice: in the averaged block (2490 power, 2498 frequency; star.ke.st) and in the per-
  phase block (2536 power, 2584 frequency; mbmd).
- Energy registers 2752.. are counters n1..n4 whose meaning is configurable; mbmd takes n1=import active, n2=import
  reactive, n3=export active, n4=export reactive in Wh. Read the counter configuration before billing.
- Addresses are 3xxxx numbers minus 30000 (model text at 30001 onward).
- Factory setting not found; request examples in the vendor document use slave 0x21 = 33: probe.
- energy_import: configurable counter n1
- energy_export: configurable counter n3
"""

from voltnode.meters import DETAIL, OPTIONAL, REQUIRED, MeterTable, Register


def _register(quantity: str, address: int, kind: str, numerator: int, unit: str, need: int = OPTIONAL) -> Register:
    return Register(quantity, 4, address, kind, numerator, 1, unit, need)


TABLE = MeterTable(
    name="finder_7m24",
    vendor="Finder",
    model="7M.24",
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
        _register("voltage", 0x09C4, "float32", 1000, "mV"),
        _register("current", 0x09D4, "float32", 1000, "mA"),
        _register("power_total", 0x09E8, "float32", 1000, "mW", REQUIRED),
        _register("reactive_power_total", 0x09F0, "float32", 1000, "mvar", DETAIL),
        _register("power_factor", 0x0A00, "float32", 1000, "permille"),
        _register("frequency", 0x0A18, "float32", 1000, "mHz"),
        _register("energy_import", 0x0AC0, "float32", 1, "Wh", REQUIRED),
        _register("energy_export", 0x0AC4, "float32", 1, "Wh", REQUIRED),
    ),
    serial=None,
)
