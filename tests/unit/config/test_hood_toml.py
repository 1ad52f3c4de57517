"""`hood.toml`: what may stand in it, its defaults, and what is said of a wrong one: file, key, unit and range."""

from pathlib import Path

import pytest

from volthood.config.hood import read_hood
from volthood.core.grid import GridNode
from volthood.core.hood import Gate, Hood, ReferenceStep, Windows
from volthood.errors import LocalError

LEAST = 'currency = "EUR"\nprice_rule = "mid-market"\n'
REFERENCE = "[[reference]]\nfeed_in_mct_per_kwh = 8000\nretail_mct_per_kwh = 30000\n"
FULL = (
    LEAST
    + """
slot_s = 1800
settle_within_s = 90000
[collar]
below_mct_per_kwh = 1
above_mct_per_kwh = 2
[windows]
order_s = 3
bundle_s = 4
contract_s = 5
guard_s = 1
[[gate]]
index = 1
offset_s = -3600
[[gate]]
index = 255
offset_s = 60
"""
    + REFERENCE
    + """
[[reference]]
from = 2016-08-09T00:00:00Z
feed_in_mct_per_kwh = -5
retail_mct_per_kwh = 20000
[[grid.node]]
name = "station"
[[grid.node]]
name = "street"
parent = "station"
fee_mct_per_kwh = 500
up_wh = 9000
"""
)


def read(tmp_path: Path, text: str) -> Hood:
    path = tmp_path / "hood.toml"
    path.write_text(text)
    return read_hood(path)


def test_the_defaults_are_those_of_the_design(tmp_path: Path) -> None:
    hood = read(tmp_path, LEAST + REFERENCE)
    assert hood.gates == (Gate(0, -900), Gate(254, 600), Gate(255, 1500))
    assert hood.windows == Windows(20, 10, 20, 2)
    assert (hood.slot_s, hood.settle_within_s, hood.version) == (900, 172_800, 1)
    assert (hood.collar_below_mct_per_kwh, hood.collar_above_mct_per_kwh) == (5000, 5000)
    assert hood.grid.nodes == (GridNode("root"),)


def test_everything_that_may_stand_in_it(tmp_path: Path) -> None:
    hood = read(tmp_path, FULL)
    assert hood.gates == (Gate(1, -3600), Gate(255, 60))
    assert hood.windows == Windows(3, 4, 5, 1)
    assert hood.reference == (ReferenceStep(0, 8000, 30000), ReferenceStep(1_470_700_800, -5, 20000))
    assert hood.grid.nodes == (GridNode("station"), GridNode("street", "station", 500, 9000))
    assert (hood.slot_s, hood.settle_within_s) == (1800, 90_000)


BAD: dict[str, tuple[str, str]] = {
    "unknown key": ("colour = 1\n" + FULL, "unknown key colour; known here: currency, price_rule,"),
    "unknown key of a node": (FULL + "fee = 1\n", "unknown key grid.node[1].fee; known here: name, parent,"),
    "no currency": (FULL.replace('currency = "EUR"\n', ""), "currency is missing: three capital letters"),
    "no reference": (LEAST, "reference is missing: a table [[reference]] for each step"),
    "no offset": (FULL.replace("offset_s = 60", ""), "gate[1].offset_s is missing"),
    "a table for a list": (LEAST + "[reference]\n", "reference is a list of tables, written [[reference]]"),
    "a number for a table": ("windows = 3\n" + LEAST + REFERENCE, "windows is a table, written [windows]"),
    "text for a number": (
        FULL.replace("up_wh = 9000", 'up_wh = "9000"'),
        "grid.node[1].up_wh = '9000' is not of type int",
    ),
    "a price with a point": (FULL.replace("= 8000", "= 8000.0"), "reference[0].feed_in_mct_per_kwh = 8000.0 is not of"),
    "price rule": (FULL.replace("mid-market", "cheap"), "price_rule = 'cheap': one of mid-market, auction"),
    "range of a window": (FULL.replace("order_s = 3", "order_s = 0"), "windows.order_s = 0 is outside 1..3600 s"),
    "range of a gate": (FULL.replace("-3600", "3600"), "gates[0].offset_s = 3600 is outside -7776000..-12 s"),
    "range of a fee": (
        FULL.replace("= 500", "= -1"),
        "node street: fee_mct_per_kwh = -1 is outside 0..100000000 mct/kWh",
    ),
    "range of a capacity": (FULL.replace("9000\n", "-9\n"), "node street: up_wh = -9 is outside 0..1000000000 Wh"),
    "a step without its instant": (FULL.replace("from = 2016-08-09T00:00:00Z", ""), "reference[1].from is missing"),
    "an instant without a zone": (
        FULL.replace("00Z", "00"),
        "reference[1].from = 2016-08-09 00:00:00: an instant with",
    ),
    "two roots": (FULL.replace('parent = "station"\nfee_mct_per_kwh = 500\nup_wh = 9000', ""), "here: station, street"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_wrong_is_named(tmp_path: Path, name: str) -> None:
    text, words = BAD[name]
    with pytest.raises(LocalError) as caught:
        read(tmp_path, text)
    assert str(caught.value).startswith(f"{tmp_path / 'hood.toml'}: ")
    assert words in str(caught.value)
