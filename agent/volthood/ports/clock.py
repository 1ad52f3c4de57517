"""Whether the machine's clock can be trusted. What time it is comes to the engine with each event."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class ClockState:
    """What is known of a clock.

    Attributes:
        doubt: why it is not trusted, in words; None where it is.
        wrong_ms: what it may be wrong by.
    """

    doubt: str | None
    wrong_ms: int


class ClockTrust(Protocol):
    """Tells how good a clock is."""

    def state(self) -> ClockState:
        """As of now."""
