"""Who lives where: every street has sun and consumers, and the notes say that it is assumed."""

from dataclasses import replace

import pytest

from volthood.core.grid import GridMap
from volthood.core.market.pairing import path_fee
from volthood_tools.demo.dataset import Dataset, load_packaged, with_homes
from volthood_tools.demo.streets import grid_note, make_streets


@pytest.fixture(scope="module")
def data() -> Dataset:
    return load_packaged()


@pytest.mark.parametrize(("count", "nodes"), [(2, 3), (4, 3), (5, 3), (6, 4), (10, 4)])
def test_the_tree_has_a_substation_and_streets(data: Dataset, count: int, nodes: int) -> None:
    streets = make_streets("tree", with_homes(data, count).homes)
    assert len(streets.grid.nodes) == nodes
    assert streets.grid.root.name == "substation"
    assert len(streets.node_of) == count
    assert set(streets.node_of.values()) == {node.name for node in streets.grid.nodes} - {"substation"}


@pytest.mark.parametrize("count", [4, 6, 7, 8, 9, 10])
def test_each_street_has_sun_and_consumers(data: Dataset, count: int) -> None:
    homes = with_homes(data, count).homes
    streets = make_streets("tree", homes)
    for node in set(streets.node_of.values()):
        assert {home.has_pv for home in homes if streets.node_of[home.name] == node} == {True, False}


def test_two_homes_trade_over_the_substation(data: Dataset) -> None:
    streets = make_streets("tree", with_homes(data, 2).homes)
    assert streets.node_of == {"house01": "north", "house02": "south"}


def test_fees_grow_with_the_way(data: Dataset) -> None:
    layout = make_streets("tree", with_homes(data, 6).homes).grid.layout
    fee = {
        pair: path_fee(layout, *(layout.number[name] for name in pair))
        for pair in (("north", "north"), ("north", "north-2"), ("south", "north"), ("south", "north-2"))
    }
    assert list(fee.values()) == [0, 400, 800, 1200]


def test_homes_that_are_all_alike_are_dealt_out_too(data: Dataset) -> None:
    homes = tuple(replace(home, has_pv=True) for home in with_homes(data, 3).homes)
    assert list(make_streets("tree", homes).node_of.values()) == ["north", "south", "north"]


def test_one_node_has_no_fee(data: Dataset) -> None:
    homes = with_homes(data, 3)
    streets = make_streets("one", homes.homes)
    assert streets.grid == GridMap()
    assert set(streets.node_of.values()) == {"root"}
    assert grid_note(streets, homes) == "The grid is an assumption: all homes sit on one node, and no trade pays a fee."


def test_the_note_names_fee_and_capacity(data: Dataset) -> None:
    note = grid_note(make_streets("tree", data.homes), data)
    assert note.startswith("The grid is an assumption: who lives in which street")
    assert "0.00400 USD per kWh" in note
    assert "100 kW" in note
