"""Orders are listened to by those who bundle, in time, and no longer than they count."""

import pytest

from volthood.core.market.round import bundlers_of
from volthood.engine.events import CalendarTicked, Subscribe, Unsubscribe
from volthood.testing.neighbourhood import START, Home, Neighbourhood
from volthood.wire.topics import board_topic

HOUSES = [f"h{number}" for number in range(6)]
ROUNDS = [(START + number * 900, gate) for number in range(6) for gate in (0, 255)]


class Listeners:
    """What every house listens to, as its engine said last."""

    def __init__(self) -> None:
        self.hood = Neighbourhood([Home(name, 300) for name in HOUSES])
        self.filters: dict[str, set[str]] = {name: set() for name in HOUSES}

    def tick(self, now_s: int) -> None:
        for name, filters in self.filters.items():
            for command in self.hood.houses[name].engine.handle(CalendarTicked(), now_s):
                if isinstance(command, Subscribe):
                    assert command.topic_filter not in filters
                    filters.add(command.topic_filter)
                elif isinstance(command, Unsubscribe):
                    filters.remove(command.topic_filter)

    def of(self, slot: int, gate: int) -> set[str]:
        wanted = board_topic(self.hood.level, "+", slot, gate, "order")
        return {name for name, filters in self.filters.items() if wanted in filters}

    def bundlers(self, slot: int, gate: int) -> set[str]:
        members = frozenset(member.agent for member in self.hood.roster.members)
        bundlers = bundlers_of((self.hood.hood.hood_id, slot, gate), members)
        return {self.hood.house_of(agent) for agent in bundlers}


@pytest.mark.parametrize("step_s", [1, 7, 60])
def test_bundlers_listen_from_before_the_gate_until_the_window_is_over(step_s: int) -> None:
    listeners = Listeners()
    for now_s in range(START - 1000, START + 3600, step_s):
        listeners.tick(now_s)
        for slot, gate in ROUNDS:
            plan = listeners.hood.hood.round_plan(slot, gate)
            if plan.gate_s - 60 <= now_s <= plan.orders_end_s:
                assert listeners.of(slot, gate) == listeners.bundlers(slot, gate)


def test_old_rounds_are_not_listened_to_for_ever() -> None:
    listeners = Listeners()
    for now_s in range(START - 1000, START + 24 * 3600, 300):
        listeners.tick(now_s)
        assert all(len(filters) <= 6 for filters in listeners.filters.values())


def test_who_starts_in_the_middle_of_a_window_listens_at_once() -> None:
    listeners = Listeners()
    listeners.tick(START - 890)
    assert listeners.of(START, 0) == listeners.bundlers(START, 0)
