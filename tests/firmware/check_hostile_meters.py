"""Checks of hostile meters of every model, on both interpreters: a digest of all that came of it is printed, the same on both."""

import hashlib
import sys

from bus_line import Line, forget, refusal, registers, run, run_all  # type: ignore[import-not-found]

from voltnode.bus.meter import Meter, MeterError
from voltnode.meters import DETAIL, NAMES, UNVERIFIED, load

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

    outcomes = []
    for name in NAMES + UNVERIFIED:
        line = Line(answered)
        meter = Meter(line.bus, load(name, True), 1, DETAIL)
        came = run(hostile(meter, 12))
        outcomes.append(came)
        yield name, len(came) == 12
        forget(name)
    digest = hashlib.sha256(repr(outcomes).encode()).digest()
    print("digest", digest.hex()[:16])


async def hostile(meter: Meter, times: int) -> "list[str]":
    """What comes of it: nothing but readings and errors."""
    came = []
    for _ in range(times):
        try:
            reading = await meter.read()
            came.append("%d %d %s" % (reading.power_w, reading.import_wh, await meter.serial()))
        except MeterError as error:
            came.append(str(error))
    return came


sys.exit(run_all(check_hostile))
