"""Eastron SDM72D-M (first version).

- Steps of 1 Wh (2697.348 kWh in a field log of an SDM230); the float step grows to 2 Wh above 16384
  kWh and 8 Wh above 65536 kWh, so bill on differences of raw readings and carry the remainder, never on rounded slot
  sums
- V1 serves only a few totals: mbmd lists power, import, export, total and says the device gives no voltage, so it
  cannot be auto-detected by voltage. sdm-modbus SDM72 lists the full V2 set: DISAGREE; treat everything but the four
  totals as absent.
- manufacturer manual lists "one stop bit, no parity" as default; one wiki says even
"""

from voltnode.meters import DETAIL, OPTIONAL, REQUIRED, MeterTable, Register


def _register(quantity: str, address: int, kind: str, numerator: int, unit: str, need: int = OPTIONAL) -> Register:
    return Register(quantity, 4, address, kind, numerator, 1, unit, need)


TABLE = MeterTable(
    name="eastron_sdm72d_m_v1",
    vendor="Eastron",
    model="SDM72D-M (first version)",
    verified=False,
    little=False,
    max_registers=80,
    max_gap=16,
    resolution_wh=1,
    baud=9600,
    parity="N",
    stop_bits=1,
    unit=1,
    registers=(
        _register("power_total", 0x0034, "float32", 1000, "mW", REQUIRED),
        _register("energy_import", 0x0048, "float32", 1000, "Wh", REQUIRED),
        _register("energy_export", 0x004A, "float32", 1000, "Wh", REQUIRED),
        _register("energy_total_abs", 0x0156, "float32", 1000, "Wh", DETAIL),
        _register("power_import", 0x0500, "float32", 1000, "mW", DETAIL),
        _register("power_export", 0x0502, "float32", 1000, "mW", DETAIL),
    ),
    serial=None,
)
