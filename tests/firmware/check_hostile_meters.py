"""Checks of hostile meters that run on both interpreters."""

import sys

from bus_line import Line, forget, refusal, registers, run, run_all  # type: ignore[import-not-found]

from voltnode.bus.meter import Meter, MeterError
from voltnode.meters import DETAIL, load

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    Checks = Iterator[tuple[str, bool]]


PATTERNS = (b"\xff", b"\x80\0", b"\0", b"\x7f\xc0", b"\xff\x80\0\0", b"SunS", b"\0\xcb\0\x69", b"\0\xd5\xff\xf0")
"""What is no number somewhere, and pieces of SunSpec's chain."""


def check_hostile() -> "Checks":
    """Meters that say anything at all: a reading or an error with a name, nothing else."""
    state = [1]

    def answered(request: bytes) -> "list[tuple[int, bytes]]":
        state[0] = (state[0] * 1103515245 + 12345) & 0x3FFFFFFF
        if state[0] >> 8 & 7 == 0:
            return [(5, refusal(request, state[0] >> 16 & 3))]
        pattern = PATTERNS[state[0] >> 16 & 7]
        return [(5, registers(request, (pattern * (2 * request[5]))[: 2 * request[5]]))]

    for name in ("sunspec", "abb_b23", "eastron_sdm630", "carlo_gavazzi_em340"):
        line = Line(answered)
        meter = Meter(line.bus, load(name), 1, DETAIL)
        yield name, run(hostile(meter, 12))
        forget(name)


async def hostile(meter: Meter, times: int) -> bool:
    """Whether nothing but readings and errors come of it."""
    for _ in range(times):
        try:
            await meter.read()
            await meter.serial()
        except MeterError:
            pass
    return True


sys.exit(run_all(check_hostile))
