"""The hood file: what all members of a neighbourhood agreed on. Validated once, then trusted everywhere.

The canonical form is deterministic CBOR of a map with small integer keys; its SHA-256 is what the members sign. Times are
seconds, prices mct/kWh. A gate is named by an index that stands in every signed body: 254 and 255 are balancing gates.
"""

from bisect import bisect_right
from dataclasses import dataclass
from itertools import pairwise

from volthood.core.market.round import RoundPlan
from volthood.errors import LocalError
from volthood.wire import cbor
from volthood.wire.keys import sha256
from volthood.wire.limits import MAX_PRICE_MCT_PER_KWH
from volthood.wire.topics import check_name

SLOT_LENGTHS_S = (900, 1800, 3600)
FIRST_BALANCING_GATE = 254
LAST_GATE = 255
MAX_REFERENCE_STEPS = 4000
ALGORITHMS = {"mid-market": "mid-market/1", "auction": "auction/1"}
"""Price rules by the name in the hood file, and the version that stands in orders and contracts."""


@dataclass(frozen=True)
class Gate:
    """When orders of a round are called: before the slot's start, or after its end for a balancing gate."""

    index: int
    offset_s: int

    @property
    def balancing(self) -> bool:
        """Whether the round works on metered energy."""
        return self.index >= FIRST_BALANCING_GATE


@dataclass(frozen=True)
class Windows:
    """Nominal lengths of a round's three windows, and how far clocks may differ, in calendar seconds."""

    orders_s: int = 20
    bundles_s: int = 10
    contracts_s: int = 20
    guard_s: int = 2


@dataclass(frozen=True)
class Reference:
    """The utility's prices from an instant on: what a kWh fed in earns and a kWh bought costs, in mct/kWh."""

    from_s: int
    feed_in_mct_per_kwh: int
    retail_mct_per_kwh: int


@dataclass(frozen=True)
class Edge:
    """An edge of the grid map from a node up to its parent: fee in mct/kWh, capacity in Wh a slot or None."""

    node: str
    parent: str
    fee_mct_per_kwh: int = 0
    up_wh: int | None = None
    down_wh: int | None = None


