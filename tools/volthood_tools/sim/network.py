"""The hood's broker and the ways to it, in virtual milliseconds: what a message meets between sender and receiver.

Each fault draws from a generator of its own, so that turning one on changes nothing about the others.
"""

import random

from volthood_tools.sim.faults import FaultPlan


class Network:
    """Decides, for every delivery, when and how often it arrives; an empty list is a loss."""

    def __init__(self, faults: FaultPlan, seed: str) -> None:
        self._faults = faults
        self._chance = random.Random(f"{seed}/network")
        self._halves: dict[str, int] = {}
        self.epoch = 0
        self.up = True

    def accepts(self) -> bool:
        """Whether the broker takes a message that is published now."""
        faults = self._faults
        return self.up and not (faults.publish_loss and self._chance.random() < faults.publish_loss)

    def delays_ms(self, sender: str, receiver: str) -> list[int]:
        """The delays with which one message reaches one receiver."""
        faults = self._faults
        if self._halves and self._halves[sender] != self._halves[receiver]:
            return []
        if faults.loss and self._chance.random() < faults.loss:
            return []
        delays = [self._delay_ms()]
        if faults.duplicate and self._chance.random() < faults.duplicate:
            delays.append(self._delay_ms())
        return delays

    def _delay_ms(self) -> int:
        faults = self._faults
        delay_ms = self._chance.randint(faults.delay_low_ms, faults.delay_high_ms)
        if faults.late and self._chance.random() < faults.late:
            delay_ms += faults.late_ms
        return delay_ms

    def stop(self) -> None:
        """The broker ends and forgets what is under way."""
        self.epoch += 1
        self.up = False

    def start(self) -> None:
        """The broker is there again, with nothing in it."""
        self.up = True

    def split(self, halves: dict[str, int]) -> None:
        """From now on nothing passes between the halves."""
        self._halves = halves

    def calm(self) -> None:
        """From now on nothing goes wrong."""
        self._faults = FaultPlan()
        self._halves = {}
        self.up = True

    def join(self) -> None:
        """The hood is whole again."""
        self._halves = {}
