"""The hood's rules in words, `hood.toml`, into the canonical `core.hood.Hood`. Prices in mct/kWh, times in seconds.

`[[reference]]` is a step series: each row holds from its instant on. `[[gate]]` names when orders are called: forward
gates `offset_s` before the slot, balancing gates (index 254, 255) `offset_s` after its end.
"""

from datetime import datetime
from pathlib import Path
from typing import Any

from volthood.config.toml import read_toml
from volthood.core.hood import Edge, Gate, Hood, Reference, Windows
from volthood.errors import LocalError

_TOP = {"currency", "price_rule", "slot_s", "collar", "windows", "gate", "reference", "grid"}


def load_hood(path: Path, hood_id: bytes) -> Hood:
    """The hood file in `path` for the hood `hood_id`. Raises `LocalError` naming file, key, unit and range."""
    table = read_toml(path)
    unknown = table.keys() - _TOP
    if unknown:
        raise LocalError(f"{path}: unknown key {sorted(unknown)[0]}; known here: {', '.join(sorted(_TOP))}")
    try:
        return _hood(table, hood_id)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise LocalError(f"{path}: {_words(error)}") from error
    except LocalError as error:
        raise LocalError(f"{path}: {error}") from error


def _words(error: Exception) -> str:
    return f"{error.args[0]} is missing" if isinstance(error, KeyError) else str(error)


def _hood(table: dict[str, Any], hood_id: bytes) -> Hood:
    collar, grid = table.get("collar", {}), table.get("grid", {})
    return Hood(
        hood_id=hood_id,
        currency=table["currency"],
        price_rule=table["price_rule"],
        gates=tuple(Gate(**row) for row in table["gate"]),
        reference_series=tuple(_reference(row) for row in table["reference"]),
        windows=Windows(**table.get("windows", {})),
        slot_s=table.get("slot_s", 900),
        collar_below_mct_per_kwh=collar.get("below_mct_per_kwh", 5000),
        collar_above_mct_per_kwh=collar.get("above_mct_per_kwh", 5000),
        root=grid.get("root", "root"),
        edges=tuple(Edge(**row) for row in grid.get("edge", [])),
    )


def _reference(row: dict[str, Any]) -> Reference:
    instant = row["from"]
    if not isinstance(instant, datetime) or instant.tzinfo is None:
        raise ValueError(f"reference.from = {instant}: an instant with its zone, such as 2016-08-09T15:00:00Z")
    return Reference(int(instant.timestamp()), row["feed_in_mct_per_kwh"], row["retail_mct_per_kwh"])
