"""All deals of this agent in memory, kept in the store at every change."""

from volthood.core.deals import Deal
from volthood.ports.stores import TradeStore


class DealBook:
    """Deals by id and by slot. `save` is the only way to change one."""

    def __init__(self, store: TradeStore, since_slot: int) -> None:
        self._store = store
        self._by_slot: dict[int, dict[bytes, Deal]] = {}
        for deal in store.deals(since_slot):
            self._by_slot.setdefault(deal.contract.slot, {})[deal.id] = deal

    def save(self, deal: Deal) -> None:
        """Keep the newest state of a deal."""
        self._store.save_deal(deal)
        self._by_slot.setdefault(deal.contract.slot, {})[deal.id] = deal

    def get(self, slot: int, contract_id: bytes) -> Deal | None:
        """The deal of a contract."""
        return self._by_slot.get(slot, {}).get(contract_id)

    def of_slot(self, slot: int) -> list[Deal]:
        """The deals of a slot by gate (forward first), then id."""
        return sorted(self._by_slot.get(slot, {}).values(), key=lambda deal: (deal.contract.gate, deal.id))

    def of_round(self, slot: int, gate: int) -> list[Deal]:
        """The deals of a round by id."""
        return [deal for deal in self.of_slot(slot) if deal.contract.gate == gate]

    def open_slots(self) -> list[int]:
        """Slots with a deal that counts and is not settled."""
        return sorted(
            slot
            for slot, deals in self._by_slot.items()
            if any(deal.counted and not deal.settled and not deal.disputed for deal in deals.values())
        )

    def forget_before(self, slot: int) -> None:
        """Drop old slots from memory; the store keeps them."""
        for old in [key for key in self._by_slot if key < slot]:
            del self._by_slot[old]