@dataclass(frozen=True)
class Hood:
    """The rules of one neighbourhood.

    Raises:
        LocalError: a setting that cannot be, naming it, its unit and what is allowed.
    """

    hood_id: bytes
    currency: str
    price_rule: str
    gates: tuple[Gate, ...]
    reference_series: tuple[Reference, ...]
    windows: Windows = Windows()
    slot_s: int = 900
    collar_below_mct_per_kwh: int = 5000
    collar_above_mct_per_kwh: int = 5000
    root: str = "root"
    edges: tuple[Edge, ...] = ()

    def __post_init__(self) -> None:
        _check(self.price_rule in ALGORITHMS, f"price_rule {self.price_rule!r}: one of {', '.join(ALGORITHMS)}")
        _check(self.slot_s in SLOT_LENGTHS_S, f"slot_s {self.slot_s}: one of {SLOT_LENGTHS_S} s")
        _check(len(self.currency) == 3 and self.currency.isupper(), f"currency {self.currency!r}: three capital letters")
        _check_gates(self.gates, self.slot_s, self.windows)
        _check_reference(self.reference_series)
        _check(min(self.collar_below_mct_per_kwh, self.collar_above_mct_per_kwh) >= 0, "collar: not below 0 mct/kWh")
        check_name(self.root)

    @property
    def algorithm(self) -> str:
        """The price rule and its version, as every order and contract names it."""
        return ALGORITHMS[self.price_rule]

    @property
    def digest(self) -> bytes:
        """SHA-256 of the canonical bytes: what the members sign."""
        return sha256(self.to_cbor())

    def to_cbor(self) -> bytes:
        """The canonical bytes."""
        w = self.windows
        return cbor.encode(
            {
                1: 1,
                2: self.hood_id,
                3: self.currency,
                4: self.price_rule,
                5: [[gate.index, gate.offset_s] for gate in self.gates],
                6: [[row.from_s, row.feed_in_mct_per_kwh, row.retail_mct_per_kwh] for row in self.reference_series],
                7: [w.orders_s, w.bundles_s, w.contracts_s, w.guard_s],
                8: self.slot_s,
                9: [self.collar_below_mct_per_kwh, self.collar_above_mct_per_kwh],
                10: self.root,
                11: [[e.node, e.parent, e.fee_mct_per_kwh, e.up_wh, e.down_wh] for e in self.edges],
            }
        )

    def is_balancing(self, gate: int) -> bool:
        """Whether a gate works on metered energy."""
        return gate >= FIRST_BALANCING_GATE

    def reference(self, slot: int) -> Reference:
        """The reference prices of a slot. Raises `LocalError` before the series begins."""
        index = bisect_right([row.from_s for row in self.reference_series], slot) - 1
        if index < 0:
            raise LocalError(f"hood: the reference series begins after slot {slot}")
        return self.reference_series[index]

    def collar(self, slot: int) -> tuple[int, int]:
        """The lowest and highest price allowed in a slot, in mct/kWh."""
        reference = self.reference(slot)
        low = reference.feed_in_mct_per_kwh - self.collar_below_mct_per_kwh
        return low, reference.retail_mct_per_kwh + self.collar_above_mct_per_kwh

    def gate(self, index: int) -> Gate | None:
        """The gate of an index, or None where this hood has none."""
        return next((gate for gate in self.gates if gate.index == index), None)

    def gate_s(self, slot: int, gate: Gate) -> int:
        """When a gate of a slot is reached."""
        return slot + self.slot_s + gate.offset_s if gate.balancing else slot - gate.offset_s

    def round_plan(self, slot: int, index: int) -> RoundPlan | None:
        """When a round's windows begin and end; None for a gate or slot that this hood does not have."""
        gate = self.gate(index)
        if gate is None or slot % self.slot_s:
            return None
        w, start_s = self.windows, self.gate_s(slot, gate)
        orders_end_s = start_s + w.orders_s
        bundles_end_s = orders_end_s + w.bundles_s
        return RoundPlan(start_s, orders_end_s, bundles_end_s, bundles_end_s + w.contracts_s, w.guard_s)

    def rounds_between(self, after_s: int, until_s: int) -> list[tuple[int, int]]:
        """(slot, gate) of the rounds whose gate lies in (after_s, until_s], by time."""
        found = []
        for gate in self.gates:
            shift_s = self.gate_s(0, gate)
            first = -(-(after_s + 1 - shift_s) // self.slot_s) * self.slot_s
            found += [(slot + shift_s, slot, gate.index) for slot in range(first, until_s - shift_s + 1, self.slot_s)]
        return [(slot, index) for _, slot, index in sorted(found)]

    def next_gate_s(self, now_s: int) -> int:
        """When the next gate after `now_s` is reached."""
        shifts = [self.gate_s(0, gate) for gate in self.gates]
        return min((now_s - shift_s) // self.slot_s * self.slot_s + self.slot_s + shift_s for shift_s in shifts)


def _check(holds: bool, text: str) -> None:
    if not holds:
        raise LocalError("hood: " + text)


def _check_gates(gates: tuple[Gate, ...], slot_s: int, windows: Windows) -> None:
    _check(len({gate.index for gate in gates}) == len(gates) > 0, "gates: at least one, each index once")
    lengths = (windows.orders_s, windows.bundles_s, windows.contracts_s)
    _check(min(lengths) >= 1 and windows.guard_s >= 0, "windows: each at least 1 s")
    for gate in gates:
        _check(0 <= gate.index <= LAST_GATE, f"gate index {gate.index}: 0..{LAST_GATE}")
        _check(0 < gate.offset_s <= 48 * 3600, f"gate {gate.index}: offset_s {gate.offset_s}: 1..{48 * 3600} s")
        if not gate.balancing:
            fits = sum(lengths) <= gate.offset_s
            _check(fits, f"gate {gate.index}: windows of {sum(lengths)} s do not end before the slot, {gate.offset_s} s on")
    del slot_s


def _check_reference(series: tuple[Reference, ...]) -> None:
    _check(0 < len(series) <= MAX_REFERENCE_STEPS, f"reference: 1..{MAX_REFERENCE_STEPS} steps")
    for before, after in pairwise(series):
        _check(before.from_s < after.from_s, f"reference: the step at {after.from_s} does not come after {before.from_s}")
    for row in series:
        prices = (row.feed_in_mct_per_kwh, row.retail_mct_per_kwh)
        _check(max(map(abs, prices)) <= MAX_PRICE_MCT_PER_KWH, f"reference: a price at {row.from_s} is out of range")
