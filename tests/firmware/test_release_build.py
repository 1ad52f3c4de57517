"""The board's program, compiled: only what a board needs, the same bytes each time, and it runs."""

import os
import subprocess
import time
from pathlib import Path

import pytest

from volthood_tools.release import build
from volthood_tools.release.build import ReleaseError, board_modules, compile_tree, strip_types
from volthood_tools.virtual_board import find_micropython, search_path


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    to = tmp_path_factory.mktemp("compiled")
    compile_tree(to, for_unix=True)
    return to


def _bytes(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*.mpy")}


def test_same_sources_give_the_same_bytes_wherever_and_whenever(compiled: Path, tmp_path: Path) -> None:
    copies = []
    for package in build.PACKAGES:
        for source in package.rglob("*.py"):
            copy = tmp_path / "elsewhere" / package.name / source.relative_to(package)
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(source.read_bytes())
            os.utime(copy, (1, time.time()))
        copies.append(tmp_path / "elsewhere" / package.name)
    files = compile_tree(tmp_path / "again", for_unix=True, packages=copies)
    assert _bytes(tmp_path / "again") == _bytes(compiled)
    assert [path.as_posix() for path in files] == sorted(_bytes(compiled))


def test_a_board_gets_what_it_needs_and_no_more() -> None:
    board, virtual = set(board_modules(for_unix=False)), set(board_modules(for_unix=True))
    assert {"voltnode/hal/esp32.py", "voltnode/hal/radio_esp32.py"} == board - virtual
    assert {"voltnode/hal/unix.py", "voltnode/hal/serial_unix.py"} <= virtual - board
    assert {path.rpartition("/")[0] for path in virtual - board} == {"voltnode/hal"}
    assert {"volthood/__init__.py", "volthood/wire/node.py", "voltnode/sign/verify.py"} <= board
    assert not {name for name in board if name.startswith("volthood/") and "/wire/" not in name} - {
        "volthood/__init__.py"
    }
    assert "volthood/wire/market.py" not in board


def test_every_module_loads_from_its_compiled_file(compiled: Path) -> None:
    micropython = find_micropython()
    if micropython is None:
        pytest.skip("no micropython")
    names = [name.removesuffix(".mpy").removesuffix("/__init__").replace("/", ".") for name in _bytes(compiled)]
    script = "\n".join(f"import {name}" for name in names) + "\nprint(voltnode.__name__)"
    done = subprocess.run(
        [micropython, "-X", "heapsize=2m", "-c", script],
        env=os.environ | {"MICROPYPATH": search_path(compiled)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""
    assert done.returncode == 0


def test_what_is_for_type_checkers_costs_nothing_and_lines_keep_their_numbers() -> None:
    source = "TYPE_CHECKING = False\nif TYPE_CHECKING:\n    from volthood.x import Y\nelse:\n    Y = 1\n"
    stripped = strip_types(source)
    assert stripped == "\nif False:\n    from volthood.x import Y\nelse:\n    Y = 1\n"
    assert list(build._imported(source)) == []
    assert list(build._imported("if x:\n    pass\nelse:\n    import volthood.wire\n")) == [
        "volthood/__init__.py",
        "volthood.py",
        "volthood/wire/__init__.py",
        "volthood/wire.py",
    ]


def test_a_module_that_is_loaded_by_its_name_belongs_to_the_board() -> None:
    assert "volthood/wire.py" in build._imported("call('volthood.wire', 'function')\n")
    assert list(build._imported("print('volthood node, help lists the commands', 'a.b')\n")) == []


def test_a_source_that_the_board_cannot_read_is_named(tmp_path: Path) -> None:
    package = tmp_path / "voltnode"
    package.mkdir()
    (package / "__init__.py").write_text("match x:\n    case 1:\n        pass\n")
    with pytest.raises(ReleaseError, match=r"voltnode/__init__\.py"):
        compile_tree(tmp_path / "out", for_unix=True, packages=[package])
