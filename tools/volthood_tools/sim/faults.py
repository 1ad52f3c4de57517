"""What goes wrong in a simulation, as a plan: every fault has a name, a unit and a range, and is drawn from the seed.

Shares are of messages, of agents or of agents in a round, between 0 and 1. A plan comes from options, or from a TOML file
with the same names.
"""

import tomllib
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from volthood.errors import LocalError

LIES = ("censor", "equivocate", "silent", "mixed")
"""What a bad bundler does: leaves out half the orders, shows two bundles, shows none, or any of these by chance."""

_SHARES = (
    "loss",
    "publish_loss",
    "duplicate",
    "late",
    "vanish",
    "crash",
    "partition",
    "broker_restart",
    "greedy",
    "overorder",
    "two_orders",
)
_AMOUNTS = {
    "delay_low_ms": 60_000,
    "delay_high_ms": 60_000,
    "late_ms": 600_000,
    "vanish_s": 7200,
    "crash_s": 7200,
    "partition_s": 7200,
    "broker_s": 3600,
    "skew_ms": 60_000,
    "bad_bundlers": 3,
    "forged": 10_000,
}


def _check(name: str, value: float, low: float, high: float, unit: str) -> None:
    if not low <= value <= high:
        raise LocalError(f"fault {name} = {value} is outside {low}..{high} ({unit})")


@dataclass(frozen=True)
class FaultPlan:
    """Every fault of a run; the defaults are a network in good order.

    Attributes:
        loss: share of deliveries that one receiver misses.
        publish_loss: share of messages that nobody receives.
        duplicate: share of deliveries that come twice.
        delay_low_ms, delay_high_ms: how long a delivery takes, drawn evenly and apart for each, so order is not kept.
        late: share of deliveries that take `late_ms` longer.
        vanish: share of agents that are gone right after posting their order, in each round anew, for `vanish_s`.
        crash: share of agents that die once in a slot, in any step of it, and start again within `crash_s`.
        partition: share of slots in which the hood falls into two halves, for `partition_s`.
        broker_restart: share of slots in which the broker restarts and forgets what is under way, away for `broker_s`.
        skew_ms: the most that an agent's clock is wrong, either way.
        bad_bundlers: how many bundlers of each round lie, in the way that `lie` names.
        forged: messages that a stranger puts on the board and into inboxes in each slot: forgeries, replays, rubbish.
        greedy: share of agents whose orders take any price inside the collar.
        overorder: share of agents that order three times what they need.
        two_orders: share of agents that show half the hood another order.
    """

    loss: float = 0.0
    publish_loss: float = 0.0
    duplicate: float = 0.0
    delay_low_ms: int = 20
    delay_high_ms: int = 150
    late: float = 0.0
    late_ms: int = 20_000
    vanish: float = 0.0
    vanish_s: int = 600
    crash: float = 0.0
    crash_s: int = 60
    partition: float = 0.0
    partition_s: int = 300
    broker_restart: float = 0.0
    broker_s: int = 20
    skew_ms: int = 0
    bad_bundlers: int = 0
    lie: str = "mixed"
    forged: int = 0
    greedy: float = 0.0
    overorder: float = 0.0
    two_orders: float = 0.0

    def __post_init__(self) -> None:
        for name in _SHARES:
            _check(name, getattr(self, name), 0, 1, "a share")
        for name, most in _AMOUNTS.items():
            _check(name, getattr(self, name), 0, most, name.rsplit("_", 1)[-1])
        if self.delay_low_ms > self.delay_high_ms:
            raise LocalError(f"fault delay_low_ms = {self.delay_low_ms} is above delay_high_ms = {self.delay_high_ms}")
        if self.lie not in LIES:
            raise LocalError(f"fault lie = {self.lie!r} is not one of {', '.join(LIES)}")

    @property
    def changed(self) -> dict[str, object]:
        """The settings that differ from a network in good order, by name."""
        return {
            field.name: getattr(self, field.name)
            for field in fields(self)
            if getattr(self, field.name) != field.default
        }


EVERYTHING = FaultPlan(
    loss=0.1,
    publish_loss=0.02,
    duplicate=0.1,
    late=0.02,
    vanish=0.1,
    crash=0.1,
    partition=0.1,
    broker_restart=0.1,
    skew_ms=1500,
    bad_bundlers=1,
    forged=20,
    greedy=0.1,
    overorder=0.1,
    two_orders=0.1,
)
"""All faults at once."""


def load_faults(path: Path) -> dict[str, Any]:
    """The settings in a TOML file. Raises `LocalError` naming what is wrong."""
    try:
        settings = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise LocalError(f"{path}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise LocalError(f"{path}: not TOML: {error}") from error
    defaults = {field.name: field.default for field in fields(FaultPlan)}
    for name, value in settings.items():
        if name not in defaults:
            raise LocalError(f"{path}: there is no fault {name!r}; there are {', '.join(defaults)}")
        _check_type(path, name, value, defaults[name])
    return settings


def _check_type(path: Path, name: str, value: object, default: object) -> None:
    wanted = (int, float) if isinstance(default, float) else type(default)
    if isinstance(value, bool) or not isinstance(value, wanted):
        raise LocalError(f"{path}: {name} = {value!r} is not {'a number' if wanted is not str else 'a text'}")
