"""Eastron SDM120-Modbus.

- Steps of 1 Wh (2697.348 kWh in a field log of an SDM230); the float step grows to 2 Wh above 16384
  kWh and 8 Wh above 65536 kWh, so bill on differences of raw readings and carry the remainder, never on rounded slot
  sums
- All input registers are float32 pairs; odd addresses inside a pair give garbage or an exception.
- Writing settings needs function 0x10 with two registers and, on the wiki account, the SET screen held open on the
  meter.
- sdm-modbus and SolarNetwork wiki agree on 2400 8N1; the wiki says 9600 is the fastest it supports
- energy_import: raw is kWh
- energy_export: raw is kWh
- energy_total_abs: import+export sum on most firmwares; do not bill on it
- serial_number: holding register, function code 3; single source
- Code 32 at 0xFC02 (holding register): one source, a community driver for Venus OS.
"""

from voltnode.meters import DETAIL, OPTIONAL, REQUIRED, MeterTable, Register


def _register(quantity: str, address: int, kind: str, numerator: int, unit: str, need: int = OPTIONAL) -> Register:
    return Register(quantity, 4, address, kind, numerator, 1, unit, need)


TABLE = MeterTable(
    name="eastron_sdm120",
    vendor="Eastron",
    model="SDM120-Modbus",
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
    serial=(3, 0xFC00, "uint32"),
    sign=(3, 0xFC02, 1, 32, 32),
)
