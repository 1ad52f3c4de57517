"""The hood's rules in words, `hood.toml`, into the canonical `core.hood.Hood`. Prices in mct/kWh, times in seconds.

`[[reference]]` is a step series: each row holds from its instant on, the first from ever. `[[gate]]` names when orders are
called: `offset_s` from the slot's start and below zero for forward gates, from its end for balancing gates (254, 255).
"""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

from volthood.config.toml import read_toml
from volthood.core.grid import GridMap, GridNode
from volthood.core.hood import Gate, Hood, Member, ReferenceStep, Windows
from volthood.errors import LocalError
from volthood.wire.roster import Roster

ALGORITHMS = {"mid-market": "mid-market/1", "auction": "auction/1"}
"""Price rules by the name that people use, and the version that stands in orders and contracts."""

T = TypeVar("T")
_OPTIONAL = {
    "slot_s": "slot_s",
    "settle_within_s": "settle_within_s",
    "version": "version",
    "issued_s": "issued_s",
    "valid_from_s": "valid_from_s",
}
_TABLES = {"currency", "price_rule", "collar", "windows", "gate", "reference", "grid"}


def load_hood(path: Path, roster: Roster) -> Hood:
    """The hood file in `path` for the members of a roster. Raises `LocalError` naming file, key, unit and range."""
    table = read_toml(path)
    unknown = sorted(table.keys() - _TABLES - _OPTIONAL.keys())
    if unknown:
        known = ", ".join(sorted(_TABLES | _OPTIONAL.keys()))
        raise LocalError(f"{path}: unknown key {unknown[0]}; known here: {known}")
    members = tuple(Member(row.agent, row.house, row.fuse_w, row.grid_node) for row in roster.members)
    try:
        return _hood(table, roster.digest, members)
    except KeyError as error:
        raise LocalError(f"{path}: {error.args[0]} is missing") from error
    except (TypeError, ValueError, AttributeError, LocalError) as error:
        raise LocalError(f"{path}: {error}") from error


def _hood(table: dict[str, Any], hood_id: bytes, members: tuple[Member, ...]) -> Hood:
    collar = table.get("collar", {})
    given = {name: table[key] for key, name in _OPTIONAL.items() if key in table}
    given |= {f"collar_{key}": value for key, value in collar.items()}
    if "grid" in table:
        given["grid"] = GridMap(_rows(table["grid"], "node", GridNode))
    return Hood(
        hood_id=hood_id,
        currency=table["currency"],
        algorithm=_algorithm(table["price_rule"]),
        gates=_rows(table, "gate", Gate),
        reference=tuple(_reference(row, first=not number) for number, row in enumerate(table["reference"])),
        windows=Windows(**table.get("windows", {})),
        members=members,
        **given,
    )


def _rows(table: dict[str, Any], key: str, kind: Callable[..., T]) -> tuple[T, ...]:
    return tuple(kind(**row) for row in table[key])


def _algorithm(price_rule: object) -> str:
    if price_rule not in ALGORITHMS:
        raise ValueError(f"price_rule = {price_rule!r}: one of {', '.join(ALGORITHMS)}")
    return ALGORITHMS[str(price_rule)]


def _reference(row: dict[str, Any], *, first: bool) -> ReferenceStep:
    from_s = 0
    if not first:
        instant = row["from"]
        if not isinstance(instant, datetime) or instant.tzinfo is None:
            raise ValueError(f"reference.from = {instant}: an instant with its zone, such as 2016-08-09T15:00:00Z")
        from_s = int(instant.timestamp())
    return ReferenceStep(from_s, row["feed_in_mct_per_kwh"], row["retail_mct_per_kwh"])
