"""The size of things: a newcomer reads a module in one sitting and a function on one screen."""

import ast
import statistics
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

SOURCE = ("agent", "tools", "firmware")
EVERYTHING = (*SOURCE, "tests", "hil_tests")
MODULE_LINES, FUNCTION_LINES, MEDIAN_LINES, P90_LINES = 500, 60, 8, 25
Parsed = Callable[..., dict[Path, ast.Module]]
Function = ast.FunctionDef | ast.AsyncFunctionDef


def functions(trees: dict[Path, ast.Module]) -> Iterator[tuple[str, Function]]:
    for path, tree in trees.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield f"{path}:{node.lineno} {node.name}", node


def lines_of(function: Function) -> int:
    return (function.end_lineno or function.lineno) - function.lineno + 1


def body_lines(function: Function) -> int:
    """Lines of the statements alone, without signature and docstring."""
    body = function.body[1:] if ast.get_docstring(function) else function.body
    return (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0


def show(capsys: pytest.CaptureFixture[str], title: str, sizes: dict[str, int]) -> None:
    worst = sorted(sizes.items(), key=lambda item: -item[1])[:10]
    with capsys.disabled():
        print(f"\n{title}, the ten longest:")
        for name, lines in worst:
            print(f"  {lines:4}  {name}")


def test_no_module_is_too_long(parsed: Parsed, root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sizes = {str(path): (root / path).read_bytes().count(b"\n") for path in parsed(*EVERYTHING)}
    show(capsys, "modules (lines)", sizes)
    assert {name: lines for name, lines in sizes.items() if lines > MODULE_LINES} == {}


def test_no_function_is_too_long(parsed: Parsed, capsys: pytest.CaptureFixture[str]) -> None:
    sizes = {name: lines_of(node) for name, node in functions(parsed(*EVERYTHING))}
    show(capsys, "functions (lines)", sizes)
    assert {name: lines for name, lines in sizes.items() if lines > FUNCTION_LINES} == {}


def test_most_functions_are_short(parsed: Parsed) -> None:
    sizes = sorted(body_lines(node) for _, node in functions(parsed(*SOURCE)))
    assert statistics.median(sizes) <= MEDIAN_LINES
    assert sizes[len(sizes) * 9 // 10] <= P90_LINES


def test_every_module_says_what_it_is(parsed: Parsed) -> None:
    assert [str(path) for path, tree in parsed(*EVERYTHING).items() if tree.body and not ast.get_docstring(tree)] == []


def test_no_module_is_called_utils(parsed: Parsed) -> None:
    vague = {"utils", "util", "helpers", "misc", "common"}
    assert [str(path) for path in parsed(*EVERYTHING) if vague & {path.stem, *path.parts}] == []


def forbidden_in_unit_tests(tree: ast.Module) -> Iterator[str]:
    """Names of test doubles and of sleeping; `asyncio.sleep(0)` only lets others run and may stay."""
    for node in ast.walk(tree):
        names: list[str] = []
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = [alias.name for alias in node.names] + [getattr(node, "module", None) or ""]
        elif isinstance(node, ast.arg):
            names = [node.arg]
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "sleep":
            still = [ast.unparse(argument) for argument in node.args] == ["0"]
            names = [] if still else ["sleep"]
        for name in names:
            if name.split(".")[-1] in {
                "mock",
                "Mock",
                "MagicMock",
                "AsyncMock",
                "patch",
                "mocker",
                "monkeypatch",
                "sleep",
            }:
                yield f"{getattr(node, 'lineno', 0)} {name}"


def test_unit_tests_use_no_mocks_and_never_sleep(parsed: Parsed) -> None:
    found = [f"{path}:{what}" for path, tree in parsed("tests/unit").items() for what in forbidden_in_unit_tests(tree)]
    assert found == []


@pytest.mark.parametrize(
    "code",
    ["from unittest.mock import Mock", "import unittest.mock", "def t(monkeypatch): ...", "import time\ntime.sleep(1)"],
)
def test_the_search_for_mocks_finds_them(code: str) -> None:
    assert list(forbidden_in_unit_tests(ast.parse(code)))
