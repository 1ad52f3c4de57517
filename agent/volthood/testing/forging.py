"""Messages that no honest agent sends: made with real keys, so that only the rule under test can refuse them.

Each function gives (topic, payload), ready for `Neighbourhood.inject`.
"""

from collections import defaultdict
from typing import TypeVar

from volthood.core.deals import Deal
from volthood.errors import PeerError
from volthood.testing.neighbourhood import Household, Neighbourhood
from volthood.wire import cose, inbox
from volthood.wire.inbox import Envelope
from volthood.wire.market import Allocation, Contract, Order, RoundMessage, Settlement, Void
from volthood.wire.message import Message
from volthood.wire.topics import board_topic, inbox_topic, parse_topic

Kind = TypeVar("Kind", bound=Message)
Posted = tuple[str, bytes]
"""(topic, payload)."""


def changed(message: Kind, /, **values: object) -> Kind:
    """A message with some fields changed."""
    kept = {field.name: getattr(message, field.name) for field in message.FIELDS}
    return type(message)(**(kept | values))


def flipped(data: bytes, bit: int) -> bytes:
    """`data` with one bit flipped."""
    out = bytearray(data)
    out[bit // 8] ^= 1 << bit % 8
    return bytes(out)


def order(hood: Neighbourhood, house: str, slot: int, gate: int, /, **values: object) -> Order:
    """An empty order of a house, or what `values` make of it."""
    fields: dict[str, object] = {
        "hood": hood.hood.hood_id,
        "slot": slot,
        "gate": gate,
        "algorithm": hood.hood.algorithm,
        "counter": hood.houses[house].trades.next_counter("board"),
    }
    return Order(**(fields | values))


def posted(hood: Neighbourhood, house: str, message: RoundMessage, *, as_house: str | None = None) -> Posted:
    """A board message signed by a house, in the round it names, under that house's topic or another's."""
    payload = hood.houses[house].keys.sign(message.KIND, message.to_cbor())
    return on_board(hood, as_house or house, message.slot, message.gate, message.KIND, payload)


def on_board(hood: Neighbourhood, house: str, slot: int, gate: int, kind: str, payload: bytes) -> Posted:
    """Any bytes on the board."""
    return board_topic(hood.level, house, slot, gate, kind.rpartition("/")[2]), payload


def sealed(
    hood: Neighbourhood,
    sender: str,
    recipient: str,
    kind: int,
    body: bytes,
    /,
    *,
    as_house: str | None = None,
    sealed_for: str | None = None,
    **values: object,
) -> Posted:
    """An inbox message from `sender` to `recipient` with the next number, or what `values` make of its envelope."""
    to = hood.houses[recipient].member()
    fields: dict[str, object] = {"hood": hood.hood.hood_id, "recipient": to.agent, "kind": kind, "body": body}
    if "counter" not in values:
        fields["counter"] = hood.houses[sender].trades.next_counter("inbox:" + to.agent.hex())
    envelope = Envelope(**(fields | values))
    keys = hood.houses[sender].keys
    seal_key = hood.houses[sealed_for or recipient].keys.public.seal
    payload = keys.seal(seal_key, keys.sign(Envelope.KIND, envelope.to_cbor()))
    return inbox_topic(hood.level, recipient, as_house or sender), payload


def resealed(hood: Neighbourhood, sender: str, topic: str, envelope: Envelope, body: bytes) -> bytes:
    """The payload of an envelope with another body, signed again by its sender: how a liar changes its own message."""
    keys, recipient = hood.houses[sender].keys, hood.houses[parse_topic(topic).house]
    return keys.seal(recipient.keys.public.seal, keys.sign(Envelope.KIND, changed(envelope, body=body).to_cbor()))


def opened(hood: Neighbourhood, topic: str, payload: bytes) -> Envelope:
    """The envelope of an inbox message, by its recipient's key."""
    keys = hood.houses[parse_topic(topic).house].keys
    return Envelope.from_cbor(cose.unpack_sign1(keys.unseal(payload), Envelope.MAX_BYTES).payload)


def allocation(house: Household, deal: Deal, /, **values: object) -> Allocation:
    """An allocation that a house could state for a deal, with the slot records of its own meter."""
    edges = house.readings.slot_records(deal.contract.slot, deal.contract.slot + 1800)
    fields: dict[str, object] = {
        "hood": deal.contract.hood,
        "slot": deal.contract.slot,
        "gate": deal.contract.gate,
        "contract": deal.id,
        "allocated_wh": deal.contract.energy_wh,
        "start": edges[0].data,
        "end": edges[1].data,
    }
    return Allocation(**(fields | values))


def equivocations(hood: Neighbourhood) -> list[str]:
    """Whatever makes somebody look like a liar: two versions of what one member says once.

    One order and one bundle a round; one set of bytes for each number of an inbox; one contract for a pair and round;
    one allocation and one settlement for each contract.
    """
    said: defaultdict[tuple[object, ...], set[bytes]] = defaultdict(set)
    for sender, topic, payload in hood.sent:
        parsed = parse_topic(topic)
        if parsed.area == "board" and parsed.detail[1] in {"order", "bundle"}:
            said[sender, *parsed.detail].add(payload)
        elif parsed.area == "in":
            _hear(hood, said, sender, topic, payload)
    return [f"{key}: {len(versions)} versions" for key, versions in said.items() if len(versions) > 1]


def _hear(
    hood: Neighbourhood, said: defaultdict[tuple[object, ...], set[bytes]], sender: str, topic: str, payload: bytes
) -> None:
    try:
        envelope = opened(hood, topic, payload)
    except PeerError:
        return
    if envelope.kind == inbox.RECEIPT:
        return
    said[sender, parse_topic(topic).house, envelope.counter].add(payload)
    body = cose.unpack_sign1(envelope.body, Envelope.MAX_BYTES).payload
    if envelope.kind in {inbox.CONTRACT_BUYER, inbox.CONTRACT_SELLER}:
        contract = Contract.from_cbor(body)
        said[sender, envelope.kind, contract.round, contract.seller, contract.buyer].add(envelope.body)
    else:
        kinds: dict[int, type[Allocation | Settlement | Void]] = {
            inbox.ALLOCATION: Allocation,
            inbox.SETTLEMENT: Settlement,
            inbox.VOID: Void,
        }
        said[sender, envelope.kind, kinds[envelope.kind].from_cbor(body).contract].add(envelope.body)
