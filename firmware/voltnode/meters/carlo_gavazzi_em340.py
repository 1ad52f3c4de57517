"""Carlo Gavazzi EM330 / EM340 / ET330 / ET340.

- Counters at 0x0034/0x004E have 0.1 kWh steps. EM340 built from October 2018 also serve 1 Wh totals at 0x0400 (whole
  kWh) + 0x0402 (thousandths), export 0x0408 + 0x040A; they are
  used where they agree with the others at the first reading. EM330 from the same date serve 64-bit Wh at 0x0500
  (import) and 0x051C (export), which are not used yet.
- Export counters only move in measurement mode B (carlo-gavazzi library).
- Functions 3 and 4 read the same data; 32-bit values least significant word first.
- phase_sequence: 0 for L1-L2-L3, -1 for L1-L3-L2; as Victron reads it.
- Serial settings come from general knowledge: probe.
- serial_number: 13 characters; low byte of the 7th register is not part of it
- Code at 0x000B: Victron's dbus-cgwacs takes all that are no EM24 and no ET112 for an EM340; here only 340 to 349.
"""

from voltnode.meters import DETAIL, OPTIONAL, REQUIRED, MeterTable, Register


def _register(quantity: str, address: int, kind: str, numerator: int, unit: str, need: int = OPTIONAL) -> Register:
    return Register(quantity, 4, address, kind, numerator, 1, unit, need)


TABLE = MeterTable(
    name="carlo_gavazzi_em340",
    vendor="Carlo Gavazzi",
    model="EM330 / EM340 / ET330 / ET340",
    verified=True,
    little=True,
    max_registers=125,
    max_gap=16,
    resolution_wh=100,
    baud=9600,
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
        _register("reactive_power_l1", 0x001E, "int32", 100, "mvar", DETAIL),
        _register("reactive_power_l2", 0x0020, "int32", 100, "mvar", DETAIL),
        _register("reactive_power_l3", 0x0022, "int32", 100, "mvar", DETAIL),
        _register("power_total", 0x0028, "int32", 100, "mW", REQUIRED),
        _register("reactive_power_total", 0x002C, "int32", 100, "mvar", DETAIL),
        _register("power_factor_l1", 0x002E, "int16", 1, "permille", DETAIL),
        _register("power_factor_l2", 0x002F, "int16", 1, "permille", DETAIL),
        _register("power_factor_l3", 0x0030, "int16", 1, "permille", DETAIL),
        _register("power_factor_total", 0x0031, "int16", 1, "permille"),
        _register("phase_sequence", 0x0032, "int16", 1, "order", DETAIL),
        _register("frequency", 0x0033, "uint16", 100, "mHz"),
        _register("energy_import", 0x0034, "int32", 100, "Wh", REQUIRED),
        _register("energy_import_l1", 0x0040, "int32", 100, "Wh", DETAIL),
        _register("energy_import_l2", 0x0042, "int32", 100, "Wh", DETAIL),
        _register("energy_import_l3", 0x0044, "int32", 100, "Wh", DETAIL),
        _register("energy_export", 0x004E, "int32", 100, "Wh", REQUIRED),
        _register("energy_import_fine", 0x0400, "thousandths", 1, "Wh"),
        _register("energy_export_fine", 0x0408, "thousandths", 1, "Wh"),
    ),
    serial=(4, 0x5000, "text7"),
    single_source=("energy_import_fine", "energy_export_fine", "phase_sequence"),
    sign=(4, 0x000B, 1, 340, 349),
)
