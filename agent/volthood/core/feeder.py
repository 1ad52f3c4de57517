"""A feeder as a network model describes it (buses, lines, transformers, switches) into a grid map.

- The root is the bus that feeds all others; every edge hangs below the bus that is nearer to it.
- A line carries sqrt(3) times its voltage times its current rating, a transformer its rated power, both at power factor 1;
  a closed switch between two buses carries anything. Capacities are those powers for a slot.
- Numbers stay exact to the end and are rounded down once, so that a limit is never widened: first to whole W, then to
  whole Wh a slot. The square root is one of integers.
- What is open or out of service is not there. What then forms a ring, or hangs on nothing, is refused by name: energy in a
  ring has no single way, so nobody could say whose capacity it takes.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from math import floor, isqrt
from typing import NamedTuple

from volthood.core.grid import GridMap, GridNode
from volthood.core.units import energy_wh
from volthood.errors import LocalError
from volthood.wire.limits import MAX_NAME_CHARS

NAME_CHARS = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-_")


class Bus(NamedTuple):
    """A point of the network: its number, name and rated voltage in V."""

    number: int
    name: str
    voltage_v: Fraction


class Line(NamedTuple):
    """A line between two buses: what it carries in A, all its systems together, and its length in km."""

    number: int
    name: str
    from_bus: int
    to_bus: int
    current_a: Fraction
    length_km: Fraction


class Transformer(NamedTuple):
    """A transformer: upper and lower bus, rated apparent power in VA, all its units together."""

    number: int
    name: str
    upper_bus: int
    lower_bus: int
    power_va: Fraction


class Switch(NamedTuple):
    """A switch at a bus towards a line (`l`), a transformer (`t`) or another bus (`b`) of that number."""

    number: int
    bus: int
    kind: str
    element: int
    closed: bool


@dataclass(frozen=True)
class Feeder:
    """What is in service of a network. `sources` are the buses that feed it; without any, a transformer's upper bus."""

    buses: tuple[Bus, ...]
    lines: tuple[Line, ...] = ()
    transformers: tuple[Transformer, ...] = ()
    switches: tuple[Switch, ...] = ()
    sources: tuple[int, ...] = ()


@dataclass(frozen=True)
class Terms:
    """What a grid map adds to a network model.

    Attributes:
        slot_s: length of a slot, s.
        share_percent: the part of each rating that is left to trading, after the base load that the grid operator names.
        line_fee_mct_per_kwh: fee of a kilometre of line, rounded down for each line.
        transformer_fee_mct_per_kwh: fee of a transformer.
    """

    slot_s: int = 900
    share_percent: int = 100
    line_fee_mct_per_kwh: int = 0
    transformer_fee_mct_per_kwh: int = 0


@dataclass(frozen=True)
class FeederMap:
    """A grid map, and the bus that each of its nodes stands for."""

    grid: GridMap
    bus: dict[str, Bus]


class _Edge(NamedTuple):
    """A way between two buses: what it is called, the most that it carries in W (None: anything), its fee."""

    one: int
    other: int
    label: str
    power_w: int | None
    fee: int


