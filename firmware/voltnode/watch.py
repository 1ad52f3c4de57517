"""Who feeds the watchdog: nobody, unless bus, storage and link have each made progress. No I/O.

Each of these tasks reports at the end of every turn, also when it only waited; one that fails each time never gets there.
Whoever is silent for longer than its allowance is hung, and hung tasks are not mended from within: the board starts anew.
"""

ALLOWED_MS = {"sampler": 30_000, "recorder": 30_000, "link": 60_000}
"""The longest turns: all meters of a bus silent; a hundred records to sign, which reports at each; a TLS handshake."""


class Watch:
    """Progress of the tasks in `names`. Times are transport ms.

    Attributes:
        since_ms: since when nothing failed.
    """

    def __init__(self, names: "tuple[str, ...]", now_ms: int) -> None:
        self._seen_ms = dict.fromkeys(names, now_ms)
        self.since_ms = now_ms

    def progress(self, name: str, now_ms: int) -> None:
        """A task has made progress."""
        if name in self._seen_ms:
            self._seen_ms[name] = now_ms

    def failed(self, now_ms: int) -> None:
        """A task has failed and begins again."""
        self.since_ms = now_ms

    def late(self, now_ms: int) -> "tuple[str, int] | None":
        """(task, ms of its silence) of one that is hung; None while all work."""
        for name, seen_ms in self._seen_ms.items():
            if now_ms - seen_ms > ALLOWED_MS[name]:
                return name, now_ms - seen_ms
        return None
