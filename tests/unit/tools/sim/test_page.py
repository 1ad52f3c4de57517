"""The simulation's page: curves with their numbers, the command that repeats a run, and nothing that loads anything."""

import re

from volthood_tools.sim.curves import Curve
from volthood_tools.sim.homes import Homes
from volthood_tools.sim.page import simulation_page
from volthood_tools.sim.run import Settings, simulate
from volthood_tools.sim.session import command_of

HOMES, SETTINGS = Homes(homes=2), Settings(slots=1)
CURVES = (Curve("Welfare lost over lost messages, 2 homes", ("0 %", "2 %"), {"one balancing round": (0.0, 1.25)}),)


def page() -> str:
    result = simulate(HOMES.datasets(SETTINGS.slots, SETTINGS.seed), SETTINGS)
    return simulation_page([result], [command_of(HOMES, SETTINGS)], CURVES)


def test_a_run_and_a_curve_are_shown_and_nothing_is_loaded() -> None:
    shown = page()
    assert "Welfare lost over lost messages, 2 homes" in shown
    assert "<td>1.25</td>" in re.sub(r"<td[^>]*>", "<td>", shown)
    assert "2 in 1 hood, 1 slot, mid-market" in shown
    assert not re.search(r"<script|<link rel=.(?!icon)|<img|url\(|@import|src=", shown)


def test_a_command_breaks_between_its_options_alone() -> None:
    command = command_of(HOMES, SETTINGS)
    options = re.findall(r'<span class="whole">([^<]*)</span>', page())
    assert " ".join(["volthood-sim", *options]) == command
    assert all(option.count("--") == 1 for option in options)
