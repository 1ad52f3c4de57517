"""The node's parts do the same on CPython and on MicroPython."""

from collections.abc import Callable
from pathlib import Path

import volthood
import voltnode

SCRIPT = Path(__file__).with_name("check_node.py")
HEAP = "256k"
"""Sources are compiled in it, so it is larger than what runs in it."""


def test_both_interpreters_make_the_same_records(
    run_on_cpython: Callable[..., str], run_on_micropython: Callable[..., str], tmp_path: Path
) -> None:
    on_cpython = run_on_cpython(SCRIPT, tmp_path / "one")
    assert on_cpython.rstrip().endswith("done")
    assert run_on_micropython(SCRIPT, tmp_path / "two", heap=HEAP) == on_cpython


def test_the_node_has_the_version_of_the_distribution() -> None:
    assert volthood.__version__ == voltnode.VERSION


def test_the_page_of_the_node_names_every_command_and_option(repo_root: Path) -> None:
    from voltnode.console.commands import names
    from voltnode.hal.options_unix import OPTIONS

    page = (repo_root / "firmware" / "README.md").read_text()
    assert [name for name in names() if f"`{name}" not in page] == []
    assert [option for option in OPTIONS if f"`--{option}`" not in page] == []
