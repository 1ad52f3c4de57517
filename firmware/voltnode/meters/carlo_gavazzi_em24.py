"""Carlo Gavazzi EM24-DIN (RS-485).

- At most 11 registers in one request (communication protocol, 1.2.2).
- 0.1 kWh resolution: a 15-minute slot at 1 kW is only 2.5 counts; carry the remainder or integrate power between
  counter steps
- Sources disagree: mbmd reads import at 0x0042, which the protocol and aggsoft call the PARTIAL (resettable) counter; the
  total is 0x003E. evcc PR 17173 discussion reports the same error.
- Export counter 0x005C is missing on some variants and answers exception 2 (evcc issue 31143, PR 31736): such a
  meter counts no export, and its reading says 0.
- Register blocks differ from the Ethernet version EM24_E1; wrong profile gives plausible nonsense.
- protocol pages: baud selectable 4800/9600 only, parity none and 1 stop bit fixed; which baud is factory set not seen
- phase_sequence: 0 for L1-L2-L3, -1 for L1-L3-L2; as Victron's users read it
- energy_import: Disagrees with mbmd (0x0042 = partial counter)
- Code 71 to 73 at 0x000B: one source (Victron, dbus-cgwacs).
"""

from voltnode.meters import DETAIL, OPTIONAL, REQUIRED, MeterTable, Register


def _register(quantity: str, address: int, kind: str, numerator: int, unit: str, need: int = OPTIONAL) -> Register:
    return Register(quantity, 4, address, kind, numerator, 1, unit, need)


TABLE = MeterTable(
    name="carlo_gavazzi_em24",
    vendor="Carlo Gavazzi",
    model="EM24-DIN (RS-485)",
    verified=True,
    little=True,
    max_registers=11,
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
        _register("power_factor_l1", 0x0032, "int16", 1, "permille", DETAIL),
        _register("power_factor_l2", 0x0033, "int16", 1, "permille", DETAIL),
        _register("power_factor_l3", 0x0034, "int16", 1, "permille", DETAIL),
        _register("power_factor_total", 0x0035, "int16", 1, "permille"),
        _register("phase_sequence", 0x0036, "int16", 1, "order", DETAIL),
        _register("frequency", 0x0037, "uint16", 100, "mHz"),
        _register("energy_import", 0x003E, "int32", 100, "Wh", REQUIRED),
        _register("energy_import_l1", 0x0046, "int32", 100, "Wh", DETAIL),
        _register("energy_import_l2", 0x0048, "int32", 100, "Wh", DETAIL),
        _register("energy_import_l3", 0x004A, "int32", 100, "Wh", DETAIL),
        _register("energy_export", 0x005C, "int32", 100, "Wh", OPTIONAL),
    ),
    serial=(4, 0x1300, "text7"),
    disputed=("energy_import",),
    single_source=(
        "reactive_power_l1",
        "reactive_power_l2",
        "reactive_power_l3",
        "reactive_power_total",
        "phase_sequence",
    ),
    sign=(4, 0x000B, 1, 71, 73),
)
