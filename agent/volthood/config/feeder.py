"""Network tables as pandapower keeps them, one CSV file each, into a feeder; and a grid map as text for `hood.toml`.

Only the columns named here are read, whatever else a table has. The first column numbers the rows: it is called as the table
is, or has no name. `name`, `in_service`, `parallel`, `df` and `length_km` may be missing.
"""

import csv
import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TypeVar

from volthood.core.feeder import Bus, Feeder, FeederMap, Line, Switch, Transformer
from volthood.core.grid import GridNode
from volthood.errors import LocalError

T = TypeVar("T")
TRUTH = {"true": True, "1": True, "false": False, "0": False}
THOUSAND, MILLION = 10**3, 10**6


@dataclass(frozen=True)
class Tables:
    """The files of a network."""

    bus: Path
    line: Path
    trafo: Path
    switch: Path | None = None
    ext_grid: Path | None = None


class Row:
    """One line of a table. Every error names file, line, column and what stands there."""

    def __init__(self, path: Path, number: int, cells: Mapping[str, str | None]) -> None:
        self._where = f"{path}: line {number}"
        self._cells = cells

    def text(self, column: str) -> str:
        """A cell as it is, empty where the column is missing."""
        return (self._cells.get(column) or "").strip()

    def integer(self, column: str) -> int:
        """A whole number. Raises `LocalError`."""
        number = self.number(column)
        if number.denominator != 1:
            raise self._error(column, "is not a whole number")
        return number.numerator

    def number(self, column: str, default: str | None = None) -> Fraction:
        """An exact number of at least zero. Raises `LocalError`."""
        text = self.text(column)
        try:
            number = Fraction(default if default is not None and not text else text)
        except (ValueError, ZeroDivisionError) as error:
            raise self._error(column, "is not a number") from error
        if number < 0:
            raise self._error(column, "is below zero")
        return number

    def flag(self, column: str) -> bool:
        """True or False; true where the column is missing. Raises `LocalError`."""
        text = self.text(column).lower() or "true"
        if text not in TRUTH:
            raise self._error(column, "is neither True nor False")
        return TRUTH[text]

    def one_of(self, column: str, values: str) -> str:
        """A letter. Raises `LocalError`."""
        if self.text(column) not in values.split():
            raise self._error(column, f"is not one of {values}")
        return self.text(column)

    def _error(self, column: str, what: str) -> LocalError:
        return LocalError(f"{self._where}: {column} = {self.text(column)!r} {what}")


def read_feeder(tables: Tables) -> Feeder:
    """The network of these files, as far as it is in service.

    Raises:
        LocalError: a file or column that is missing, a cell that is no number, a bus that no table has.
    """
    buses = _read(tables.bus, "bus", "vn_kv", _bus)
    known = {bus.number for bus, _ in buses}
    lines = _read(tables.line, "line", "from_bus to_bus max_i_ka", _line)
    trafos = _read(tables.trafo, "trafo", "hv_bus lv_bus sn_mva", _trafo)
    switches = _read(tables.switch, "switch", "bus element et closed", _switch)
    sources = _read(tables.ext_grid, "ext_grid", "bus", lambda row, _number: row.integer("bus"))
    _check_known(tables.line, known, [bus for line, _ in lines for bus in (line.from_bus, line.to_bus)])
    _check_known(tables.trafo, known, [bus for unit, _ in trafos for bus in (unit.upper_bus, unit.lower_bus)])
    if tables.ext_grid is not None:
        _check_known(tables.ext_grid, known, [number for number, _ in sources])
    return Feeder(
        buses=_in_service(buses),
        lines=_in_service(lines),
        transformers=_in_service(trafos),
        switches=tuple(switch for switch, _ in switches),
        sources=_in_service(sources),
    )


def read_loads(path: Path) -> dict[int, list[str]]:
    """The names of the loads at each bus, for comments. Raises `LocalError`."""
    loads: defaultdict[int, list[str]] = defaultdict(list)
    for (bus, name), _ in _read(path, "load", "bus", lambda row, number: (row.integer("bus"), _name(row, number))):
        loads[bus].append(name)
    return dict(loads)


def grid_toml(feeder_map: FeederMap, loads: Mapping[int, list[str]]) -> str:
    """The grid map as tables of `hood.toml`, with bus and loads of each node beside it."""
    parts = ["# The grid map, for hood.toml. Fees in mct/kWh, capacities in Wh a slot, up is towards the root.\n"]
    for node in feeder_map.grid.nodes:
        bus = feeder_map.bus[node.name]
        at = "".join(f"; load {json.dumps(name)}" for name in loads.get(bus.number, ()))
        parts.append(f"# bus {bus.number} {json.dumps(bus.name)}{at}\n{node_toml(node)}")
    return "\n".join(parts)


def node_toml(node: GridNode) -> str:
    """A node as a table of `hood.toml`."""
    lines = ["[[grid.node]]", f'name = "{node.name}"']
    if node.parent is not None:
        lines += [f'parent = "{node.parent}"', f"fee_mct_per_kwh = {node.fee_mct_per_kwh}"]
    lines += [
        f"{key} = {limit}" for key, limit in (("up_wh", node.up_wh), ("down_wh", node.down_wh)) if limit is not None
    ]
    return "\n".join(lines) + "\n"


def _read(path: Path | None, table: str, columns: str, make: Callable[[Row, int], T]) -> list[tuple[T, bool]]:
    """(what a row says, whether it is in service) of every row; nothing without a file."""
    if path is None:
        return []
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            index = _index_column(path, reader.fieldnames or [], table, columns)
            rows = [Row(path, reader.line_num, cells) for cells in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise LocalError(f"{path}: {error}") from error
    return [
        (make(row, number if index is None else row.integer(index)), row.flag("in_service"))
        for number, row in enumerate(rows)
    ]


def _index_column(path: Path, there: Iterable[str], table: str, columns: str) -> str | None:
    """The column that numbers the rows, None where they are numbered from 0. Raises `LocalError`."""
    there = list(there)
    missing = [column for column in columns.split() if column not in there]
    if missing:
        raise LocalError(f"{path}: column {missing[0]} is missing; there are {', '.join(there) or 'none'}")
    return next((name for name in (table, "") if name in there[:1]), None)


def _bus(row: Row, number: int) -> Bus:
    return Bus(number, row.text("name"), row.number("vn_kv") * THOUSAND)


def _line(row: Row, number: int) -> Line:
    current_a = row.number("max_i_ka") * THOUSAND * row.number("parallel", "1") * row.number("df", "1")
    ends = row.integer("from_bus"), row.integer("to_bus")
    return Line(number, row.text("name"), *ends, current_a, row.number("length_km", "0"))


def _trafo(row: Row, number: int) -> Transformer:
    power_va = row.number("sn_mva") * MILLION * row.number("parallel", "1") * row.number("df", "1")
    return Transformer(number, row.text("name"), row.integer("hv_bus"), row.integer("lv_bus"), power_va)


def _switch(row: Row, number: int) -> Switch:
    kind = row.one_of("et", "l t b")
    return Switch(number, row.integer("bus"), kind, row.integer("element"), row.flag("closed"))


def _name(row: Row, number: int) -> str:
    return row.text("name") or f"load {number}"


def _in_service(rows: Iterable[tuple[T, bool]]) -> tuple[T, ...]:
    return tuple(row for row, alive in rows if alive)


def _check_known(path: Path, known: set[int], numbers: Iterable[int]) -> None:
    unknown = sorted(set(numbers) - known)
    if unknown:
        raise LocalError(f"{path}: bus {unknown[0]} is not in the table of buses")
