"""The import contracts hold, and each of them would notice: a forbidden import is planted in a copy of the source."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = ("agent", "firmware", "tools", "pyproject.toml")


@pytest.fixture(scope="module")
def source(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the source that a test may spoil."""
    copy = tmp_path_factory.mktemp("source")
    for name in SOURCE:
        if (root / name).is_dir():
            shutil.copytree(root / name, copy / name, ignore=shutil.ignore_patterns("__pycache__", ".*_cache"))
        else:
            shutil.copy(root / name, copy / name)
    return copy


def lint(source: Path) -> str:
    """What import-linter says about a copy."""
    env = os.environ | {"PYTHONPATH": os.pathsep.join(str(source / name) for name in SOURCE[:3]), "NO_COLOR": "1"}
    command = [sys.executable, "-c", "from importlinter.cli import lint_imports_command as run; run()", "--no-cache"]
    return subprocess.run(command, cwd=source, env=env, capture_output=True, text=True, check=False).stdout


def broken(output: str) -> list[str]:
    return [line.partition(" BROKEN")[0] for line in output.splitlines() if " BROKEN" in line]


def test_the_contracts_hold(source: Path) -> None:
    output = lint(source)
    assert "0 broken" in output, output


@pytest.mark.parametrize(
    ("module", "line", "contract"),
    [
        ("agent/volthood/core/planted.py", "import volthood.engine", "Dependencies point inwards"),
        ("agent/volthood/wire/planted.py", "import volthood.errors", "Dependencies point inwards"),
        ("agent/volthood/engine/planted.py", "import volthood.adapters", "Dependencies point inwards"),
        ("agent/volthood/planted.py", "import volthood.errors", "Dependencies point inwards"),
        ("agent/volthood/core/planted.py", "import time", "core and engine know no machine"),
        ("agent/volthood/core/planted.py", "import logging", "core and engine know no machine"),
        ("agent/volthood/engine/planted.py", "import sqlite3", "core and engine know no machine"),
        ("agent/volthood/ports/planted.py", "import random", "core and engine know no machine"),
        ("agent/volthood/cli/planted.py", "import asyncio", "asyncio only in app"),
        ("agent/volthood/config/planted.py", "import asyncio", "asyncio only in app"),
        ("agent/volthood/adapters/planted.py", "import volthood.adapters.clock", "Adapters do not know each other"),
        ("agent/volthood/cli/planted.py", "import volthood_tools", "The agent knows nothing of the tools"),
        ("agent/volthood/app/planted.py", "import voltnode", "The agent knows nothing of the tools"),
        ("firmware/voltnode/planted.py", "import volthood.core", "The board's program knows nothing of the agent"),
        ("firmware/voltnode/planted.py", "import volthood.errors", "The board's program knows nothing of the agent"),
    ],
)
def test_a_planted_import_is_noticed(source: Path, module: str, line: str, contract: str) -> None:
    planted = source / module
    planted.write_text(line + "\n")
    try:
        assert [name for name in broken(lint(source)) if name.startswith(contract)]
    finally:
        planted.unlink()
