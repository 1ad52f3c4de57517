"""The node: its parts, and the tasks that run them.

Each task is restarted when it fails; the failure is logged with its reason. Nothing else catches what it did not expect.
"""

import asyncio

import voltnode
from voltnode.bus.master import Bus
from voltnode.bus.meter import Meter
from voltnode.config import Config
from voltnode.console.session import Session
from voltnode.link import Link
from voltnode.log import Log
from voltnode.meters import load
from voltnode.recorder import Recorder, last_boot
from voltnode.ring import Ring
from voltnode.sampler import Sampler
from voltnode.sequence import Sequence
from voltnode.sign.signer import KeyFile, open_signer

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from voltnode.config import Enrolment
    from voltnode.hal import Board, Flash

KEY_FILE = "node.key"
_RESTART_MS = 1000
_TICK_MS = 1000


class FlashKeyFile(KeyFile):
    """The key's file on the board's flash."""

    def __init__(self, flash: "Flash") -> None:
        super().__init__(KEY_FILE)
        self._flash = flash

    def read(self) -> "bytes | None":
        """What the file holds; None where there is none."""
        return self._flash.read(KEY_FILE)

    def write(self, data: bytes) -> None:
        """Makes the file. Whatever another key left behind goes first: its numbers and records are not ours."""
        erase(self._flash)
        self._flash.replace(KEY_FILE, data)


def erase(flash: "Flash") -> None:
    """Removes everything, the key first: without it the rest is removed again at the next start."""
    flash.remove(KEY_FILE)
    for name in flash.names():
        flash.remove(name)


class Node:
    """Everything that runs on the board.

    Args:
        board: the machine under it.
    """

    def __init__(self, board: "Board") -> None:
        self.board = board
        self.log = Log(board.now_ms)
        self.signer = open_signer(FlashKeyFile(board.flash), board.random)
        self.name = self.signer.kid.hex()
        self.config = Config(board.flash)
        self.ring = Ring(board.flash, self.log)
        self.sequence = Sequence(board.flash, self.ring.greatest, last_boot(self.ring))
        self.recorder = Recorder(board, self.ring, self.sequence, self.signer, self.log, self.meter_serial)
        self.link = Link(board, self.ring, self.recorder, self.name, voltnode.VERSION, self.log)
        self.recorder.written = self.link.wake
        self.bus = Bus(board.uart, board, board.baud)
        self.meter = Meter(self.bus, load(board.model), board.unit)
        self.sampler = Sampler(board, self.meter, self.recorder, self.link, self.log)
        self.session = Session(self)
        self.log("started", boot=self.sequence.boot, on=board.interpreter, cause=board.reset_cause())
        if self.config.enrolment is not None:
            self._begin(self.config.enrolment)

    def meter_serial(self) -> str:
        """The meter's serial number, empty while it is not known."""
        return self.sampler.serial

    def enrol(self, enrolment: "Enrolment", pin: "dict[str, object]") -> None:
        """Keeps the enrolment and the PIN (`kept_pin`) and serves it at once. Raises OSError.

        Another household's agent gets nothing that was recorded before it.
        """
        before = self.config.enrolment
        if before is not None and before.house != enrolment.house:
            self.ring.accept_receipt(self.ring.greatest)
            self.ring.save_receipt()
        enrolment.base = self.ring.receipt
        enrolment.since = self.ring.greatest
        self.config.enrol(enrolment, pin)
        self.log("enrolled", house=enrolment.house)
        self._begin(enrolment)

    def _begin(self, enrolment: "Enrolment") -> None:
        if self.ring.greatest <= enrolment.since:
            self.recorder.begin_stream(enrolment.base)
        self.board.use_time_server(enrolment.host)
        self.sampler.begin_recording(enrolment.slot_s)
        self.link.begin(enrolment)

    def forget_everything(self) -> None:
        """Erases key, records and settings, and starts the board again. Does not return."""
        erase(self.board.flash)
        self.board.restart()

    async def run(self) -> None:
        """All tasks, for ever."""
        tasks = {
            "sampler": self.sampler.run,
            "recorder": self.recorder.run,
            "link": self.link.run,
            "console": self.session.run,
        }
        running = [asyncio.create_task(self._keep(name, start)) for name, start in tasks.items()]
        while True:
            await self.board.sleep_ms(_TICK_MS)
            self.recorder.wake()
            for task in running:
                if task.done():
                    await task

    async def _keep(self, name: str, start: "Callable[[], Awaitable[None]]") -> None:
        """Runs a task again whenever it fails."""
        while True:
            try:
                return await start()
            except Exception as error:  # noqa: BLE001 - the one supervisor: whatever a task did not expect ends here
                self.log("task_failed", task=name, error=repr(error))
                await self.board.sleep_ms(_RESTART_MS)
