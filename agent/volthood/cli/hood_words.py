"""A hood file in words, as a tree and as plain values: what a neighbourhood has agreed, for people and for programs."""

from collections import defaultdict
from collections.abc import Callable, Iterator

from volthood.cli.text import price, utc
from volthood.config.hood import NO_ROSTER
from volthood.core.grid import GridNode
from volthood.core.hood import Gate, Hood, ReferenceStep
from volthood.core.hood_file import hood_digest

RULES = {
    "mid-market/1": "mid-market: everyone at the midpoint of the utility's prices, near neighbours first",
    "auction/1": "auction: the orders make the prices, one for each node",
}


def rules_lines(hood: Hood) -> Iterator[str]:
    """The hood's settings, a line each."""
    yield f"digest      {hood_digest(hood).hex()}" + (
        "" if known_id(hood) else " (without a roster: not the signed one)"
    )
    yield f"version     {hood.version}, {_since(hood)}"
    yield f"price rule  {RULES.get(hood.algorithm, hood.algorithm)} ({hood.algorithm})"
    yield f"slots       {hood.slot_s // 60} minutes; what is not settled {_span(hood.settle_within_s)} later goes to the tariff"
    for gate in hood.gates:
        yield f"gate {gate.index:<6} {_gate_words(gate)}"
    windows = hood.windows
    yield (
        f"windows     orders {windows.order_s} s, then bundles {windows.bundle_s} s, then contracts {windows.contract_s} s;"
        f" clocks may differ by {windows.guard_s} s"
    )
    yield (
        f"collar      orders from {price(hood.collar_below_mct_per_kwh)} {hood.currency}/kWh below the feed-in price"
        f" to {price(hood.collar_above_mct_per_kwh)} above the retail price"
    )
    yield from _reference_lines(hood)


def _since(hood: Hood) -> str:
    if hood.version == 1 and not hood.valid_from_s:
        return "in force from the first slot"
    return f"issued {utc(hood.issued_s)}, in force from {utc(hood.valid_from_s)}"


def _gate_words(gate: Gate) -> str:
    if gate.balancing:
        return f"balancing, {_span(gate.offset_s)} after the slot's end, on metered energy"
    return f"forward, {_span(-gate.offset_s)} before the slot, on forecasts"


def _span(seconds: int) -> str:
    for unit_s, name in ((3600, "h"), (60, "min")):
        if seconds >= unit_s and seconds % unit_s == 0:
            return f"{seconds // unit_s} {name}"
    return f"{seconds} s"


def _reference_lines(hood: Hood) -> Iterator[str]:
    steps = hood.reference
    for step in (*steps[:3], *steps[-1:]) if len(steps) > 4 else steps:
        yield f"reference   {_reference_words(step, hood.currency)}"
    if len(steps) > 4:
        yield f"            ({len(steps)} steps in all)"


def _reference_words(step: ReferenceStep, currency: str) -> str:
    start = f"from {utc(step.from_s)}" if step.from_s else "from the beginning"
    return f"{start}: feed-in {price(step.feed_in_mct_per_kwh)}, retail {price(step.retail_mct_per_kwh)} {currency}/kWh"


def known_id(hood: Hood) -> bool:
    """Whether the hood was read together with its roster."""
    return hood.hood_id != NO_ROSTER


def houses_at(hood: Hood) -> dict[str, list[str]]:
    """The houses on each node, by name."""
    houses: defaultdict[str, list[str]] = defaultdict(list)
    for member in hood.members:
        houses[member.node].append(member.house)
    return {node: sorted(names) for node, names in houses.items()}


def node_words(node: GridNode, houses: list[str]) -> str:
    """A node with its edge and its houses."""
    words = node.name
    if node.parent is not None:
        words += f"  fee {node.fee_mct_per_kwh} mct/kWh, {_capacity_words(node.up_wh, node.down_wh)}"
    return words + (f"  [{', '.join(houses)}]" if houses else "")


def _capacity_words(up_wh: int | None, down_wh: int | None) -> str:
    if up_wh is None and down_wh is None:
        return "no limit"
    if up_wh == down_wh:
        return f"{up_wh} Wh a slot"
    up, down = ("no limit" if limit is None else f"{limit} Wh" for limit in (up_wh, down_wh))
    return f"up {up}, down {down} a slot"


def walk_tree(hood: Hood, visit: Callable[[GridNode, int], None]) -> None:
    """Every node with its depth, parents before children."""
    layout = hood.grid.layout
    for number, node in enumerate(layout.nodes):
        visit(node, layout.depth[number])


def as_json(hood: Hood) -> dict[str, object]:
    """The hood file as plain values, under the names and in the units of `hood.toml`."""
    return {
        "digest": hood_digest(hood).hex(),
        "hood_id": hood.hood_id.hex() if known_id(hood) else None,
        "version": hood.version,
        "issued_s": hood.issued_s,
        "valid_from_s": hood.valid_from_s,
        "currency": hood.currency,
        "algorithm": hood.algorithm,
        "slot_s": hood.slot_s,
        "settle_within_s": hood.settle_within_s,
        "gates": [vars(gate) for gate in hood.gates],
        "windows": vars(hood.windows),
        "collar_below_mct_per_kwh": hood.collar_below_mct_per_kwh,
        "collar_above_mct_per_kwh": hood.collar_above_mct_per_kwh,
        "reference": [step._asdict() for step in hood.reference],
        "grid": [vars(node) | {"houses": houses_at(hood).get(node.name, [])} for node in hood.grid.layout.nodes],
    }
