"""Calendar time as the demonstration's clock file gives it, to the millisecond."""

import time
from pathlib import Path

from volthood.adapters.clock import CalendarClock


class MeterClock:
    """Calendar time; real time where there is no clock file.

    The file may come, and change, while the meter runs: before it comes the time is None, and the meter stands still.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._read_at_ns: int | None = None
        self._clock = None if path else CalendarClock()

    def now_ms(self) -> int | None:
        """Calendar time, ms since the Unix epoch. Raises: `LocalError` for a broken file."""
        self._follow()
        if self._clock is None:
            return None
        real_ms = time.time_ns() // 1_000_000
        return self._clock.calendar_start_s * 1000 + (real_ms - self._clock.real_start_ms) * self._clock.speed

    def _follow(self) -> None:
        """Reads the file again when it is another one."""
        if self._path is not None:
            try:
                changed_ns = self._path.stat().st_mtime_ns
            except FileNotFoundError:
                return
            if changed_ns != self._read_at_ns:
                self._clock = CalendarClock.load(self._path)
                self._read_at_ns = changed_ns
