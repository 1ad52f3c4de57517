"""A feeder into a grid map: capacities by hand, rings and islands by name."""

from dataclasses import replace
from fractions import Fraction

import pytest

from volthood.core.feeder import Bus, Feeder, Line, Switch, Terms, Transformer, grid_map, line_power_w
from volthood.core.grid import GridNode
from volthood.errors import LocalError

V400, V20000 = Fraction(400), Fraction(20000)


def bus(number: int, voltage_v: Fraction = V400) -> Bus:
    return Bus(number, f"LV1.1 Bus {number}", voltage_v)


def line(number: int, one: int, other: int, current_a: int = 270, length_km: str = "0.1") -> Line:
    return Line(number, f"Line {number}", one, other, Fraction(current_a), Fraction(length_km))


FEEDER = Feeder(
    buses=(bus(0, V20000), bus(1), bus(2), bus(3)),
    lines=(line(7, 1, 2), line(8, 3, 2, 142, "0.0559")),
    transformers=(Transformer(0, "Trafo", 0, 1, Fraction(160_000)),),
)


def refused(feeder: Feeder) -> str:
    with pytest.raises(LocalError) as caught:
        grid_map(feeder, Terms())
    return str(caught.value)


def test_a_line_carries_root_three_times_voltage_and_current() -> None:
    """sqrt(3) * 400 V * 270 A = 187,061.49 W."""
    assert line_power_w(Fraction(400), Fraction(270)) == 187_061
    assert line_power_w(Fraction(0), Fraction(270)) == 0


def test_rounding_is_down_and_exact_at_a_whole_watt() -> None:
    """100 V and sqrt(3) A would be 300 W: with 1.7320508 A it is a little less, with 1.7320509 A a little more."""
    assert line_power_w(Fraction(100), Fraction("1.7320508")) == 299
    assert line_power_w(Fraction(100), Fraction("1.7320509")) == 300


def test_a_feeder_by_hand() -> None:
    """Transformer 160 kVA: 40,000 Wh in 900 s. 187,061 W: 46,765.25 Wh. 142 A: 98,380.5 W, 24,595.0 Wh."""
    grid = grid_map(FEEDER, Terms(line_fee_mct_per_kwh=1000, transformer_fee_mct_per_kwh=500)).grid
    assert grid.nodes == (
        GridNode("lv1-1-bus-0"),
        GridNode("lv1-1-bus-1", "lv1-1-bus-0", 500, 40_000, 40_000),
        GridNode("lv1-1-bus-2", "lv1-1-bus-1", 100, 46_765, 46_765),
        GridNode("lv1-1-bus-3", "lv1-1-bus-2", 55, 24_595, 24_595),
    )


def test_slot_length_and_share() -> None:
    """Half of 160,000 W for an hour; half of 187,061 W is 93,530 W."""
    grid = grid_map(FEEDER, Terms(slot_s=3600, share_percent=50)).grid
    assert [node.up_wh for node in grid.nodes] == [None, 80_000, 93_530, 49_190]


def test_the_source_is_the_root_wherever_it_is() -> None:
    grid = grid_map(replace(FEEDER, sources=(3,)), Terms()).grid
    assert grid.root.name == "lv1-1-bus-3"
    assert grid.by_name["lv1-1-bus-0"].parent == "lv1-1-bus-1"


def test_a_ring_is_named_bus_by_bus() -> None:
    ring = replace(FEEDER, lines=(*FEEDER.lines, line(9, 1, 3)))
    assert refused(ring) == (
        "feeder: a ring: bus 1 (LV1.1 Bus 1) - bus 2 (LV1.1 Bus 2) - bus 3 (LV1.1 Bus 3) - bus 1 (LV1.1 Bus 1),"
        " closed by line 8 (Line 8); open one of its switches"
    )


def test_lines_side_by_side_are_a_ring() -> None:
    assert "closed by line 9" in refused(replace(FEEDER, lines=(*FEEDER.lines, line(9, 1, 2))))


def test_an_open_switch_opens_the_ring() -> None:
    ring = replace(FEEDER, lines=(*FEEDER.lines, line(9, 1, 3)))
    opened = replace(ring, switches=(Switch(0, 1, "l", 9, closed=False), Switch(1, 2, "l", 7, closed=True)))
    assert grid_map(opened, Terms()) == grid_map(FEEDER, Terms())


def test_a_closed_switch_between_buses_is_a_way_without_limit() -> None:
    switched = replace(FEEDER, lines=FEEDER.lines[:1], switches=(Switch(4, 3, "b", 1, closed=True),))
    assert grid_map(switched, Terms()).grid.by_name["lv1-1-bus-3"] == GridNode("lv1-1-bus-3", "lv1-1-bus-1")


@pytest.mark.parametrize(
    ("feeder", "words"),
    [
        (replace(FEEDER, switches=(Switch(0, 1, "t", 0, closed=False),)), "nothing feeds bus 1 (LV1.1 Bus 1), bus 2"),
        (replace(FEEDER, switches=(Switch(0, 3, "l", 8, closed=False),)), "nothing feeds bus 3 (LV1.1 Bus 3)"),
        (replace(FEEDER, transformers=()), "the root; here: none"),
        (replace(FEEDER, sources=(0, 3)), "the root; here: bus 0 (LV1.1 Bus 0), bus 3 (LV1.1 Bus 3)"),
        (replace(FEEDER, lines=(line(7, 0, 2),)), "line 7 (Line 7) joins buses of different voltage"),
        (replace(FEEDER, buses=(*FEEDER.buses, bus(3))), "bus 3 stands twice"),
        (Feeder(()), "the root; here: none"),
    ],
)
def test_what_is_no_tree_is_named(feeder: Feeder, words: str) -> None:
    assert words in refused(feeder)


def test_what_is_out_of_service_is_not_there() -> None:
    smaller = replace(FEEDER, buses=FEEDER.buses[:3])
    assert [node.name for node in grid_map(smaller, Terms()).grid.nodes] == [
        "lv1-1-bus-0",
        "lv1-1-bus-1",
        "lv1-1-bus-2",
    ]


@pytest.mark.parametrize(
    ("names", "nodes"),
    [
        (("Main St.", "Haus Ä"), ["haus", "main-st"]),
        (("same", "SAME"), ["bus-0", "bus-1"]),
        (("", "x" * 33), ["bus-0", "bus-1"]),
        (("bus-1", "other"), ["bus-0", "other"]),
    ],
)
def test_nodes_are_named_after_their_bus(names: tuple[str, str], nodes: list[str]) -> None:
    buses = tuple(Bus(number, name, V400) for number, name in enumerate(names))
    feeder = Feeder(buses, lines=(line(0, 0, 1),), sources=(0,))
    assert [node.name for node in grid_map(feeder, Terms()).grid.nodes] == nodes
