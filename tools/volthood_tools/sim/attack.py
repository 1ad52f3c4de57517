"""A stranger on the broker who hears everything and may say anything in anybody's name, but holds no member's key.

It forges orders, turns bits, repeats what was said in another round, to another house or under another name, and sends
rubbish. A hood must come out of this as if nothing had been said.
"""

import random
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from volthood.adapters.crypto import AgentKeys
from volthood.core.hood import Hood
from volthood.wire.keys import sha256
from volthood.wire.market import BUY, Ask, Order
from volthood.wire.topics import board_topic, hood_level, inbox_topic, parse_topic
from volthood_tools.sim.household import SimHousehold

REMEMBERED = 64
KINDS = ("order", "bundle", "ask", "give", "evidence")


@dataclass(frozen=True)
class Forged:
    """A message as the broker hands it out, and to whom."""

    topic: str
    payload: bytes
    receivers: tuple[SimHousehold, ...]


class Attacker:
    """Makes one hostile message at a time."""

    def __init__(self, hood: Hood, houses: list[SimHousehold], seed: str) -> None:
        self.draw = random.Random(f"{seed}/attack")
        self._hood = hood
        self._level = hood_level(hood.hood_id)
        self._houses = houses
        self._keys = AgentKeys(*(sha256(f"{seed}/stranger/{role}".encode()) for role in ("agent", "seal", "witness")))
        self._heard: deque[tuple[str, bytes]] = deque(maxlen=REMEMBERED)
        self._ways: list[Callable[[int], tuple[str, bytes]]] = [
            self._stranger_order,
            self._stranger_ask,
            self._turned_bit,
            self._cut_short,
            self._said_again,
            self._another_round,
            self._another_house,
            self._rubbish,
        ]

    def overhear(self, topic: str, payload: bytes) -> None:
        """Remember a message."""
        self._heard.append((topic, payload))

    def forge(self, now_s: int) -> Forged:
        """The next message at a time."""
        topic, payload = self.draw.choice(self._ways)(now_s)
        parsed = parse_topic(topic)
        by_name = {house.name: house for house in self._houses}
        receivers = tuple(self._houses) if parsed.area == "board" else (by_name[parsed.house],)
        return Forged(topic, payload, receivers)

    def _round(self, now_s: int) -> tuple[int, int]:
        """A round that is running, or ran, or will run soon."""
        rounds = list(self._hood.rounds_between(now_s - 60, now_s + 30)) or list(
            self._hood.rounds_between(now_s - 900, now_s + 900)
        )
        return self.draw.choice(rounds)

    def _house(self) -> str:
        return self.draw.choice(self._houses).name

    def _board(self, now_s: int, kind: str) -> str:
        return board_topic(self._level, self._house(), *self._round(now_s), kind)

    def _stranger_order(self, now_s: int) -> tuple[str, bytes]:
        slot, gate = self._round(now_s)
        low, high = self._hood.collar(slot)
        order = Order(
            hood=self._hood.hood_id,
            slot=slot,
            gate=gate,
            algorithm=self._hood.algorithm,
            side=BUY,
            steps=((self.draw.randint(low, high), 10 * self.draw.randint(1, 100)),),
            counter=1,
        )
        topic = board_topic(self._level, self._house(), slot, gate, "order")
        return topic, self._keys.sign(Order.KIND, order.to_cbor())

    def _stranger_ask(self, now_s: int) -> tuple[str, bytes]:
        slot, gate = self._round(now_s)
        wanted = self.draw.choice(self._houses).agent
        ask = Ask(hood=self._hood.hood_id, slot=slot, gate=gate, want=1, member=wanted, counter=1)
        return board_topic(self._level, self._house(), slot, gate, "ask"), self._keys.sign(Ask.KIND, ask.to_cbor())

    def _some(self, now_s: int) -> tuple[str, bytes]:
        return self.draw.choice(self._heard) if self._heard else self._rubbish(now_s)

    def _turned_bit(self, now_s: int) -> tuple[str, bytes]:
        topic, payload = self._some(now_s)
        changed = bytearray(payload)
        changed[self.draw.randrange(len(changed))] ^= 1 << self.draw.randrange(8)
        return topic, bytes(changed)

    def _cut_short(self, now_s: int) -> tuple[str, bytes]:
        topic, payload = self._some(now_s)
        return topic, payload[: self.draw.randrange(len(payload))]

    def _said_again(self, now_s: int) -> tuple[str, bytes]:
        return self._some(now_s)

    def _another_round(self, now_s: int) -> tuple[str, bytes]:
        topic, payload = self._some(now_s)
        parsed = parse_topic(topic)
        if parsed.area != "board":
            return topic, payload
        return board_topic(self._level, parsed.house, *self._round(now_s), parsed.detail[1]), payload

    def _another_house(self, now_s: int) -> tuple[str, bytes]:
        topic, payload = self._some(now_s)
        parsed = parse_topic(topic)
        if parsed.area != "board":
            return inbox_topic(self._level, self._house(), parsed.detail[0]), payload
        return self._board(now_s, parsed.detail[1]), payload

    def _rubbish(self, now_s: int) -> tuple[str, bytes]:
        kind = self.draw.choice((*KINDS, "in"))
        data = self.draw.randbytes(self.draw.randrange(1, 400))
        if kind == "in":
            return inbox_topic(self._level, self._house(), self._house()), data
        return self._board(now_s, kind), data
