"""Whatever arrives, no exception leaves the engine, and nothing that matters changes."""

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from volthood.engine.events import BoardPosted, Event, InboxArrived, RecordArrived
from volthood.testing.forging import flipped, sealed
from volthood.testing.neighbourhood import START, Home, Neighbourhood
from volthood.wire import inbox
from volthood.wire.cbor import encode
from volthood.wire.market import (
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
from volthood.wire.message import Message
from volthood.wire.record import Record
from volthood.wire.topics import BOARD_KINDS, parse_round, parse_topic

VICTIM, MEMBER = "h0", "h1"
SLOT = START + 900
BOARD_CLASSES: dict[str, type[Message]] = {
    "order": Order,
    "bundle": Bundle,
    "ask": Ask,
    "give": Give,
    "evidence": Evidence,
}
INBOX_CLASSES: dict[int, tuple[str, type[Message]]] = {
    inbox.CONTRACT_BUYER: (Contract.BUYER_KIND, Contract),
    inbox.CONTRACT_SELLER: (Contract.SELLER_KIND, Contract),
    inbox.ALLOCATION: (Allocation.KIND, Allocation),
    inbox.SETTLEMENT: (Settlement.BUYER_KIND, Settlement),
    inbox.VOID: (Void.KIND, Void),
}
NUMBERS = st.one_of(
    st.sampled_from([0, 1, 255, 254, SLOT, SLOT - 900, SLOT + 900, START, 500, 15_000, 2**40, 2**63 - 1, -(2**63)]),
    st.integers(-(2**63), 2**63 - 1),
)
"""Numbers that mean something, and any other."""


@pytest.fixture(scope="module")
def hood() -> Neighbourhood:
    """At the gate of a round, with contracts of the past to talk about, and the messages that led there."""
    hood = Neighbourhood([Home("h0", 500), Home("h1", -800), Home("h2", 250)])
    hood.run_until(START + 3)
    return hood


def handle(hood: Neighbourhood, event: Event) -> None:
    """The victim takes it and stays as it was."""
    house = hood.houses[VICTIM]
    before = house.trades.deals(0)
    house.engine.handle(event, hood.now_s)
    house.trades.rollback()
    assert house.trades.deals(0) == before


def event_of(topic: str, payload: bytes) -> Event | None:
    parsed = parse_topic(topic)
    if parsed.area == "board":
        return BoardPosted(parsed.house, *parse_round(parsed.detail[0]), parsed.detail[1], payload)
    if parsed.area == "in":
        return InboxArrived(parsed.detail[0], payload)
    return RecordArrived(parsed.detail[0], payload) if parsed.detail[1] == "record" else None


@given(
    payload=st.binary(max_size=600),
    make=st.sampled_from(
        [lambda data, kind=kind: BoardPosted(MEMBER, SLOT, 0, kind, data) for kind in BOARD_KINDS]
        + [
            lambda data: InboxArrived(MEMBER, data),
            lambda data: InboxArrived("nobody", data),
            lambda data: RecordArrived("00" * 8, data),
            lambda data: BoardPosted("nobody", -1, 999, "order", data),
            lambda data: BoardPosted(MEMBER, 2**40, 255, "order", data),
        ]
    ),
)
@settings(deadline=None)
def test_garbage_on_every_topic(hood: Neighbourhood, payload: bytes, make: Callable[[bytes], Event]) -> None:
    handle(hood, make(payload))


@given(data=st.data())
@settings(deadline=None)
def test_true_messages_with_a_flipped_bit(hood: Neighbourhood, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, len(hood.sent) - 1))
    _, topic, payload = hood.sent[index]
    event = event_of(topic, flipped(payload, data.draw(st.integers(0, 8 * len(payload) - 1))))
    if event is not None:
        handle(hood, event)


@given(data=st.data())
@settings(deadline=None)
def test_true_messages_cut_short_or_lengthened(hood: Neighbourhood, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, len(hood.sent) - 1))
    _, topic, payload = hood.sent[index]
    cut = data.draw(st.integers(0, len(payload)))
    event = event_of(topic, payload[:cut] + data.draw(st.binary(max_size=9)))
    if event is not None:
        handle(hood, event)


