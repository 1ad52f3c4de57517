"""The deals of this agent that can still change, in memory and kept in the store at every change."""

from volthood.core.deals import Deal
from volthood.ports.stores import TradeStore

FORGET_EVERY_S = 900


class DealBook:
    """Deals by id and by slot. `save` is the only way to change one.

    Attributes:
        changes: how many have been saved; tells whether it is worth looking again.
    """

    def __init__(self, store: TradeStore, since_slot: int) -> None:
        self._store = store
        self._by_slot: dict[int, dict[bytes, Deal]] = {}
        self._open: dict[bytes, Deal] = {}
        self.changes = 0
        self._unstated: tuple[int, list[tuple[int, int]]] = (-1, [])
        self._oldest_open: tuple[int, int] = (-1, 0)
        self._forgotten_s = 0
        for deal in (*store.open_deals(), *store.deals(since_slot)):
            self._keep(deal)

    def _keep(self, deal: Deal) -> None:
        self._by_slot.setdefault(deal.contract.slot, {})[deal.id] = deal
        if deal.open:
            self._open[deal.id] = deal
        else:
            self._open.pop(deal.id, None)

    def save(self, deal: Deal) -> None:
        """Keep the newest state of a deal."""
        self._store.save_deal(deal)
        self._keep(deal)
        self.changes += 1

    def get(self, slot: int, contract_id: bytes) -> Deal | None:
        """The deal of a contract, however old."""
        deal = self._by_slot.get(slot, {}).get(contract_id)
        return deal if deal is not None else self._store.deal(contract_id)

    def of_slot(self, slot: int) -> list[Deal]:
        """The deals of a slot by gate (forward first), then id."""
        return sorted(self._by_slot.get(slot, {}).values(), key=lambda deal: (deal.contract.gate, deal.id))

    def of_round(self, slot: int, gate: int) -> list[Deal]:
        """The deals of a round by id."""
        return [deal for deal in self.of_slot(slot) if deal.contract.gate == gate]

    def unstated_rounds(self) -> list[tuple[int, int]]:
        """(slot, gate) of rounds with an open deal whose allocation has not been stated, by time."""
        if self._unstated[0] != self.changes:
            rounds = {(d.contract.slot, d.contract.gate) for d in self._open.values() if d.own_wh is None}
            self._unstated = (self.changes, sorted(rounds))
        return self._unstated[1]

    def open_before(self, slot: int) -> list[Deal]:
        """Open deals of slots before `slot`, by slot."""
        if self._oldest_open[0] != self.changes:
            self._oldest_open = (self.changes, min((deal.contract.slot for deal in self._open.values()), default=slot))
        if slot <= self._oldest_open[1]:
            return []
        old = [deal for deal in self._open.values() if deal.contract.slot < slot]
        return sorted(old, key=lambda deal: (deal.contract.slot, deal.id))

    def forget_before(self, slot: int) -> None:
        """Drop old slots from memory unless something in them is open; the store keeps them. Done now and then."""
        if 0 <= slot - self._forgotten_s < FORGET_EVERY_S:
            return
        self._forgotten_s = slot
        needed = {deal.contract.slot for deal in self._open.values()}
        for old in [key for key in self._by_slot if key < slot and key not in needed]:
            del self._by_slot[old]
