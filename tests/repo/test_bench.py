"""The benchmark harness: figures are judged as the design's marks say, and every area speaks the same format."""

import json
import tomllib
from importlib.resources import files
from pathlib import Path

import pytest
from click.testing import CliRunner

from volthood_tools.bench.areas import AREAS, measurer
from volthood_tools.bench.cli import main
from volthood_tools.bench.figures import Figure, Mark, judged, median, read_marks

FIELDS = ["name", "figure", "unit", "mark", "ok", "samples", "seed", "raw"]


def mark(direction: str, bound: float = 10) -> dict[str, Mark]:
    return {"a.speed": Mark("a.speed", "ms", bound, direction, "page.md")}


@pytest.mark.parametrize(
    ("direction", "figure", "ok"),
    [("max", 9.9, True), ("max", 10, True), ("max", 10.1, False), ("min", 9.9, False), ("min", 10, True)],
)
def test_a_figure_is_judged_by_its_mark(direction: str, figure: float, ok: bool) -> None:
    result = judged("a", Figure("speed", figure, "ms", 1, 7, (figure,)), mark(direction))
    assert list(result) == FIELDS
    assert result["ok"] is ok
    assert result["mark"] == ("<= 10" if direction == "max" else ">= 10")


def test_a_figure_without_a_mark_is_not_judged() -> None:
    result = judged("a", Figure("colour", 1, "1", 1, 7, (1,)), mark("max"))
    assert (result["mark"], result["ok"]) == (None, None)


def test_a_figure_in_another_unit_is_refused() -> None:
    with pytest.raises(ValueError, match="measured in s, its mark is in ms"):
        judged("a", Figure("speed", 0.01, "s", 1, 7, (0.01,)), mark("max"))


def test_the_median_keeps_its_raw_values() -> None:
    figure = median("speed", "ms", 3, [3.0, 1.0, 2.0])
    assert (figure.figure, figure.samples, figure.raw) == (2.0, 3, (3.0, 1.0, 2.0))


def test_every_mark_is_whole() -> None:
    marks = read_marks()
    assert len(marks) > 30
    assert [name for name, each in marks.items() if not each.unit or ":" not in each.page] == []


@pytest.mark.parametrize("direction", ["", "up", "Max"])
def test_a_mark_without_a_direction_is_refused(direction: str) -> None:
    text = f'[a.b]\nunit = "s"\nbound = 1\ndirection = "{direction}"\npage = "p"\n'
    with pytest.raises(ValueError, match="must be max or min"):
        read_marks(text)


def test_the_marks_travel_with_the_package(root: Path) -> None:
    packaged = files("volthood_tools").joinpath("marks.toml").read_text()
    assert tomllib.loads(packaged) == tomllib.loads((root / "tools/volthood_tools/marks.toml").read_text())


@pytest.mark.parametrize("area", sorted(AREAS))
def test_every_area_can_be_loaded(area: str) -> None:
    assert callable(measurer(area))


def test_json_is_one_list_of_figures() -> None:
    done = CliRunner().invoke(main, ["wire", "--quick", "--json"])
    assert done.exit_code == 0, done.output
    results = json.loads(done.stdout)
    assert [list(result) for result in results] == [FIELDS] * len(results)
    assert {result["name"].split(".")[0] for result in results} == {"wire"}


def test_the_table_names_every_figure() -> None:
    done = CliRunner().invoke(main, ["wire", "--quick"])
    assert done.exit_code == 0
    assert "wire.slot_record_bytes" in done.stdout
