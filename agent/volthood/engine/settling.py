"""Settlement: metered energy allocated to contracts, stated to the counterparty, co-signed.

Rules, and why:

- Each side computes alone: its metered export or import goes to its contracts in the order of their rounds, within a
  round by the uniform rule. Delivered is the smaller allocation.
- An allocation is stated once, with the two signed slot records that prove the meter; nobody is shown two numbers.
- Nothing is allocated before the meter's slot records are here and the round's contract window is over: what is not
  metered cannot be sold, and what is allocated is never taken back.
- Who has signed a settlement is bound by it: the counterparty's signature under the same numbers counts whenever it
  comes, though the time to settle be over or a second, different allocation have come in between.
"""

from collections.abc import Callable
from dataclasses import replace

from volthood.core import settlement
from volthood.core.deals import Deal, Role
from volthood.core.energy import SlotEnergy
from volthood.engine.alarm import RegretAlarm
from volthood.engine.deals import DealBook
from volthood.engine.desk import Desk
from volthood.engine.disputes import Disputes
from volthood.engine.meter import SlotMeter, proven_energy
from volthood.engine.outbox import Outbox, OutOfOrderError
from volthood.errors import PeerError
from volthood.wire import inbox
from volthood.wire.market import Allocation, Settlement, unpack_eddsa
from volthood.wire.roster import RosterMember


