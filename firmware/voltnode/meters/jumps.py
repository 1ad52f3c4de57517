"""What a meter cannot have counted since the last reading: a register that fell, or rose by more than can flow.

One wrong value in ten million is enough to spoil a bill, and no checksum finds what the meter itself got wrong. So a
reading whose registers moved impossibly is an error. A meter that was swapped, reset or rolled over says so again and
again: once `CONFIRMED` readings in a row agree with each other, they are the truth, and the reading says that it is not
the counter it was.
"""

CONFIRMED = 3
"""Readings that must agree before a new level is believed."""

MAX_POWER_W = 100_000
"""More does not flow through a household's connection; a table may say otherwise."""

_SLACK_MS = 2000
_MS_PER_H = 3_600_000


class Registers:
    """Both energy registers at one time. `read_ms` is transport time."""

    def __init__(self, read_ms: int, import_wh: int, export_wh: int) -> None:
        self.read_ms = read_ms
        self.import_wh = import_wh
        self.export_wh = export_wh


class JumpGuard:
    """Judges one meter's readings, in the order of time."""

    def __init__(self, max_power_w: int = 0) -> None:
        self._max_power_w = max_power_w or MAX_POWER_W
        self._believed: Registers | None = None
        self._doubted: Registers | None = None
        self._agreeing = 0
        self.level_is_new = False

    def believes(self, now: Registers, step_wh: int, speed: int = 1) -> bool:
        """Whether the registers can be true; `level_is_new` then says whether they go on from the last ones.

        Args:
            step_wh: how coarse they are.
            speed: calendar seconds in one of `read_ms`'s: 1 but in a demonstration.
        """
        self.level_is_new = False
        if self._believed is None or self._possible(self._believed, now, step_wh, speed):
            self._agreeing = 0
        else:
            agrees = self._agreeing and self._doubted and self._possible(self._doubted, now, step_wh, speed)
            self._agreeing = self._agreeing + 1 if agrees else 1
            self._doubted = now
            if self._agreeing < CONFIRMED:
                return False
            self._agreeing = 0
            self.level_is_new = True
        self._believed, self._doubted = now, None
        return True

    def _possible(self, before: Registers, now: Registers, step_wh: int, speed: int) -> bool:
        passed_ms = now.read_ms - before.read_ms + _SLACK_MS
        most_wh = self._max_power_w * passed_ms * speed // _MS_PER_H + 2 * step_wh
        return 0 <= now.import_wh - before.import_wh <= most_wh and 0 <= now.export_wh - before.export_wh <= most_wh
