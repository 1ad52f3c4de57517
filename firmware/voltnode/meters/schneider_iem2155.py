"""Schneider Electric iEM2150 / iEM2155.

- Vendor tables number registers from 1: the wire address is the printed number minus 1 (mbmd, and the iM2150 class,
  agree). The manual text says "address encoded in the frame", which contradicts both: an installer test must confirm.
- Register set below comes from one class for iM2150 and matches the iEM3000 map; not verified on an iEM2155.
- iEM2100 user manual lists the choices; factory default not seen
- power_total: raw kW
- reactive_power_total: kvar assumed from the iEM3000 map; the class does not scale it
- energy_import: same address as the iEM3000 manual (45100)
- energy_export: same address as the iEM3000 manual (45102)
"""

from voltnode.meters import DETAIL, OPTIONAL, REQUIRED, MeterTable, Register


def _register(quantity: str, address: int, kind: str, numerator: int, unit: str, need: int = OPTIONAL) -> Register:
    return Register(quantity, 3, address, kind, numerator, 1, unit, need)


TABLE = MeterTable(
    name="schneider_iem2155",
    vendor="Schneider Electric",
    model="iEM2150 / iEM2155",
    verified=False,
    little=False,
    max_registers=125,
    max_gap=16,
    resolution_wh=1,
    baud=0,
    parity="N",
    stop_bits=1,
    unit=1,
    registers=(
        _register("current", 0x0BB7, "float32", 1000, "mA"),
        _register("voltage", 0x0BD3, "float32", 1000, "mV"),
        _register("power_total", 0x0BED, "float32", 1000000, "mW", REQUIRED),
        _register("reactive_power_total", 0x0BFB, "float32", 1000000, "mvar", DETAIL),
        _register("power_factor", 0x0C0B, "float32", 1000, "permille"),
        _register("frequency", 0x0C25, "float32", 1000, "mHz"),
        _register("energy_import", 0xB02B, "float32", 1, "Wh", REQUIRED),
        _register("energy_export", 0xB02D, "float32", 1, "Wh", REQUIRED),
    ),
    serial=(3, 0x0081, "uint32"),
)
