"""What a meter shows that is wired wrongly, held against the textbook's three-phase arithmetic."""

import pytest

from volthood_tools.simmeter.quantities import Values, quantities
from volthood_tools.simmeter.series import PowerSeries
from volthood_tools.simmeter.wiring import KINDS, Phase, WiringFault, as_wired, wired

BALANCED = [Phase.of(230, 1000, 0, angle) for angle in (0, -120, 120)]


def watts(*faults: WiringFault, phases: list[Phase] | None = None) -> list[int]:
    return [round(phase.apparent.real) for phase in wired(phases or BALANCED, faults)]


def test_right_is_right() -> None:
    assert watts() == [1000, 1000, 1000]


def test_a_reversed_transformer_turns_the_sign_of_its_phase() -> None:
    assert watts(WiringFault("reversed", 2)) == [1000, -1000, 1000]


def test_exchanged_transformers_measure_half_and_backwards() -> None:
    # cos 120° = -1/2, in both phases; what one reads as lagging the other reads as leading.
    found = wired(BALANCED, [WiringFault("swapped", 1)])
    assert [round(phase.apparent.real) for phase in found] == [-500, -500, 1000]
    assert [round(phase.apparent.imag) for phase in found] == [866, -866, 0]
    assert watts(WiringFault("swapped", 3)) == [-500, 1000, -500]


def test_without_neutral_the_star_point_goes_to_the_heaviest_load() -> None:
    phases = [Phase.of(230, watts_, 0, angle) for watts_, angle in ((2000, 0), (500, -120), (500, 120))]
    volts = [abs(phase.voltage) for phase in wired(phases, [WiringFault("neutral")])]
    # Loads 4:1:1: the star point goes half of the way to L1.
    assert volts[0] == pytest.approx(115)
    assert volts[1] == volts[2] == pytest.approx(304.3, abs=0.1)


def test_a_wrong_ratio_and_a_dead_phase() -> None:
    assert watts(WiringFault("ratio", ratio_permille=200)) == [200, 200, 200]
    dead = wired(BALANCED, [WiringFault("dead", 3)])
    assert [round(abs(phase.voltage)) for phase in dead] == [230, 230, 5]
    assert [round(abs(phase.current), 2) for phase in dead][2] == 0


def shown(*faults: WiringFault, shares: tuple[int, ...] = (50, 30, 20)) -> Values:
    return as_wired(quantities(PowerSeries([(0, 6_000_000)]), 1000, (0, 0), shares=shares), faults)


@pytest.mark.parametrize("kind", KINDS)
def test_what_a_meter_shows_stays_consistent(kind: str) -> None:
    values = shown(WiringFault(kind))
    phases = [float(values[f"power_l{phase}"]) for phase in (1, 2, 3)]
    assert sum(phases) == pytest.approx(float(values["power_total"]), abs=3)
    for phase in (1, 2, 3):
        apparent = float(values[f"voltage_l{phase}"]) * float(values[f"current_l{phase}"]) / 1000
        assert abs(float(values[f"power_l{phase}"])) <= apparent + 500
    assert values["energy_import"] == shown()["energy_import"]


def test_only_the_rotation_shows_in_the_phase_order() -> None:
    assert shown()["phase_sequence"] == 0
    assert shown(WiringFault("swapped"))["phase_sequence"] == 0
    assert shown(WiringFault("rotation"))["phase_sequence"] == -1


def test_one_phase_shows_itself_without_a_number_too() -> None:
    values = shown(WiringFault("reversed"), shares=(100,))
    assert values["power"] == values["power_l1"] == values["power_total"] == -6_000_000
    assert values["power_factor"] == values["power_factor_l1"]
    assert shown(WiringFault("reversed", 2), shares=(100,))["power"] == 6_000_000
