"""Contracts: proposed by the buyer, countersigned by the seller, each only what its own clearing yielded.

Rules, and why:

- The buyer signs first. The seller countersigns exactly the bytes that its own clearing gives, and nothing else: a
  contract with other numbers is refused by name.
- Stored before sent, and after a restart the same bytes again: nobody looks like an equivocator.
- A countersignature counts for the buyer until the nominal end of the contract window. A later one is answered with a
  signed `Void`, and the seller's energy goes on to balancing.
- Nothing is signed with a neighbour whose standing is below what the household asks for, on either side. Nobody waits for
  such a pair, and its energy goes on to balancing. What was signed before its standing fell stands.
- Nothing is signed that our own order did not allow. A clearing that asks for it is our own fault: trading goes off, and
  the neighbour is not touched.
"""

from collections.abc import Callable
from dataclasses import replace

from volthood.core.deals import Deal, Role
from volthood.core.market.round import Phase, Round, RoundPlan
from volthood.engine.deals import DealBook
from volthood.engine.desk import OFF, TRADING, Desk
from volthood.engine.outbox import NotYetError, Outbox
from volthood.engine.standing import Standings
from volthood.errors import PeerError
from volthood.wire import inbox
from volthood.wire.keys import sha256
from volthood.wire.market import BUY, Contract, Order, Void, unpack_eddsa
from volthood.wire.roster import RosterMember

FindRound = Callable[[int, int], Round | None]
"""Gives the running round of (slot, gate)."""
FindPlan = Callable[[int, int], RoundPlan]
"""Gives the windows of (slot, gate)."""


