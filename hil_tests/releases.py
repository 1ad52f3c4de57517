"""A newer release of this tree, for the board on the bench: the tree as it is, under another number."""

import shutil
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec

from volthood.core.release import Bundle
from volthood_tools.release.build import PACKAGES
from volthood_tools.release.bundle import compile_contents, make_bundle, tree_release

BROKEN = "raise ValueError('this release does not work')\n"


def this_tree(hardware: str, key: ec.EllipticCurvePrivateKey) -> Bundle:
    """The tree's own release."""
    return make_bundle(compile_contents(hardware), key)


def after(number: str, patches: int = 1) -> str:
    """A release later than one."""
    major, minor, patch = number.split(".")
    return f"{major}.{minor}.{int(patch) + patches}"


def another(
    hardware: str, key: ec.EllipticCurvePrivateKey, folder: Path, number: str, *, broken: bool = False
) -> Bundle:
    """The tree as release `number`; one that is broken stops at its start."""
    copies = [Path(shutil.copytree(package, folder / number / package.name)) for package in PACKAGES]
    (version,) = [copy / "__init__.py" for copy in copies if copy.name == "voltnode"]
    version.write_text(version.read_text().replace(f'"{tree_release()}"', f'"{number}"'))
    if broken:
        main = version.with_name("main.py")
        main.write_text(main.read_text() + BROKEN)
    return make_bundle(compile_contents(hardware, copies), key)
