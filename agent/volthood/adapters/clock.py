"""Calendar time from a file of three numbers, and transport time from the machine. The two are never mixed.

`{"real_start_ms": 1795537934000, "calendar_start_s": 1470700800, "speed": 120}`: calendar time started at
`calendar_start_s` when the real clock showed `real_start_ms`, and runs `speed` times as fast. Meter, node and agents
compute it from the same file. Without a file calendar time is the real time.
"""

import json
import logging
import time
from dataclasses import dataclass
from pathlib import Path

from volthood.errors import LocalError

log = logging.getLogger("volthood.agent")

MAX_SPEED = 240
AWAITED = "ClockAwaited"
"""What an agent logs that is ready and has no clock yet."""
AWAIT_INTERVAL_S = 0.05


@dataclass(frozen=True)
class CalendarClock:
    """A linear map from real milliseconds to calendar seconds."""

    real_start_ms: int = 0
    calendar_start_s: int = 0
    speed: int = 1

    @classmethod
    def load(cls, path: Path) -> "CalendarClock":
        """The clock of a file. Raises `LocalError` where it is missing or not three whole numbers."""
        try:
            values = json.loads(path.read_text())
            clock = cls(values["real_start_ms"], values["calendar_start_s"], values["speed"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise LocalError(f"{path}: not a clock file (real_start_ms, calendar_start_s, speed): {error}") from error
        if not all(type(value) is int for value in (clock.real_start_ms, clock.calendar_start_s, clock.speed)):
            raise LocalError(f"{path}: real_start_ms, calendar_start_s and speed are whole numbers")
        if not 1 <= clock.speed <= MAX_SPEED:
            raise LocalError(f"{path}: speed {clock.speed} is outside 1..{MAX_SPEED}")
        return clock

    @classmethod
    def await_file(cls, path: Path) -> "CalendarClock":
        """The clock of a file that may be still to come: until then calendar time is not known, and nothing is done.

        So a demonstration can let agents start at their own pace and begin its calendar when all are there.
        """
        if not path.exists():
            log.info("%s file=%s", AWAITED, path)
        while not path.exists():
            time.sleep(AWAIT_INTERVAL_S)
        return cls.load(path)

    def save(self, path: Path) -> None:
        """Write the clock file in one step, so that no reader sees half of it."""
        draft = path.with_suffix(".new")
        draft.write_text(json.dumps(self.__dict__))
        draft.replace(path)

    def now_s(self) -> int:
        """Calendar time now, in whole seconds."""
        return self.at_real_ms(time.time_ns() // 1_000_000)

    def now_ms(self) -> int:
        """Calendar time now, in milliseconds."""
        return self.calendar_start_s * 1000 + (time.time_ns() // 1_000_000 - self.real_start_ms) * self.speed

    def at_real_ms(self, real_ms: int) -> int:
        """Calendar time at a real time."""
        return self.calendar_start_s + (real_ms - self.real_start_ms) * self.speed // 1000

    def real_ms_until(self, calendar_s: int) -> int:
        """Real milliseconds from now until a calendar time, rounded up; 0 where it has passed."""
        target_ms = self.real_start_ms + -(-(calendar_s - self.calendar_start_s) * 1000 // self.speed)
        return max(0, target_ms - time.time_ns() // 1_000_000)


def transport_ms() -> int:
    """Monotonic milliseconds: for retries and time-outs, never for anything signed."""
    return time.monotonic_ns() // 1_000_000
