"""Which orders we listen to: those of rounds in which we bundle. Everybody else reads them in the bundles.

With n members that hands out 3 n orders a round instead of n². We begin a slot ahead; what is missed all the same, after a
start in the middle of a window, is asked for.
"""

from volthood.core.market.round import bundlers_of
from volthood.engine.desk import Desk
from volthood.engine.events import Subscribe, Unsubscribe
from volthood.wire.topics import board_topic, hood_level


class Listening:
    """Subscriptions to orders, round by round."""

    def __init__(self, desk: Desk, members: frozenset[bytes]) -> None:
        self._desk = desk
        self._members = members
        self._filters: set[str] = set()
        self._due_s: int | None = None

    def advance(self) -> None:
        """After each gate: begin to listen to the rounds of the next slot length, end with those that are over."""
        now_s, hood = self._desk.now_s, self._desk.hood
        if self._due_s is not None and now_s < self._due_s:
            return
        # Every gate comes again after a slot's length, so whoever looks that far ahead at each gate misses none.
        self._due_s = hood.next_gate_s(now_s)
        rounds = hood.rounds_between(now_s - hood.windows.order_s, now_s + hood.slot_s)
        wanted = {self._filter(slot, gate) for slot, gate in rounds if self._bundles(slot, gate)}
        self._desk.commands += [Subscribe(each) for each in sorted(wanted - self._filters)]
        self._desk.commands += [Unsubscribe(each) for each in sorted(self._filters - wanted)]
        self._filters = wanted

    def _bundles(self, slot: int, gate: int) -> bool:
        return self._desk.me.agent in bundlers_of((self._desk.hood.hood_id, slot, gate), self._members)

    def _filter(self, slot: int, gate: int) -> str:
        return board_topic(hood_level(self._desk.hood.hood_id), "+", slot, gate, "order")
