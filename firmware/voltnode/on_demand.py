"""Code that is needed rarely: loaded when it is called, and dropped afterwards, so that it takes memory only meanwhile.

Whoever keeps an object of a class keeps the class: what such code gives back must be plain values, or not stay.
"""

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_OURS = ("voltnode.", "volthood.")
_DROPS = sys.implementation.name != "cpython"
"""Elsewhere memory is not short, and a class that is loaded twice would be two."""


def call(module: str, function: str, *arguments: "Any") -> "Any":
    """What a module's function gives. The module and what only it needs are loaded now and dropped then."""
    before = loaded()
    try:
        return load(module, function)(*arguments)
    finally:
        drop_since(before)


def only(module: str, function: str, *arguments: "Any") -> "Any":
    """As `call`, but what the module needs stays: it is there for good, and the module is not."""
    try:
        return load(module, function)(*arguments)
    finally:
        drop_since(loaded() - {module})


def once(module: str, name: str) -> "Any":
    """A function of a module that is forgotten at once: it lasts for as long as somebody has the function, or runs it."""
    before = loaded()
    try:
        return load(module, name)
    finally:
        drop_since(before)


def load(module: str, name: str) -> "Any":
    """A function or class of a module, which is loaded if need be and stays."""
    return getattr(__import__(module, None, None, (name,)), name)


def loaded() -> "set[str]":
    """The modules there are, for `drop_since`."""
    return set(sys.modules)


def drop_since(before: "set[str]") -> None:
    """Forgets our modules that were not there before. What still runs in one runs on."""
    for name in [name for name in sys.modules if name not in before] if _DROPS else ():
        if name.startswith(_OURS):
            package, _, own = name.rpartition(".")
            del sys.modules[name]
            if package in sys.modules:
                delattr(sys.modules[package], own)
