"""One contract's whole life as one party keeps it, from the first signature to the co-signed settlement.

Rules:

- A contract counts for the seller when it has countersigned, for the buyer when the countersignature came before the
  contract window closed; a later one makes the buyer allocate nothing and say so (`voided`).
- An allocation is stated once. What has been stated is kept, so that nobody can be shown two numbers.
- Delivered is the smaller of both allocations, and final once both have signed it.
- What is not settled when the hood's limit is over goes to the tariff (`expired`), and what it held of the meter stays
  held. A settlement that both signed in time counts whenever its second signature arrives.
"""

from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cached_property, lru_cache

from volthood.wire.keys import sha256
from volthood.wire.market import Contract, Settlement


class Role(StrEnum):
    """Which party we are."""

    BUYER = "buyer"
    SELLER = "seller"


class Status(StrEnum):
    """What a transaction shows."""

    PROPOSED = "proposed"
    CONTRACTED = "contracted"
    COMPLETED = "completed"
    PARTIAL = "partial"
    FAILED = "failed"
    DISPUTED = "disputed"


@dataclass(frozen=True)
class Deal:
    """A contract and what has become of it. All `bytes` fields are messages exactly as signed and sent.

    Attributes:
        payload: the contract's canonical bytes; its SHA-256 is the contract's and the transaction's id.
        counted: True once the contract counts for us.
        own_wh, peer_wh: stated allocations in Wh, None until stated.
        peer_evidence: the peer's allocation message with its two slot records; of a disputed deal it may be what was refused.
        expired: True once the time to settle was over.
    """

    payload: bytes
    role: Role
    buyer_signature: bytes | None = None
    seller_signature: bytes | None = None
    counted: bool = False
    voided: bool = False
    disputed: bool = False
    own_wh: int | None = None
    peer_wh: int | None = None
    peer_evidence: bytes | None = None
    own_settlement: bytes | None = None
    peer_settlement: bytes | None = None
    expired: bool = False

    @cached_property
    def contract(self) -> Contract:
        """The contract's fields."""
        return _contract(self.payload)

    @cached_property
    def id(self) -> bytes:
        """The contract's id."""
        return sha256(self.payload)

    @property
    def peer(self) -> bytes:
        """Hash of the counterparty's key."""
        contract = self.contract
        return contract.seller if self.role is Role.BUYER else contract.buyer

    @property
    def settled(self) -> bool:
        """Whether both have signed what was delivered."""
        return self.own_settlement is not None and self.peer_settlement is not None

    @property
    def open(self) -> bool:
        """Whether it counts and still waits for its settlement."""
        return self.counted and not (self.settled or self.voided or self.disputed or self.expired)

    @property
    def delivered_wh(self) -> int:
        """Energy that both sides signed for, in Wh; 0 before."""
        if not self.settled or self.own_wh is None or self.peer_wh is None:
            return 0
        return min(self.own_wh, self.peer_wh)

    @property
    def taken_wh(self) -> int:
        """Energy of our own meter that this contract holds: delivered once settled, reserved before. In Wh."""
        if self.settled:
            return self.delivered_wh
        return self.own_wh or 0

    @property
    def peer_taken_wh(self) -> int:
        """Energy of the peer's meter that this contract holds as far as we know, in Wh."""
        if self.own_wh is None or self.peer_wh is None:
            return self.peer_wh or 0
        return min(self.own_wh, self.peer_wh)

    @property
    def status(self) -> Status:
        """The transaction's status as the market's page defines it."""
        if self.disputed:
            return Status.DISPUTED
        if self.voided:
            return Status.FAILED
        if not self.counted:
            return Status.PROPOSED
        if not self.settled:
            return Status.FAILED if self.expired else Status.CONTRACTED
        if self.delivered_wh == 0:
            return Status.FAILED
        return Status.COMPLETED if self.delivered_wh == self.contract.energy_wh else Status.PARTIAL

    def stated(self, own_wh: int) -> "Deal":
        """The deal with our allocation, unless one was stated before."""
        return self if self.own_wh is not None else replace(self, own_wh=own_wh)

    def settlement(self) -> bytes | None:
        """The settlement that both sign, as its payload, as soon as both allocations are known."""
        if self.own_wh is None or self.peer_wh is None:
            return None
        seller_wh, buyer_wh = self.own_wh, self.peer_wh
        if self.role is Role.BUYER:
            seller_wh, buyer_wh = buyer_wh, seller_wh
        return _settlement(self.payload, seller_wh, buyer_wh)


@lru_cache(maxsize=4096)
def _contract(payload: bytes) -> Contract:
    """A deal's contract is read again with every change of the deal."""
    return Contract.from_cbor(payload)


@lru_cache(maxsize=4096)
def _settlement(payload: bytes, seller_wh: int, buyer_wh: int) -> bytes:
    """What two allocations come to: signed, checked and audited as the same bytes."""
    contract = _contract(payload)
    agreed = Settlement(
        hood=contract.hood,
        slot=contract.slot,
        gate=contract.gate,
        contract=sha256(payload),
        seller_wh=seller_wh,
        buyer_wh=buyer_wh,
        delivered_wh=min(seller_wh, buyer_wh),
    )
    return agreed.to_cbor()
