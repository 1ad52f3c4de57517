"""A board's file system with a first program in it: the selector, the pointer, the release key, and the release itself."""

from pathlib import Path

import voltnode
from volthood.core.release import Bundle
from volthood.wire.update import release_text
from volthood_tools.release.build import ReleaseError, compile_source, strip_types
from voltnode.selector import GOOD, POINTER, RELEASE, SLOTS, write_pointer
from voltnode.update import KEY_FILE
from voltnode.update.folder import CodeFolder

_SELECTOR = {"selector": "voltnode/selector.py", "folder": "voltnode/hal/folder.py"}
"""Modules beside the programs, by the names under which `main.py` loads them, and where their sources are."""

_CHOOSE = """\
def choose(root):
    import folder
    import selector

    sys.path.insert(0, root + "/" + selector.choose(folder.FolderFlash(root)))
    del sys.modules["folder"], sys.modules["selector"]
"""
"""What has chosen does not stay in memory."""
_MAIN_ESP32 = f"""\
import machine
import micropython
import sys


{_CHOOSE}

micropython.kbd_intr(-1)
machine.WDT(timeout=60000)
try:
    choose("")
    from voltnode.hal.esp32 import main

    main()
except BaseException as error:
    sys.print_exception(error)
finally:
    machine.reset()
"""
_MAIN_VIRTUAL = f"""\
import sys


{_CHOOSE}

choose(sys.argv[sys.argv.index("--root") + 1])
from voltnode.hal.unix import main

main()
"""
_MAIN = {"esp32": _MAIN_ESP32, "virtual": _MAIN_VIRTUAL}


def lay_out(bundle: Bundle, key: bytes, to: Path) -> list[Path]:
    """Fills a folder with what belongs onto a board that has nothing yet.

    Args:
        bundle: its first program.
        key: the release key, x and y.
        to: an empty folder, or one that is made.

    Returns:
        the files, relative to `to`.

    Raises:
        ReleaseError: the folder is not empty, or the bundle is for no board that there is.
    """
    if to.exists() and any(to.iterdir()):
        raise ReleaseError(f"{to}: not empty")
    to.mkdir(parents=True, exist_ok=True)
    flash = CodeFolder(str(to))
    files = {f"{SLOTS[0]}/{path}": content for path, content in bundle.files().items()}
    files |= _selector_files() | {
        "main.py": _MAIN[bundle.manifest.hardware].encode(),
        KEY_FILE: key,
        f"{SLOTS[0]}/{RELEASE}": release_text(bundle.manifest.release).encode(),
    }
    for name, content in files.items():
        flash.append(name, content)
    write_pointer(flash, SLOTS[0], GOOD, 0)
    return sorted(Path(name) for name in [*files, POINTER])


def _selector_files() -> dict[str, bytes]:
    root = Path(voltnode.__path__[0]).parent
    sources = {name: root / path for name, path in _SELECTOR.items()}
    return {
        f"{name}.mpy": compile_source(strip_types(source.read_text()), f"{name}.py") for name, source in sources.items()
    }
