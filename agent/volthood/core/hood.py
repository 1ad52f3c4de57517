"""The hood file: what a neighbourhood has agreed its market to be, and the grid that it trades over.

Members sign the SHA-256 of its canonical bytes (`core.hood_file`), so two agents that hold the same digest clear alike. Who
the members are, and on which node each sits, is the roster's to say; they are kept beside the file, outside its bytes.

Every setting is checked where it is built; the message names the field, its value and its range.
"""

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

from volthood.core.grid import GridMap
from volthood.core.market.round import RoundPlan
from volthood.core.units import SLOT_LENGTHS_S, Instant, MctPerKwh, Wh, energy_wh
from volthood.errors import LocalError
from volthood.wire.limits import MAX_ITEMS, MAX_MEMBERS, MAX_NAME_CHARS, MAX_PRICE_MCT_PER_KWH

FIRST_BALANCING_GATE = 254
LAST_GATE = 255
NOTICE_S = 2 * 3600
"""A later version is issued at least so long before it is in force."""
MAX_WINDOW_S = 3600
MAX_SETTLE_WITHIN_S = 90 * 24 * 3600


@dataclass(frozen=True)
class Gate:
    """When a round of a slot begins.

    Attributes:
        index: 0 to 253 for forward gates, 254 and 255 for balancing gates.
        offset_s: s from the slot's start for a forward gate (so negative), from its end for a balancing gate.
    """

    index: int
    offset_s: int

    @property
    def balancing(self) -> bool:
        """Whether its rounds trade metered energy."""
        return self.index >= FIRST_BALANCING_GATE

    @property
    def step_wh(self) -> int:
        """What energies of its orders are multiples of, Wh: forecasts are told in tens, metered energy to the Wh."""
        return 1 if self.balancing else 10


class ReferenceStep(NamedTuple):
    """Reference prices from an instant on: what surplus earns and consumption costs at the utility, in mct/kWh."""

    from_s: int
    feed_in_mct_per_kwh: int
    retail_mct_per_kwh: int


class Prices(NamedTuple):
    """Reference feed-in and retail price of one slot, in mct/kWh."""

    feed_in: MctPerKwh
    retail: MctPerKwh


@dataclass(frozen=True)
class Windows:
    """Lengths of a round's windows, in s of calendar time, and how far agents' clocks may differ."""

    order_s: int = 20
    bundle_s: int = 10
    contract_s: int = 20
    guard_s: int = 2

    def __post_init__(self) -> None:
        for name in ("order_s", "bundle_s", "contract_s"):
            _check("windows." + name, getattr(self, name), 1, MAX_WINDOW_S, "s")
        _check("windows.guard_s", self.guard_s, 0, MAX_WINDOW_S, "s")

    @property
    def total_s(self) -> int:
        """From the gate to the end of the contract window."""
        return self.order_s + self.bundle_s + self.contract_s


@dataclass(frozen=True)
class Member:
    """A member of the roster as the market sees it: full key hash of its agent, house, fuse in W, node it sits on."""

    agent: bytes
    house: str
    fuse_w: int
    node: str

    def __post_init__(self) -> None:
        if len(self.agent) != 32:
            raise LocalError(f"hood: member {self.house}: agent is a hash of 32 bytes, not {len(self.agent)}")
        _check(f"member {self.house}: fuse_w", self.fuse_w, 1, 10**8, "W")


