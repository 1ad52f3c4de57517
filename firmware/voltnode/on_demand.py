"""Code that is needed rarely: loaded when it is called, and dropped afterwards, so that it takes memory only meanwhile.

Whoever keeps an object of a class keeps the class: what such code gives back must be plain values, or not stay.
"""

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

_OURS = ("voltnode.", "volthood.")
_DROPS = sys.implementation.name != "cpython"
"""Elsewhere memory is not short, and a class that is loaded twice would be two."""


def call(module: str, function: str, *arguments: "Any") -> "Any":
    """What a module's function gives. The module and what only it needs are loaded now and dropped then."""
    before = set(sys.modules)
    try:
        return getattr(__import__(module, None, None, (function,)), function)(*arguments)
    finally:
        drop([name for name in sys.modules if name not in before])


def drop(modules: "Iterable[str]") -> None:
    """Forgets modules of ours by their names. Those that are not loaded are no error."""
    for name in modules if _DROPS else ():
        if name.startswith(_OURS):
            package, _, own = name.rpartition(".")
            if sys.modules.pop(name, None) is not None and package in sys.modules:
                delattr(sys.modules[package], own)
