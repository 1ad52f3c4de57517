"""What a minute of readings says about each phase: sums and extremes, so that a minute takes no more memory than a second.

Integers alone: mV, mA, W, var, VA. Beside the averages there is the evidence of steps: a load that is switched on pulls its
own phase's voltage down. So where the power of a phase falls while its voltage falls with it, the current is measured
backwards, whether the home feeds in or not.
"""

STEP_W = 300
"""A change of power between two readings that shows in the voltage."""

STEPS = 2
STEP_SUM_MV = 1000
"""So many steps, and so much voltage in all, before they say anything."""

LOADED_VA = 300
"""Less says nothing: small supplies have any power factor, and a transformer's error is large there."""

EXPORT_W = 50
"""Less may be a meter's own error."""


def root(number: int) -> int:
    """The integer square root."""
    if number < 2:
        return max(number, 0)
    guess = 1 << (_bits(number) + 1) // 2
    while True:
        better = (guess + number // guess) >> 1
        if better >= guess:
            return guess
        guess = better


def _bits(number: int) -> int:
    count = 0
    while number:
        number >>= 1
        count += 1
    return count


class Phase:
    """The sums of one phase. Averages are None where the meter does not say.

    Attributes:
        name: L1, L2, L3, or empty for the only one.
        readings, loaded: how many there were, and how many with at least `LOADED_VA`.
        exporting: of the loaded ones, those that fed in.
        low_mv, high_mv: extremes of the voltage.
        steps, with_mv, against_mv: steps of power, and how much voltage went as it should with them, and how much not.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.readings = self.loaded = self.exporting = 0
        self.low_mv = self.high_mv = 0
        self.steps = self.with_mv = self.against_mv = 0
        self._sums = {"voltage": 0, "current": 0, "power": 0, "reactive_power": 0, "apparent": 0}
        self._counts = dict(self._sums)
        self.last: tuple[int, int] | None = None

    def mean(self, quantity: str) -> "int | None":
        """Of voltage (mV), current (mA), power (W), reactive_power (var) or apparent (VA)."""
        count = self._counts[quantity]
        return self._sums[quantity] // count if count else None

    def add(self, quantity: str, value: "int | None") -> None:
        """One value of one reading."""
        if value is not None:
            self._sums[quantity] += value
            self._counts[quantity] += 1

    def take(self, volts: "int | None", amps: "int | None", power_w: "int | None", vars_: "int | None") -> None:
        """One reading: mV, mA, W, var."""
        self.readings += 1
        if volts is not None:
            self.low_mv = min(self.low_mv, volts) if self.readings > 1 else volts
            self.high_mv = max(self.high_mv, volts)
        apparent = None
        if volts is not None and amps is not None:
            apparent = volts * abs(amps) // 1_000_000
        elif power_w is not None and vars_ is not None:
            apparent = root(power_w * power_w + vars_ * vars_)
        self.add("voltage", volts)
        self.add("current", None if amps is None else abs(amps))
        self.add("power", power_w)
        self.add("reactive_power", vars_)
        self.add("apparent", apparent)
        if power_w is not None and (abs(power_w) if apparent is None else apparent) >= LOADED_VA:
            self.loaded += 1
            self.exporting += power_w <= -EXPORT_W

    def factor_permille(self) -> "int | None":
        """Mean power by mean apparent power, with the sign of the power."""
        power_w, apparent = self.mean("power"), self.mean("apparent")
        return None if power_w is None or not apparent else power_w * 1000 // apparent

    def step(self, change_w: int, change_mv: int) -> None:
        """A change of power, and the voltage's with it."""
        fell_mv = -change_mv if change_w > 0 else change_mv
        self.steps += 1
        self.with_mv += max(fell_mv, 0)
        self.against_mv += max(-fell_mv, 0)

    def says(self) -> int:
        """What its steps say: 1 measured the right way round, -1 backwards, 0 nothing."""
        if self.steps >= STEPS and self.with_mv >= STEP_SUM_MV and self.with_mv >= 3 * self.against_mv:
            return 1
        if self.steps >= STEPS and self.against_mv >= STEP_SUM_MV and self.against_mv >= 3 * self.with_mv:
            return -1
        return 0

    def mostly(self, count: int) -> bool:
        """Whether so many of its loaded readings are four in five of them, and enough."""
        return self.loaded * 2 >= self.readings and count * 5 >= self.loaded * 4 and self.loaded > 0


class Evidence:
    """Everything that was seen.

    Attributes:
        phases: of the meter, in their order.
        readings: taken.
        order: what the meter says of the phase order: 0 right, -1 wrong, None nothing.
        total_w, sum_w: sums over all readings of the total power, and of what its phases have together.
        rise_w, fall_w: the greatest change of the total between two readings, up and down.
    """

    def __init__(self, quantities: "list[str]") -> None:
        endings = [ending for ending in ("_l1", "_l2", "_l3") if _any(quantities, ending)]
        self._endings = endings or [""]
        self.phases = [Phase(ending[1:].upper()) for ending in self._endings]
        self.readings = self.total_w = self.sum_w = self.rise_w = self.fall_w = 0
        self.order: int | None = None
        self._last_w: int | None = None

    def take(self, values: "dict[str, int | None]") -> None:
        """One reading: values by quantity, in milli-units."""
        self.readings += 1
        self.order = values.get("phase_sequence", self.order)
        watts: list[int | None] = []
        for ending, phase in zip(self._endings, self.phases):
            power_w = _whole(values.get("power" + ending, values.get("power_total") if not ending else None))
            watts.append(power_w)
            volts, amps = values.get("voltage" + ending), values.get("current" + ending)
            reactive = values.get("reactive_power" + ending, values.get("reactive_power_total") if not ending else None)
            phase.take(volts, amps, power_w, _whole(reactive))
        self._steps(watts, values)
        total_w = _whole(values.get("power_total")) or 0
        self.total_w += total_w
        self.sum_w += sum([power_w or 0 for power_w in watts])
        if self._last_w is not None:
            self.rise_w = max(self.rise_w, total_w - self._last_w)
            self.fall_w = max(self.fall_w, self._last_w - total_w)
        self._last_w = total_w

    def _steps(self, watts: "list[int | None]", values: "dict[str, int | None]") -> None:
        """What changed since the reading before, phase by phase. A step on another phase, twice as large, drowns it."""
        changes = [
            (0 if phase.last is None or power_w is None else power_w - phase.last[0])
            for phase, power_w in zip(self.phases, watts)
        ]
        greatest_w = max([abs(change_w) for change_w in changes])
        for ending, phase, power_w, change_w in zip(self._endings, self.phases, watts, changes):
            volts = values.get("voltage" + ending)
            if phase.last is not None and volts is not None and abs(change_w) >= max(STEP_W, greatest_w // 2):
                phase.step(change_w, volts - phase.last[1])
            phase.last = None if power_w is None or volts is None else (power_w, volts)


def _any(quantities: "list[str]", ending: str) -> bool:
    return any([name + ending in quantities for name in ("voltage", "current", "power")])


def _whole(milli: "int | None") -> "int | None":
    """Milli-units to units, rounded to the nearest."""
    return None if milli is None else (milli + 500) // 1000
