"""The newest events, kept in RAM for the technician: `event key=value ...`, and how often each happened.

The newest of them outlive a reset (`voltnode.boots`), each then with the number of its start.
"""

_KEPT_LINES = 40
_MAX_LINE_CHARS = 120


class Log:
    """A ring of lines and a count per event. `now_ms` gives transport time.

    Attributes:
        before: lines from before this start, each with the number of its start.
        events: how many there were since this start.
    """

    def __init__(self, now_ms: object) -> None:
        self._now_ms = now_ms
        self.lines: list[str] = []
        self.before: list[str] = []
        self.events = 0
        self.counts: dict[str, int] = {}

    def __call__(self, event: str, **values: object) -> None:
        """Notes an event. Values are said, never secrets."""
        self.events += 1
        self.count(event)
        shown = ["%s=%s" % (name, values[name]) for name in sorted(values)]
        line = " ".join([self._stamp(), event] + shown)[:_MAX_LINE_CHARS].replace("\n", " ")
        self.lines.append(line)
        if len(self.lines) > _KEPT_LINES:
            del self.lines[0]

    def count(self, event: str) -> None:
        """Counts what may happen so often that its lines would crowd out the others."""
        self.counts[event] = self.counts.get(event, 0) + 1

    def forget(self) -> None:
        """What happened is nobody's business any more."""
        self.lines, self.before = [], []

    def numbered(self, boot: int) -> "list[str]":
        """All lines there are, oldest first, each with the number of its start: `#7 12.345 event key=value`."""
        room = max(_KEPT_LINES - len(self.lines), 0)
        before = self.before[-room:] if room else []
        return before + ["#%d %s" % (boot, line) for line in self.lines]

    def _stamp(self) -> str:
        ms = self._now_ms()  # type: ignore[operator]
        return "%d.%03d" % (ms // 1000, ms % 1000)
