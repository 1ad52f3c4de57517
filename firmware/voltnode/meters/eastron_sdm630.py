"""Eastron SDM630-Modbus V2, three phases.

- Voltages are against neutral in 3P4W mode, between phases in 3P3W mode.
- Registers without a meaning between the others read as 0; clients read 80 at a time from 0 (ESPHome does).
- Parity is disputed: 8N1 for sdm-modbus and Tasmota, even in a copy of the SDM630MCT protocol V1.7.
- The serial number's place has one source only.
- Code 112 or 121 at 0xFC02 (holding register): one source, a community driver for Venus OS.
"""

from voltnode.meters import DETAIL, OPTIONAL, REQUIRED, MeterTable, Register


def _float(quantity: str, address: int, unit: str, need: int = OPTIONAL) -> Register:
    return Register(quantity, 4, address, "float32", 1000, 1, unit, need)


TABLE = MeterTable(
    name="eastron_sdm630",
    vendor="Eastron",
    model="SDM630-Modbus V2",
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
        _float("voltage_l1", 0x0000, "mV"),
        _float("voltage_l2", 0x0002, "mV"),
        _float("voltage_l3", 0x0004, "mV"),
        _float("current_l1", 0x0006, "mA"),
        _float("current_l2", 0x0008, "mA"),
        _float("current_l3", 0x000A, "mA"),
        _float("power_l1", 0x000C, "mW"),
        _float("power_l2", 0x000E, "mW"),
        _float("power_l3", 0x0010, "mW"),
        _float("reactive_power_l1", 0x0018, "mvar", DETAIL),
        _float("reactive_power_l2", 0x001A, "mvar", DETAIL),
        _float("reactive_power_l3", 0x001C, "mvar", DETAIL),
        _float("power_factor_l1", 0x001E, "permille", DETAIL),
        _float("power_factor_l2", 0x0020, "permille", DETAIL),
        _float("power_factor_l3", 0x0022, "permille", DETAIL),
        _float("power_total", 0x0034, "mW", REQUIRED),
        _float("reactive_power_total", 0x003C, "mvar", DETAIL),
        _float("power_factor_total", 0x003E, "permille"),
        _float("frequency", 0x0046, "mHz"),
        _float("energy_import", 0x0048, "Wh", REQUIRED),  # the meter counts in kWh
        _float("energy_export", 0x004A, "Wh", REQUIRED),
        _float("energy_total_abs", 0x0156, "Wh", DETAIL),
        _float("energy_import_l1", 0x015A, "Wh", DETAIL),
        _float("energy_import_l2", 0x015C, "Wh", DETAIL),
        _float("energy_import_l3", 0x015E, "Wh", DETAIL),
        _float("energy_export_l1", 0x0160, "Wh", DETAIL),
        _float("energy_export_l2", 0x0162, "Wh", DETAIL),
        _float("energy_export_l3", 0x0164, "Wh", DETAIL),
    ),
    serial=(3, 0xFC00, "uint32"),
    sign=(3, 0xFC02, 1, 112, 121),
)
