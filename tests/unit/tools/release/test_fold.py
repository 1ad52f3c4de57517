"""Constants written in: the same program without the names."""

import pytest

from volthood_tools.release.fold import fold


def folded(source: str, **others: str) -> str:
    return fold({"main": source, **others})["main"]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("A = 3\nprint(A)", "pass\nprint(3)"),
        ("A = -3\nprint(A ** 2)", "pass\nprint((-3) ** 2)"),
        ("A = 2\n_B = A * 5\nprint(_B)", "pass\npass\nprint(10)"),
        ("A, B = 1, 2\nprint(B)", "pass\nprint(2)"),
        ("A, B = range(2)\nprint(B)", "pass\nprint(1)"),
        ("__all__ = ('A',)\nA = 1", "pass\npass"),
        ("A = 1 << 30\nprint(A)", None),
        ("A = 1.5\nprint(A)", None),
        ("A = 'text'\nprint(A)", "pass\nprint('text')"),
        ("A, B = 'xy'\nprint(A)", None),
        ("A = '%s'\nprint(A)" % ("x" * 33), None),
        ("A = b'bytes'\nprint(A)", None),
        ("A = True\nprint(A)", "pass\nprint(True)"),
        ("A = sys.implementation.name == 'cpython'\nif A:\n    a()\nelse:\n    b()", "pass\nb()"),
        ("A = sys.implementation.name != 'cpython'\nprint(1 if not A else 2)", "pass\nprint(2)"),
        ("a = 1\nprint(a)", None),
        ("A = 1\nA = 2\nprint(A)", None),
        ("A = 1\n\ndef f(A):\n    return A", None),
        ("A = len('abc')\nprint(A)", None),
        ("A = B = 1\nprint(A)", None),
        ("A, B = 1\nprint(A)", None),
        ("A = 1 // 0", None),
    ],
)
def test_what_is_a_constant_and_what_is_none(source: str, expected: str | None) -> None:
    assert folded(source) == (source if expected is None else expected)


def test_a_constant_of_another_module_comes_without_its_import() -> None:
    other = "ONE = 1\nTWO = ONE + 1\nname = 'x'"
    source = "from other import ONE, TWO as SECOND, name\nprint(ONE, SECOND, name)"
    assert folded(source, other=other) == "from other import name\nprint(1, 2, name)"
    assert folded("def f():\n    from other import ONE", other=other) == "def f():\n    pass"


def test_a_constant_is_known_by_its_module_too() -> None:
    source = "from package import other\nprint(other.ONE, other.name)"
    given = {"package": "", "package.other": "ONE = 1\nname = 'x'"}
    assert fold({"main": source, **given})["main"] == "from package import other\nprint(1, other.name)"


def test_a_constant_that_is_passed_on_is_one_too() -> None:
    given = {"first": "ONE = 1", "second": "from first import ONE", "third": "from second import ONE"}
    assert fold({"main": "from third import ONE\nprint(ONE)", **given})["main"] == "pass\nprint(1)"


def test_what_is_set_from_outside_stays() -> None:
    assert fold({"main": "A = 1\nprint(A)", "other": "import main\nmain.A = 2"})["main"] == "A = 1\nprint(A)"


def test_a_constant_of_another_module_that_is_set_anew_is_refused() -> None:
    with pytest.raises(ValueError, match="ONE"):
        fold({"main": "from other import ONE\nONE = 2\nprint(ONE)", "other": "ONE = 1"})


def test_a_constant_is_known_by_its_imported_module() -> None:
    given = {"package": "ONE = 1\nname = 'x'"}
    assert fold({"main": "import package\nprint(package.ONE, package.name)", **given})["main"] == (
        "import package\nprint(1, package.name)"
    )


@pytest.mark.parametrize(
    "source",
    ["a, b = b, a", "a[0], a[1] = f(x), (1, 2)", "a, b = lambda: 1, 2", "a = b, c", "a, b = c if d else e, f"],
)
def test_an_assignment_of_several_values_makes_no_tuple(source: str) -> None:
    expected = {"a, b = lambda: 1, 2": "a, b = (lambda: 1, 2)", "a = b, c": "a = (b, c)"}
    assert folded(source) == expected.get(source, source)