def values(field_name: str) -> st.SearchStrategy[object]:
    """Something for a field: often of the right type, often with a meaning, at times nonsense."""
    scalar = st.one_of(NUMBERS, st.binary(max_size=40), st.binary(min_size=32, max_size=32), st.text(max_size=20))
    rows = st.lists(st.one_of(scalar, st.lists(scalar, max_size=3)), max_size=4)
    return NUMBERS if field_name in {"slot", "gate", "counter"} else st.one_of(scalar, rows, st.none(), st.booleans())


def payloads(hood: Neighbourhood, message: type[Message]) -> st.SearchStrategy[bytes]:
    """Canonical CBOR with the keys of a message, its round mostly one that runs."""
    fields: dict[str, st.SearchStrategy[object]] = {field.name: values(field.name) for field in message.FIELDS}
    ours = st.just(hood.hood.hood_id)
    member = st.sampled_from([house.member().agent for house in hood.houses.values()])
    contract = st.sampled_from([deal.id for deal in hood.houses[VICTIM].trades.deals(0)])
    fields["hood"] = st.one_of(ours, ours, ours, fields["hood"])
    fields["slot"] = st.one_of(st.just(SLOT), st.just(START), fields["slot"])
    fields["gate"] = st.one_of(st.just(0), st.just(255), fields["gate"])
    for name in ("seller", "buyer", "member"):
        if name in fields:
            fields[name] = st.one_of(member, fields[name])
    if "contract" in fields:
        fields["contract"] = st.one_of(contract, fields["contract"])
    keys = {field.name: field.key for field in message.FIELDS}
    return st.fixed_dictionaries({}, optional=fields).map(
        lambda row: encode({1: 1, **{keys[name]: value for name, value in row.items()}})
    )


@given(data=st.data(), kind=st.sampled_from(sorted(BOARD_CLASSES)))
@settings(deadline=None)
def test_a_member_that_signs_nonsense_on_the_board(hood: Neighbourhood, data: st.DataObject, kind: str) -> None:
    message = BOARD_CLASSES[kind]
    payload = data.draw(payloads(hood, message))
    handle(hood, BoardPosted(MEMBER, SLOT, 0, kind, hood.houses[MEMBER].keys.sign(message.KIND, payload)))


@given(data=st.data(), kind=st.sampled_from(sorted(INBOX_CLASSES)))
@settings(deadline=None)
def test_a_member_that_signs_nonsense_for_an_inbox(hood: Neighbourhood, data: st.DataObject, kind: int) -> None:
    signed_as, message = INBOX_CLASSES[kind]
    body = hood.houses[MEMBER].keys.sign(signed_as, data.draw(payloads(hood, message)))
    _, payload = sealed(hood, MEMBER, VICTIM, kind, body)
    hood.houses[MEMBER].trades.rollback()
    handle(hood, InboxArrived(MEMBER, payload))


@given(
    fields=st.fixed_dictionaries(
        {},
        optional={
            "rseq": st.integers(1, 2**40),
            "boot": st.integers(0, 2**32),
            "time_s": st.one_of(st.integers(0, 2**40), st.integers(START - 3000, START + 3000)),
            "quality": st.integers(0, 3),
            "import_wh": st.integers(0, 10**13),
            "export_wh": st.integers(0, 10**13),
            "resolution_wh": st.integers(1, 10**6),
            "flags": st.integers(0, 63),
            "prev": st.binary(min_size=16, max_size=16),
            "prev_slot": st.one_of(st.none(), st.binary(min_size=16, max_size=16)),
            "index": st.integers(0, 31),
            "meter": st.binary(min_size=8, max_size=8),
        },
    )
)
@settings(max_examples=40, deadline=None)
def test_a_node_that_signs_nonsense(fields: dict[str, object]) -> None:
    """The household's own node may break: its records are refused or kept, the agent goes on."""
    hood = Neighbourhood([Home("h0", 500)])
    hood.run_until(START + 3)
    meter = hood.houses[VICTIM].meter
    values: dict[str, object] = {field.name: getattr(meter.last, field.name) for field in Record.FIELDS}
    record = Record(**(values | {"rseq": meter.last.rseq + 1} | fields))
    hood.record(VICTIM, meter.sign(record))
    hood.run_until(START + 901)
    assert hood.houses[VICTIM].alive
