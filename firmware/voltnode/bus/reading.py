"""What a meter showed at one time."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from voltnode.meters.plan import Block


class Reading:
    """What the meter showed at one time. Positive power is import from the grid.

    Energies are rounded to the nearest Wh, which gives back the counter of a meter that counts whole Wh and shows them
    as float32 kWh, up to 16,384 kWh; cutting off would lose 1 Wh every other time.

    Attributes:
        read_ms: transport time when it came.
        power_w, import_wh, export_wh: in all phases.
        resolution_wh: the step of the energy registers, which a float32 has more of the higher it counts.
        voltage_mv, current_ma, phase_power_w: by phase; empty where the meter does not say.
        frequency_mhz, power_factor_permille: None where the meter does not say.
        values, raws: by quantity, and the blocks with their words, for the technician.
        level_is_new: whether the energy registers do not go on from the last reading's: rolled over, reset or swapped.
    """

    level_is_new = False

    def __init__(
        self,
        read_ms: int,
        resolution_wh: int,
        values: "dict[str, int]",
        raws: "list[tuple[Block, bytes]]",
        phases: "tuple[str, ...]" = ("_l1", "_l2", "_l3"),
    ) -> None:
        self.read_ms = read_ms
        self.resolution_wh = resolution_wh
        self.power_w = _watts(values["power_total"])
        self.import_wh = values["energy_import"]
        self.export_wh = values["energy_export"]
        self.voltage_mv = _by_phase(values, "voltage", phases)
        self.current_ma = _by_phase(values, "current", phases)
        self.phase_power_w = tuple([_watts(value) for value in _by_phase(values, "power", phases)])
        # 0 Hz is what a meter shows that cannot measure it.
        self.frequency_mhz = values.get("frequency") or None
        self.power_factor_permille = values.get("power_factor_total", values.get("power_factor"))
        self.values = values
        self.raws = raws


def _by_phase(values: "dict[str, int]", quantity: str, phases: "tuple[str, ...]") -> "tuple[int, ...]":
    """All phases, the only one, or nothing."""
    if quantity in values:
        return (values[quantity],)
    if all([quantity + phase in values for phase in phases]):
        return tuple([values[quantity + phase] for phase in phases])
    return ()


def _watts(value_mw: int) -> int:
    """Whole watts, rounded to the nearest, halves away from zero."""
    return (value_mw + 500) // 1000 if value_mw >= 0 else -((500 - value_mw) // 1000)
