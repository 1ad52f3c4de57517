"""TOML tables into frozen dataclasses, strictly: every message names the file, the key and the remedy."""

import dataclasses
import tomllib
from datetime import datetime
from pathlib import Path
from types import UnionType
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from volthood.errors import LocalError

T = TypeVar("T")


def setting(help_text: str, *, key: str | None = None, **kwargs: Any) -> Any:
    """A dataclass field that carries its help text, and its key where that is no name in Python."""
    return dataclasses.field(metadata={"help": help_text} | ({"key": key} if key else {}), **kwargs)


def read_toml(path: Path) -> dict[str, Any]:
    """The tables of a TOML file. Raises `LocalError` where it is missing or broken."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise LocalError(f"{path}: no such file") from error
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise LocalError(f"{path}: {error}") from error


def build(cls: type[T], table: dict[str, Any], path: Path, prefix: str = "") -> T:
    """An instance of a dataclass from a table: nested dataclasses are sub-tables, tuples of them lists of tables.

    Raises:
        LocalError: an unknown key, a missing one, a value of another type, or one that the dataclass refuses.
    """
    if not dataclasses.is_dataclass(cls):
        raise TypeError(f"{cls.__name__} is not a dataclass")
    hints = get_type_hints(cls)
    fields = {field.metadata.get("key", field.name): field for field in dataclasses.fields(cls)}
    for key in table:
        if key not in fields:
            known = ", ".join(fields)
            raise LocalError(f"{path}: unknown key {prefix}{key}; known here: {known}")
    values = {}
    for key, field in fields.items():
        if key in table:
            values[field.name] = _value(hints[field.name], table[key], path, prefix + key)
        elif field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
            help_text = field.metadata.get("help")
            raise LocalError(f"{path}: {prefix}{key} is missing" + (f": {help_text}" if help_text else ""))
    try:
        return cls(**values)
    except LocalError as error:
        raise LocalError(f"{path}: {prefix.removesuffix('.')}: {error}" if prefix else f"{path}: {error}") from error


def _value(hint: Any, value: Any, path: Path, name: str) -> Any:
    if get_origin(hint) is UnionType and dataclasses.is_dataclass(get_args(hint)[0]):
        hint = get_args(hint)[0]
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        if not isinstance(value, dict):
            raise LocalError(f"{path}: {name} is a table, written [{name}]")
        return build(hint, value, path, name + ".")
    if get_origin(hint) is tuple:
        if not isinstance(value, list):
            raise LocalError(f"{path}: {name} is a list of tables, written [[{name}]]")
        row = get_args(hint)[0]
        return tuple(_value(row, entry, path, f"{name}[{number}]") for number, entry in enumerate(value))
    allowed: dict[type, type] = {int: int, str: str, bool: bool, Path: str, datetime: datetime}
    for plain, written in allowed.items():
        if hint in (plain, plain | None):
            if type(value) is not written:
                raise LocalError(f"{path}: {name} = {value!r} is not of type {written.__name__}")
            return path.parent / str(value) if plain is Path else value
    raise TypeError(f"{name}: settings of type {hint} are not supported")
