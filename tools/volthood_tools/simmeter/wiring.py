"""What a meter shows when its installer has crossed something: the phasors behind the registers.

Each phase has a voltage (0°, -120°, +120°; 0° and 180° where the phase is split) and a current with the angle that its
power and reactive power say. A wiring fault changes which current or voltage a phase of the meter gets; power, reactive
power, power factor and the totals follow from that. The energy registers go on as if nothing were wrong: how a meter
counts that is wired wrongly differs from model to model.
"""

import cmath
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from math import radians

from volthood_tools.simmeter.quantities import Values

KINDS = ("reversed", "swapped", "rotation", "neutral", "ratio", "dead")
"""Current transformer the wrong way round; those of a phase and the next one exchanged; L2 and L3 exchanged altogether;
neutral interrupted; wrong transformer ratio; a phase without voltage."""

_ANGLES_DEG = {1: (0,), 2: (0, 180), 3: (0, -120, 120)}
_LEAST_LOAD_W = 20
"""Something is always on; it holds the star point where the neutral is missing."""

_RESIDUAL = 0.02
"""Of the voltage, on a phase without supply: what comes through the loads."""


@dataclass(frozen=True)
class Phase:
    """One phase: complex voltage in V and current in A."""

    voltage: complex
    current: complex

    @classmethod
    def of(cls, voltage_v: float, power_w: float, reactive_var: float, angle_deg: float = 0) -> "Phase":
        """From its power. `angle_deg`: of the voltage."""
        voltage = cmath.rect(voltage_v, radians(angle_deg))
        return cls(voltage, (complex(power_w, reactive_var) / voltage).conjugate() if voltage_v else 0j)

    @property
    def apparent(self) -> complex:
        """Power and reactive power, W and var; the latter positive where the current lags."""
        return self.voltage * self.current.conjugate()


@dataclass(frozen=True)
class WiringFault:
    """One mistake: a kind of `KINDS`, the phase (from 1), and for `ratio` what the current is multiplied by."""

    kind: str
    phase: int = 1
    ratio_permille: int = 1000


def wired(phases: Sequence[Phase], faults: Sequence[WiringFault]) -> list[Phase]:
    """What the phases of a meter get. A phase that it does not have changes nothing."""
    found = list(phases)
    for fault in faults:
        if fault.phase <= len(found):
            found = _wired(found, fault)
    return found


def _wired(phases: list[Phase], fault: WiringFault) -> list[Phase]:
    at, after = fault.phase - 1, fault.phase % len(phases)
    here, there = phases[at], phases[after]
    if fault.kind == "reversed":
        phases[at] = replace(here, current=-here.current)
    elif fault.kind == "swapped":
        phases[at], phases[after] = (
            replace(here, current=there.current),
            replace(there, current=here.current),
        )
    elif fault.kind == "rotation" and len(phases) == 3:
        phases[1], phases[2] = phases[2], phases[1]
    elif fault.kind == "neutral" and len(phases) > 1:
        phases = _without_neutral(phases)
    elif fault.kind == "ratio":
        phases = [replace(phase, current=phase.current * fault.ratio_permille / 1000) for phase in phases]
    elif fault.kind == "dead":
        phases[at] = Phase(here.voltage * _RESIDUAL, 0j)
    return phases


def _without_neutral(phases: list[Phase]) -> list[Phase]:
    """The star point goes where the loads pull it (Millman's theorem, loads as resistances)."""
    loads = [max(abs(phase.apparent.real), _LEAST_LOAD_W) / abs(phase.voltage) ** 2 for phase in phases]
    star = sum(load * phase.voltage for load, phase in zip(loads, phases, strict=True)) / sum(loads)
    shifted = [phase.voltage - star for phase in phases]
    return [Phase(voltage, load * voltage) for load, voltage in zip(loads, shifted, strict=True)]


def as_wired(values: Values, faults: Sequence[WiringFault]) -> Values:
    """The values of a meter that is wired so."""
    count = sum(1 for phase in (1, 2, 3) if f"voltage_l{phase}" in values)
    if not faults or not count:
        return values
    phases = [_phase(values, number, count) for number in range(1, count + 1)]
    found = wired(phases, faults)
    changed = dict(values)
    for number, phase in enumerate(found, 1):
        changed |= {f"{name}_l{number}": value for name, value in _shown(phase).items()}
    if count == 1:
        changed |= _shown(found[0])
    if any(fault.kind == "rotation" for fault in faults):
        changed["phase_sequence"] = -1
    return changed | _totals(found)


def _phase(values: Values, number: int, count: int) -> Phase:
    """Phase `number` of a meter that is wired right, of its mV, mW and mvar."""
    volts, watts, vars_ = (float(values[f"{name}_l{number}"]) / 1000 for name in ("voltage", "power", "reactive_power"))
    return Phase.of(volts, watts, vars_, _ANGLES_DEG[count][number - 1])


def _shown(phase: Phase) -> Values:
    """What a meter shows of a phase. The power factor has the sign of the power."""
    apparent = phase.apparent
    factor = round(1000 * apparent.real / abs(apparent)) if abs(apparent) >= 0.5 else 1000
    return {
        "voltage": round(1000 * abs(phase.voltage)),
        "current": round(1000 * abs(phase.current)),
        "power": round(1000 * apparent.real),
        "reactive_power": round(1000 * apparent.imag),
        "power_factor": factor,
    }


def _totals(phases: list[Phase]) -> Values:
    apparent_va = sum(abs(phase.apparent) for phase in phases)
    total = sum((phase.apparent for phase in phases), 0j)
    power_mw = round(1000 * total.real)
    return {
        "power_total": power_mw,
        "reactive_power_total": round(1000 * total.imag),
        "apparent_power_total": round(1000 * apparent_va),
        "power_factor_total": Fraction(power_mw, max(1, round(apparent_va))) if power_mw else 1000,
        "power_import": max(power_mw, 0),
        "power_export": max(-power_mw, 0),
    }
