"""Carlo Gavazzi EM24 Ethernet (EM24_E1).

- 0.1 kWh resolution: a 15-minute slot at 1 kW is only 2.5 counts; carry the remainder or integrate power between
  counter steps
- Victron requires application H (register 0xA000 = 7).
- Victron driver probes TCP unit 1
"""

from voltnode.meters import DETAIL, OPTIONAL, REQUIRED, MeterTable, Register


def _register(quantity: str, address: int, kind: str, numerator: int, unit: str, need: int = OPTIONAL) -> Register:
    return Register(quantity, 4, address, kind, numerator, 1, unit, need)


TABLE = MeterTable(
    name="carlo_gavazzi_em24_e1",
    vendor="Carlo Gavazzi",
    model="EM24 Ethernet (EM24_E1)",
    verified=False,
    little=True,
    max_registers=125,
    max_gap=16,
    resolution_wh=100,
    baud=0,
    parity="N",
    stop_bits=1,
    unit=1,
    registers=(
        _register("voltage_l1", 0x0000, "int32", 100, "mV"),
        _register("voltage_l2", 0x0002, "int32", 100, "mV"),
        _register("voltage_l3", 0x0004, "int32", 100, "mV"),
        _register("current_l1", 0x000C, "int32", 1, "mA"),
        _register("current_l2", 0x000E, "int32", 1, "mA"),
        _register("current_l3", 0x0010, "int32", 1, "mA"),
        _register("power_l1", 0x0012, "int32", 100, "mW"),
        _register("power_l2", 0x0014, "int32", 100, "mW"),
        _register("power_l3", 0x0016, "int32", 100, "mW"),
        _register("power_total", 0x0028, "int32", 100, "mW", REQUIRED),
        _register("power_factor_l1", 0x002E, "int16", 1, "permille", DETAIL),
        _register("power_factor_l2", 0x002F, "int16", 1, "permille", DETAIL),
        _register("power_factor_l3", 0x0030, "int16", 1, "permille", DETAIL),
        _register("power_factor_total", 0x0031, "int16", 1, "permille"),
        _register("frequency", 0x0033, "uint16", 100, "mHz"),
        _register("energy_import", 0x0034, "int32", 100, "Wh", REQUIRED),
        _register("energy_import_l1", 0x0040, "int32", 100, "Wh", DETAIL),
        _register("energy_import_l2", 0x0042, "int32", 100, "Wh", DETAIL),
        _register("energy_import_l3", 0x0044, "int32", 100, "Wh", DETAIL),
        _register("energy_export", 0x004E, "int32", 100, "Wh", REQUIRED),
    ),
    serial=(3, 0x5000, "text7"),
    sign=(3, 0x000B, 1, 1648, 1653),
)
