"""`volthood market`: clearing and check of a file, and the exit status."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from volthood.cli.main import main
from volthood.wire import cbor

SAMPLE = Path(__file__).parents[3] / "agent" / "docs" / "samples" / "market.json"


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["market", *map(str, arguments)])


@pytest.fixture
def values() -> Any:
    return json.loads(SAMPLE.read_text())


def test_a_clearing_that_holds() -> None:
    done = run("verify", SAMPLE)
    assert done.exit_code == 0
    assert done.stdout.startswith(
        "holds: auction/1, slot 1970-01-01T00:00:00Z, gate 0: 4 orders, 3 trades, 1400 Wh; book "
    )


def test_one_that_does_not(values: Any, tmp_path: Path) -> None:
    values["clearing"]["trades"][1]["energy_wh"] = 601
    (tmp_path / "market.json").write_text(json.dumps(values))
    done = run("verify", tmp_path / "market.json")
    assert (done.exit_code, done.stdout) == (
        1,
        "fails: flow within the capacity; node left; 8000 mct/kWh; 601 Wh\n",
    )
    told = json.loads(run("verify", tmp_path / "market.json", "--json").stdout)
    assert told["holds"] is False
    assert told["fault"] == {
        "condition": "flow within the capacity",
        "node": "left",
        "price_mct_per_kwh": 8000,
        "energy_wh": 601,
        "detail": "",
    }


def test_a_book_becomes_a_clearing(values: Any, tmp_path: Path) -> None:
    del values["clearing"]
    (tmp_path / "book.json").write_text(json.dumps(values))
    assert run("clear", tmp_path / "book.json").stdout == SAMPLE.read_text()
    assert run("clear", tmp_path / "book.json", "--out", tmp_path / "market.json").exit_code == 0
    assert (tmp_path / "market.json").read_text() == SAMPLE.read_text()


def test_the_same_as_cbor(tmp_path: Path) -> None:
    out = tmp_path / "market.cbor"
    assert "4 orders, 3 trades, 1400 Wh" in run("clear", SAMPLE, "--out", out).stdout
    assert cbor.decode(out.read_bytes()) == json.loads(SAMPLE.read_text())
    assert json.loads(run("verify", out, "--json").stdout)["holds"] is True


def test_no_file_is_overwritten(tmp_path: Path) -> None:
    (tmp_path / "there").write_text("")
    done = run("clear", SAMPLE, "--out", tmp_path / "there")
    assert (done.exit_code, "it must be a new file" in done.stderr) == (1, True)


BAD = {
    "nothing": (b"", "neither a JSON object nor canonical CBOR"),
    "cut short": (b'{"format": ', "neither a JSON object nor canonical CBOR"),
    "far too deep": (b'{"a":' * 100_000, "neither a JSON object nor canonical CBOR"),
    "no text": (b'{"\xff": 1}', "neither a JSON object nor canonical CBOR"),
    "CBOR with more behind it": (cbor.encode({}) + b"\x00", "trailing_bytes"),
    "a list in CBOR": (cbor.encode([]), "the file is not a map"),
    "another file": (b'{"format": "x"}', "format is 'x', not 'volthood/1/market'"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_no_market_is_neither_proved_nor_disproved(name: str, tmp_path: Path) -> None:
    data, words = BAD[name]
    (tmp_path / "market").write_bytes(data)
    for command in ("verify", "clear"):
        done = run(command, tmp_path / "market")
        assert (done.exit_code, words in done.stderr) == (2, True)


def test_other_files_and_rules(values: Any, tmp_path: Path) -> None:
    assert run("verify", tmp_path / "none").exit_code == 2
    values["hood"]["algorithm"] = "guess/1"
    (tmp_path / "market.json").write_text(json.dumps(values))
    done = run("clear", tmp_path / "market.json")
    assert (done.exit_code, "hood.algorithm = 'guess/1' is unknown here: mid-market/1, auction/1" in done.stderr) == (
        2,
        True,
    )
    del values["clearing"]
    (tmp_path / "market.json").write_text(json.dumps(values))
    done = run("verify", tmp_path / "market.json")
    assert (done.exit_code, "clearing is missing" in done.stderr) == (2, True)
