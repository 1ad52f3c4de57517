"""Reads one meter at a steady pace and hands each reading on. Nothing it calls waits for anything but the bus.

It also watches the calendar: while the time is not known, records count from the start; when it becomes known or is set,
the edges begin anew and the next record says that there was a gap.
"""

from volthood.wire.node import RELATIVE
from voltnode.bus.meter import NO_SERIAL, MeterError
from voltnode.config import DEFAULT_SLOT_S
from voltnode.edges import EdgeCutter, tolerance_ms

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from voltnode.bus.meter import Meter, Reading
    from voltnode.clock import Clock
    from voltnode.edges import Cut
    from voltnode.hal import Board
    from voltnode.link import Link
    from voltnode.recorder import Recorder

_STEP_MS = 2000
_STEP_REAL_MS = 300
_SERIAL_EVERY_MS = 60_000


class Sampler:
    """The task of one meter.

    Args:
        board, clock, meter, recorder, link: the node's.
        log: notes events.
        index: of the meter on this node; 0 is the household's connection.

    Attributes:
        meter, index: as given.
        latest: the newest reading, None before the first; `latest_ms` its transport time.
        error: why the last read failed, empty after a good one.
        serial: the meter's serial number, empty before it said one.
        failures: reads that failed since the last good one.
        progress: is called at the end of each turn of the task.
    """

    def __init__(
        self,
        board: "Board",
        clock: "Clock",
        meter: "Meter",
        recorder: "Recorder",
        link: "Link",
        log: "Callable[..., None]",
        index: int = 0,
    ) -> None:
        self._board = board
        self._clock = clock
        self.meter = meter
        self._recorder = recorder
        self._link = link
        self._log = log
        self.index = index
        self._slot_s = 0
        self._cutter: EdgeCutter | None = None
        self._last: tuple[int, int, int] | None = None
        self._serial_ms = 0
        self._new_level_ms: int | None = None
        self.latest: Reading | None = None
        self.latest_ms = 0
        self.error = ""
        self.serial = ""
        self.failures = 0
        self.progress: Callable[[], None] = _nothing

    def let_go(self) -> None:
        """This meter is not read any more."""
        del self.meter
        self.latest = None

    def begin_recording(self, slot_s: int) -> None:
        """From now on readings become records."""
        self._slot_s = slot_s
        self._cutter = None

    async def run(self) -> None:
        """The task."""
        due_ms = self._board.now_ms()
        while True:
            await self.sample()
            self.progress()
            now_ms = self._board.now_ms()
            due_ms = max(due_ms + self._board.settings["sample_ms"], now_ms)
            await self._board.sleep_ms(due_ms - now_ms)

    async def sample(self) -> None:
        """One reading, or the reason why there is none."""
        before_ms = self._board.now_ms()
        try:
            await self._ask_serial(before_ms)
            before_ms = self._board.now_ms()
            reading = await self.meter.read()
        except MeterError as error:
            self._missed(error)
            return
        now_ms = self._board.now_ms()
        if self.error:
            self._log("meter_back", meter=self.index, failures=self.failures)
        self.error = ""
        self.failures = 0
        self.latest, self.latest_ms = reading, now_ms
        time_ms, quality = self._clock.calendar_ms()
        time_ms -= (now_ms - before_ms) * self._board.speed() // 2
        self._link.live(time_ms, quality, reading, self.index)
        self._record(time_ms, quality, now_ms, reading)

    async def _ask_serial(self, now_ms: int) -> None:
        """The serial number, at the start, after a silence and once a minute: a meter may be swapped."""
        if self.serial and not self.failures and now_ms - self._serial_ms < _SERIAL_EVERY_MS:
            return
        try:
            serial = await self.meter.serial()
        except MeterError as error:
            if error.reason != "exception":
                raise
            serial = NO_SERIAL
        self._serial_ms = now_ms
        if serial != self.serial:
            self._log("meter_found", meter=self.index, serial=serial)
            self.serial = serial

    def _missed(self, error: MeterError) -> None:
        self.failures += 1
        if self.error != str(error):
            self.error = str(error)
            self._log("meter_failed", meter=self.index, error=error)
        if self._cutter is not None and self._last is not None:
            time_ms, quality = self._clock.calendar_ms()
            if quality == self._last[1]:
                self._add(self._cutter.tick(time_ms), quality)

    def _record(self, time_ms: int, quality: int, now_ms: int, reading: "Reading") -> None:
        if not self._slot_s:
            return
        stepped = self._stepped(time_ms, quality, now_ms)
        if self._cutter is None or stepped:
            self._cutter = self._new_cutter(quality, stepped)
            if self._new_level_ms is not None:
                self._new_level_ms = time_ms
        elif self._last is not None:
            time_ms = max(time_ms, self._last[0])
        self._last = (time_ms, quality, now_ms)
        if reading.level_is_new:
            self._new_level_ms = time_ms
        self._add(self._cutter.feed(time_ms, reading), quality)

    def _add(self, cuts: "list[Cut]", quality: int) -> None:
        """Hands on what becomes records; the first that the meter's new level reaches says so."""
        for cut in cuts:
            if self._new_level_ms is not None and cut.time_ms >= self._new_level_ms:
                cut.level_is_new = True
                self._new_level_ms = None
        self._recorder.add(cuts, quality, self.index)

    def _stepped(self, time_ms: int, quality: int, now_ms: int) -> bool:
        """Whether the calendar was set since the last reading."""
        if self._last is None:
            return False
        last_time_ms, last_quality, last_now_ms = self._last
        if (quality == RELATIVE) != (last_quality == RELATIVE):
            return True
        speed = self._board.speed()
        drift_ms = time_ms - last_time_ms - (now_ms - last_now_ms) * speed
        stepped = abs(drift_ms) > max(_STEP_MS, _STEP_REAL_MS * speed)
        if stepped:
            self._log("clock_set", by_ms=drift_ms)
        return stepped

    def _new_cutter(self, quality: int, gap: bool) -> EdgeCutter:
        sample_ms = self._board.settings["sample_ms"]
        if quality == RELATIVE:
            return EdgeCutter(0, tolerance_ms(DEFAULT_SLOT_S, sample_ms, 1), None, None, gap)
        tolerance = tolerance_ms(self._slot_s, sample_ms, self._board.speed())
        last_ms, last_slot_ms = self._recorder.last(self.index)
        return EdgeCutter(self._slot_s, tolerance, last_ms, last_slot_ms, gap)


def _nothing() -> None:
    """Nobody watches."""
