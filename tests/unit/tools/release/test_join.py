"""Modules joined into one: the same program in fewer files."""

import subprocess
import sys
from pathlib import Path

import pytest

from volthood_tools.release.join import JOINED, join


def run(sources: dict[str, str], expression: str, folder: Path) -> str:
    """What an expression prints where these modules are."""
    for name, source in sources.items():
        is_package = any(other.startswith(name + ".") for other in sources)
        path = (
            folder / name.replace(".", "/") / "__init__.py" if is_package else folder / (name.replace(".", "/") + ".py")
        )
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(source)
    done = subprocess.run(
        [sys.executable, "-c", f"import importlib as i; print({expression})"],
        env={"PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


SOURCES = {
    "voltnode": "",
    "voltnode.base": "import sys\nclass SomeError(Exception):\n    pass\n\ndef twice(x):\n    return x + x\n\nseen = [1]",
    "voltnode.tool": """
from voltnode import base
from voltnode.base import twice as double, SomeError

class Thing:
    size = 2

    def __init__(self, seen=base.seen):
        self.seen = seen

    def sizes(self):
        twice = [size for size in self.seen]
        return twice + [double(Thing.size)]

def total(values):
    global count
    count = count + 1
    double = sum(values)
    return double

count = 0
""",
    "voltnode.main": """
from voltnode.tool import Thing, total
from voltnode.base import SomeError

def main():
    from voltnode.base import twice
    return total(Thing().sizes()), twice(3), SomeError.__name__

if __name__ == "__main__":
    main()
""",
    "voltnode.rare": "from voltnode import base\nfrom voltnode.tool import Thing\nfound = (base.twice(4), Thing.size)",
    "voltnode.named": "from voltnode.base import twice\nNAME = 'voltnode.named'",
}


def joined(outside: tuple[str, ...] = ("voltnode.main",)) -> dict[str, str]:
    return join(SOURCES, ("voltnode.main",), outside)


@pytest.mark.parametrize(
    "expression", ['i.import_module("voltnode.main").main()', 'i.import_module("voltnode.rare").found']
)
def test_the_program_does_the_same(expression: str, tmp_path: Path) -> None:
    assert run(joined(), expression, tmp_path / "one") == run(SOURCES, expression, tmp_path / "many")


def test_what_is_always_there_is_one_module_and_the_rest_stays() -> None:
    assert set(joined()) == {JOINED, "voltnode", "voltnode.main", "voltnode.rare", "voltnode.named"}
    assert '__name__ == "__main__"' not in joined()[JOINED].replace("'", '"')
    assert '__name__ == "__main__"' in joined()["voltnode.main"].replace("'", '"')


def test_errors_keep_their_names() -> None:
    assert "class SomeError(Exception)" in joined()[JOINED]


def test_whoever_looks_in_from_outside_finds_the_names(tmp_path: Path) -> None:
    assert run(joined(tuple(SOURCES)), 'i.import_module("voltnode.tool").Thing.size', tmp_path) == "2\n"


def test_a_module_that_a_text_names_stays_apart() -> None:
    sources = SOURCES | {"voltnode.main": "from voltnode.named import NAME\nfrom voltnode.base import twice"}
    done = join(sources, ("voltnode.main",), ())
    assert "voltnode.named" in done
    assert "voltnode.base" not in done


@pytest.mark.parametrize("name", list(SOURCES))
def test_what_is_made_is_python(name: str) -> None:
    for text in joined(tuple(SOURCES)).values():
        compile(text, name, "exec")
