"""Settlement: metered energy allocated to contracts, stated to the counterparty, co-signed.

Rules, and why:

- Each side computes alone: its metered export or import goes to its contracts in the order of their rounds, within a
  round by the uniform rule. Delivered is the smaller allocation.
- An allocation is stated once, with the two signed slot records that prove the meter; nobody is shown two numbers.
- Nothing is allocated before the meter's slot records are here and the round's contract window is over: what is not
  metered cannot be sold, and what is allocated is never taken back.
"""

from dataclasses import replace

from volthood.core import settlement
from volthood.core.deals import Deal, Role
from volthood.core.energy import SlotEnergy
from volthood.engine.deals import DealBook
from volthood.engine.desk import Desk
from volthood.engine.meter import SlotMeter, proven_energy
from volthood.engine.outbox import Deferred, Outbox
from volthood.errors import PeerError
from volthood.wire import inbox
from volthood.wire.market import Allocation, Settlement, unpack_eddsa
from volthood.wire.roster import RosterMember


class Settling:
    """Brings every counted contract to a co-signed settlement."""

    def __init__(self, desk: Desk, deals: DealBook, outbox: Outbox, meter: SlotMeter) -> None:
        self._desk = desk
        self._deals = deals
        self._outbox = outbox
        self._meter = meter

    def advance(self, slot: int, closed_gates: set[int]) -> None:
        """State allocations for the closed rounds of a slot whose energy is known."""
        energy = self._meter.energy(slot)
        if energy is None:
            return
        for gate in sorted(closed_gates):
            open_deals = [
                deal
                for deal in self._deals.of_round(slot, gate)
                if deal.counted and not deal.voided and not deal.disputed and deal.own_wh is None
            ]
            if open_deals:
                self._state(slot, energy, open_deals)

    def _state(self, slot: int, energy: SlotEnergy, open_deals: list[Deal]) -> None:
        metered_wh = energy.import_wh if open_deals[0].role is Role.BUYER else energy.export_wh
        taken_wh = sum(deal.taken_wh for deal in self._deals.of_slot(slot))
        shares = settlement.allocate(
            metered_wh - taken_wh,
            {deal.id: deal.contract.energy_wh for deal in open_deals},
            open_deals[0].contract.round,
        )
        start, end = self._meter.proof(slot)
        for deal in open_deals:
            stated = deal.stated(shares[deal.id])
            self._deals.save(stated)
            contract = deal.contract
            body = Allocation(
                hood=contract.hood,
                slot=slot,
                gate=contract.gate,
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
            Deferred: the contract does not count for us yet.
            PeerError: no such contract, or a proof that does not prove it.
        """
        signer, signed = self._desk.verified(data, Allocation.KIND, Allocation.MAX_BYTES)
        if signer.agent != sender.agent:
            raise PeerError("wrong_party", signer.house)
        body = Allocation.from_cbor(signed.payload)
        deal = self._deal(sender, body.slot, body.contract)
        if deal.peer_evidence is not None:
            if deal.peer_evidence != data:
                self._deals.save(replace(deal, disputed=True))
                raise PeerError("allocation_changed", sender.house)
            return
        if body.allocated_wh > deal.contract.energy_wh:
            raise PeerError("allocation_exceeds_contract", f"{body.allocated_wh} Wh")
        self._check_proof(sender, body, deal)
        deal = replace(deal, peer_wh=body.allocated_wh, peer_evidence=data)
        self._deals.save(deal)
        self._sign(deal)

    def _deal(self, sender: RosterMember, slot: int, contract_id: bytes) -> Deal:
        deal = self._deals.get(slot, contract_id)
        if deal is None or deal.peer != sender.agent:
            raise PeerError("contract_unknown", sender.house)
        if deal.voided or deal.disputed:
            raise PeerError("contract_void", sender.house)
        if not deal.counted:
            raise Deferred
        return deal

    def _check_proof(self, sender: RosterMember, body: Allocation, deal: Deal) -> None:
        energy = proven_energy(self._desk, sender, body)
        metered_wh = energy.export_wh if deal.role is Role.BUYER else energy.import_wh
        others_wh = sum(other.peer_wh or 0 for other in self._deals.of_slot(body.slot) if other.peer == sender.agent)
        if others_wh + body.allocated_wh > metered_wh:
            raise PeerError("allocation_exceeds_meter", f"{others_wh + body.allocated_wh} of {metered_wh} Wh")

    def _sign(self, deal: Deal) -> None:
        """Sign the settlement once both allocations are known."""
        agreed = deal.settlement()
        if agreed is None or deal.own_settlement is not None:
            return
        kind = Settlement.BUYER_KIND if deal.role is Role.BUYER else Settlement.SELLER_KIND
        signature = self._desk.signer.sign(kind, agreed.to_cbor())
        deal = replace(deal, own_settlement=signature)
        self._deals.save(deal)
        self._outbox.send(self._desk.members.by_agent[deal.peer], inbox.SETTLEMENT, signature)
        self._note_settled(deal)

    def on_settlement(self, sender: RosterMember, data: bytes) -> None:
        """Take a counterparty's signature under the numbers that we computed too.

        Raises:
            Deferred: we do not know both allocations yet.
            PeerError: `settlement_differs`, or whatever is wrong with the signature.
        """
        # The peer's role is the opposite of ours; which that is stands in the deal, so both kinds are tried by role.
        unverified_id = self._contract_of(data)
        deal = self._deal(sender, *unverified_id)
        kind = Settlement.SELLER_KIND if deal.role is Role.BUYER else Settlement.BUYER_KIND
        signer, signed = self._desk.verified(data, kind, Settlement.MAX_BYTES)
        if signer.agent != sender.agent:
            raise PeerError("wrong_party", signer.house)
        agreed = deal.settlement()
        if agreed is None:
            raise Deferred
        if signed.payload != agreed.to_cbor():
            self._deals.save(replace(deal, disputed=True))
            raise PeerError("settlement_differs", sender.house)
        if deal.peer_settlement is None:
            deal = replace(deal, peer_settlement=data)
            self._deals.save(deal)
            self._note_settled(deal)

    @staticmethod
    def _contract_of(data: bytes) -> tuple[int, bytes]:
        unverified = Settlement.from_cbor(unpack_eddsa(data, Settlement.MAX_BYTES).payload)
        return unverified.slot, unverified.contract

    def _note_settled(self, deal: Deal) -> None:
        if not deal.settled:
            return
        contract = deal.contract
        self._desk.note(
            "ContractSettled",
            slot=contract.slot,
            gate=contract.gate,
            contract=deal.id.hex()[:16],
            role=deal.role.value,
            peer=self._desk.members.house(deal.peer),
            delivered_wh=deal.delivered_wh,
            status=deal.status.value,
        )
