"""Janitza UMG 604 (also 605/509/512/806/96PA, B-series).

- Two maps exist on the same device. Map A (19000 block) is the compact one and is listed here. Map B: V L1..L3
  1317/1319/1321, A 1325/1327/1329, P 1333/1335/1337, Q 1341/1343/1345, P total 1369, Q total 1371, Hz 1439, energy
  9851/9863 float32 (OpenEMS and the ESPHome component agree on 1317..1369).
- UMG 800 uses a shifted map (P total 19030, Hz 19054, energy 19072/19080): check the model first.
- float32 Wh: precision is 1 Wh only up to 16.7 MWh.
- TCP unit 1 used by the projects read; RTU factory setting not found
"""

from voltnode.meters import DETAIL, OPTIONAL, REQUIRED, MeterTable, Register


def _register(quantity: str, address: int, kind: str, numerator: int, unit: str, need: int = OPTIONAL) -> Register:
    return Register(quantity, 3, address, kind, numerator, 1, unit, need)


TABLE = MeterTable(
    name="janitza_umg604",
    vendor="Janitza",
    model="UMG 604 (also 605/509/512/806/96PA, B-series)",
    verified=False,
    little=False,
    max_registers=110,
    max_gap=16,
    resolution_wh=1,
    baud=0,
    parity="N",
    stop_bits=1,
    unit=1,
    registers=(
        _register("voltage_l1", 0x4A38, "float32", 1000, "mV"),
        _register("voltage_l2", 0x4A3A, "float32", 1000, "mV"),
        _register("voltage_l3", 0x4A3C, "float32", 1000, "mV"),
        _register("current_l1", 0x4A44, "float32", 1000, "mA"),
        _register("current_l2", 0x4A46, "float32", 1000, "mA"),
        _register("current_l3", 0x4A48, "float32", 1000, "mA"),
        _register("power_l1", 0x4A4C, "float32", 1000, "mW"),
        _register("power_l2", 0x4A4E, "float32", 1000, "mW"),
        _register("power_l3", 0x4A50, "float32", 1000, "mW"),
        _register("power_total", 0x4A52, "float32", 1000, "mW", REQUIRED),
        _register("reactive_power_l1", 0x4A5C, "float32", 1000, "mvar", DETAIL),
        _register("reactive_power_l2", 0x4A5E, "float32", 1000, "mvar", DETAIL),
        _register("reactive_power_l3", 0x4A60, "float32", 1000, "mvar", DETAIL),
        _register("reactive_power_total", 0x4A62, "float32", 1000, "mvar", DETAIL),
        _register("power_factor_l1", 0x4A64, "float32", 1000, "permille", DETAIL),
        _register("power_factor_l2", 0x4A66, "float32", 1000, "permille", DETAIL),
        _register("power_factor_l3", 0x4A68, "float32", 1000, "permille", DETAIL),
        _register("frequency", 0x4A6A, "float32", 1000, "mHz"),
        _register("energy_import_l1", 0x4A76, "float32", 1, "Wh", DETAIL),
        _register("energy_import_l2", 0x4A78, "float32", 1, "Wh", DETAIL),
        _register("energy_import_l3", 0x4A7A, "float32", 1, "Wh", DETAIL),
        _register("energy_import", 0x4A7C, "float32", 1, "Wh", REQUIRED),
        _register("energy_export_l1", 0x4A7E, "float32", 1, "Wh", DETAIL),
        _register("energy_export_l2", 0x4A80, "float32", 1, "Wh", DETAIL),
        _register("energy_export_l3", 0x4A82, "float32", 1, "Wh", DETAIL),
        _register("energy_export", 0x4A84, "float32", 1, "Wh", REQUIRED),
    ),
    serial=None,
)
