"""Network tables from CSV files, and the grid map as text that a hood file takes."""

from dataclasses import replace
from pathlib import Path

import pytest

from volthood.config.feeder import Tables, grid_toml, read_feeder, read_loads
from volthood.config.hood import read_hood
from volthood.core.feeder import Terms, grid_map
from volthood.errors import LocalError

FILES = {
    "bus": 'bus,name,vn_kv,x\n0,Station,20.0,1\n1,Street,0.4,2\n2,"Yard ""A""",0.4,3\n9,Old,0.4,3\n',
    "line": "line,name,from_bus,to_bus,max_i_ka,parallel,in_service\n0,L,1,2,0.27,2,True\n1,L2,2,9,0.27,1,False\n",
    "trafo": "trafo,name,hv_bus,lv_bus,sn_mva\n0,T,0,1,0.16\n",
    "switch": "switch,bus,element,et,closed\n0,1,0,l,True\n",
    "ext_grid": "ext_grid,bus\n0,0\n",
    "load": "load,name,bus\n0,House 1,2\n1,,2\n",
}
HOOD = 'currency = "EUR"\nprice_rule = "auction"\n[[reference]]\nfeed_in_mct_per_kwh = 1\nretail_mct_per_kwh = 2\n'


@pytest.fixture
def tables(tmp_path: Path) -> Tables:
    for name, text in FILES.items():
        (tmp_path / f"{name}.csv").write_text(text)
    return Tables(*(tmp_path / f"{name}.csv" for name in ("bus", "line", "trafo", "switch", "ext_grid")))


def test_the_grid_map_is_what_a_hood_file_takes(tables: Tables, tmp_path: Path) -> None:
    """Two systems of 270 A at 400 V: 374,122 W, 93,530 Wh in 900 s."""
    tables.bus.write_text(FILES["bus"].replace("9,Old,0.4,3\n", ""))
    tables.line.write_text(FILES["line"].splitlines()[0] + "\n0,L,1,2,0.27,2,True\n")
    feeder_map = grid_map(read_feeder(tables), Terms())
    text = grid_toml(feeder_map, read_loads(tmp_path / "load.csv"))
    (tmp_path / "hood.toml").write_text(HOOD + text)
    grid = read_hood(tmp_path / "hood.toml").grid
    assert grid == feeder_map.grid
    assert grid.by_name["yard-a"].up_wh == 93_530
    assert '# bus 2 "Yard \\"A\\""; load "House 1"; load "load 1"\n' in text


def test_what_is_out_of_service_is_left_out(tables: Tables) -> None:
    assert len(read_feeder(tables).lines) == 1
    tables.bus.write_text("bus,vn_kv,in_service\n0,20.0,True\n1,0.4,True\n2,0.4,True\n9,0.4,False\n")
    assert len(grid_map(read_feeder(tables), Terms()).grid.nodes) == 3


@pytest.mark.parametrize("head", ["", "other"])
def test_rows_are_numbered_by_an_unnamed_column_or_as_they_stand(tables: Tables, head: str) -> None:
    tables.trafo.write_text(f"{head},hv_bus,lv_bus,sn_mva\n5,0,1,0.16\n")
    assert [unit.number for unit in read_feeder(tables).transformers] == [5 if not head else 0]


def test_a_marked_file_and_an_optional_table(tables: Tables) -> None:
    tables.bus.write_text("\ufeff" + FILES["bus"], encoding="utf-8")
    feeder = read_feeder(replace(tables, switch=None, ext_grid=None))
    assert (len(feeder.buses), feeder.switches, feeder.sources) == (4, (), ())


BAD: dict[str, tuple[str, str, str]] = {
    "missing column": (
        "line",
        FILES["line"].replace("max_i_ka", "max_i"),
        "column max_i_ka is missing; there are line,",
    ),
    "empty file": ("bus", "", "column vn_kv is missing; there are none"),
    "no number": ("line", FILES["line"].replace("0.27,2", "much,2"), "line 2: max_i_ka = 'much' is not a number"),
    "not a number": ("line", FILES["line"].replace("0.27,2", "nan,2"), "line 2: max_i_ka = 'nan' is not a number"),
    "below zero": ("trafo", FILES["trafo"].replace("0.16", "-1"), "line 2: sn_mva = '-1' is below zero"),
    "half a bus": ("trafo", FILES["trafo"].replace("0,1,0.16", "0.5,1,0.16"), "hv_bus = '0.5' is not a whole number"),
    "maybe": ("switch", FILES["switch"].replace("True", "maybe"), "closed = 'maybe' is neither True nor False"),
    "three windings": ("switch", FILES["switch"].replace(",l,", ",t3,"), "et = 't3' is not one of l t b"),
    "unknown bus": ("line", FILES["line"].replace("0,L,1,2", "0,L,1,7"), "bus 7 is not in the table of buses"),
    "unknown source": ("ext_grid", "ext_grid,bus\n0,77\n", "bus 77 is not in the table of buses"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_tables_are_refused_by_name(tables: Tables, tmp_path: Path, name: str) -> None:
    table, text, words = BAD[name]
    (tmp_path / f"{table}.csv").write_text(text)
    with pytest.raises(LocalError) as caught:
        read_feeder(tables)
    assert f"{table}.csv: " in str(caught.value)
    assert words in str(caught.value)


def test_a_missing_file_and_one_that_is_no_text(tables: Tables) -> None:
    tables.bus.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(LocalError, match=r"bus\.csv"):
        read_feeder(tables)
    tables.bus.unlink()
    with pytest.raises(LocalError, match="No such file"):
        read_feeder(tables)
