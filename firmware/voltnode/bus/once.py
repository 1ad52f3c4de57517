"""A request between two of the bus's own, in line settings of its own. A friend of `master`, loaded when a probe looks about."""

from voltnode.bus.frames import EXCEPTION
from voltnode.bus.outcome import Counters

TYPE_CHECKING = False
if TYPE_CHECKING:
    from voltnode.bus.master import Bus, Line


async def ask_once(bus: "Bus", line: "Line", wait_ms: int, request: "tuple[int, int, int, int]") -> "bytes | None":
    """One request (unit, function, address, count) in other line settings, to look for a meter.

    The words, empty where a unit refuses, None where nobody answers within `wait_ms` and the time that the bytes take.
    Nothing is counted or owed.

    Raises:
        OSError: the port is not there.
    """
    async with bus.lock:
        timeout_ms, bus.timeout_ms = bus.timeout_ms, wait_ms
        owing, usual = dict(bus.owing_until), bus.line
        try:
            if line != usual:
                bus.set_line(line)
            verdict = await bus.transaction(*request, Counters())
            answer = bus.answer
            if verdict > EXCEPTION:
                return None
            return bytes(memoryview(answer.buffer)[answer.start : answer.end])
        finally:
            bus.timeout_ms = timeout_ms
            bus.owing_until = owing
            if line != usual:
                bus.set_line(usual)
