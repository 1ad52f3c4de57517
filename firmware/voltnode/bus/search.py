"""Searches a meter that says itself where its registers are. Loaded when one is not known yet, and dropped."""

from voltnode.bus.meter import MeterError
from voltnode.bus.outcome import BusError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from voltnode.bus import Reads
    from voltnode.meters import MeterTable, Search


async def search(bus: "Reads", unit: int, searching: "Search") -> "MeterTable":
    """The table of the very meter that is there. Raises: `MeterError`."""
    data, reason = None, "missing"
    while True:
        try:
            wanted = searching.send(data)
        except StopIteration as end:
            if end.value is None:
                raise MeterError(reason)
            table: MeterTable = end.value
            return table
        try:
            data = await bus.read(unit, wanted.function, wanted.address, wanted.words)
        except BusError as error:
            data = None
            reason = reason if error.code else error.reason
