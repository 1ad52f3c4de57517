"""Eastron SDM72D-M V2.

- Steps of 1 Wh (2697.348 kWh in a field log of an SDM230); the float step grows to 2 Wh above 16384
  kWh and 8 Wh above 65536 kWh, so bill on differences of raw readings and carry the remainder, never on rounded slot
  sums
- energy_import: raw is kWh
- energy_export: raw is kWh
- Code 137 at 0xFC02 (holding register) in two community drivers for Venus OS, 135 in one of them.
"""

from voltnode.meters import DETAIL, OPTIONAL, REQUIRED, MeterTable, Register


def _register(quantity: str, address: int, kind: str, numerator: int, unit: str, need: int = OPTIONAL) -> Register:
    return Register(quantity, 4, address, kind, numerator, 1, unit, need)


TABLE = MeterTable(
    name="eastron_sdm72d_m_v2",
    vendor="Eastron",
    model="SDM72D-M V2",
    verified=True,
    little=False,
    max_registers=80,
    max_gap=16,
    resolution_wh=1,
    baud=9600,
    parity="N",
    stop_bits=1,
    unit=1,
    registers=(
        _register("voltage_l1", 0x0000, "float32", 1000, "mV"),
        _register("voltage_l2", 0x0002, "float32", 1000, "mV"),
        _register("voltage_l3", 0x0004, "float32", 1000, "mV"),
        _register("current_l1", 0x0006, "float32", 1000, "mA"),
        _register("current_l2", 0x0008, "float32", 1000, "mA"),
        _register("current_l3", 0x000A, "float32", 1000, "mA"),
        _register("power_l1", 0x000C, "float32", 1000, "mW"),
        _register("power_l2", 0x000E, "float32", 1000, "mW"),
        _register("power_l3", 0x0010, "float32", 1000, "mW"),
        _register("reactive_power_l1", 0x0018, "float32", 1000, "mvar", DETAIL),
        _register("reactive_power_l2", 0x001A, "float32", 1000, "mvar", DETAIL),
        _register("reactive_power_l3", 0x001C, "float32", 1000, "mvar", DETAIL),
        _register("power_factor_l1", 0x001E, "float32", 1000, "permille", DETAIL),
        _register("power_factor_l2", 0x0020, "float32", 1000, "permille", DETAIL),
        _register("power_factor_l3", 0x0022, "float32", 1000, "permille", DETAIL),
        _register("power_total", 0x0034, "float32", 1000, "mW", REQUIRED),
        _register("reactive_power_total", 0x003C, "float32", 1000, "mvar", DETAIL),
        _register("power_factor_total", 0x003E, "float32", 1000, "permille"),
        _register("frequency", 0x0046, "float32", 1000, "mHz"),
        _register("energy_import", 0x0048, "float32", 1000, "Wh", REQUIRED),
        _register("energy_export", 0x004A, "float32", 1000, "Wh", REQUIRED),
        _register("energy_total_abs", 0x0156, "float32", 1000, "Wh", DETAIL),
    ),
    serial=None,
    sign=(3, 0xFC02, 1, 135, 137),
)
