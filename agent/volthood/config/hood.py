"""The hood's rules in words, `hood.toml`, into the canonical `core.hood.Hood`. Prices in mct/kWh, times in seconds.

`[[reference]]` is a step series: each row holds from its instant on, the first from ever. `[[gate]]` names when orders are
called: `offset_s` from the slot's start and below zero for forward gates, from its end for balancing gates (254, 255).
"""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from volthood.config.toml import build, read_toml, setting
from volthood.core.grid import GridMap, GridNode
from volthood.core.hood import Gate, Hood, Member, ReferenceStep, Windows
from volthood.errors import LocalError
from volthood.wire.roster import Roster

ALGORITHMS = {"mid-market": "mid-market/1", "auction": "auction/1"}
"""Price rules by the name that people use, and the version that stands in orders and contracts."""
NO_ROSTER = bytes(32)
"""Stands for the hood's id where only its rules are read."""


@dataclass(frozen=True)
class _Reference:
    feed_in_mct_per_kwh: int = setting("what surplus earns at the utility, mct/kWh")
    retail_mct_per_kwh: int = setting("what consumption costs at the utility, mct/kWh")
    from_: datetime | None = setting("an instant with its zone, such as 2016-08-09T15:00:00Z", key="from", default=None)


@dataclass(frozen=True)
class _Collar:
    below_mct_per_kwh: int = 5000
    above_mct_per_kwh: int = 5000


@dataclass(frozen=True)
class _Grid:
    node: tuple[GridNode, ...] = setting("a table [[grid.node]] for each node")


@dataclass(frozen=True)
class _Settings:
    """The keys of `hood.toml`."""

    currency: str = setting("three capital letters")
    price_rule: str = setting(f"one of {', '.join(ALGORITHMS)}")
    reference: tuple[_Reference, ...] = setting("a table [[reference]] for each step of the utility's prices")
    gate: tuple[Gate, ...] = setting("a table [[gate]] for each call", default=Hood.gates)
    slot_s: int = Hood.slot_s
    settle_within_s: int = Hood.settle_within_s
    version: int = Hood.version
    issued_s: int = Hood.issued_s
    valid_from_s: int = Hood.valid_from_s
    windows: Windows = setting("lengths of a round's windows", default=Windows())
    collar: _Collar = setting("how far orders may lie outside the reference prices", default=_Collar())
    grid: _Grid = setting("the grid map", default=_Grid(GridMap().nodes))


def load_hood(path: Path, roster: Roster) -> Hood:
    """The hood file in `path` for the members of a roster. Raises `LocalError` naming file, key, unit and range."""
    members = tuple(Member(row.agent, row.house, row.fuse_w, row.grid_node) for row in roster.members)
    return read_hood(path, roster.digest, members)


def read_hood(path: Path, hood_id: bytes = NO_ROSTER, members: tuple[Member, ...] = ()) -> Hood:
    """The hood file in `path`, by itself without a roster. Raises `LocalError` naming file, key, unit and range."""
    settings = build(_Settings, read_toml(path), path)
    try:
        return _hood(settings, hood_id, members)
    except LocalError as error:
        raise LocalError(f"{path}: {error}") from error


def _hood(settings: _Settings, hood_id: bytes, members: tuple[Member, ...]) -> Hood:
    if settings.price_rule not in ALGORITHMS:
        raise LocalError(f"price_rule = {settings.price_rule!r}: one of {', '.join(ALGORITHMS)}")
    return Hood(
        hood_id=hood_id,
        currency=settings.currency,
        reference=tuple(_reference(row, number) for number, row in enumerate(settings.reference)),
        slot_s=settings.slot_s,
        gates=settings.gate,
        windows=settings.windows,
        algorithm=ALGORITHMS[settings.price_rule],
        collar_below_mct_per_kwh=settings.collar.below_mct_per_kwh,
        collar_above_mct_per_kwh=settings.collar.above_mct_per_kwh,
        settle_within_s=settings.settle_within_s,
        grid=GridMap(settings.grid.node),
        version=settings.version,
        issued_s=settings.issued_s,
        valid_from_s=settings.valid_from_s,
        members=members,
    )


def _reference(row: _Reference, number: int) -> ReferenceStep:
    from_s = 0
    if number:
        if row.from_ is None or row.from_.tzinfo is None:
            given = "is missing" if row.from_ is None else f"= {row.from_}"
            raise LocalError(
                f"reference[{number}].from {given}: an instant with its zone, such as 2016-08-09T15:00:00Z"
            )
        from_s = int(row.from_.timestamp())
    return ReferenceStep(from_s, row.feed_in_mct_per_kwh, row.retail_mct_per_kwh)
