"""`volthood hood`: a hood file in words and as a tree, and network tables made a grid map."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from volthood.adapters.crypto import AgentKeys
from volthood.cli.main import main
from volthood.config.hood import load_hood
from volthood.core.hood_file import hood_digest
from volthood.wire.keys import sha256
from volthood.wire.note import pack_note
from volthood.wire.roster import Roster, RosterMember

HOOD = """
currency = "EUR"
price_rule = "auction"
[[reference]]
feed_in_mct_per_kwh = 8000
retail_mct_per_kwh = 30000
[[grid.node]]
name = "station"
[[grid.node]]
name = "street"
parent = "station"
fee_mct_per_kwh = 500
up_wh = 9000
[[grid.node]]
name = "yard"
parent = "street"
up_wh = 41
down_wh = 41
"""
TREE = """\
grid map    3 nodes, 0 members on them
station
  street  fee 500 mct/kWh, up 9000 Wh, down no limit a slot
    yard  fee 0 mct/kWh, 41 Wh a slot
"""


def keys_of(house: str) -> AgentKeys:
    return AgentKeys(*(sha256(f"{house}/{role}".encode()) for role in ("agent", "seal", "witness")))


def member(house: str, node: str) -> RosterMember:
    public = keys_of(house).public
    return RosterMember(house, public.agent, public.seal, public.witness, (), sha256(b"point"), 17250, node, "bus:1")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A neighbourhood's folder: rules, roster and signatures."""
    places = {"ann": "yard", "ben": "yard", "cleo": "street"}
    roster = Roster(1, None, 0, 0, tuple(member(house, node) for house, node in places.items()))
    (tmp_path / "hood.toml").write_text(HOOD)
    digest = hood_digest(load_hood(tmp_path / "hood.toml", roster)).hex() + "\n"
    for name, text in (("roster.note", roster.to_text()), ("hood.note", digest)):
        (tmp_path / name).write_bytes(pack_note(text, [keys_of(house).sign_note(house, text) for house in places]))
    return tmp_path


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["hood", *map(str, arguments)])


def test_the_rules_alone(tmp_path: Path) -> None:
    (tmp_path / "hood.toml").write_text(HOOD)
    done = run("show", tmp_path / "hood.toml", "--plain")
    assert done.exit_code == 0
    assert done.stdout.endswith(TREE)
    assert "auction: the orders make the prices, one for each node (auction/1)\n" in done.stdout
    assert "gate 254    balancing, 10 min after the slot's end, on metered energy\n" in done.stdout
    assert "not the signed one" in done.stdout


def test_a_folder_shows_members_and_signatures(folder: Path) -> None:
    done = run("show", "--dir", folder)
    assert "signed      yes\n" in done.stdout
    assert "└── street  fee 500 mct/kWh, up 9000 Wh, down no limit a slot  [cleo]\n" in done.stdout
    assert "    └── yard  fee 0 mct/kWh, 41 Wh a slot  [ann, ben]\n" in done.stdout


def test_every_house_of_a_full_street_is_shown(tmp_path: Path) -> None:
    houses = [f"house{number:02}" for number in range(30)]
    roster = Roster(1, None, 0, 0, tuple(member(house, "yard") for house in houses))
    (tmp_path / "hood.toml").write_text(HOOD)
    (tmp_path / "roster.note").write_bytes(
        pack_note(roster.to_text(), [keys_of(house).sign_note(house, roster.to_text()) for house in houses])
    )
    shown = run("show", "--dir", tmp_path).stdout
    assert all(house in shown for house in houses)


def test_rules_that_were_changed_are_not_signed(folder: Path) -> None:
    (folder / "hood.toml").write_text(HOOD.replace("500", "501"))
    assert "signed      no: hood_digest: the note signs another hood file\n" in run("show", "--dir", folder).stdout


def test_the_same_as_json(folder: Path) -> None:
    told = json.loads(run("show", folder / "hood.toml", "--roster", folder / "roster.note", "--json").stdout)
    assert told["signed"] is None
    assert len(told["hood_id"]) == 64
    assert told["grid"][2] == {
        "name": "yard",
        "parent": "street",
        "fee_mct_per_kwh": 0,
        "up_wh": 41,
        "down_wh": 41,
        "houses": ["ann", "ben"],
    }


