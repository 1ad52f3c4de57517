"""An intruder in a neighbourhood: slips forged messages in at a chosen moment and notes what is told of each.

A story with an intruder is compared with the same story without: whatever was refused must have changed nothing.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from volthood.core.market.round import bundlers_of
from volthood.testing.forging import Posted, opened
from volthood.testing.neighbourhood import Neighbourhood
from volthood.wire import cose, inbox, limits
from volthood.wire.market import Allocation, Contract
from volthood.wire.topics import parse_round, parse_topic

SILENCE = "silence"
"""Told by a house that should have refused a message and did not."""

Forge = Callable[[Neighbourhood], Posted]
Attacks = dict[str, tuple[str, Forge]]
"""By name: the reason that must be told, and what makes the message."""

_BODIES: dict[str, tuple[int, type[Contract | Allocation]]] = {
    "contract": (inbox.CONTRACT_BUYER, Contract),
    "allocation": (inbox.ALLOCATION, Allocation),
}


def outcome(hood: Neighbourhood) -> list[object]:
    """Everything that counts in the end: what became of each contract, and every bill."""
    deals = [house.trades.deals(0) for house in hood.houses.values()]
    bills = [[bill.total_uct for bill in books.bills] for books in hood.books()]
    return [[[(deal.id, deal.status, deal.delivered_wh) for deal in rows] for rows in deals], bills]


def bundlers(hood: Neighbourhood, slot: int, gate: int) -> list[str]:
    """The houses that bundle in a round, in their order."""
    members = frozenset(member.agent for member in hood.roster.members)
    return [hood.house_of(agent) for agent in bundlers_of((hood.hood.hood_id, slot, gate), members)]


def told(hood: Neighbourhood, forge: Forge) -> set[str]:
    """The reasons told when a forged message is delivered, and `SILENCE` where somebody whom it concerns says none.

    A house does not read its own board, and only bundlers listen to orders.
    """
    topic, payload = forge(hood)
    before = {name: len(house.refused()) for name, house in hood.houses.items()}
    hood.inject(topic, payload)
    parsed = parse_topic(topic)
    concerned = {parsed.house}
    if parsed.area == "board":
        concerned = set(bundlers(hood, *parse_round(parsed.detail[0]))) - {parsed.house}
    reasons = {name: house.refused()[before[name] :] for name, house in hood.houses.items()}
    said = {reason for rows in reasons.values() for reason in rows}
    return said if all(reasons[name] for name in concerned) else said | {SILENCE}


@dataclass
class Intruder:
    """A tap that slips every attack in just before the first message of a kind about a round is delivered.

    Attributes:
        kind: order, bundle or another kind of board message; contract or allocation for inboxes.
        told: the reasons told, by the attack's name; empty until the moment has come.
    """

    hood: Neighbourhood
    slot: int
    gate: int
    kind: str
    attacks: Attacks
    told: dict[str, set[str]] = field(default_factory=dict)

    def __call__(self, _sender: str, topic: str, payload: bytes) -> bytes:
        """The message itself, unchanged."""
        if not self.told and self._is_due(topic, payload):
            for name, (_, forge) in self.attacks.items():
                self.told[name] = told(self.hood, forge)
        return payload

    def _is_due(self, topic: str, payload: bytes) -> bool:
        parsed = parse_topic(topic)
        if parsed.area == "board":
            return parsed.detail == (f"{self.slot}.{self.gate}", self.kind)
        if parsed.area != "in" or self.kind not in _BODIES:
            return False
        kind, message = _BODIES[self.kind]
        envelope = opened(self.hood, topic, payload)
        if envelope.kind != kind:
            return False
        body = message.from_cbor(cose.unpack_sign1(envelope.body, limits.MAX_INBOX_BYTES).payload)
        return (body.slot, body.gate) == (self.slot, self.gate)
