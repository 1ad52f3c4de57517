"""The one table of benchmark areas. A new area is a module with `measure(quick, seed)` and a line here."""

import importlib
from collections.abc import Callable, Iterable

from volthood_tools.bench.figures import Figure

AREAS = {
    "broker": "volthood_tools.bench.broker",
    "demo": "volthood_tools.bench.demo",
    "market": "volthood_tools.bench.market",
    "node": "volthood_tools.bench.node",
    "sim": "volthood_tools.bench.sim",
    "wire": "volthood_tools.bench.wire",
}
"""Name of an area: the module that measures it, imported only when it is asked for."""


def measurer(area: str) -> Callable[[bool, int], Iterable[Figure]]:
    """The function `measure(quick, seed)` of an area, which yields figures as they come."""
    measure: Callable[[bool, int], Iterable[Figure]] = importlib.import_module(AREAS[area]).measure
    return measure