def grid_map(feeder: Feeder, terms: Terms) -> FeederMap:
    """The grid map of a feeder.

    Raises:
        LocalError: a bus that is not there, no single source, a ring (named bus by bus), a bus that nothing feeds.
    """
    buses = {bus.number: bus for bus in feeder.buses}
    if len(buses) < len(feeder.buses):
        twice = [number for number, times in Counter(bus.number for bus in feeder.buses).items() if times > 1]
        raise LocalError(f"feeder: bus {twice[0]} stands twice")
    edges = [edge for edge in _edges(feeder, buses, terms) if edge.one in buses and edge.other in buses]
    root = _root(feeder, buses)
    parents = _hang(root, edges, buses)
    names = _names(feeder.buses)
    nodes = [GridNode(names[root])]
    for number, edge in parents.items():
        parent = edge.one if edge.other == number else edge.other
        most_wh = None
        if edge.power_w is not None:
            most_wh = energy_wh(edge.power_w * terms.share_percent // 100, terms.slot_s)
        nodes.append(GridNode(names[number], names[parent], edge.fee, most_wh, most_wh))
    return FeederMap(GridMap(tuple(nodes)), {names[number]: bus for number, bus in buses.items()})


def line_power_w(voltage_v: Fraction, current_a: Fraction) -> int:
    """What a three-phase line carries, in W rounded down: sqrt(3) U I, so 187,061 W for 400 V and 270 A."""
    return isqrt(floor(3 * (voltage_v * current_a) ** 2))


def _edges(feeder: Feeder, buses: dict[int, Bus], terms: Terms) -> Iterator[_Edge]:
    opened = {(switch.kind, switch.element) for switch in feeder.switches if not switch.closed}
    for line in feeder.lines:
        voltage_v = _line_voltage_v(line, buses)
        if ("l", line.number) not in opened and voltage_v is not None:
            fee = floor(line.length_km * terms.line_fee_mct_per_kwh)
            power_w = line_power_w(voltage_v, line.current_a)
            yield _Edge(line.from_bus, line.to_bus, _label("line", line.number, line.name), power_w, fee)
    for unit in feeder.transformers:
        if ("t", unit.number) not in opened:
            label = _label("transformer", unit.number, unit.name)
            fee = terms.transformer_fee_mct_per_kwh
            yield _Edge(unit.upper_bus, unit.lower_bus, label, floor(unit.power_va), fee)
    for switch in feeder.switches:
        if switch.kind == "b" and switch.closed:
            yield _Edge(switch.bus, switch.element, f"switch {switch.number}", None, 0)


def _line_voltage_v(line: Line, buses: dict[int, Bus]) -> Fraction | None:
    """The voltage of a line, None where one of its ends is out of service."""
    if line.from_bus not in buses or line.to_bus not in buses:
        return None
    one, other = buses[line.from_bus], buses[line.to_bus]
    if one.voltage_v != other.voltage_v:
        raise LocalError(f"feeder: {_label('line', line.number, line.name)} joins buses of different voltage")
    return one.voltage_v


def _root(feeder: Feeder, buses: dict[int, Bus]) -> int:
    sources = set(feeder.sources) or {unit.upper_bus for unit in feeder.transformers}
    alive = sorted(sources & buses.keys())
    if len(alive) != 1:
        named = ", ".join(_bus_label(buses[number]) for number in alive) or "none"
        raise LocalError(f"feeder: one bus feeds all others, the root; here: {named}")
    return alive[0]


def _hang(root: int, edges: list[_Edge], buses: dict[int, Bus]) -> dict[int, _Edge]:
    """The edge towards the root of every bus but the root, the nearest buses first."""
    at: defaultdict[int, list[_Edge]] = defaultdict(list)
    for edge in edges:
        at[edge.one].append(edge)
        at[edge.other].append(edge)
    parents: dict[int, _Edge] = {}
    waiting = [root]
    for number in waiting:
        for edge in at[number]:
            below = edge.other if edge.one == number else edge.one
            if edge is parents.get(number):
                continue
            if below in parents or below == root:
                raise LocalError(f"feeder: a ring: {_ring(number, edge, parents, buses)}; open one of its switches")
            parents[below] = edge
            waiting.append(below)
    alone = [bus for number, bus in buses.items() if number != root and number not in parents]
    if alone:
        raise LocalError(f"feeder: nothing feeds {', '.join(_bus_label(bus) for bus in alone[:5])}")
    return parents


def _ring(number: int, edge: _Edge, parents: dict[int, _Edge], buses: dict[int, Bus]) -> str:
    """The ring that an edge closes, from its meeting point once around."""
    other = edge.other if edge.one == number else edge.one
    one_way, other_way = _way_up(number, parents), _way_up(other, parents)
    common = set(one_way) & set(other_way)
    top = next(bus for bus in one_way if bus in common)
    down = list(reversed(one_way[: one_way.index(top) + 1]))
    around = down + other_way[: other_way.index(top) + 1]
    return " - ".join(_bus_label(buses[bus]) for bus in around) + f", closed by {edge.label}"


def _way_up(number: int, parents: dict[int, _Edge]) -> list[int]:
    way = [number]
    while way[-1] in parents:
        edge = parents[way[-1]]
        way.append(edge.one if edge.other == way[-1] else edge.other)
    return way


def _names(buses: tuple[Bus, ...]) -> dict[int, str]:
    """A node's name for each bus: its own in the letters that names have, or `bus-` and its number where that fails."""
    plain = {bus.number: _plain(bus.name) for bus in buses}
    times = Counter(plain.values())
    numbered = {number: f"bus-{number}" for number in plain}
    taken = set(numbered.values())
    return {
        number: name if name and times[name] == 1 and name not in taken else numbered[number]
        for number, name in plain.items()
    }


def _plain(name: str) -> str:
    letters = "".join(char if char in NAME_CHARS else " " for char in name.lower())
    plain = "-".join(letters.split())
    return plain if len(plain) <= MAX_NAME_CHARS else ""


def _label(kind: str, number: int, name: str) -> str:
    return f"{kind} {number} ({name})" if name else f"{kind} {number}"


def _bus_label(bus: Bus) -> str:
    return _label("bus", bus.number, bus.name)
