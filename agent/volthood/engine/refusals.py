"""How many refusals of one peer become events: a member may send rubbish for ever, a disk is finite.

Of each peer so many refusals a UTC day are told one by one; the rest are counted, and their number is told when the day is
over. Whoever is no member of the hood is one peer together with all others, by the way its messages came: names cost
nothing.
"""

from collections import Counter
from collections.abc import Collection

from volthood.ports.stores import TradeStore

MAX_A_DAY = 100
"""Refusals of one peer that become events in one UTC day."""

REFUSED = "MessageRefused"
_DAY_S = 86_400


class Refusals:
    """Counts refusals by peer, a day at a time; what was told before a restart counts."""

    def __init__(self, trades: TradeStore, peers: Collection[str]) -> None:
        self._trades = trades
        self._peers = peers
        self._day: int | None = None
        self._counts: Counter[str] = Counter()

    def take(self, now_s: int, details: dict[str, object]) -> int:
        """The number of this refusal among those of its peer today, counted from 1."""
        day = now_s // _DAY_S
        if day != self._day:
            self._day, self._counts = day, Counter()
            for row in self._trades.events(day * _DAY_S, (REFUSED,)):
                self._counts[self.peer(dict(word.partition("=")[::2] for word in row.details.split()))] += 1
        peer = self.peer(details)
        self._counts[peer] += 1
        return self._counts[peer]

    def peer(self, details: dict[str, object] | dict[str, str]) -> str:
        """Whom a refusal is about: the member or node that it names as its source, else the way it came."""
        source = str(details.get("source", ""))
        return source if source in self._peers else str(details.get("what", ""))

    def take_untold(self, now_s: int) -> list[tuple[str, int]]:
        """(peer, how many) of what was only counted, once its day is over."""
        if self._day is None or now_s // _DAY_S == self._day:
            return []
        untold = [(peer, count - MAX_A_DAY) for peer, count in sorted(self._counts.items()) if count > MAX_A_DAY]
        self._day = None
        return untold