class Settling:
    """Brings every counted contract to a co-signed settlement, or to the tariff when the time for it is over."""

    def __init__(self, desk: Desk, deals: DealBook, outbox: Outbox, meter: SlotMeter) -> None:
        self._desk = desk
        self._deals = deals
        self._outbox = outbox
        self._meter = meter
        self._alarm = RegretAlarm(desk, deals, meter)
        self._disputes = Disputes(desk, deals)

    def advance(self, is_over: Callable[[int, int], bool]) -> None:
        """State allocations for the rounds that are over and whose slot's energy is known; end what took too long."""
        for slot, gate in self._deals.unstated_rounds():
            energy = self._meter.energy(slot)
            if energy is not None and is_over(slot, gate):
                self._state(energy, [deal for deal in self._deals.of_round(slot, gate) if _unstated(deal)])
        for deal in self._deals.open_before(self._last_slot_s() + 1):
            self._finish("ContractExpired", replace(deal, expired=True))

    def _last_slot_s(self) -> int:
        """The newest slot whose time to settle is over."""
        return self._desk.now_s - self._desk.hood.settle_within_s - self._desk.hood.slot_s

    def _state(self, energy: SlotEnergy, deals: list[Deal]) -> None:
        """State the allocations of one round's deals."""
        slot, role = energy.slot, deals[0].role
        metered_wh = energy.import_wh if role is Role.BUYER else energy.export_wh
        taken_wh = sum(deal.taken_wh for deal in self._deals.of_slot(slot) if deal.role is role)
        shares = settlement.allocate(
            metered_wh - taken_wh, {deal.id: deal.contract.energy_wh for deal in deals}, deals[0].contract.round
        )
        start, end = self._meter.proof(slot)
        for deal in deals:
            stated = deal.stated(shares[deal.id])
            self._deals.save(stated)
            body = Allocation(
                hood=deal.contract.hood,
                slot=slot,
                gate=deal.contract.gate,
                contract=deal.id,
                allocated_wh=shares[deal.id],
                start=start,
                end=end,
            )
            signed = self._desk.signer.sign(Allocation.KIND, body.to_cbor())
            self._outbox.send(self._desk.members.by_agent[deal.peer], inbox.ALLOCATION, signed)
            self._sign(stated)

    def on_allocation(self, sender: RosterMember, data: bytes) -> None:
        """Take a counterparty's allocation after checking its meter's proof.

        Raises:
            OutOfOrderError: the contract does not count for us yet.
            PeerError: no such contract, or a proof that does not prove it or contradicts an earlier one.
        """
        signer, signed = self._desk.verified(data, Allocation.KIND, Allocation.MAX_BYTES)
        if signer.agent != sender.agent:
            raise PeerError("wrong_party", signer.house)
        body = Allocation.from_cbor(signed.payload)
        deal = self._deal(sender, body.slot, body.contract)
        self._desk.check_round(deal.contract.round, body.round)
        if deal.peer_evidence is not None:
            self._compare(sender, deal, data)
            return
        if not deal.open:
            raise PeerError("contract_not_open", deal.status.value)
        if not deal.contract.energy_wh >= body.allocated_wh:
            raise PeerError("allocation_exceeds_contract", f"{body.allocated_wh} Wh")
        self._check_proof(sender, body, deal)
        self._disputes.check(sender, deal, body, data)
        deal = replace(deal, peer_wh=body.allocated_wh, peer_evidence=data)
        self._deals.save(deal)
        self._sign(deal)

    def _compare(self, sender: RosterMember, deal: Deal, data: bytes) -> None:
        """A second allocation: the same bytes say nothing new, others are the sender's fault for everyone to see."""
        if deal.peer_evidence == data:
            return
        if deal.open and deal.own_settlement is None:
            self._deals.save(replace(deal, disputed=True))
        raise PeerError("allocation_changed", sender.house)

    def _deal(self, sender: RosterMember, slot: int, contract_id: bytes) -> Deal:
        deal = self._deals.get(slot, contract_id)
        if deal is None or deal.peer != sender.agent:
            raise PeerError("contract_unknown", sender.house)
        if deal.voided:
            raise PeerError("contract_void", sender.house)
        if deal.own_settlement is None and deal.contract.slot <= self._last_slot_s():
            raise PeerError("settlement_over", sender.house)
        if not deal.counted:
            raise OutOfOrderError("the contract is not countersigned")
        return deal

    def _check_proof(self, sender: RosterMember, body: Allocation, deal: Deal) -> None:
        energy = proven_energy(self._desk, sender, body)
        metered_wh = energy.export_wh if deal.role is Role.BUYER else energy.import_wh
        same = [other for other in self._deals.of_slot(body.slot) if other.peer == sender.agent]
        others_wh = sum(other.peer_taken_wh for other in same if other.role is deal.role and not other.voided)
        if others_wh + body.allocated_wh > metered_wh:
            raise PeerError("allocation_exceeds_meter", f"{others_wh + body.allocated_wh} of {metered_wh} Wh")

    def _sign(self, deal: Deal) -> None:
        """Sign the settlement once both allocations are known."""
        agreed = deal.settlement()
        if agreed is None or deal.own_settlement is not None:
            return
        kind = Settlement.BUYER_KIND if deal.role is Role.BUYER else Settlement.SELLER_KIND
        signature = self._desk.signer.sign(kind, agreed)
        deal = replace(deal, own_settlement=signature)
        self._deals.save(deal)
        self._outbox.send(self._desk.members.by_agent[deal.peer], inbox.SETTLEMENT, signature)

    def on_settlement(self, sender: RosterMember, data: bytes) -> None:
        """Take a counterparty's signature under the numbers that we computed too.

        Raises:
            OutOfOrderError: we do not know the counterparty's allocation yet.
            PeerError: `settlement_differs`, or whatever is wrong with the signature.
        """
        # Which party signed stands in our deal, so the deal is looked up before the signature can be checked.
        unverified = Settlement.from_cbor(unpack_eddsa(data, Settlement.MAX_BYTES).payload)
        deal = self._deal(sender, unverified.slot, unverified.contract)
        kind = Settlement.SELLER_KIND if deal.role is Role.BUYER else Settlement.BUYER_KIND
        signer, signed = self._desk.verified(data, kind, Settlement.MAX_BYTES)
        if signer.agent != sender.agent:
            raise PeerError("wrong_party", signer.house)
        agreed = deal.settlement()
        if agreed is None and deal.disputed:
            raise PeerError("contract_not_open", deal.status.value)
        if agreed is None:
            raise OutOfOrderError("no allocation that would lead to it")
        if signed.payload != agreed:
            if deal.open:
                self._deals.save(replace(deal, disputed=True))
            raise PeerError("settlement_differs", sender.house)
        if deal.peer_settlement is None:
            self._finish("ContractSettled", replace(deal, peer_settlement=data, disputed=False))

    def _finish(self, event: str, deal: Deal) -> None:
        """Keep and tell what a contract came to, and look at what its slot costs now."""
        self._deals.save(deal)
        contract = deal.contract
        self._desk.note(
            event,
            slot=contract.slot,
            gate=contract.gate,
            contract=deal.id.hex()[:16],
            role=deal.role.value,
            peer=self._desk.members.house(deal.peer),
            delivered_wh=deal.delivered_wh,
            status=deal.status.value,
        )
        self._alarm.check(contract.slot)


def _unstated(deal: Deal) -> bool:
    return deal.open and deal.own_wh is None
