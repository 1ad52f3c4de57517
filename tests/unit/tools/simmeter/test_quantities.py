"""What a simulated meter shows fits together, and depends on nothing but calendar time."""

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from volthood_tools.simmeter.quantities import quantities
from volthood_tools.simmeter.series import PowerSeries

times_ms = st.integers(0, 2 * 10**12)
powers_mw = st.integers(-20_000_000, 20_000_000)
PHASES = ("_l1", "_l2", "_l3")


@given(times_ms, powers_mw)
def test_power_is_voltage_times_current_times_power_factor(at_ms: int, power_mw: int) -> None:
    values = quantities(PowerSeries([(0, power_mw)]), at_ms, (0, 0))
    for phase in PHASES:
        product = values["voltage" + phase] * values["current" + phase] * values["power_factor" + phase]
        assert product == values["power" + phase] * 10**6
        assert 180_000 <= values["voltage" + phase] <= 280_000
        assert values["current" + phase] >= 0
    assert sum(values["power" + phase] for phase in PHASES) == values["power_total"] == power_mw
    assert sum(values["reactive_power" + phase] for phase in PHASES) == values["reactive_power_total"]
    assert -1000 <= values["power_factor_total"] <= 1000
    assert 49_980 <= values["frequency"] <= 50_020


@given(times_ms, powers_mw, st.integers(0, 5_000_000))
def test_energy_is_the_integral_in_whole_wh(at_ms: int, power_mw: int, start_wh: int) -> None:
    values = quantities(PowerSeries([(0, power_mw)]), at_ms, (start_wh, start_wh + 1))
    passed = Fraction(abs(power_mw) * at_ms, 3_600_000_000) // 1
    imported, exported = (passed, 0) if power_mw > 0 else (0, passed)
    assert (values["energy_import"], values["energy_export"]) == (start_wh + imported, start_wh + 1 + exported)
    assert values["energy_total_abs"] == values["energy_import"] + values["energy_export"]
    phases = sum(values["energy_import" + phase] for phase in PHASES)
    assert 0 <= values["energy_import"] - phases <= 3


def test_a_load_pulls_the_voltage_down_and_feed_in_lifts_it() -> None:
    load, nothing, feed_in = (
        quantities(PowerSeries([(0, power_mw)]), 0, (0, 0))["voltage_l1"] for power_mw in (6_000_000, 0, -6_000_000)
    )
    assert load < nothing < feed_in


def test_voltage_and_frequency_move() -> None:
    shown = [quantities(PowerSeries([(0, 0)]), at_ms, (0, 0)) for at_ms in range(0, 3_600_000, 60_000)]
    assert len({values["voltage_l1"] for values in shown}) > 20
    frequencies = [values["frequency"] for values in shown]
    assert min(frequencies) < 49_990
    assert max(frequencies) > 50_010


def test_another_grid() -> None:
    values = quantities(PowerSeries([(0, 0)]), 0, (0, 0), nominal_mv=120_000, nominal_mhz=60_000)
    assert 118_000 <= values["voltage_l1"] <= 122_000
    assert 59_980 <= values["frequency"] <= 60_020
