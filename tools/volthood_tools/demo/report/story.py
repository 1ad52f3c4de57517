"""What every part of the report draws from: a run, its trades and sums, worked out once."""

from dataclasses import dataclass
from functools import cached_property
from zoneinfo import ZoneInfo

from volthood_tools.demo.report.figures import Flows, Money, Trade, money_of, slot_flows, trades_of
from volthood_tools.demo.report.times import LocalTime
from volthood_tools.demo.report.ways import PairOfNodes, Ways, pairs_of, ways_of
from volthood_tools.demo.result import RunResult


@dataclass(frozen=True)
class Story:
    """A run to be told."""

    result: RunResult

    @cached_property
    def time(self) -> LocalTime:
        """The homes' local time."""
        return LocalTime(ZoneInfo(self.result.timezone), self.result.slot_s)

    @cached_property
    def trades(self) -> list[Trade]:
        """Every transaction."""
        return trades_of(self.result)

    @cached_property
    def delivered(self) -> list[Trade]:
        """The transactions in which energy changed hands."""
        return [trade for trade in self.trades if trade.delivered]

    @cached_property
    def slot_flows(self) -> list[Flows]:
        """All homes together, slot by slot."""
        return slot_flows(self.result)

    @cached_property
    def flows(self) -> Flows:
        """All homes together over the run."""
        return sum(self.slot_flows, Flows())

    @cached_property
    def money(self) -> Money:
        """All homes together over the run."""
        return money_of(self.result.homes)

    @cached_property
    def node_of(self) -> dict[str, str]:
        """The node of each house on the grid map."""
        return {home.house: home.node for home in self.result.homes}

    @cached_property
    def ways(self) -> Ways:
        """Which way delivered energy took through the grid."""
        return ways_of(self.result.grid, self.node_of, self.delivered)

    @cached_property
    def pairs(self) -> list[PairOfNodes]:
        """What each pair of nodes traded, near pairs first."""
        return pairs_of(self.result.grid, self.node_of, self.delivered)

    @cached_property
    def labels(self) -> tuple[str, ...]:
        """One per slot, HH:MM."""
        return tuple(self.time.label(slot) for slot in self.result.slots)

    @property
    def unmetered(self) -> int:
        """Slots of homes whose readings are missing."""
        return sum(slot.bill is None for home in self.result.homes for slot in home.slots)

    def trades_in(self, slot: int) -> list[Trade]:
        """The transactions of a slot."""
        return [trade for trade in self.trades if trade.slot == slot]
