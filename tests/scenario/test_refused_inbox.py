"""Contracts and settlements that nobody honest sends are refused, told by their reason, and change nothing.

They are slipped in just before the first true proposal, or the first true allocation, of a round arrives.
"""

import pytest

from volthood.core.deals import Deal, Role
from volthood.testing.forging import Posted, allocation, changed, sealed
from volthood.testing.intruder import Attacks, Intruder, outcome
from volthood.testing.meternode import SignedMeter
from volthood.testing.neighbourhood import START, Home, Neighbourhood
from volthood.wire import inbox, limits
from volthood.wire.market import Allocation, Contract, Settlement, Void

SLOT, GATE = START + 900, 0
HOMES = [Home("h0", 500), Home("h1", -800), Home("h2", 250), Home("h3", -100), Home("h4", 400)]
END_S = SLOT + 900 + 700


@pytest.fixture(scope="module")
def undisturbed() -> list[object]:
    hood = Neighbourhood(HOMES)
    hood.run_until(END_S)
    return outcome(hood)


def check(before: str, attacks: Attacks, undisturbed: list[object]) -> None:
    hood = Neighbourhood(HOMES)
    intruder = Intruder(hood, SLOT, GATE, before, attacks)
    hood.tap = intruder
    hood.run_until(END_S)
    assert intruder.told == {name: {reason} for name, (reason, _) in attacks.items()}
    assert outcome(hood) == undisturbed
    assert hood.broken_laws() == {}


# --- contracts ---


def proposal(hood: Neighbourhood) -> tuple[str, str, Contract]:
    """(buyer, seller, contract) of a proposal that is on its way."""
    for name in hood.houses:
        for deal in hood.houses[name].deals.of_round(SLOT, GATE):
            return name, hood.house_of(deal.peer), deal.contract
    raise LookupError


def proposed(hood: Neighbourhood, /, **values: object) -> Posted:
    """A proposal with other numbers, signed by its buyer."""
    buyer, seller, contract = proposal(hood)
    payload = changed(contract, **values).to_cbor()
    body = hood.houses[buyer].keys.sign(Contract.BUYER_KIND, payload)
    return sealed(hood, buyer, seller, inbox.CONTRACT_BUYER, body)


def third(hood: Neighbourhood) -> str:
    buyer, seller, _ = proposal(hood)
    return next(name for name in hood.houses if name not in {buyer, seller})


def by_a_third(hood: Neighbourhood, kind: int, role: str) -> Posted:
    """A third house signs a contract of two others."""
    buyer, seller, contract = proposal(hood)
    body = hood.houses[third(hood)].keys.sign(role, contract.to_cbor())
    return sealed(hood, third(hood), seller if kind == inbox.CONTRACT_BUYER else buyer, kind, body)


def passed_on(hood: Neighbourhood) -> Posted:
    """A third house passes on what the buyer signed."""
    buyer, seller, contract = proposal(hood)
    body = hood.houses[buyer].keys.sign(Contract.BUYER_KIND, contract.to_cbor())
    return sealed(hood, third(hood), seller, inbox.CONTRACT_BUYER, body)


def to_the_seller(
    hood: Neighbourhood, /, as_house: str | None = None, sealed_for: str | None = None, **values: object
) -> Posted:
    """The proposal itself, in an envelope with other fields."""
    buyer, seller, contract = proposal(hood)
    body = hood.houses[buyer].keys.sign(Contract.BUYER_KIND, contract.to_cbor())
    values.setdefault("counter", 1000)
    kind = inbox.CONTRACT_BUYER
    return sealed(hood, buyer, seller, kind, body, as_house=as_house, sealed_for=sealed_for, **values)


def countersigned_for_nothing(hood: Neighbourhood) -> Posted:
    buyer, seller, contract = proposal(hood)
    body = hood.houses[seller].keys.sign(Contract.SELLER_KIND, changed(contract, energy_wh=7).to_cbor())
    return sealed(hood, seller, buyer, inbox.CONTRACT_SELLER, body)


def inbox_topic_of(hood: Neighbourhood, payload: bytes) -> Posted:
    topic, _ = to_the_seller(hood)
    return topic, payload


CONTRACTS: Attacks = {
    "another energy": ("contract_not_cleared", lambda n: proposed(n, energy_wh=proposal(n)[2].energy_wh + 10)),
    "another seller's price": ("contract_not_cleared", lambda n: proposed(n, seller_price=14_999)),
    "another buyer's price": ("contract_not_cleared", lambda n: proposed(n, buyer_price=15_001)),
    "another path fee": ("contract_not_cleared", lambda n: proposed(n, path_fee=1)),
    "another book": ("contract_not_cleared", lambda n: proposed(n, book=b"b" * 32)),
    "another algorithm": ("contract_not_cleared", lambda n: proposed(n, algorithm="auction/1")),
    "another hood": ("wrong_hood", lambda n: proposed(n, hood=b"x" * 32)),
    "a round that is over": ("window_over", lambda n: proposed(n, slot=SLOT - 900)),
    "a round that is far away": ("window_over", lambda n: proposed(n, slot=SLOT + 9000)),
    "a third as buyer": ("wrong_party", lambda n: by_a_third(n, inbox.CONTRACT_BUYER, Contract.BUYER_KIND)),
    "a third as seller": ("wrong_party", lambda n: by_a_third(n, inbox.CONTRACT_SELLER, Contract.SELLER_KIND)),
    "a third that passes on": ("wrong_party", passed_on),
    "signed as the other party": (
        "bad_signature",
        lambda n: sealed(
            n,
            *proposal(n)[:2],
            inbox.CONTRACT_BUYER,
            n.houses[proposal(n)[0]].keys.sign(Contract.SELLER_KIND, proposal(n)[2].to_cbor()),
        ),
    ),
    "a countersignature for nothing": ("contract_unknown", countersigned_for_nothing),
    "garbage as a body": (
        "truncated",
        lambda n: sealed(n, *proposal(n)[:2], inbox.CONTRACT_BUYER, b"\x58"),
    ),
    "an envelope for another member": (
        "not_for_us",
        lambda n: to_the_seller(n, recipient=n.houses[third(n)].member().agent),
    ),
    "an envelope of another hood": ("wrong_hood", lambda n: to_the_seller(n, hood=b"x" * 32)),
    "an envelope sealed for another": ("not_sealed_for_us", lambda n: to_the_seller(n, sealed_for=third(n))),
    "an envelope under another's topic": ("wrong_house", lambda n: to_the_seller(n, as_house=third(n))),
    "a number far ahead": ("counter_ahead", lambda n: to_the_seller(n, counter=2000)),
    "a message one byte too long": ("too_large", lambda n: inbox_topic_of(n, bytes(limits.MAX_INBOX_BYTES + 1))),
    "garbage": ("not_sealed_for_us", lambda n: inbox_topic_of(n, b"garbage")),
}


