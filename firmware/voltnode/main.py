"""The node: its parts, and the tasks that run them.

Each task is restarted when it fails; the failure is logged with its reason. Nothing else catches what it did not expect.
"""

import asyncio

import voltnode
from voltnode.boots import Boots
from voltnode.broker import missing
from voltnode.clock import Clock, keep_time
from voltnode.config import Config, ConfigError
from voltnode.console.door import Door
from voltnode.guard import Guard
from voltnode.link import Link
from voltnode.log import Log
from voltnode.metering import Metering
from voltnode.on_demand import call
from voltnode.recorder import Recorder, last_boot
from voltnode.ring import Ring
from voltnode.sequence import Sequence
from voltnode.sign.signer import SoftwareSigner
from voltnode.verbs import Verbs
from voltnode.wifi import Wifi, keep_wifi

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from voltnode.config import Enrolment
    from voltnode.hal import Board, Identity
    from voltnode.sampler import Sampler

_BOARD_KEY = "voltnode.board_key"
_NO_KEY = 1
"""Stands in for the key where it cannot be read: nothing is ever signed with it."""
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
    """

    def __init__(self, board: "Board", boots: "Boots | None" = None) -> None:
        self.board = board
        self.boots = boots or Boots(board)
        self.log = Log(board.now_ms)
        self.log.before = self.boots.lines
        for name, wrong in call("voltnode.damage", "damaged", board.flash):
            self.log("file_damaged", file=name, wrong=wrong)
        private, self.no_key = call(_BOARD_KEY, "board_key", board)
        self.signer = SoftwareSigner(private or _NO_KEY, board.random)
        self.name = self.signer.kid.hex()
        self.config = Config(board.flash)
        self.ring = Ring(board.flash, self.log, board.raw)
        self.sequence = Sequence(board.flash, self.ring.greatest, last_boot(self.ring))
        self.guard = Guard(board, self.boots, self.log, self.sequence.boot)
        self.clock = Clock(board, self.log)
        meters = len(board.settings["meters"])
        self.recorder = Recorder(board, self.ring, self.sequence, self.signer, self.log, self.meter_serial, meters)
        self.link = Link(board, self.ring, self.recorder, self.name, voltnode.VERSION, self.log)
        self.recorder.written = self.link.written
        self.wifi = Wifi(board, self.log)
        self.link.missing = self._missing
        self.link.identity = self._identity
        self.link.about = self._about
        self.link.progress = self._reporter("link")
        self.recorder.progress = self._reporter("recorder")
        self.verbs = Verbs(self)
        self.metering = Metering(board, self.clock, self.recorder, self.link, self.log, self._reporter("sampler"))
        self.session = Door(self)
        self._told_boot_s: int | None = None
        self._trial: int | None = call(_TRIAL, "begin", self)
        self.log("started", boot=self.sequence.boot, on=board.interpreter, cause=self.boots.cause)
        if self.boots.safe:
            self.log("safe_mode", why=self.boots.reason())
        for wrong in board.setting_errors:
            self.log("setting_refused", error=wrong)
        self.use_time_servers()
        self.wifi.use(board.settings.get("ssid", ""), board.settings.get("password", ""))
        if self.no_key:
            self.log("key_unusable", error=self.no_key)
        elif self.config.enrolment is not None:
            self._begin(self.config.enrolment)

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
        if self.no_key:
            raise ConfigError("key_unusable", self.no_key)
        before = self.config.enrolment
        if before is not None and before.house != enrolment.house:
            self.ring.accept_receipt(self.ring.greatest)
            self.ring.save_receipt()
        if before is not None:
            call("voltnode.timekeeping", "forget_floor", self.clock)
        enrolment.base = self.ring.receipt
        enrolment.since = self.ring.greatest
        self.config.enrol(enrolment, pin)
        self.log("enrolled", house=enrolment.house)
        self._begin(enrolment)

    def _begin(self, enrolment: "Enrolment") -> None:
        if self.ring.greatest <= enrolment.since:
            self.recorder.begin_stream(enrolment.base)
        self.use_time_servers()
        self.metering.begin_recording(enrolment.slot_s)
        self.link.begin(enrolment)

    def _missing(self, tls: bool) -> "tuple[str, str] | None":
        return missing(self.board, self.wifi, self.clock, tls)

    def _identity(self, enrolment: "Enrolment") -> "Identity | None":
        """What a TLS connection needs, the system's clock set for it; None without TLS. Raises ConfigError."""
        if not enrolment.tls:
            return None
        self.board.use_time(self.clock.calendar_ms()[0] // 1000)
        identity: Identity = call("voltnode.identity", "identity", self.board, enrolment)
        return identity

    def use_time_servers(self) -> None:
        """Asks whom the settings name for the time, else the agent's machine."""
        enrolment = self.config.enrolment
        self.clock.use(self.board.settings["time_servers"] or (enrolment.host if enrolment else ""))

    def forget_everything(self) -> None:
        """Erases key, records and settings, and starts the board again. Does not return."""
        call(_BOARD_KEY, "erase", self.board)
        self.log.forget()
        self.guard.restart("factory reset")

    def reboot(self) -> None:
        """Starts the board again because somebody wants it so. Does not return."""
        self.guard.restart("reboot")

    def _reporter(self, task: str) -> "Callable[[], None]":
        return lambda: self.guard.progress(task)

    def _about(self) -> "dict[str, object]":
        """What `status` says of this start and its time: `boot_s` turns relative times into calendar times."""
        about: dict[str, object] = {"boot": self.sequence.boot, "quality": self.clock.calendar_ms()[1]}
        about["boot_s"] = self._told_boot_s = self.clock.boot_s()
        if self.boots.safe:
            about["safe_mode"] = self.boots.reason()
        return about

    def _tell_time(self) -> None:
        """The agent hears when the time becomes known, or was set."""
        boot_s = self.clock.boot_s()
        before_s = self._told_boot_s
        if boot_s is not None and (before_s is None or abs(boot_s - before_s) > _TELL_S):
            self.link.tell_status()

    async def run(self) -> None:
        """All tasks, for ever; in safe mode only those with which it can be left."""
        tasks = {
            "link": self.link.run,
            "clock": self._keep_time,
            "wifi": self._keep_wifi,
            "console": self.session.run,
            "verbs": self.verbs.run,
        }
        if not self.boots.safe:
            tasks["sampler"], tasks["recorder"] = self._meter, self.recorder.run
        self.guard.start()
        running = [asyncio.create_task(self._keep(name, start)) for name, start in tasks.items()]
        while True:
            await self.board.sleep_ms(_TICK_MS)
            self.guard.tick()
            self._tell_time()
            self.recorder.wake()
            self.verbs.tick()
            self.session.tick()
            self._watch_trial()
            for task in running:
                if task.done():
                    await task

    def _watch_trial(self) -> None:
        """A new program is kept once the agent has a record of it. What gets no receipt in time is started again, or not."""
        if self._trial is None:
            return
        if self.link.receipts and self.ring.receipt > self._trial:
            self._trial = None
            call(_TRIAL, "keep", self)
        elif self.board.now_ms() > TRIAL_MS:
            self.guard.restart("update without a receipt")

    async def _meter(self) -> None:
        await self.metering.run(self._keep)

    async def _keep_wifi(self) -> None:
        await keep_wifi(self.wifi, self.board, self.clock.hurry)

    async def _keep_time(self) -> None:
        await keep_time(self.clock, self.board)

    async def _keep(self, name: str, start: "Callable[[], Awaitable[None]]") -> None:
        """Runs a task again whenever it fails."""
        while True:
            try:
                return await start()
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
