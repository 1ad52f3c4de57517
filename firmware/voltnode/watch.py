"""Who feeds the watchdog: nobody, unless bus, storage and link have each made progress. No I/O.

Each of these tasks reports at the end of every turn, also when it only waited; one that fails each time never gets there.
Whoever is silent for longer than its allowance is hung, and hung tasks are not mended from within: the board starts anew.
"""

LOOK_MS = 2000


class Watch:
    """Progress of tasks, each with the ms that it may be silent. Times are transport ms.

    Attributes:
        since_ms: since when nothing failed.
    """

    def __init__(self, allowed_ms: "dict[str, int]", now_ms: int) -> None:
        self._allowed_ms = allowed_ms
        self._seen_ms = dict.fromkeys(allowed_ms, now_ms)
        self._looked_ms = now_ms
        self.since_ms = now_ms

    def progress(self, name: str, now_ms: int) -> None:
        """A task has made progress."""
        if name in self._seen_ms:
            self._seen_ms[name] = now_ms

    def failed(self, now_ms: int) -> None:
        """A task has failed and begins again."""
        self.since_ms = now_ms

    def late(self, now_ms: int) -> "tuple[str, int] | None":
        """(task, ms of its silence) of one that is hung; None while all work. To be asked about once a second.

        While nobody asked, nobody had a turn: a process that was stopped, or waited for one that held all up, is not hung.
        """
        held_up_ms = now_ms - self._looked_ms - LOOK_MS
        self._looked_ms = now_ms
        if held_up_ms > 0:
            for name in self._seen_ms:
                self._seen_ms[name] += held_up_ms
        for name, seen_ms in self._seen_ms.items():
            if now_ms - seen_ms > self._allowed_ms[name]:
                return name, now_ms - seen_ms
        return None
