"""The hood of a demonstration: `hood.toml`, the first roster, and the signatures of all its founders."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from volthood.adapters.crypto import AgentKeys
from volthood.cli.text import utc
from volthood.config.feeder import node_toml
from volthood.core.grid import GridMap
from volthood.wire.keys import sha256
from volthood.wire.note import pack_note
from volthood.wire.roster import Roster, RosterMember
from volthood_tools.demo.dataset import SLOT_S, Dataset
from volthood_tools.demo.plan import GATE_AFTER_SLOT_S, GATE_BEFORE_SLOT_S, RunPlan

PRICE_RULES = ("mid-market", "auction")
FORWARD_GATE, BALANCING_GATE = 0, 255
COLLAR_MCT_PER_KWH = 5000

_HEAD = """\
# The rules of this neighbourhood. Prices in mct/kWh (100000 = 1 {currency}), times in calendar seconds.
currency = "{currency}"
price_rule = "{price_rule}"
slot_s = {slot_s}

[collar]
below_mct_per_kwh = {collar}
above_mct_per_kwh = {collar}

[windows]
order_s = {order_s}
bundle_s = {bundle_s}
contract_s = {contract_s}
guard_s = {guard_s}

# Before the slot, on forecasts.
[[gate]]
index = {forward}
offset_s = -{before_s}

# After the slot's end, on metered energy.
[[gate]]
index = {balancing}
offset_s = {after_s}
"""
_GRID = """
# The grid map, an assumption: fees in mct/kWh, capacities in Wh a slot, up is towards the substation.
"""
_REFERENCE = """
[[reference]]
from = {instant}
feed_in_mct_per_kwh = {feed_in}
retail_mct_per_kwh = {retail}
"""


@dataclass(frozen=True)
class Founder:
    """A household that founds the hood: its name, its agent's keys, its node's public key (x and y), its fuse, where it sits."""

    house: str
    keys: AgentKeys
    node_key: bytes
    fuse_w: int
    grid_node: str


def hood_toml(data: Dataset, plan: RunPlan, price_rule: str, grid: GridMap) -> str:
    """The hood's rules in words; the reference series from the data's tariffs, its first step valid from ever."""
    head = _HEAD.format(
        currency=data.currency,
        price_rule=price_rule,
        slot_s=SLOT_S,
        collar=COLLAR_MCT_PER_KWH,
        order_s=plan.order_s,
        bundle_s=plan.bundle_s,
        contract_s=plan.contract_s,
        guard_s=plan.guard_s,
        forward=FORWARD_GATE,
        before_s=GATE_BEFORE_SLOT_S,
        balancing=BALANCING_GATE,
        after_s=GATE_AFTER_SLOT_S,
    )
    rows = steps((slot, data.reference(slot)) for slot in (*data.history_slots, *data.slots))
    parts = [_REFERENCE.format(instant=utc(start), feed_in=prices[0], retail=prices[1]) for start, prices in rows]
    return head + "".join(parts) + _GRID + "\n".join(map(node_toml, grid.layout.nodes))


def steps(series: Iterable[tuple[int, tuple[int, int]]]) -> list[tuple[int, tuple[int, int]]]:
    """A step series from one value a slot: only where it changes, the first from 1970 on."""
    found: list[tuple[int, tuple[int, int]]] = []
    for slot, value in series:
        if not found or found[-1][1] != value:
            found.append((slot if found else 0, value))
    return found


def first_roster(founders: Iterable[Founder], broker: str, issued_s: int) -> Roster:
    """Roster version 1."""
    members = tuple(
        RosterMember(
            house=founder.house,
            agent_key=founder.keys.public.agent,
            seal_key=founder.keys.public.seal,
            witness_key=founder.keys.public.witness,
            node_keys=(founder.node_key,),
            metering_point=sha256(b"demonstration/" + founder.house.encode()),
            fuse_w=founder.fuse_w,
            grid_node=founder.grid_node,
            broker=broker,
        )
        for founder in founders
    )
    return Roster(1, None, issued_s, issued_s, members)


def write_signed(path: Path, text: str, signers: Mapping[str, AgentKeys]) -> None:
    """A note with the signature of each signer, by name."""
    path.write_bytes(pack_note(text, [keys.sign_note(name, text) for name, keys in signers.items()]))
