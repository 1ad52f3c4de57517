"""Chint DTSU666.

- Sources disagree on scale: mbmd and a captured-frame project read volts and watts as 0.1 units (float 2300.0 = 230.0 V),
  amps and power factor as 0.001, hertz as 0.01; star.ke.st lists scale 1. Captured frames on real hardware support the
  scaled reading. So the first voltage is required and must be 90 to 300 V: a meter that counts in other units is refused.
- Energy: 0x101E/0x1028 (mbmd, star.ke.st, captured) and 0x401E/0x4028-like block (aggsoft, Gerontec: import 0x401E,
  export 0x4028) both exist in documents for different firmware; probe.
- CT models multiply by the ratio registers 0x0006 (current) and 0x0007 (voltage x0.1).
- OEM versions (-H for Huawei/Growatt, Solax) use other addresses and protocols.
- manual page: default 9600, "n.1", address 01 (protocol register 0x002C can also be DL/T645 or 8N2)
- power_total: address agreed by all; scale 0.1 confirmed by captured frames
- energy_import: raw kWh; alternative 0x401E in aggsoft/Gerontec
- energy_export: raw kWh; alternative 0x4028
"""

from voltnode.meters import DETAIL, OPTIONAL, REQUIRED, MeterTable, Register


def _register(quantity: str, address: int, kind: str, numerator: int, unit: str, need: int = OPTIONAL) -> Register:
    return Register(quantity, 3, address, kind, numerator, 1, unit, need)


TABLE = MeterTable(
    name="chint_dtsu666",
    vendor="Chint",
    model="DTSU666",
    verified=True,
    little=False,
    max_registers=125,
    max_gap=16,
    resolution_wh=1,
    baud=9600,
    parity="N",
    stop_bits=1,
    unit=1,
    registers=(
        _register("energy_import", 0x101E, "float32", 1000, "Wh", REQUIRED),
        _register("energy_import_l1", 0x1020, "float32", 1000, "Wh", DETAIL),
        _register("energy_import_l2", 0x1022, "float32", 1000, "Wh", DETAIL),
        _register("energy_import_l3", 0x1024, "float32", 1000, "Wh", DETAIL),
        _register("energy_export", 0x1028, "float32", 1000, "Wh", REQUIRED),
        _register("energy_export_l1", 0x102A, "float32", 1000, "Wh", DETAIL),
        _register("energy_export_l2", 0x102C, "float32", 1000, "Wh", DETAIL),
        _register("energy_export_l3", 0x102E, "float32", 1000, "Wh", DETAIL),
        _register("voltage_l1", 0x2006, "float32", 100, "mV", REQUIRED),
        _register("voltage_l2", 0x2008, "float32", 100, "mV"),
        _register("voltage_l3", 0x200A, "float32", 100, "mV"),
        _register("current_l1", 0x200C, "float32", 1, "mA"),
        _register("current_l2", 0x200E, "float32", 1, "mA"),
        _register("current_l3", 0x2010, "float32", 1, "mA"),
        _register("power_total", 0x2012, "float32", 100, "mW", REQUIRED),
        _register("power_l1", 0x2014, "float32", 100, "mW"),
        _register("power_l2", 0x2016, "float32", 100, "mW"),
        _register("power_l3", 0x2018, "float32", 100, "mW"),
        _register("reactive_power_total", 0x201A, "float32", 100, "mvar", DETAIL),
        _register("reactive_power_l1", 0x201C, "float32", 100, "mvar", DETAIL),
        _register("reactive_power_l2", 0x201E, "float32", 100, "mvar", DETAIL),
        _register("reactive_power_l3", 0x2020, "float32", 100, "mvar", DETAIL),
        _register("power_factor_total", 0x202A, "float32", 1, "permille"),
        _register("power_factor_l1", 0x202C, "float32", 1, "permille", DETAIL),
        _register("power_factor_l2", 0x202E, "float32", 1, "permille", DETAIL),
        _register("power_factor_l3", 0x2030, "float32", 1, "permille", DETAIL),
        _register("frequency", 0x2044, "float32", 10, "mHz"),
    ),
    serial=None,
    disputed=("voltage", "current", "power", "reactive_power", "power_factor", "frequency", "energy"),
    limits={"mV": (90_000, 300_000)},
)
