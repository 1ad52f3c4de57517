"""The meters of this node: those on its RS-485 bus, and those at a host and port, each read by a task of its own.

A dead meter takes the bus for one timeout at each try, and the tries become rare (`bus.outcome`); it never takes another
meter's turn. Meters behind one gateway share its connection. The first meter is the household's connection, index 0.
"""

import asyncio

from voltnode.bus.master import Bus
from voltnode.on_demand import only
from voltnode.sampler import Sampler

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine
    from typing import Any

    from voltnode.bus.meter import Meter
    from voltnode.clock import Clock
    from voltnode.hal import Board
    from voltnode.link import Link
    from voltnode.recorder import Recorder


class Metering:
    """All meters by the board's settings.

    Args:
        board, clock, recorder, link: the node's.
        log: notes events.
        progress: is called when every meter's task has come to the end of a turn.

    Attributes:
        board: as given.
        bus: the RS-485 bus.
        samplers: one a meter, by its index.
        networks: the other ways to meters, by HOST:PORT.
        changed: set when the meters are others than before.
    """

    def __init__(
        self,
        board: "Board",
        clock: "Clock",
        recorder: "Recorder",
        link: "Link",
        log: "Callable[..., None]",
        progress: "Callable[[], None]",
    ) -> None:
        self.board = board
        self._clock = clock
        self._recorder = recorder
        self._link = link
        self._log = log
        self._progress = progress
        self._turned: set[int] = set()
        self._slot_s = 0
        self.changed = asyncio.Event()
        settings = board.settings
        parity, stop_bits = settings["parity"], settings["stop_bits"]
        self.bus = Bus(board.uart, board, settings["baud"], parity=parity, stop_bits=stop_bits)
        self.networks: dict[str, Any] = {}
        self.samplers: list[Sampler] = []
        only("voltnode.metering_setup", "use", self, settings["meters"])

    def add(self, meter: "Meter") -> None:
        """One more meter, with the next index."""
        index = len(self.samplers)
        sampler = Sampler(self.board, self._clock, meter, self._recorder, self._link, self._log, index)
        sampler.progress = lambda: self._turn(index)
        if self._slot_s:
            sampler.begin_recording(self._slot_s)
        self.samplers.append(sampler)

    def _turn(self, index: int) -> None:
        self._turned.add(index)
        if len(self._turned) >= len(self.samplers):
            self._turned.clear()
            self._progress()

    def serial(self, index: int) -> str:
        """A meter's serial number, empty while it is not known."""
        return self.samplers[index].serial if index < len(self.samplers) else ""

    def begin_recording(self, slot_s: int) -> None:
        """From now on readings become records."""
        self._slot_s = slot_s
        for sampler in self.samplers:
            sampler.begin_recording(slot_s)

    async def run(self, keep: "Callable[[str, Callable[[], Awaitable[None]]], Coroutine[Any, Any, None]]") -> None:
        """The task. `keep` runs a meter's task by its name and start, again whenever it fails."""
        while True:
            self.changed = asyncio.Event()
            self._turned.clear()
            read = self.samplers
            tasks = [asyncio.create_task(keep("sampler", sampler.run)) for sampler in read]
            try:
                await self.changed.wait()
            finally:
                while tasks:
                    tasks.pop().cancel()
                while read is not self.samplers and read:
                    # An ended task may lie about until another takes its place; a meter and its table take 8 KB there.
                    read.pop().let_go()
