"""Generated parts of the documentation are what the code's tables make of them now."""

import re
from pathlib import Path
from types import ModuleType

import pytest

from volthood.core.market.round import TRANSITIONS
from volthood_tools.diagrams import PARTS, filled, main, rows_of
from voltnode import broker, timekeeping, wifi


def pages(tree: list[Path], root: Path) -> dict[str, str]:
    """Every page with a generated part."""
    found = {str(path): (root / path).read_text() for path in tree if path.suffix == ".md"}
    return {name: text for name, text in found.items() if "<!-- generated: " in text}


def test_every_generated_part_is_up_to_date(tree: list[Path], root: Path) -> None:
    """If this fails: python -m volthood_tools.diagrams PAGE."""
    texts = pages(tree, root)
    assert texts
    assert [name for name, text in texts.items() if filled(text) != text] == []


def test_every_part_stands_somewhere(tree: list[Path], root: Path) -> None:
    named = {name for text in pages(tree, root).values() for name in re.findall(r"<!-- generated: (\S+) -->", text)}
    assert named == PARTS.keys()


def test_the_diagram_has_every_transition_and_no_other() -> None:
    arrows = re.findall(r"^ +(\w+) --> (\w+): (.*)$", PARTS["round-diagram"](), flags=re.MULTILINE)
    table = {(str(a), str(b), f"{trigger} / {step}") for (a, trigger), (b, step) in TRANSITIONS.items()}
    assert set(arrows) == table


@pytest.mark.parametrize("module", [broker, timekeeping, wifi])
def test_every_transition_of_the_node_says_what_is_done(module: ModuleType) -> None:
    rows = rows_of(module)
    assert [(state, trigger) for state, trigger, _, _ in rows] == list(module.TRANSITIONS)
    assert all(step for *_, step in rows)


def test_nothing_else_of_a_page_is_touched(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("before\n<!-- generated: round-table -->\nold\n<!-- end -->\nafter <!-- end -->\n")
    main([str(page)])
    text = page.read_text()
    assert (
        text == f"before\n<!-- generated: round-table -->\n{PARTS['round-table']()}<!-- end -->\nafter <!-- end -->\n"
    )
    assert filled(text) == text


def test_a_part_that_nobody_makes_is_named() -> None:
    with pytest.raises(KeyError, match="round-song"):
        filled("<!-- generated: round-song -->\n<!-- end -->\n")
