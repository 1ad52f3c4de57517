"""What goes wrong in a simulation, as a plan: every fault has a name, a unit and a range, and is drawn from the seed.

Shares are of messages, of agents or of slots, between 0 and 1. A plan comes from options, or from a TOML file with the
same names. A new fault is a line in `FaultPlan`: command, file and page follow.
"""

import tomllib
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from volthood.errors import LocalError

LIES = ("censor", "equivocate", "silent", "mixed")
"""What a bad bundler does: leaves out half the orders, shows two bundles, shows none, or any of these by chance."""

VANISHINGS = ("one", "forward", "each")
"""In which of a slot's rounds agents vanish: one of them by chance, the first, or each anew."""


def _share(text: str) -> Any:
    return field(default=0.0, metadata={"help": text, "most": 1, "unit": "a share"})


def _amount(default: int, most: int, unit: str, text: str) -> Any:
    return field(default=default, metadata={"help": text, "most": most, "unit": unit})


def _choice(default: str, choices: tuple[str, ...], text: str) -> Any:
    return field(default=default, metadata={"help": text, "choices": choices})


@dataclass(frozen=True)
class FaultPlan:
    """Every fault of a run; the defaults are a network in good order. What each means stands beside it."""

    loss: float = _share("Share of deliveries that one receiver misses.")
    publish_loss: float = _share("Share of messages that nobody receives.")
    duplicate: float = _share("Share of deliveries that come twice.")
    delay_low_ms: int = _amount(20, 60_000, "ms", "Shortest delivery; each takes its own time, so order is not kept.")
    delay_high_ms: int = _amount(150, 60_000, "ms", "Longest delivery.")
    late: float = _share("Share of deliveries that take --late-ms longer.")
    late_ms: int = _amount(20_000, 600_000, "ms", "How much longer late deliveries take.")
    vanish: float = _share("Share of agents that are gone after ordering, for each slot anew.")
    vanish_in: str = _choice("one", VANISHINGS, "In which of the slot's rounds agents vanish.")
    vanish_s: int = _amount(240, 7200, "s", "How long a vanished agent is away.")
    crash: float = _share("Share of agents that die once a slot, in any step of what they do.")
    crash_s: int = _amount(60, 7200, "s", "A crashed agent starts again within this.")
    partition: float = _share("Share of slots in which the hood falls into two parts that do not hear each other.")
    partition_s: int = _amount(300, 7200, "s", "How long a partition lasts.")
    broker_restart: float = _share("Share of slots in which the broker restarts and forgets what is under way.")
    broker_s: int = _amount(20, 3600, "s", "How long a restarting broker is away.")
    skew_ms: int = _amount(0, 60_000, "ms", "The most that an agent's clock is wrong, either way.")
    bad_bundlers: int = _amount(0, 3, "of 3", "How many bundlers of each round lie.")
    lie: str = _choice("mixed", LIES, "What bad bundlers do.")
    forged: int = _amount(0, 10_000, "a slot", "Messages of a stranger in each slot: forgeries, replays, rubbish.")
    greedy: float = _share("Share of agents whose orders take any price inside the collar.")
    overorder: float = _share("Share of agents that order three times what they need.")
    two_orders: float = _share("Share of agents that show half the hood another order.")

    def __post_init__(self) -> None:
        for each in fields(self):
            value, most, choices = getattr(self, each.name), each.metadata.get("most"), each.metadata.get("choices")
            if choices is not None and value not in choices:
                raise LocalError(f"fault {each.name} = {value!r} is not one of {', '.join(choices)}")
            if most is not None and not 0 <= value <= most:
                raise LocalError(f"fault {each.name} = {value} is outside 0..{most} ({each.metadata['unit']})")
        if self.delay_low_ms > self.delay_high_ms:
            raise LocalError(f"fault delay_low_ms = {self.delay_low_ms} is above delay_high_ms = {self.delay_high_ms}")

    @property
    def changed(self) -> dict[str, object]:
        """The settings that differ from a network in good order, by name."""
        return {
            each.name: getattr(self, each.name) for each in fields(self) if getattr(self, each.name) != each.default
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


def plan_of(base: FaultPlan, *settings: dict[str, Any]) -> FaultPlan:
    """A plan with settings in the place of its own, later ones first. Raises `LocalError` for one out of range."""
    for each in settings:
        base = replace(base, **each)
    return base


def load_faults(path: Path) -> dict[str, Any]:
    """The settings in a TOML file. Raises `LocalError` naming what is wrong."""
    try:
        settings = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise LocalError(f"{path}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise LocalError(f"{path}: not TOML: {error}") from error
    defaults = {each.name: each.default for each in fields(FaultPlan)}
    for name, value in settings.items():
        if name not in defaults:
            raise LocalError(f"{path}: there is no fault {name!r}; there are {', '.join(defaults)}")
        wanted: tuple[type, ...] = (int, float) if isinstance(defaults[name], float) else (type(defaults[name]),)
        if isinstance(value, bool) or not isinstance(value, wanted):
            raise LocalError(f"{path}: {name} = {value!r} is not {' or '.join(kind.__name__ for kind in wanted)}")
    return settings
