"""Checks of the meter tables that run on both interpreters."""

import sys

from bus_line import forget, run_all  # type: ignore[import-not-found]

from voltnode.meters import DETAIL, LIMITS, NAMES, UNVERIFIED, WORDS, load, sunspec
from voltnode.meters.plan import blocks

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from voltnode.meters import MeterTable

    Checks = Iterator[tuple[str, bool]]


def check_tables() -> "Checks":
    """Every table: blocks within the limits hold each register once."""
    for name in NAMES + UNVERIFIED:
        if name != "sunspec":
            yield from table_holds(name, load(name, True))
            forget(name)
    for model in sunspec.INTEGER_MODELS + sunspec.FLOAT_MODELS:
        table = sunspec.table_of(model, 40069, None)
        yield from table_holds("sunspec %d" % model, table)
        yield "sunspec %d, one request" % model, len(blocks(table, 1)) == 1
    yield "eastron_sdm630, one request", len(blocks(load("eastron_sdm630"), 1)) == 1


def table_holds(name: str, table: "MeterTable") -> "Checks":
    """What must be so of every table."""
    planned = blocks(table, DETAIL)
    held = [register.quantity for block in planned for register in block.registers]
    yield name + ", each once", sorted(held) == sorted([register.quantity for register in table.registers])
    yield name + ", limits", max([block.words for block in planned]) <= table.max_registers
    yield name + ", units", {register.unit for register in table.registers} <= set(LIMITS)
    places = sorted([(register.function, register.address, WORDS[register.kind]) for register in table.registers])
    apart = [places[i][0] < places[i + 1][0] or sum(places[i][1:]) <= places[i + 1][1] for i in range(len(places) - 1)]
    yield name + ", apart", all(apart)


sys.exit(run_all(check_tables))
