"""The newest events, kept in RAM for the technician: `event key=value ...`, and how often each happened."""

_KEPT_LINES = 40
_MAX_LINE_CHARS = 120


class Log:
    """A ring of lines and a count per event. `now_ms` gives transport time."""

    def __init__(self, now_ms: object) -> None:
        self._now_ms = now_ms
        self.lines: list[str] = []
        self.counts: dict[str, int] = {}

    def __call__(self, event: str, **values: object) -> None:
        """Notes an event. Values are said, never secrets."""
        self.counts[event] = self.counts.get(event, 0) + 1
        shown = ["%s=%s" % (name, values[name]) for name in sorted(values)]
        line = " ".join([self._stamp(), event] + shown)[:_MAX_LINE_CHARS]
        self.lines.append(line)
        if len(self.lines) > _KEPT_LINES:
            del self.lines[0]

    def _stamp(self) -> str:
        ms = self._now_ms()  # type: ignore[operator]
        return "%d.%03d" % (ms // 1000, ms % 1000)
