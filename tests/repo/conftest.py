"""What the tests of the repository itself look at: its files, and their syntax trees."""

import ast
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MADE = {".venv", ".git", "__pycache__", "build", "dist", "typings"}


@pytest.fixture(scope="session")
def root() -> Path:
    """The repository's root."""
    return ROOT


@pytest.fixture(scope="session")
def tree() -> list[Path]:
    """Every file of the project, relative to the root: what git knows or would add; all files where there is no git."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    try:
        names = subprocess.run(command, cwd=ROOT, capture_output=True, check=True, text=True).stdout.split("\0")
    except (OSError, subprocess.CalledProcessError):
        return sorted(walked())
    return sorted({Path(name) for name in names if name and (ROOT / name).is_file()})


def walked() -> list[Path]:
    """The files of an unpacked source distribution, without what tools leave behind."""
    found = []
    for folder, folders, files in os.walk(ROOT):
        folders[:] = [name for name in folders if name not in MADE and not name.endswith(("_cache", ".egg-info"))]
        found += [(Path(folder) / name).relative_to(ROOT) for name in files]
    return found


@pytest.fixture(scope="session")
def parsed(tree: list[Path]) -> Callable[..., dict[Path, ast.Module]]:
    """A function that gives the syntax trees of the Python files under the folders named."""
    trees = {path: ast.parse((ROOT / path).read_bytes(), str(path)) for path in tree if path.suffix == ".py"}

    def under(*folders: str) -> dict[Path, ast.Module]:
        return {path: module for path, module in trees.items() if any(path.is_relative_to(f) for f in folders)}

    return under
