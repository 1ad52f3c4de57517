"""The meter node: every row of the budget of its design, on MicroPython's unix port, from compiled files.

KB are 1024 bytes. Objects of this machine are about twice the size of an ESP32's, code files are the same. Power cuts are swept
from a checkout of the repository alone.
"""

from collections.abc import Iterator

from volthood_tools.bench import node_bus, node_cuts, node_day, node_home, node_sign
from volthood_tools.bench.figures import Figure
from volthood_tools.bench.node_board import Compiled


def measure(quick: bool, seed: int) -> Iterator[Figure]:
    """Yields all figures. Raises LocalError where a program is missing, DeviceError where the node does not run."""
    with Compiled.make() as compiled:
        yield from node_home.measure(compiled, quick, seed)
        yield from node_sign.measure(quick, seed)
        yield from node_bus.measure(compiled, quick, seed)
        yield from node_day.measure(quick, seed)
        yield from node_cuts.measure(compiled, quick, seed)
