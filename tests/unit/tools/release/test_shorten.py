"""Short names where nobody else can see: the same program."""

import pytest

from volthood_tools.release.shorten import shorten


def shortened(source: str, **others: str) -> str:
    return shorten({"main": source, **others})["main"]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("_one = 1\n\ndef two():\n    return _one", "_a = 1\n\ndef two():\n    return _a"),
        ("def f(one, two):\n    return one + two", "def f(a, b):\n    return a + b"),
        ("def f(one):\n    a = 1\n    return one", "def f(b):\n    a = 1\n    return b"),
        ("def f(one, *rest, **more):\n    return one", "def f(a, *rest, **more):\n    return a"),
        ("def f(one):\n    return g(one=one)", None),
        ("def f(one):\n    return getattr(f, 'one')", None),
        ("def f(one):\n\n    def g():\n        nonlocal one\n        one = 2", None),
        ("def f(one):\n    return lambda one: one", "def f(one):\n    return lambda a: a"),
        ("f = lambda one: one", "f = lambda a: a"),
        ("def f(one):\n    return [one for x in one]", "def f(a):\n    return [a for x in a]"),
        (
            "def f(one, two=1):\n\n    def g(three):\n        return one + three",
            "def f(a, b=1):\n\n    def g(b):\n        return a + b",
        ),
        ("for _ in range(3):\n    pass", None),
        ("import os\nos._exit(0)", None),
        (
            "class C:\n\n    def __init__(self):\n        self._x = 1",
            "class C:\n\n    def __init__(a):\n        a._a = 1",
        ),
    ],
)
def test_what_is_shortened_and_what_is_not(source: str, expected: str | None) -> None:
    assert shortened(source) == (source if expected is None else expected)


def test_a_family_of_classes_shares_its_names() -> None:
    base = "class Base:\n\n    def _put(self):\n        return 1"
    heir = "from base import Base\n\nclass Heir(Base):\n\n    def _get(self):\n        return self._put()"
    found = shorten({"base": base, "heir": heir, "other": "_put = 1"})
    assert found["base"] == "class Base:\n\n    def _b(a):\n        return 1"
    assert found["heir"] == "from base import Base\n\nclass Heir(Base):\n\n    def _a(a):\n        return a._b()"
    assert found["other"] == "_a = 1"


def test_many_names_are_all_different() -> None:
    source = "\n".join(f"_name_{i} = {i}" for i in range(120))
    lines = shortened(source).split("\n")
    assert len({line.split(" ")[0] for line in lines}) == 120
    assert lines[0].startswith("_a = ")