def test_contracts(undisturbed: list[object]) -> None:
    check("contract", CONTRACTS, undisturbed)


# --- settlements ---


def deal_pair(hood: Neighbourhood) -> tuple[str, str, Deal]:
    """(seller, buyer, the seller's deal) of the round in question."""
    for name in hood.houses:
        for deal in hood.houses[name].deals.of_round(SLOT, GATE):
            if deal.role is Role.SELLER:
                return name, hood.house_of(deal.peer), deal
    raise LookupError


def stated(hood: Neighbourhood, by: str | None = None, /, **values: object) -> Posted:
    """An allocation of the seller, as it should not be."""
    seller, buyer, deal = deal_pair(hood)
    house = hood.houses[by or seller]
    body = house.keys.sign(Allocation.KIND, changed(allocation(hood.houses[seller], deal), **values).to_cbor())
    return sealed(hood, by or seller, buyer, inbox.ALLOCATION, body)


def records_of(hood: Neighbourhood, house: str, slot: int) -> dict[str, object]:
    rows = hood.houses[house].readings.slot_records(slot, slot + 1800)
    return {"start": rows[0].data, "end": rows[1].data}


def forged_record(hood: Neighbourhood) -> dict[str, object]:
    """The slot's records of a node that the seller does not have, showing more export."""
    meter = SignedMeter(4711, deal_pair(hood)[0])
    start = meter.slot_record(SLOT)
    meter.flow(-3000)
    return {"start": start, "end": meter.slot_record(SLOT + 900)}


def settled_otherwise(hood: Neighbourhood) -> Posted:
    """The seller signs, as a third, a settlement that is not its own."""
    _, buyer, deal = deal_pair(hood)
    other = outsider(hood)
    body = Settlement(
        hood=deal.contract.hood,
        slot=SLOT,
        gate=GATE,
        contract=deal.id,
        seller_wh=0,
        buyer_wh=0,
        delivered_wh=0,
    )
    signed = hood.houses[other].keys.sign(Settlement.SELLER_KIND, body.to_cbor())
    return sealed(hood, other, buyer, inbox.SETTLEMENT, signed)


def voided(hood: Neighbourhood, signer: str, sender: str) -> Posted:
    """A void of the seller's contract, signed by one and sent by another."""
    seller, _, deal = deal_pair(hood)
    body = Void(hood=deal.contract.hood, slot=SLOT, gate=GATE, contract=deal.id)
    signed = hood.houses[signer].keys.sign(Void.KIND, body.to_cbor())
    return sealed(hood, sender, seller, inbox.VOID, signed)


def outsider(hood: Neighbourhood) -> str:
    return min(set(hood.houses) - set(deal_pair(hood)[:2]))


SETTLEMENTS: Attacks = {
    "an allocation above the contract": (
        "allocation_exceeds_contract",
        lambda n: stated(n, allocated_wh=deal_pair(n)[2].contract.energy_wh + 1),
    ),
    "an allocation proven by another's records": (
        "foreign_node",
        lambda n: stated(n, **records_of(n, deal_pair(n)[1], SLOT)),
    ),
    "an allocation proven by another slot": (
        "wrong_slot_records",
        lambda n: stated(n, **records_of(n, deal_pair(n)[0], SLOT - 900)),
    ),
    "an allocation proven by one record": (
        "edges_not_adjacent",
        lambda n: stated(n, end=records_of(n, deal_pair(n)[0], SLOT)["start"]),
    ),
    "an allocation proven by a forged node": ("foreign_node", lambda n: stated(n, **forged_record(n))),
    "an allocation by a third": (
        "contract_unknown",
        lambda n: stated(n, outsider(n)),
    ),
    "an allocation to no contract": ("contract_unknown", lambda n: stated(n, contract=b"c" * 32)),
    "an allocation of another round": ("wrong_round", lambda n: stated(n, gate=255)),
    "an allocation of another hood": ("wrong_hood", lambda n: stated(n, hood=b"x" * 32)),
    "an allocation with a broken record": ("not_cose", lambda n: stated(n, start=b"\x01")),
    "a settlement by a third": ("contract_unknown", settled_otherwise),
    "a void by a third": ("contract_unknown", lambda n: voided(n, outsider(n), outsider(n))),
    "a void that a third passes on": ("wrong_party", lambda n: voided(n, deal_pair(n)[1], outsider(n))),
    "a void that a third signed": ("wrong_party", lambda n: voided(n, outsider(n), deal_pair(n)[1])),
}


def test_settlements(undisturbed: list[object]) -> None:
    check("allocation", SETTLEMENTS, undisturbed)
