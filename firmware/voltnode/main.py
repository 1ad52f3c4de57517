"""The node: its parts, and the tasks that run them.

Each task is restarted when it fails; the failure is logged with its reason. Nothing else catches what it did not expect.
"""

import asyncio

from volthood.wire.node import RELATIVE
from voltnode.boots import Boots
from voltnode.broker import missing
from voltnode.on_demand import call, only

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from typing import Any

    from voltnode.clock import Clock
    from voltnode.config import Config, Enrolment
    from voltnode.console.door import Door
    from voltnode.guard import Guard
    from voltnode.hal import Board, Identity
    from voltnode.link import Link
    from voltnode.log import Log
    from voltnode.metering import Metering
    from voltnode.recorder import Recorder
    from voltnode.ring import Ring
    from voltnode.sampler import Sampler
    from voltnode.sequence import Sequence
    from voltnode.sign.signer import SoftwareSigner
    from voltnode.verbs import Verbs
    from voltnode.wifi import Wifi

_START = "voltnode.start"
_TRIAL = "voltnode.update.trial"
TRIAL_MS = 900_000
"""So long a new program may run without a receipt; then that start has failed."""
_RESTART_MS = 1000
_TICK_MS = 1000
_TELL_S = 2
_SAFE_AGAIN_MS = 300_000


class Node:
    """Everything that runs on the board.

    Args:
        board: the machine under it.
        boots: what is known of this start.

    Attributes:
        no_key: why this board cannot sign, empty where it can. Then it records nothing and serves the console.
        trial: the newest rseq when a new program was first started, None where none is on trial.
        told: when the node started and how good its time is, as the agent was told.
    """

    log: "Log"
    signer: "SoftwareSigner"
    config: "Config"
    ring: "Ring"
    sequence: "Sequence"
    guard: "Guard"
    clock: "Clock"
    recorder: "Recorder"
    link: "Link"
    wifi: "Wifi | None"
    verbs: "Verbs"
    metering: "Metering"
    session: "Door"
    no_key: str
    name: str
    trial: "int | None"
    told: "tuple[int | None, int]" = (None, RELATIVE)

    def __init__(self, board: "Board", boots: "Boots | None" = None) -> None:
        self.board = board
        self.boots = boots or Boots(board)
        only(_START, "build", self)

    @property
    def sampler(self) -> "Sampler":
        """The task of the household's meter."""
        return self.metering.samplers[0]

    def meter_serial(self, index: int) -> str:
        """A meter's serial number, empty while it is not known."""
        return self.metering.serial(index)

    def enrol(self, enrolment: "Enrolment", pin: "dict[str, object]") -> None:
        """Keeps the enrolment and the PIN (`kept_pin`) and serves it at once. Raises ConfigError, OSError.

        Another household's agent gets nothing that was recorded before it.
        """
        only(_START, "enrol", self, enrolment, pin)

    def missing(self, tls: bool) -> "tuple[str, str] | None":
        """See `Link.missing`."""
        return missing(self.board, self.wifi, self.clock, tls)

    def identity(self, enrolment: "Enrolment") -> "Identity | None":
        """What a TLS connection needs, the system's clock set for it; None without TLS. Raises ConfigError."""
        if not enrolment.tls:
            return None
        self.board.use_time(self.clock.calendar_ms()[0] // 1000)
        identity: Identity = call("voltnode.identity", "identity", self.board, enrolment)
        return identity

    def reporter(self, task: str) -> "Callable[[], None]":
        """Tells the guard of a task's progress."""
        return lambda: self.guard.progress(task)

    def about(self) -> "dict[str, object]":
        """What `status` says of this start and its time: `boot_s` turns relative times into calendar times."""
        boot_s, quality = self.told = self.clock.boot_s(), self.clock.calendar_ms()[1]
        about: dict[str, object] = {"boot": self.sequence.boot, "quality": quality, "boot_s": boot_s}
        if self.boots.safe:
            about["safe_mode"] = self.boots.reason()
        return about

    def use_time_servers(self) -> None:
        """Asks whom the settings name for the time, else the agent's machine."""
        enrolment = self.config.enrolment
        self.clock.use(self.board.settings["time_servers"] or (enrolment.host if enrolment else ""))

    def forget_everything(self) -> None:
        """Erases key, records and settings, and starts the board again. Does not return."""
        call("voltnode.board_key", "erase", self.board)
        self.log.forget()
        self.guard.restart("factory reset")

    def reboot(self) -> None:
        """Starts the board again because somebody wants it so. Does not return."""
        self.guard.restart("reboot")

    def _tell_time(self) -> None:
        """The agent hears when the time becomes known, or was set, or is not so good any more."""
        boot_s, quality = self.clock.boot_s(), self.clock.calendar_ms()[1]
        before_s, before = self.told
        set_anew = boot_s is not None and (before_s is None or abs(boot_s - before_s) > _TELL_S)
        if set_anew or quality != before:
            self.link.tell_status()

    async def run(self) -> None:
        """All tasks, for ever; in safe mode only those with which it can be left."""
        tasks: dict[str, tuple[Any, ...]] = only(_START, "tasks", self)
        self.guard.start()
        running = [asyncio.create_task(self.keep(name, *task)) for name, task in tasks.items()]
        while True:
            await self.board.sleep_ms(_TICK_MS)
            self.guard.tick()
            self._tell_time()
            self.recorder.wake()
            self.verbs.tick()
            self.session.tick()
            self.watch_trial()
            for task in running:
                if task.done():
                    await task

    def watch_trial(self) -> None:
        """A new program is kept once the agent has a record of it. What gets no receipt in time is started again, or not."""
        if self.trial is None:
            return
        if self.link.receipts and self.ring.receipt > self.trial:
            self.trial = None
            call(_TRIAL, "keep", self)
        elif self.board.now_ms() > TRIAL_MS:
            self.guard.restart("update without a receipt")

    async def keep(self, name: str, start: "Callable[..., Awaitable[None]]", *arguments: "Any") -> None:
        """Runs a task again whenever it fails."""
        while True:
            try:
                return await start(*arguments)
            except Exception as error:  # noqa: BLE001 - the one supervisor: whatever a task did not expect ends here
                self.guard.failed(name, error)
                await self.board.sleep_ms(_RESTART_MS)


async def run(board: "Board") -> None:
    """The node's whole run. What it cannot go on from leaves a note, and the board starts again."""
    call(_TRIAL, "forgive", board)
    boots = Boots(board)
    try:
        await Node(board, boots).run()
    except Exception as error:  # noqa: BLE001 - whatever comes here is the end of this run
        boots.crashed(0, "start", repr(error))
        boots.say_end("exception: " + repr(error))
        # What fails at once must not do so many times a minute: each start writes to the flash.
        board.start_watchdog(2 * _SAFE_AGAIN_MS)
        await board.sleep_ms(_SAFE_AGAIN_MS if boots.safe else _RESTART_MS)
    board.restart()