class Contracting:
    """Signs, countersigns and voids the contracts of running rounds.

    Attributes:
        clearings: how many rounds have been cleared; tells whether it is worth looking again.
    """

    def __init__(self, desk: Desk, deals: DealBook, outbox: Outbox) -> None:
        self._desk = desk
        self._deals = deals
        self._outbox = outbox
        self._expected: dict[tuple[int, int], dict[bytes, Contract]] = {}
        self._unwanted: dict[tuple[int, int], frozenset[bytes]] = {}
        self._standings = Standings(desk)
        self.clearings = 0

    def propose(self, round_: Round, contracts: list[Contract]) -> None:
        """Take what our clearing yields for us: sign as buyer, await the buyer's signature as seller."""
        _, slot, gate = round_.id
        self.clearings += 1
        if not self._allowed(slot, gate, contracts):
            contracts = []
        expected = {sha256(contract.to_cbor()): contract for contract in contracts}
        signed = {deal.id for deal in self._deals.of_round(slot, gate)}
        if not signed <= expected.keys():
            # A restart in the middle of the round gave us another book: what we signed stands, nothing is added to it.
            self._desk.note("RoundResumedElsewhere", slot=slot, gate=gate, signed=len(signed))
            expected = {}
        self._expected[slot, gate] = expected
        unsigned = [contract for key, contract in expected.items() if key not in signed]
        unwanted = self._unwanted[slot, gate] = self._standings.unwanted(unsigned)
        for key, contract in expected.items():
            if contract.buyer == self._desk.me.agent and key not in unwanted:
                self._sign_as_buyer(key, contract)
        self._update_signed(round_)

    def _allowed(self, slot: int, gate: int, contracts: list[Contract]) -> bool:
        """Whether our own order of the round allows what its clearing yields."""
        posted = self._desk.trades.posted((slot, gate), "order")
        if not contracts or (posted is not None and _fits(_order(posted), contracts, self._desk.me.agent)):
            return True
        self._desk.trades.set_setting(TRADING, OFF)
        self._desk.note("ContractOutsideOrder", slot=slot, gate=gate, trading=OFF)
        return False

    def _sign_as_buyer(self, contract_id: bytes, contract: Contract) -> None:
        if self._deals.get(contract.slot, contract_id) is not None:
            return
        payload = contract.to_cbor()
        signature = self._desk.signer.sign(Contract.BUYER_KIND, payload)
        self._deals.save(Deal(payload, Role.BUYER, buyer_signature=signature))
        self._outbox.send(self._desk.members.by_agent[contract.seller], inbox.CONTRACT_BUYER, signature)

    def on_buyer_signature(self, sender: RosterMember, data: bytes, find: FindRound) -> None:
        """Countersign what our own clearing yielded.

        Raises:
            NotYetError: we have not cleared yet.
            PeerError: `window_over`, `contract_not_cleared`, or whatever is wrong with the signature.
        """
        contract, payload = self._contract(sender, data, Contract.BUYER_KIND)
        contract_id = sha256(payload)
        if contract.buyer != sender.agent or contract.seller != self._desk.me.agent:
            raise PeerError("wrong_party", sender.house)
        if self._deals.get(contract.slot, contract_id) is not None:
            return
        round_ = find(contract.slot, contract.gate)
        if round_ is None or self._desk.now_s > round_.plan.contracts_end_s:
            raise PeerError("window_over", f"contract of slot {contract.slot}")
        expected = self._expected.get((contract.slot, contract.gate))
        if expected is None:
            raise NotYetError
        if contract_id not in expected:
            raise PeerError("contract_not_cleared", self._difference(contract, expected))
        if self._is_unwanted(contract_id, contract):
            self._update_signed(round_)
            raise PeerError("standing_too_low", sender.house)
        self._countersign(sender, payload, data)
        self._update_signed(round_)

    def _is_unwanted(self, contract_id: bytes, contract: Contract) -> bool:
        """Whether its buyer's standing is too low by now; it may have fallen since the clearing."""
        key = contract.slot, contract.gate
        if contract_id not in self._unwanted[key]:
            self._unwanted[key] |= self._standings.unwanted([contract])
        return contract_id in self._unwanted[key]

    def _countersign(self, buyer: RosterMember, payload: bytes, buyer_signature: bytes) -> None:
        signature = self._desk.signer.sign(Contract.SELLER_KIND, payload)
        deal = Deal(payload, Role.SELLER, buyer_signature, signature, counted=True)
        self._deals.save(deal)
        self._outbox.send(buyer, inbox.CONTRACT_SELLER, signature)
        self._note_signed(deal, buyer)

    def on_seller_signature(self, sender: RosterMember, data: bytes, find: FindRound, plan: FindPlan) -> None:
        """Count the contract, or void it where the countersignature came too late. Raises `PeerError`."""
        contract, payload = self._contract(sender, data, Contract.SELLER_KIND)
        if contract.seller != sender.agent or contract.buyer != self._desk.me.agent:
            raise PeerError("wrong_party", sender.house)
        deal = self._deals.get(contract.slot, sha256(payload))
        if deal is None:
            raise PeerError("contract_unknown", sender.house)
        if deal.counted or deal.voided:
            return
        if self._desk.now_s > plan(contract.slot, contract.gate).contracts_end_s:
            self._void(deal, data, sender)
            return
        deal = replace(deal, seller_signature=data, counted=True)
        self._deals.save(deal)
        self._note_signed(deal, sender)
        round_ = find(contract.slot, contract.gate)
        if round_ is not None:
            self._update_signed(round_)

    def _void(self, deal: Deal, seller_signature: bytes, seller: RosterMember) -> None:
        contract = deal.contract
        self._deals.save(replace(deal, seller_signature=seller_signature, voided=True))
        body = Void(hood=contract.hood, slot=contract.slot, gate=contract.gate, contract=deal.id)
        self._outbox.send(seller, inbox.VOID, self._desk.signer.sign(Void.KIND, body.to_cbor()))
        self._desk.note("ContractVoided", slot=contract.slot, contract=deal.id.hex()[:16], peer=seller.house)

    def on_void(self, sender: RosterMember, data: bytes) -> None:
        """Release what we had reserved for a contract that its buyer calls void.

        Raises:
            PeerError: `contract_unknown`, or `already_signed` where we are bound by our signature under a settlement.
        """
        signer, signed = self._desk.verified(data, Void.KIND, Void.MAX_BYTES)
        if signer.agent != sender.agent:
            raise PeerError("wrong_party", signer.house)
        void = Void.from_cbor(signed.payload)
        deal = self._deals.get(void.slot, void.contract)
        if deal is None or deal.role is not Role.SELLER or deal.peer != sender.agent:
            raise PeerError("contract_unknown", sender.house)
        self._desk.check_round(deal.contract.round, void.round)
        if deal.own_settlement is not None:
            raise PeerError("already_signed", sender.house)
        if not deal.voided:
            self._deals.save(replace(deal, voided=True, own_wh=0))
            self._desk.note("ContractVoided", slot=void.slot, contract=deal.id.hex()[:16], peer=sender.house)

    def _contract(self, sender: RosterMember, data: bytes, kind: str) -> tuple[Contract, bytes]:
        """The contract that the sender signed, and its payload."""
        signer, signed = self._desk.verified(data, kind, Contract.MAX_BYTES)
        if signer.agent != sender.agent:
            raise PeerError("wrong_party", signer.house)
        contract = Contract.from_cbor(signed.payload)
        if contract.hood != self._desk.hood.hood_id:
            raise PeerError("wrong_hood", contract.hood.hex()[:16])
        return contract, signed.payload

    def _difference(self, contract: Contract, expected: dict[bytes, Contract]) -> str:
        ours = [own for own in expected.values() if own.buyer == contract.buyer and own.seller == contract.seller]
        if not ours:
            return "our clearing has no trade with this buyer"
        names = ("algorithm", "book", "energy_wh", "seller_price", "buyer_price", "path_fee")
        return ",".join(name for name in names if getattr(ours[0], name) != getattr(contract, name))

    def _note_signed(self, deal: Deal, peer: RosterMember) -> None:
        contract = deal.contract
        self._desk.note(
            "ContractSigned",
            slot=contract.slot,
            gate=contract.gate,
            contract=deal.id.hex()[:16],
            role=deal.role.value,
            peer=peer.house,
            energy_wh=contract.energy_wh,
            price=contract.buyer_price,
        )

    def _update_signed(self, round_: Round) -> None:
        """End the contract window early once every own pair is signed."""
        if round_.phase is not Phase.CONTRACTING:
            return
        _, slot, gate = round_.id
        counted = {deal.id for deal in self._deals.of_round(slot, gate) if deal.counted}
        wanted = self._expected.get((slot, gate), {}).keys() - self._unwanted.get((slot, gate), frozenset())
        round_.pairs_signed = counted >= wanted

    def forget(self, slot: int, gate: int) -> None:
        """Drop what an old round expected."""
        self._expected.pop((slot, gate), None)
        self._unwanted.pop((slot, gate), None)


def _order(data: bytes) -> Order:
    return Order.from_cbor(unpack_eddsa(data, Order.MAX_BYTES).payload)


def _fits(order: Order, contracts: list[Contract], me: bytes) -> bool:
    """Whether contracts stay on the order's side, inside its limits and within its energy."""
    buys = order.side == BUY
    for contract in contracts:
        if me != (contract.buyer if buys else contract.seller):
            return False
    worst = max(row.buyer_price for row in contracts) if buys else min(row.seller_price for row in contracts)
    open_wh = sum(wh for limit, wh in order.steps if (limit >= worst if buys else limit <= worst))
    return sum(contract.energy_wh for contract in contracts) <= open_wh
