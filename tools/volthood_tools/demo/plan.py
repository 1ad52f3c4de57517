"""When everything happens in a run: pure arithmetic of calendar time and real time, and what cannot be asked for.

*Calendar time* is the data's: slots, gates, windows. It runs `speed` times as fast as *real time*, in which processes
start and messages travel. A window never lasts less than one real second, whatever the speed, and two where the
calendar has room for them: windows end early anyway, and on a busy machine messages take their time.
"""

from dataclasses import dataclass

from volthood.errors import LocalError
from volthood_tools.demo.dataset import SLOT_S

DEFAULT_HOMES = 6
DEFAULT_SLOTS = 16
DEFAULT_SPEED = 120
MAX_SPEED = 240
BUDGET_S = 180
"""Real seconds that a run may take at the default speed."""
SET_UP_S = 20
"""Real seconds kept for keys, nodes, enrolment and the start of the agents."""
WIND_UP_S = 5
"""Real seconds kept for the last settlements and the report."""
GATE_BEFORE_SLOT_S = 900
GATE_AFTER_SLOT_S = 600
ORDER_S, BUNDLE_S, CONTRACT_S = 20, 10, 20
"""The hood's windows in calendar seconds, where one real second is not longer."""
MIN_WINDOW_REAL_S = 1
WINDOW_REAL_S = 2
LONGEST_WINDOW_S = 240
"""Three of them end before the slot begins."""
MIN_GUARD_S = 2
GUARD_REAL_MS = 300
LEAD_S, LEAD_PER_HOME_S = 1.5, 0.15
"""Real seconds from the clock's start to the first gate: agents that were waiting for it connect meanwhile."""
METER_READ_MS = 250
"""Real ms between readings: speed/4 calendar seconds, so that no minute is made of the reading of the one before."""


@dataclass(frozen=True)
class RunPlan:
    """A run of `slots` slots from the slot `start` on. Instants are UTC calendar seconds."""

    start: int
    slots: int
    speed: int
    homes: int

    @property
    def order_s(self) -> int:
        """Calendar seconds of the order window."""
        return self._window_s(ORDER_S)

    @property
    def bundle_s(self) -> int:
        """Calendar seconds of the bundle window."""
        return self._window_s(BUNDLE_S)

    @property
    def contract_s(self) -> int:
        """Calendar seconds of the contract window."""
        return self._window_s(CONTRACT_S)

    @property
    def guard_s(self) -> int:
        """How far agents' clocks may differ, in calendar seconds."""
        return max(MIN_GUARD_S, -(-GUARD_REAL_MS * self.speed // 1000))

    def _window_s(self, usual_s: int) -> int:
        return max(usual_s, min(WINDOW_REAL_S * self.speed, LONGEST_WINDOW_S))

    @property
    def first_gate_s(self) -> int:
        """When the first round begins."""
        return self.start - GATE_BEFORE_SLOT_S

    @property
    def lead_s(self) -> float:
        """Real seconds before the first gate."""
        return LEAD_S + LEAD_PER_HOME_S * self.homes

    @property
    def calendar_start_s(self) -> int:
        """What the calendar shows when its clock is started."""
        return self.first_gate_s - int(self.lead_s * self.speed)

    @property
    def slot_starts(self) -> range:
        """The slots that are traded."""
        return range(self.start, self.start + self.slots * SLOT_S, SLOT_S)

    @property
    def end_s(self) -> int:
        """When the last round's windows have passed."""
        return self.slot_starts.stop + GATE_AFTER_SLOT_S + self.order_s + self.bundle_s + self.contract_s

    @property
    def calendar_real_s(self) -> float:
        """Real seconds from the clock's start to its end."""
        return (self.end_s - self.calendar_start_s) / self.speed


def make_plan(start: int, available: int, homes: int, slots: int | None, speed: int) -> RunPlan:
    """The plan of a run on data that has `available` slots from `start` on; `slots` None for the usual number.

    Raises:
        LocalError: speed or slots out of range, with the reason.
    """
    if not 1 <= speed <= MAX_SPEED:
        raise LocalError(f"--speed {speed}: 1 to {MAX_SPEED} are possible. {_speed_reason()}")
    most = most_slots(homes)
    if slots is None:
        slots = min(DEFAULT_SLOTS, most, available)
    if not 1 <= slots <= most:
        reason = f"more would not end within {BUDGET_S // 60} minutes at the default speed of {DEFAULT_SPEED}"
        raise LocalError(f"--slots {slots}: 1 to {most} are possible with {homes} homes; {reason}")
    if slots > available:
        raise LocalError(f"--slots {slots}: the data has {available} slots from its start on")
    return RunPlan(start, slots, speed, homes)


def most_slots(homes: int) -> int:
    """How many slots three minutes carry at the default speed."""
    slots = 1
    while _real_s(RunPlan(0, slots + 1, DEFAULT_SPEED, homes)) <= BUDGET_S:
        slots += 1
    return slots


def _real_s(plan: RunPlan) -> float:
    return SET_UP_S + plan.calendar_real_s + WIND_UP_S


def _speed_reason() -> str:
    windows_s = 3 * MIN_WINDOW_REAL_S * MAX_SPEED
    return (
        "Only calendar time is faster: each of a round's three windows still takes a real second, and faster than that"
        f" a round ({windows_s} s of the calendar at {MAX_SPEED}) would no longer end well before its slot begins"
    )