def test_a_long_reference_series_is_cut_short(tmp_path: Path) -> None:
    row = "[[reference]]\nfrom = 2016-08-{:02}T00:00:00Z\nfeed_in_mct_per_kwh = {}\nretail_mct_per_kwh = 30000\n"
    rows = "".join(row.format(day, day) for day in range(1, 10))
    (tmp_path / "hood.toml").write_text('currency = "EUR"\nprice_rule = "mid-market"\n' + rows)
    lines = [line for line in run("show", tmp_path / "hood.toml").stdout.splitlines() if "feed-in 0." in line]
    assert [line.split(":")[0] for line in lines[:1]] == ["reference   from the beginning"]
    assert "2016-08-09T00:00:00Z" in lines[-1]
    assert len(lines) == 4


def test_what_is_wrong_ends_with_status_one(folder: Path) -> None:
    (folder / "hood.toml").write_text(HOOD.replace("500", "-1"))
    done = run("show", "--dir", folder)
    assert done.exit_code == 1
    assert "fee_mct_per_kwh = -1 is outside 0..100000000 mct/kWh" in done.stderr


def test_a_member_on_no_node_is_named(folder: Path) -> None:
    (folder / "hood.toml").write_text(HOOD.replace('"yard"', '"cellar"'))
    done = run("show", "--dir", folder)
    assert (done.exit_code, "member ann: node yard is not in the grid map" in done.stderr) == (1, True)


def test_a_forged_roster_and_no_file(folder: Path) -> None:
    (folder / "roster.note").write_text("nothing\n")
    assert "roster.note" in run("show", "--dir", folder).stderr
    assert run("show").exit_code == 2
    assert "no such file" in run("show", folder / "other.toml").stderr


def network(folder: Path) -> list[Path]:
    (folder / "bus.csv").write_text("bus,name,vn_kv\n0,Station,20\n1,Street,0.4\n2,Yard,0.4\n")
    (folder / "line.csv").write_text("line,from_bus,to_bus,max_i_ka\n0,1,2,0.27\n1,2,1,0.27\n")
    (folder / "trafo.csv").write_text("trafo,hv_bus,lv_bus,sn_mva\n0,0,1,0.16\n")
    (folder / "switch.csv").write_text("switch,bus,element,et,closed\n0,1,1,l,False\n")
    (folder / "load.csv").write_text("load,name,bus\n0,House 1,2\n")
    return [folder / f"{name}.csv" for name in ("bus", "line", "trafo")]


def test_network_tables_become_a_grid_map(tmp_path: Path) -> None:
    files = network(tmp_path)
    out = tmp_path / "grid.toml"
    done = run("convert", *files, "--switch", tmp_path / "switch.csv", "--load", tmp_path / "load.csv", "--out", out)
    assert done.stdout == f"{out}: 3 nodes below station; add them to hood.toml\n"
    (tmp_path / "hood.toml").write_text(HOOD.partition("[[grid.node]]")[0] + out.read_text())
    assert "  street  fee 0 mct/kWh, 40000 Wh a slot\n" in run("show", tmp_path / "hood.toml", "--plain").stdout


def test_a_grid_map_on_standard_output(tmp_path: Path) -> None:
    done = run("convert", *network(tmp_path), "--switch", tmp_path / "switch.csv", "--slot-s", 3600, "--trafo-fee", 7)
    assert "fee_mct_per_kwh = 7\nup_wh = 160000\n" in done.stdout


def test_a_ring_is_refused_and_no_file_is_overwritten(tmp_path: Path) -> None:
    files = network(tmp_path)
    done = run("convert", *files)
    assert (
        done.exit_code,
        "a ring: bus 1 (Street) - bus 2 (Yard) - bus 1 (Street), closed by line 1" in done.stderr,
    ) == (1, True)
    done = run("convert", *files, "--switch", tmp_path / "switch.csv", "--out", files[0])
    assert (done.exit_code, "it must be a new file" in done.stderr) == (1, True)
