"""What a finished demonstration came to: gathered from all homes' stores, told by the screen, JSON and the report."""

from dataclasses import dataclass

from volthood.core.billing import SlotBill
from volthood.core.deals import Deal
from volthood.core.grid import GridMap
from volthood.core.laws import Verdict
from volthood.ports.stores import RoundNote, SlotNote


@dataclass(frozen=True)
class HomeSlot:
    """One home's slot.

    Attributes:
        bill: metered energies, bill lines and the cost with the utility alone; None where a slot record is missing.
        notes: what was forecast and ordered, by gate.
        deals: contracts of the slot, whatever became of them.
        import_mct_per_kwh, export_mct_per_kwh: the home's tariff.
    """

    slot: int
    bill: SlotBill | None
    notes: tuple[SlotNote, ...]
    deals: tuple[Deal, ...]
    import_mct_per_kwh: int
    export_mct_per_kwh: int


@dataclass(frozen=True)
class HomeResult:
    """One home over all slots of the run; `node` is where it sits on the grid map."""

    house: str
    agent: bytes
    has_pv: bool
    source: str
    node: str
    slots: tuple[HomeSlot, ...]

    @property
    def paid_uct(self) -> int:
        """What the home paid, in µct; negative where it earned."""
        return sum(slot.bill.total_uct for slot in self.slots if slot.bill)

    @property
    def utility_alone_uct(self) -> int:
        """What the same energy would have cost with the utility alone, in µct."""
        return sum(slot.bill.utility_alone_uct for slot in self.slots if slot.bill)

    @property
    def grid_uct(self) -> int:
        """What the home paid for the way of what it bought, in µct."""
        lines = (line for slot in self.slots if slot.bill for line in slot.bill.lines)
        return sum(line.amount_uct for line in lines if line.kind == "grid_fee")


@dataclass(frozen=True)
class RunResult:
    """The whole run. `rounds` are the clearings by (slot, gate); `notes` must be told wherever the gain is told.

    `in_flight` contracts had their settlement at one side and not yet at the other when the run ended.
    """

    homes: tuple[HomeResult, ...]
    slots: tuple[int, ...]
    slot_s: int
    rounds: tuple[RoundNote, ...]
    reference: tuple[tuple[int, int], ...]
    currency: str
    timezone: str
    price_rule: str
    grid: GridMap
    speed: int
    notes: tuple[str, ...]
    laws: dict[str, Verdict]
    in_flight: int
    refused: dict[str, int]
    first_settled_real_s: float | None
    wall_s: float

    def house_of(self, agent: bytes) -> str:
        """The house of an agent's hash."""
        return next((home.house for home in self.homes if home.agent == agent), agent.hex()[:8])

    @property
    def traded_wh(self) -> int:
        """Energy delivered between neighbours, in Wh; counted once, at the buyers."""
        return sum(deal.delivered_wh for deal in self.bought_deals() if deal.settled)

    @property
    def grid_uct(self) -> int:
        """What the hood's grid account received, in µct: fees, and under the auction the rent of full lines."""
        return sum(home.grid_uct for home in self.homes)

    def bought_deals(self) -> list[Deal]:
        """Every counted contract once, as its buyer keeps it, by slot."""
        return [
            deal
            for home in self.homes
            for slot in home.slots
            for deal in slot.deals
            if deal.role.value == "buyer" and (deal.counted or deal.voided)
        ]
