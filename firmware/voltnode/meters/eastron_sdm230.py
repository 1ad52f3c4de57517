"""Eastron SDM230-Modbus.

- Steps of 1 Wh (2697.348 kWh in a field log of an SDM230); the float step grows to 2 Wh above 16384
  kWh and 8 Wh above 65536 kWh, so bill on differences of raw readings and carry the remainder, never on rounded slot
  sums
- evcc maps SDM220/230 to the mbmd sdm220 profile.
- sdm-modbus and a Tasmota example agree on 2400; other field configs run 9600
- energy_import: raw is kWh
- energy_export: raw is kWh
"""

from voltnode.meters import DETAIL, OPTIONAL, REQUIRED, MeterTable, Register


def _register(quantity: str, address: int, kind: str, numerator: int, unit: str, need: int = OPTIONAL) -> Register:
    return Register(quantity, 4, address, kind, numerator, 1, unit, need)


TABLE = MeterTable(
    name="eastron_sdm230",
    vendor="Eastron",
    model="SDM230-Modbus",
    verified=True,
    little=False,
    max_registers=80,
    max_gap=16,
    resolution_wh=1,
    baud=2400,
    parity="N",
    stop_bits=1,
    unit=1,
    registers=(
        _register("voltage", 0x0000, "float32", 1000, "mV"),
        _register("current", 0x0006, "float32", 1000, "mA"),
        _register("power_total", 0x000C, "float32", 1000, "mW", REQUIRED),
        _register("reactive_power_total", 0x0018, "float32", 1000, "mvar", DETAIL),
        _register("power_factor", 0x001E, "float32", 1000, "permille"),
        _register("frequency", 0x0046, "float32", 1000, "mHz"),
        _register("energy_import", 0x0048, "float32", 1000, "Wh", REQUIRED),
        _register("energy_export", 0x004A, "float32", 1000, "Wh", REQUIRED),
        _register("energy_total_abs", 0x0156, "float32", 1000, "Wh", DETAIL),
    ),
    serial=None,
)
