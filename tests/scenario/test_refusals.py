"""What nobody honest sends is refused, told by its reason, and changes nothing.

Every story runs twice: once as it is, once with foreign messages slipped in at the worst moment. For each the event names
the reason, and all contracts, deliveries and bills are those of the undisturbed run.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from volthood.core.deals import Deal, Role
from volthood.core.market.round import bundlers_of
from volthood.testing.forging import Posted, allocation, changed, flipped, on_board, opened, order, posted, sealed
from volthood.testing.meternode import SignedMeter
from volthood.testing.neighbourhood import START, Home, Household, Neighbourhood
from volthood.wire import cose, inbox, limits
from volthood.wire.market import (
    BUY,
    SELL,
    Allocation,
    Ask,
    Bundle,
    Contract,
    Evidence,
    Give,
    Order,
    Settlement,
    Void,
)
from volthood.wire.record import GENESIS
from volthood.wire.topics import node_topic, parse_round, parse_topic

SLOT, GATE = START + 900, 0
OTHER_SLOT = SLOT + 900
HOMES = [Home("h0", 500), Home("h1", -800), Home("h2", 250), Home("h3", -100), Home("h4", 400)]
VICTIM, SELLER, BUYER = "h0", "h1", "h2"
END_S = SLOT + 900 + 700


def neighbourhood() -> Neighbourhood:
    return Neighbourhood(HOMES)


def outcome(hood: Neighbourhood) -> list[object]:
    """Everything that counts in the end."""
    return [
        [(deal.id, deal.status, deal.delivered_wh) for deal in hood.houses[name].trades.deals(0)]
        for name in hood.houses
    ] + [[bill.total_uct for bill in books.bills] for books in hood.books()]


@pytest.fixture(scope="module")
def undisturbed() -> list[object]:
    hood = neighbourhood()
    hood.run_until(END_S)
    return outcome(hood)


Forge = Callable[[Neighbourhood], Posted]


Attacks = dict[str, tuple[str, Forge]]
"""By name: the reason that must be told, and what makes the message."""

KINDS = {"contract": inbox.CONTRACT_BUYER, "allocation": inbox.ALLOCATION}
BODIES: dict[str, type[Contract | Allocation]] = {"contract": Contract, "allocation": Allocation}


@dataclass
class Intruder:
    """Slips every attack in just before the first message of a kind is delivered, and notes what was told of each."""

    hood: Neighbourhood
    kind: str
    attacks: Attacks
    told: dict[str, set[str]] = field(default_factory=dict)

    def __call__(self, sender: str, topic: str, payload: bytes) -> bytes:
        if not self.told and self._is_due(topic, payload):
            for name, (_, forge) in self.attacks.items():
                self.told[name] = reasons_of(self.hood, forge)
        return payload

    def _is_due(self, topic: str, payload: bytes) -> bool:
        parsed = parse_topic(topic)
        if parsed.area == "board":
            return parsed.detail == (f"{SLOT}.{GATE}", self.kind)
        if parsed.area != "in" or self.kind not in KINDS:
            return False
        envelope = opened(self.hood, topic, payload)
        if envelope.kind != KINDS[self.kind]:
            return False
        return (
            BODIES[self.kind].from_cbor(cose.unpack_sign1(envelope.body, limits.MAX_INBOX_BYTES).payload).slot == SLOT
        )


def reasons_of(hood: Neighbourhood, forge: Forge) -> set[str]:
    """What is told when a forged message is delivered: once by everybody whom it concerns.

    A house does not read its own board, and only bundlers listen to orders.
    """
    topic, payload = forge(hood)
    before = {name: len(house.refused()) for name, house in hood.houses.items()}
    hood.inject(topic, payload)
    parsed = parse_topic(topic)
    concerned = {parsed.house}
    if parsed.area == "board":
        concerned = bundlers(hood, parse_round(parsed.detail[0])) - {parsed.house}
    told = {name: house.refused()[before[name] :] for name, house in hood.houses.items()}
    assert all(len(reasons) <= 1 for reasons in told.values()), told
    assert all(told[name] for name in concerned), (topic, concerned, told)
    return {reason for reasons in told.values() for reason in reasons}


def check(before: str, attacks: Attacks, undisturbed: list[object]) -> None:
    hood = neighbourhood()
    intruder = Intruder(hood, before, attacks)
    hood.tap = intruder
    hood.run_until(END_S)
    assert intruder.told == {name: {reason} for name, (reason, _) in attacks.items()}
    assert outcome(hood) == undisturbed
    assert hood.broken_laws() == {}


def stranger(hood: Neighbourhood) -> Household:
    return Household(Home("stranger", 100))


# --- the board ---


def buy(n: Neighbourhood, house: str, /, *steps: tuple[int, int], slot: int = SLOT, **values: object) -> Order:
    return order(n, house, slot, GATE, side=BUY, steps=steps, **values)


def signed_order(hood: Neighbourhood, house: str, energy_wh: int = 100) -> bytes:
    return posted(hood, house, buy(hood, house, (15_000, energy_wh)))[1]


def unsigned_order(hood: Neighbourhood) -> bytes:
    """An order whose signature has a flipped bit."""
    data = signed_order(hood, BUYER)
    return flipped(data, 8 * len(data) - 1)


def by_a_stranger(hood: Neighbourhood) -> Posted:
    payload = stranger(hood).keys.sign(Order.KIND, buy(hood, BUYER, (15_000, 100)).to_cbor())
    return on_board(hood, BUYER, SLOT, GATE, "order", payload)


def bundlers(hood: Neighbourhood, key: tuple[int, int] = (SLOT, GATE)) -> set[str]:
    members = frozenset(member.agent for member in hood.roster.members)
    return {hood.house_of(agent) for agent in bundlers_of((hood.hood.hood_id, *key), members)}


def not_a_bundler(hood: Neighbourhood) -> str:
    return min(set(hood.houses) - bundlers(hood))


def bundler(hood: Neighbourhood) -> str:
    return min(bundlers(hood))


def bundle(hood: Neighbourhood, house: str, /, orders: tuple[bytes, ...], **values: object) -> Posted:
    fields: dict[str, object] = {"hood": hood.hood.hood_id, "slot": SLOT, "gate": GATE, "evidence": (), "counter": 99}
    return posted(hood, house, Bundle(orders=orders, **(fields | values)))


def evidence(hood: Neighbourhood, first: bytes, second: bytes) -> Posted:
    body = Evidence(hood=hood.hood.hood_id, slot=SLOT, gate=GATE, what=1, first=first, second=second, counter=99)
    return posted(hood, SELLER, body)


def order_of_another_round(hood: Neighbourhood) -> bytes:
    return posted(hood, BUYER, buy(hood, BUYER, (15_000, 100), slot=OTHER_SLOT))[1]


def on(hood: Neighbourhood, house: str, kind: str, payload: bytes) -> Posted:
    return on_board(hood, house, SLOT, GATE, kind, payload)


BOARD: Attacks = {
    "an order of a stranger": ("stranger", by_a_stranger),
    "a house that nobody knows": ("stranger", lambda n: on(n, "h9", "order", signed_order(n, BUYER))),
    "an order under another's topic": (
        "wrong_house",
        lambda n: posted(n, SELLER, buy(n, SELLER, (15_000, 100)), as_house=BUYER),
    ),
    "an order of another round": ("wrong_round", lambda n: on(n, BUYER, "order", order_of_another_round(n))),
    "an order of another hood": (
        "wrong_hood",
        lambda n: posted(n, BUYER, buy(n, BUYER, (15_000, 100), hood=b"x" * 32)),
    ),
    "an order of another gate": (
        "wrong_round",
        lambda n: on(n, BUYER, "order", posted(n, BUYER, changed_gate(n))[1]),
    ),
    "an order above the collar": ("outside_collar", lambda n: posted(n, BUYER, buy(n, BUYER, (27_001, 100)))),
    "an order below the collar": ("outside_collar", lambda n: posted(n, BUYER, buy(n, BUYER, (2_999, 100)))),
    "an order above the fuse": ("over_fuse", lambda n: posted(n, BUYER, buy(n, BUYER, (15_000, 4_320)))),
    "buy steps that rise": (
        "buy_prices_rise",
        lambda n: posted(n, BUYER, buy(n, BUYER, (15_000, 10), (16_000, 10))),
    ),
    "sell steps that fall": (
        "sell_prices_fall",
        lambda n: posted(n, SELLER, order(n, SELLER, SLOT, GATE, side=SELL, steps=((16_000, 10), (15_000, 10)))),
    ),
    "an odd energy": ("energy_not_in_tens", lambda n: posted(n, BUYER, buy(n, BUYER, (15_000, 105)))),
    "another algorithm": (
        "algorithm_differs",
        lambda n: posted(n, BUYER, buy(n, BUYER, (15_000, 100), algorithm="auction/1")),
    ),
    "an order with a flipped signature bit": (
        "bad_signature",
        lambda n: on(n, BUYER, "order", unsigned_order(n)),
    ),
    "an order signed as something else": (
        "bad_signature",
        lambda n: on(n, BUYER, "order", n.houses[BUYER].keys.sign(Ask.KIND, buy(n, BUYER, (15_000, 10)).to_cbor())),
    ),
    "an order one byte too long": ("too_large", lambda n: on(n, BUYER, "order", bytes(limits.MAX_ORDER_BYTES + 1))),
    "a bundle one byte too long": ("too_large", lambda n: on(n, BUYER, "bundle", bytes(limits.MAX_BUNDLE_BYTES + 1))),
    "an ask one byte too long": ("too_large", lambda n: on(n, BUYER, "ask", bytes(limits.MAX_ASK_BYTES + 1))),
    "a give one byte too long": ("too_large", lambda n: on(n, BUYER, "give", bytes(limits.MAX_GIVE_BYTES + 1))),
    "evidence one byte too long": (
        "too_large",
        lambda n: on(n, BUYER, "evidence", bytes(limits.MAX_EVIDENCE_BYTES + 1)),
    ),
    "a gate that the hood lacks": (
        "gate_unknown",
        lambda n: on_board(n, BUYER, SLOT, 7, "order", signed_order(n, BUYER)),
    ),
    "a slot that is none": (
        "gate_unknown",
        lambda n: on_board(n, BUYER, SLOT + 1, GATE, "order", signed_order(n, BUYER)),
    ),
    "a round that is over": (
        "window_over",
        lambda n: posted(n, BUYER, buy(n, BUYER, (15_000, 100), slot=SLOT - 900)),
    ),
    "a round that is far away": (
        "window_over",
        lambda n: on_board(n, BUYER, SLOT + 9000, GATE, "order", signed_order(n, BUYER)),
    ),
    "a bundle of who is no bundler": ("not_a_bundler", lambda n: bundle(n, not_a_bundler(n), ())),
    "a bundle with an order twice": (
        "bundle_order",
        lambda n: bundle(n, bundler(n), (signed_order(n, BUYER),) * 2),
    ),
    "a bundle with a stranger's order": (
        "stranger",
        lambda n: bundle(n, bundler(n), (by_a_stranger(n)[1],)),
    ),
    "a bundle with an order of another round": (
        "wrong_round",
        lambda n: bundle(n, bundler(n), (order_of_another_round(n),)),
    ),
    "a bundle that convicts with two members' orders": (
        "evidence_proves_nothing",
        lambda n: bundle(n, bundler(n), (), evidence=((signed_order(n, BUYER), signed_order(n, VICTIM)),)),
    ),
    "a bundle of another round": ("wrong_round", lambda n: on(n, bundler(n), "bundle", other_bundle(n))),
    "evidence that shows two members": (
        "evidence_proves_nothing",
        lambda n: evidence(n, signed_order(n, BUYER), signed_order(n, VICTIM)),
    ),
    "evidence that shows two rounds": (
        "wrong_round",
        lambda n: evidence(n, signed_order(n, BUYER), order_of_another_round(n)),
    ),
    "evidence with a forged order": (
        "bad_signature",
        lambda n: evidence(n, signed_order(n, BUYER), unsigned_order(n)),
    ),
    "evidence under another's topic": (
        "wrong_house",
        lambda n: on(n, BUYER, "evidence", evidence(n, signed_order(n, BUYER), signed_order(n, BUYER, 200))[1]),
    ),
    "an ask under another's topic": ("wrong_house", lambda n: on(n, BUYER, "ask", ask(n, SLOT)[1])),
    "an ask of another round": ("wrong_round", lambda n: on(n, SELLER, "ask", ask(n, OTHER_SLOT)[1])),
    "a give of another round": ("wrong_round", lambda n: on(n, SELLER, "give", give(n, OTHER_SLOT, b"x")[1])),
    "a give of garbage": ("truncated", lambda n: give(n, SLOT, b"\x18")),
    "a give of an order of another round": ("wrong_round", lambda n: give(n, SLOT, order_of_another_round(n))),
}


def changed_gate(hood: Neighbourhood) -> Order:
    return order(hood, BUYER, SLOT, 255, side=BUY, steps=((15_000, 100),))


def other_bundle(hood: Neighbourhood) -> bytes:
    return bundle(hood, bundler(hood), (), slot=OTHER_SLOT)[1]


def ask(hood: Neighbourhood, slot: int) -> Posted:
    member = hood.houses[VICTIM].member().agent
    return posted(hood, SELLER, Ask(hood=hood.hood.hood_id, slot=slot, gate=GATE, want=1, member=member, counter=99))


def give(hood: Neighbourhood, slot: int, body: bytes) -> Posted:
    return posted(hood, SELLER, Give(hood=hood.hood.hood_id, slot=slot, gate=GATE, what=1, body=body, counter=99))


def test_board_messages(undisturbed: list[object]) -> None:
    check("order", BOARD, undisturbed)


# --- the inbox: contracts ---


def own_deal(hood: Neighbourhood, house: str, role: Role) -> Deal:
    deals = hood.houses[house].deals.of_round(SLOT, GATE)
    return next(deal for deal in deals if deal.role is role)


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


# --- the inbox: settlement ---


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


# --- records ---


def record_topic(hood: Neighbourhood, node: str | None = None) -> str:
    return node_topic(VICTIM, node or hood.houses[VICTIM].meter.name, "record")


def newest(hood: Neighbourhood) -> bytes:
    house = hood.houses[VICTIM]
    return house.readings.last_records(house.meter.kid, 1)[0]


def conflicting(hood: Neighbourhood) -> bytes:
    """A second record with a number that is taken, well signed: a board that was rolled back or copied."""
    house = hood.houses[VICTIM]
    record = house.meter.last
    return house.meter.sign(changed(record, import_wh=record.import_wh + 500))


def unlinked(hood: Neighbourhood) -> bytes:
    """The next record, well signed, that follows another past."""
    house = hood.houses[VICTIM]
    record = house.meter.last
    return house.meter.sign(changed(record, rseq=record.rseq + 1, prev=GENESIS, prev_slot=GENESIS))


RECORDS: Attacks = {
    "signed by another node": (
        "foreign_node",
        lambda n: (record_topic(n), SignedMeter(4711, VICTIM).slot_record(SLOT)),
    ),
    "of a neighbour's node": (
        "foreign_node",
        lambda n: (
            record_topic(n),
            n.houses[SELLER].readings.last_records(n.houses[SELLER].meter.kid, 1)[0],
        ),
    ),
    "with a flipped signature bit": (
        "bad_signature",
        lambda n: (record_topic(n), flipped(newest(n), 8 * len(newest(n)) - 8)),
    ),
    "replayed": ("replayed", lambda n: (record_topic(n), newest(n))),
    "under another node's topic": ("wrong_topic", lambda n: (record_topic(n, "00" * 8), newest(n))),
    "with a number that is taken": ("rseq_conflict", lambda n: (record_topic(n), conflicting(n))),
    "that follows another past": ("link_broken", lambda n: (record_topic(n), unlinked(n))),
    "one byte too long": ("too_large", lambda n: (record_topic(n), bytes(limits.MAX_RECORD_BYTES + 1))),
    "garbage": ("not_cose", lambda n: (record_topic(n), b"\x00")),
}


def test_records(undisturbed: list[object]) -> None:
    hood = neighbourhood()
    hood.run_until(SLOT + 450)
    kept = list(hood.houses[VICTIM].readings.all_records())
    told = {name: reasons_of(hood, forge) for name, (_, forge) in RECORDS.items()}
    assert told == {name: {reason} for name, (reason, _) in RECORDS.items()}
    assert list(hood.houses[VICTIM].readings.all_records()) == kept
    hood.run_until(END_S)
    assert outcome(hood) == undisturbed
    assert hood.broken_laws() == {}
