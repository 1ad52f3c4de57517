"""The electricity around a series of power: what a meter at that house could show at that time.

Energy is what the series says, to the last mW x ms. The rest is made up, but consistent: in each phase P = U x I x pf,
the phases sum to the total, a load pulls the voltage down and a feed-in lifts it. Everything is a function of calendar
time, so that the same second always shows the same values.
"""

from fractions import Fraction
from math import isqrt

from volthood_tools.simmeter.series import MW_MS_PER_WH, PowerSeries

Values = dict[str, int | Fraction]
"""Values by quantity, in the units of the meter tables: mW, mvar, mV, mA, mHz, 1/1000, Wh."""

SHARES = (50, 30, 20)
"""Percent of the power in each phase."""

LINE_MOHM = 200
"""Resistance from the transformer to the meter, in one phase."""

SWAY_PERIODS_S = (1740, 2130, 2580)
"""Periods of the slow change of voltage, by phase; the frequency takes the first."""


def quantities(
    series: PowerSeries,
    at_ms: int,
    start_wh: tuple[int, int],
    nominal_mv: int = 230_000,
    nominal_mhz: int = 50_000,
    shares: tuple[int, ...] = SHARES,
) -> Values:
    """Everything that a meter shows. One with a single phase shows it without a number too.

    Args:
        at_ms: calendar time, ms since the Unix epoch.
        start_wh: the import and export registers at the start of the series.
        shares: percent of the power in each phase.
    """
    values: Values = {"frequency": nominal_mhz + _sway(at_ms, SWAY_PERIODS_S[0], 20)}
    values.update(_energies(series, at_ms, start_wh, shares))
    apparent_mva = reactive_mvar = Fraction(0)
    for phase, power_mw in enumerate(_split(series.power_mw(at_ms), shares)):
        voltage_mv = nominal_mv + _sway(at_ms, SWAY_PERIODS_S[phase], nominal_mv // 100)
        voltage_mv -= power_mw * LINE_MOHM // nominal_mv
        factor = _power_factor_permille(power_mw)
        phase_mva = Fraction(power_mw * 1000, factor)
        phase_mvar = Fraction(isqrt(int(phase_mva**2) - power_mw**2))
        apparent_mva, reactive_mvar = apparent_mva + phase_mva, reactive_mvar + phase_mvar
        values |= {
            f"power_l{phase + 1}": power_mw,
            f"voltage_l{phase + 1}": voltage_mv,
            f"current_l{phase + 1}": phase_mva * 1000 / voltage_mv,
            f"power_factor_l{phase + 1}": factor,
            f"reactive_power_l{phase + 1}": phase_mvar,
        }
    power_mw = series.power_mw(at_ms)
    values["power_total"] = power_mw
    values["reactive_power_total"] = reactive_mvar
    values["power_factor_total"] = Fraction(power_mw * 1000) / apparent_mva if power_mw else 1000
    values["apparent_power_total"] = apparent_mva
    values["power_import"], values["power_export"] = max(power_mw, 0), max(-power_mw, 0)
    if len(shares) == 1:
        values |= {name: values[f"{name}_l1"] for name in ("voltage", "current", "power", "power_factor")}
    return values


def _energies(series: PowerSeries, at_ms: int, start_wh: tuple[int, int], shares: tuple[int, ...]) -> Values:
    """The energy registers: whole Wh that have passed, as a meter counts them."""
    values: Values = {}
    for name, amount, start in zip(("import", "export"), series.energy_mw_ms(at_ms), start_wh, strict=True):
        values[f"energy_{name}"] = start + amount // MW_MS_PER_WH
        for phase, share in enumerate(shares):
            values[f"energy_{name}_l{phase + 1}"] = max(0, (start * share + amount * share // MW_MS_PER_WH) // 100)
    values["phase_sequence"] = 0
    values["energy_total_abs"] = values["energy_import"] + values["energy_export"]
    values["energy_import_f32"] = values["energy_import_fine"] = values["energy_import"]
    values["energy_export_fine"] = values["energy_export"]
    return values


def _split(power_mw: int, shares: tuple[int, ...]) -> tuple[int, ...]:
    """The power of each phase; they sum to the whole."""
    others = [power_mw * share // 100 for share in shares[1:]]
    return power_mw - sum(others), *others


def _power_factor_permille(power_mw: int) -> int:
    """Better with more load; negative while feeding in, 1000 without a load, as the meters show it."""
    if power_mw == 0:
        return 1000
    factor = 950 + min(45, abs(power_mw) // 50_000)
    return factor if power_mw > 0 else -factor


def _sway(at_ms: int, period_s: int, amplitude: int) -> int:
    """A slow triangle between -amplitude and +amplitude."""
    position = at_ms % (period_s * 1000) * 4 * amplitude // (period_s * 1000)
    return abs(position - 2 * amplitude) - amplitude