@dataclass(frozen=True)
class Hood:
    """A neighbourhood's market.

    Attributes:
        hood_id: SHA-256 of roster version 1, 32 bytes.
        currency: three capital letters; what one 100,000 mct are.
        reference: step series, ascending, the first from 0 so that every slot has a price.
        slot_s: length of a delivery interval: 900, 1800 or 3600 s.
        gates: forward gates end before the slot begins, balancing gates lie after its end.
        algorithm: id of price rule and version, such as `mid-market/1`.
        collar_below_mct_per_kwh: how far orders may lie below the reference feed-in price.
        collar_above_mct_per_kwh: how far above the reference retail price.
        settle_within_s: from a slot's end; what is not settled then goes to the tariff.
        version, issued_s, valid_from_s: of this hood file.
        members: from the roster, not part of the file.
    """

    hood_id: bytes
    currency: str
    reference: tuple[ReferenceStep, ...]
    slot_s: int = 900
    gates: tuple[Gate, ...] = (Gate(0, -900), Gate(254, 600), Gate(255, 1500))
    windows: Windows = field(default_factory=Windows)
    algorithm: str = "mid-market/1"
    collar_below_mct_per_kwh: int = 5000
    collar_above_mct_per_kwh: int = 5000
    settle_within_s: int = 48 * 3600
    grid: GridMap = field(default_factory=GridMap)
    version: int = 1
    issued_s: int = 0
    valid_from_s: int = 0
    members: tuple[Member, ...] = ()

    def __post_init__(self) -> None:
        if len(self.hood_id) != 32:
            raise LocalError(f"hood: hood_id is a hash of 32 bytes, not {len(self.hood_id)}")
        if not (len(self.currency) == 3 and self.currency.isascii() and self.currency.isupper()):
            raise LocalError(f"hood: currency = {self.currency!r} is not three capital letters")
        if self.slot_s not in SLOT_LENGTHS_S:
            raise LocalError(f"hood: slot_s = {self.slot_s} is not one of {', '.join(map(str, SLOT_LENGTHS_S))} s")
        if not 1 <= len(self.algorithm) <= MAX_NAME_CHARS:
            raise LocalError(f"hood: algorithm = {self.algorithm!r} is not 1 to {MAX_NAME_CHARS} characters")
        _check("collar_below_mct_per_kwh", self.collar_below_mct_per_kwh, 0, MAX_PRICE_MCT_PER_KWH // 2, "mct/kWh")
        _check("collar_above_mct_per_kwh", self.collar_above_mct_per_kwh, 0, MAX_PRICE_MCT_PER_KWH // 2, "mct/kWh")
        _check("settle_within_s", self.settle_within_s, self.slot_s, MAX_SETTLE_WITHIN_S, "s")
        _check_reference(self.reference)
        _check_gates(self.gates, self.windows.total_s)
        self._check_version()
        self._check_members()

    def _check_version(self) -> None:
        _check("version", self.version, 1, 10**6)
        _check("issued_s", self.issued_s, 0, 2**40, "s")
        _check("valid_from_s", self.valid_from_s, 0, 2**40, "s")
        if self.version > 1 and self.valid_from_s < self.issued_s + NOTICE_S:
            raise LocalError(f"hood: valid_from_s lies less than {NOTICE_S} s after issued_s")

    def _check_members(self) -> None:
        if len(self.members) > MAX_MEMBERS:
            raise LocalError(f"hood: {len(self.members)} members, at most {MAX_MEMBERS}")
        seen: set[bytes] = set()
        for member in self.members:
            if member.node not in self.grid.by_name:
                raise LocalError(f"hood: member {member.house}: node {member.node} is not in the grid map")
            if member.agent in seen:
                raise LocalError(f"hood: member {member.house}: its agent stands twice")
            seen.add(member.agent)

    @cached_property
    def member(self) -> dict[bytes, Member]:
        """Every member by the hash of its agent's key."""
        return {member.agent: member for member in self.members}

    @cached_property
    def _reference_from_s(self) -> list[int]:
        return [step.from_s for step in self.reference]

    def reference_at(self, slot: int) -> Prices:
        """Reference feed-in and retail price of a slot."""
        step = self.reference[bisect_right(self._reference_from_s, slot) - 1]
        return Prices(MctPerKwh(step.feed_in_mct_per_kwh), MctPerKwh(step.retail_mct_per_kwh))

    def collar(self, slot: int) -> tuple[MctPerKwh, MctPerKwh]:
        """The lowest and the highest price that an order of the slot may name."""
        feed_in, retail = self.reference_at(slot)
        low = min(feed_in, retail) - self.collar_below_mct_per_kwh
        return MctPerKwh(low), MctPerKwh(max(feed_in, retail) + self.collar_above_mct_per_kwh)

    def fuse_wh(self, fuse_w: int) -> Wh:
        """The most energy that a connection carries in one slot."""
        return energy_wh(fuse_w, self.slot_s)

    @cached_property
    def gate(self) -> dict[int, Gate]:
        """Every gate by its index."""
        return {gate.index: gate for gate in self.gates}

    def gate_s(self, slot: int, gate: int) -> Instant:
        """When a slot's round begins. Raises `KeyError` for an index that the hood does not have."""
        start_s = slot + self.slot_s if self.gate[gate].balancing else slot
        return Instant(start_s + self.gate[gate].offset_s)

    def round_plan(self, slot: int, gate: int) -> RoundPlan:
        """When a round's windows nominally begin and end."""
        gate_s, windows = self.gate_s(slot, gate), self.windows
        orders_end_s = gate_s + windows.order_s
        bundles_end_s = orders_end_s + windows.bundle_s
        return RoundPlan(gate_s, orders_end_s, bundles_end_s, bundles_end_s + windows.contract_s, windows.guard_s)

    def rounds_between(self, first_s: int, last_s: int) -> Iterator[tuple[int, int]]:
        """(slot, gate) of every round whose gate lies in [first_s, last_s], gate by gate."""
        for gate in self.gates:
            lead_s = self.gate_s(0, gate.index)
            first_slot = -(-(first_s - lead_s) // self.slot_s) * self.slot_s
            for slot in range(first_slot, last_s - lead_s + 1, self.slot_s):
                yield slot, gate.index

    def next_gate_s(self, now_s: int) -> Instant:
        """The first gate after `now_s`."""
        leads_s = [self.gate_s(0, gate.index) for gate in self.gates]
        return Instant(min(lead_s + ((now_s - lead_s) // self.slot_s + 1) * self.slot_s for lead_s in leads_s))

    def capacities(self, gate: int) -> list[tuple[int | None, int | None]]:
        """(up, down) in Wh of each node's edge for one round, by the grid layout's numbers; None without a limit.

        Several forward gates share a capacity alike. In balancing rounds the energy has flowed, and nothing binds.
        """
        layout = self.grid.layout
        if self.gate[gate].balancing:
            return [(None, None)] * len(layout)
        parts = sum(not other.balancing for other in self.gates)
        return [(_part(node.up_wh, parts), _part(node.down_wh, parts)) for node in layout.nodes]


def in_force(versions: tuple[Hood, ...], slot: int) -> Hood | None:
    """The hood file that counts for a slot: the highest version that is valid by then, None before the first."""
    valid = [hood for hood in versions if hood.version == 1 or hood.valid_from_s <= slot]
    return max(valid, key=lambda hood: hood.version, default=None)


def _part(capacity_wh: int | None, parts: int) -> int | None:
    return None if capacity_wh is None else capacity_wh // parts


def _check(name: str, value: int, low: int, high: int, unit: str = "") -> None:
    if not low <= value <= high:
        raise LocalError(f"hood: {name} = {value} is outside {low}..{high} {unit}".rstrip())


def _check_reference(reference: tuple[ReferenceStep, ...]) -> None:
    if not 1 <= len(reference) <= MAX_ITEMS:
        raise LocalError(f"hood: reference has {len(reference)} steps, not 1 to {MAX_ITEMS}")
    if reference[0].from_s != 0:
        raise LocalError(f"hood: reference[0].from_s = {reference[0].from_s} is not 0: every slot needs a price")
    before_s = -1
    for index, step in enumerate(reference):
        if step.from_s <= before_s:
            raise LocalError(f"hood: reference[{index}].from_s = {step.from_s} does not come after {before_s}")
        for name in ("feed_in_mct_per_kwh", "retail_mct_per_kwh"):
            most = MAX_PRICE_MCT_PER_KWH // 2
            _check(f"reference[{index}].{name}", getattr(step, name), -most, most, "mct/kWh")
        before_s = step.from_s


def _check_gates(gates: tuple[Gate, ...], windows_s: int) -> None:
    if not gates:
        raise LocalError("hood: gates: at least one")
    before = -1
    for number, gate in enumerate(gates):
        _check(f"gates[{number}].index", gate.index, 0, LAST_GATE)
        if gate.index <= before:
            raise LocalError(f"hood: gates[{number}].index = {gate.index} does not come after {before}")
        low, high = (0, MAX_SETTLE_WITHIN_S) if gate.balancing else (-MAX_SETTLE_WITHIN_S, -windows_s)
        _check(f"gates[{number}].offset_s", gate.offset_s, low, high, "s")
        before = gate.index
