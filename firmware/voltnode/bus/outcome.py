"""What becomes of requests: the error, the counters of a unit, and how long a silent one is left alone.

A dead meter must not slow the others: each request to it takes the bus for a whole timeout. So from the second failure in
a row on it is asked again only after 1 s, 2 s, 4 s, 8 s and then every 10 s; in between a read fails at once, with the
reason of the last one. One failure alone (a disturbance on the line) costs nothing but itself.
"""

FIRST_PAUSE_MS, LONGEST_PAUSE_MS = 1000, 10_000

_VERDICTS = ("ok", "exceptions", "timeouts", "short", "crc_errors", "foreign", "garbage")


class BusError(Exception):
    """A read without a result.

    Attributes:
        reason: timeout, short, crc, foreign, garbage, exception (the meter said no), port (nothing to talk through).
        code: Modbus exception code, with `exception`.
    """

    def __init__(self, reason: str, code: int = 0) -> None:
        super().__init__("%s %d" % (reason, code) if code else reason)
        self.reason = reason
        self.code = code


class Counters:
    """What became of the requests to one unit.

    Each request ends in one of `ok` to `port_errors`. `late` counts requests before which bytes were read away,
    `skipped` good answers with something else before them, `echoes` requests that came back (an adapter that hears
    itself), and `held_back` reads that were refused because the unit has been silent.
    """

    NAMES = (
        "requests",
        "ok",
        "exceptions",
        "timeouts",
        "short",
        "crc_errors",
        "foreign",
        "garbage",
        "port_errors",
        "late",
        "skipped",
        "echoes",
        "held_back",
    )

    def __init__(self) -> None:
        self.requests = self.ok = self.exceptions = self.timeouts = self.short = 0
        self.crc_errors = self.foreign = self.garbage = self.port_errors = self.late = self.skipped = 0
        self.echoes = self.held_back = 0

    def as_dict(self) -> "dict[str, int]":
        """Every counter by its name."""
        return {name: getattr(self, name) for name in self.NAMES}

    def ended(self, verdict: int) -> None:
        """Counts how a request ended, by `frames.OK` to `frames.GARBAGE`."""
        name = _VERDICTS[verdict - 1]
        setattr(self, name, getattr(self, name) + 1)


class Patience:
    """When a unit may be asked again.

    Attributes:
        failures: requests without an answer since the last one with.
        reason: how the last one ended.
    """

    def __init__(self) -> None:
        self.failures = 0
        self.reason = ""
        self._until_ms = 0

    def answered(self) -> None:
        """The unit is there, even if it said no."""
        self.failures = 0

    def failed(self, now_ms: int, reason: str) -> None:
        """No answer that could be believed."""
        self.failures += 1
        self.reason = reason
        if self.failures > 1:
            pause_ms = FIRST_PAUSE_MS << min(self.failures - 2, 4)
            self._until_ms = now_ms + min(pause_ms, LONGEST_PAUSE_MS)

    def holds(self, now_ms: int) -> bool:
        """Whether it is too early to ask again."""
        return self.failures > 1 and now_ms < self._until_ms
