"""Energy registers with finer steps beside the coarse ones, which only some builds of a meter have.

They are known from one source, so they are believed only if they say what the coarse ones say: the first reading that has
both decides for good. A counter that changed its steps later would fall or leap by one of the coarse ones; so from then on
a reading without them, or with others, is an error.
"""

from voltnode.bus.meter import FINE
from voltnode.meters.decode import BadValueError

_MOST_WH_PER_S = 28
"""What 100 kW are, between the requests of one reading."""


class FineCounters:
    """One meter's. `used` says whether they are: None before the first reading with both."""

    def __init__(self) -> None:
        self.used: bool | None = None

    def refine(self, values: "dict[str, int]", step_wh: int, speed: int) -> int:
        """Puts the fine values in the place of the coarse ones: the step of what stands there now.

        Raises:
            BadValueError: they were used before, and now they are missing or disagree.
        """
        agrees = self._agrees(values, 2 * step_wh + _MOST_WH_PER_S * speed)
        if self.used is None:
            self.used = agrees
        if not self.used:
            return step_wh
        if not agrees:
            raise BadValueError("range")
        for name in ("energy_import", "energy_export"):
            values[name] = values[name + FINE]
        return 1

    @staticmethod
    def _agrees(values: "dict[str, int]", most_wh: int) -> bool:
        for name in ("energy_import", "energy_export"):
            if name + FINE not in values or abs(values[name + FINE] - values[name]) > most_wh:
                return False
        return True
