"""Carlo Gavazzi EM111 / EM112 / ET112 (EM100/ET100 series).

- 0.1 kWh resolution: a 15-minute slot at 1 kW is only 2.5 counts; carry the remainder or integrate power between
  counter steps
- 32-bit values are least significant word first.
- Functions 3 and 4 read the same data on this family (stated by the EM300 library for its family).
- EM511 (EM500 series) is a different map: frequency 0x000F, total 0x0010, but export elsewhere.
- Serial settings come from general knowledge: probe.
- voltage: the sister EM300 map has the same address and scale
- energy_import: raw 0.1 kWh
- energy_export: raw 0.1 kWh; only moves in bidirectional measuring mode
- Code 102 to 121 at 0x000B, as the ET112: one source (Victron, dbus-cgwacs).
"""

from voltnode.meters import DETAIL, OPTIONAL, REQUIRED, MeterTable, Register


def _register(quantity: str, address: int, kind: str, numerator: int, unit: str, need: int = OPTIONAL) -> Register:
    return Register(quantity, 4, address, kind, numerator, 1, unit, need)


TABLE = MeterTable(
    name="carlo_gavazzi_em111",
    vendor="Carlo Gavazzi",
    model="EM111 / EM112 / ET112 (EM100/ET100 series)",
    verified=False,
    little=True,
    max_registers=125,
    max_gap=16,
    resolution_wh=100,
    baud=9600,
    parity="N",
    stop_bits=1,
    unit=1,
    registers=(
        _register("voltage", 0x0000, "int32", 100, "mV"),
        _register("current", 0x0002, "int32", 1, "mA"),
        _register("power_total", 0x0004, "int32", 100, "mW", REQUIRED),
        _register("apparent_power_total", 0x0006, "int32", 100, "mVA", DETAIL),
        _register("reactive_power_total", 0x0008, "int32", 100, "mvar", DETAIL),
        _register("frequency", 0x000F, "uint16", 100, "mHz"),
        _register("energy_import", 0x0010, "int32", 100, "Wh", REQUIRED),
        _register("energy_export", 0x0020, "int32", 100, "Wh", REQUIRED),
    ),
    serial=None,
    sign=(4, 0x000B, 1, 102, 121),
)
