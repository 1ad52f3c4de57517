"""Every configuration key stands in a sample, with its default where it has one, and the samples are accepted."""

import dataclasses
import importlib
import pkgutil
import tomllib
from collections.abc import Iterator
from pathlib import Path
from types import UnionType
from typing import Any, get_args, get_origin, get_type_hints

import pytest

import volthood.config

SAMPLES = "agent/docs/samples"


def files_described() -> dict[str, type[Any]]:
    """The configuration files by name: module `volthood.config.x` with a dataclass `XConfig` describes `x.toml`."""
    found: dict[str, type[Any]] = {}
    for info in pkgutil.iter_modules(volthood.config.__path__, "volthood.config."):
        for name, value in vars(importlib.import_module(info.name)).items():
            if name.endswith("Config") and isinstance(value, type) and value.__module__ == info.name:
                found[info.name.rpartition(".")[2] + ".toml"] = value
    return found


def keys(cls: type[Any], prefix: str = "") -> Iterator[tuple[str, dataclasses.Field[Any]]]:
    """Every key that a file may have, nested tables flattened with dots."""
    hints = get_type_hints(cls)
    for field in dataclasses.fields(cls):
        hint = section_of(hints[field.name])
        if isinstance(hint, type) and dataclasses.is_dataclass(hint):
            yield from keys(hint, f"{prefix}{field.name}.")
        else:
            yield prefix + field.name, field


def section_of(hint: Any) -> Any:
    """The dataclass of a table that may be missing; any other hint as it is."""
    first = get_args(hint)[0] if get_origin(hint) is UnionType else hint
    return first if dataclasses.is_dataclass(first) else hint


def optional_tables(cls: type[Any]) -> tuple[str, ...]:
    """The tables that may be missing as a whole: in the sample they are shown as a whole."""
    hints = get_type_hints(cls)
    return tuple(f"{name}." for name, hint in hints.items() if section_of(hint) is not hint)


def flat(table: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    found = {}
    for key, value in table.items():
        found.update(flat(value, f"{prefix}{key}.") if isinstance(value, dict) else {prefix + key: value})
    return found


@pytest.mark.parametrize("name", sorted(files_described()))
def test_every_key_stands_in_the_sample(root: Path, name: str) -> None:
    text = (root / SAMPLES / name).read_text().replace("#! ", "")
    expected = dict(keys(files_described()[name]))
    assert set(flat(tomllib.loads(text))) == set(expected)


@pytest.mark.parametrize("name", sorted(files_described()))
def test_what_the_sample_shows_as_default_is_the_default(root: Path, name: str) -> None:
    text = (root / SAMPLES / name).read_text()
    given = flat(tomllib.loads(text))
    shown = {key: value for key, value in flat(tomllib.loads(text.replace("#! ", ""))).items() if key not in given}
    for key, field in keys(files_described()[name]):
        has_default = field.default is not dataclasses.MISSING
        assert (has_default or key.startswith(optional_tables(files_described()[name]))) == (key in shown), key
        if has_default and field.default is not None:
            assert str(field.default) == str(shown[key]), key


@pytest.mark.parametrize("name", sorted(files_described()))
def test_every_key_says_what_it_is(name: str) -> None:
    assert [key for key, field in keys(files_described()[name]) if not field.metadata.get("help")] == []
