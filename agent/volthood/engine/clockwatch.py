"""Whether this agent may trade by its clock. One whose clock is not synchronised sits rounds out until it is.

- The machine says whether it is synchronised (`ClockJudged`).
- The neighbours' signed messages say it too. Nobody posts an order or a bundle before the gate or after its window by its own
  clock, so one that arrives outside them shows how far ours is off its own, at least. What the median of the neighbours
  shows beyond the guard counts, so that neither one liar nor one slow line makes us doubt; at least two have to be heard.
  A clock that is behind shows at once. One that is ahead shows only where messages come late in a round that still runs:
  later ones may have been delayed or repeated. It costs its owner the trade all the same, as the others refuse it.

Doubt costs nothing but trade: readings, receipts and settlements go on, and orders that are out stay as they are.
"""

from dataclasses import dataclass
from statistics import median_high, median_low

from volthood.engine.desk import Desk

DOUBT = "clock_doubt"
"""The household's setting that holds why the clock is doubted; empty where it is trusted. For `volthood status`."""
MIN_PEERS = 2
HEARD_SLOTS = 2
"""For so many slots what a neighbour showed counts."""


@dataclass(frozen=True)
class _Shown:
    """What a neighbour's message showed: when it came, and by how many seconds our clock is ahead of its own."""

    at_s: int
    ahead_s: int


class ClockWatch:
    """The doubts about our own clock."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._machine: str | None = None
        self._shown: dict[bytes, _Shown] = {}

    def judged(self, doubt: str | None) -> None:
        """Take the machine's word for its clock; None where it trusts it."""
        self._machine = doubt
        self._conclude()

    def expects(self, agent: bytes) -> bool:
        """Whether a message that comes before its window is worth a look at its signature: one a minute and neighbour."""
        known = self._shown.get(agent)
        return known is None or self._desk.now_s - known.at_s >= 60

    def heard(self, agent: bytes, first_s: int, last_s: int) -> None:
        """Take note of a neighbour's signed message, which it can only have posted in [first_s, last_s] by its clock."""
        now_s = self._desk.now_s
        ahead_s = min(now_s - first_s, 0) or max(now_s - last_s, 0)
        self._shown[agent] = _Shown(now_s, ahead_s)
        if ahead_s or self._desk.clock_doubt is not None:
            self._conclude()

    def _ahead_s(self) -> int:
        """By how much the neighbours' median says that our clock is ahead; negative where it is behind."""
        since_s = self._desk.now_s - HEARD_SLOTS * self._desk.hood.slot_s
        shown = [row.ahead_s for row in self._shown.values() if row.at_s >= since_s]
        # Of an even number it takes more than half to prove anything.
        return min(median_low(shown), median_high(shown), key=abs) if len(shown) >= MIN_PEERS else 0

    def _conclude(self) -> None:
        doubt, ahead_s = self._machine, self._ahead_s()
        if doubt is None and abs(ahead_s) > self._desk.hood.windows.guard_s:
            way = "ahead of" if ahead_s > 0 else "behind"
            doubt = f"this clock is {abs(ahead_s)} s or more {way} most neighbours'"
        self._desk.clock_doubt = doubt
        if (self._desk.trades.setting(DOUBT) or "") != (doubt or ""):
            self._desk.trades.set_setting(DOUBT, doubt or "")
            if doubt is None:
                self._desk.note("ClockTrusted")
            else:
                self._desk.note("ClockDoubted", reason=doubt.replace(" ", "_"))
