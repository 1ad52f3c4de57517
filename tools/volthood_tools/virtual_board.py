"""Where the virtual board's interpreter is: the MicroPython unix port, from its wheel or from the PATH."""

import os
import shutil
import sys
from pathlib import Path

FROZEN = ".frozen"
"""The modules inside the interpreter, asyncio among them: MICROPYPATH replaces the whole path, so it must name them."""


def search_path(*folders: Path | str) -> str:
    """The value of MICROPYPATH for these folders."""
    return os.pathsep.join([*map(str, folders), FROZEN])


def find_micropython() -> Path | None:
    """The `micropython` beside this Python, else the one on the PATH; None where there is none."""
    beside = Path(sys.executable).with_name("micropython")
    found = str(beside) if beside.exists() else shutil.which("micropython")
    return Path(found) if found else None
