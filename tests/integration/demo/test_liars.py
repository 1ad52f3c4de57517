"""A demonstration with liars on its broker: each lie is refused with its reason, and the neighbours trade on.

The broker is anonymous, so whoever connects may write anywhere. One home's trading is stopped meanwhile and its agent
killed; a technician and the people at home look in.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from tests.integration.demo.conftest import FORWARD, Demo, Home, RoundKey, StartDemo, connected
from volthood.adapters.crypto import AgentKeys
from volthood.core.market.round import bundlers_of
from volthood.wire import inbox, limits
from volthood.wire.inbox import Envelope
from volthood.wire.market import BUY, WATCH, Bundle, Contract, Order
from volthood.wire.topics import board_topic, hood_level, inbox_topic, node_topic
from volthood_tools.console.node import NodeConsole
from volthood_tools.console.port import Port

SELLER, BUYER, OTHER, STOPPED = "house01", "house02", "house03", "house04"
SLOTS = 5
FAR_AHEAD = 900
"""A number of an inbox message that its true sender does not come to."""


@dataclass(frozen=True)
class Lie:
    """A lie, and what whoever it was told to must have noted about it: words of a `MessageRefused` event."""

    name: str
    told_to: str
    words: tuple[str, ...]


ANYONE = ""
"""Orders are read by the round's bundlers alone."""

LIES = (
    Lie("a record with a forged signature", SELLER, ("reason=bad_signature", "what=RecordArrived")),
    Lie("another home's record", SELLER, ("reason=foreign_node", "what=RecordArrived")),
    Lie("a record played again", SELLER, ("reason=replayed", "what=RecordArrived")),
    Lie("garbage for a record", SELLER, ("what=RecordArrived", "reason=")),
    Lie("a stranger's order under a member's name", ANYONE, ("reason=stranger", f"source={BUYER}")),
    Lie("a stranger's order under its own name", ANYONE, ("reason=stranger", "source=house99")),
    Lie("a member's order of another round", ANYONE, ("reason=wrong_round", f"source={BUYER}")),
    Lie("a member's order of another hood", ANYONE, ("reason=wrong_hood", f"source={BUYER}")),
    Lie("a member's order under another's name", ANYONE, ("reason=wrong_house", f"source={OTHER}")),
    Lie("a bundle for a slot that is none", OTHER, ("reason=gate_unknown", f"source={BUYER}")),
    Lie("a bundle when the round is over", ANYONE, ("reason=window_over",)),
    Lie("a stranger's bundle", OTHER, ("reason=stranger", f"source={BUYER}")),
    Lie("a bundle of a member who bundles not", ANYONE, ("reason=not_a_bundler",)),
    Lie("an oversized bundle", OTHER, ("what=BoardPosted", "reason=too_large")),
    Lie("garbage for an ask", OTHER, ("what=BoardPosted", "reason=not_canonical")),
    Lie("nothing for a give", OTHER, ("what=BoardPosted", "reason=truncated")),
    Lie("zeros for evidence", OTHER, ("what=BoardPosted", "reason=trailing_bytes")),
    Lie("a contract with other numbers", SELLER, ("reason=contract_not_cleared", f"source={BUYER}")),
    Lie("a contract of other people", SELLER, ("reason=wrong_party", f"source={OTHER}")),
    Lie("a message in another's name", SELLER, ("reason=wrong_house", "what=InboxArrived")),
    Lie("a message for somebody else", SELLER, ("reason=not_for_us", f"source={OTHER}")),
    Lie("sealed garbage", SELLER, ("what=InboxArrived", "reason=not_canonical")),
    Lie("garbage that is not sealed", SELLER, ("what=InboxArrived", "reason=not_sealed_for_us")),
    Lie("an oversized message", SELLER, ("what=InboxArrived", "reason=too_large")),
)


class Liars:
    """Whoever lies to a neighbourhood, with the stolen keys of any home."""

    def __init__(self, demo: Demo, stranger: AgentKeys) -> None:
        self._demo = demo
        self._stranger = stranger
        self.shown = False
        self._client = connected("liars", demo.port)
        self._client.loop_start()
        with demo.homes[SELLER].open() as household:
            self.hood_id = household.hood.hood_id
            self.level = hood_level(self.hood_id)
            self.agents = {member.house: member.agent for member in household.roster.members}
            self.seal_keys = {member.house: member.seal_key for member in household.roster.members}
            self.nodes = {member.house: next(iter(member.nodes)).hex() for member in household.roster.members}
        demo.until(self._client.is_connected, "the liars are connected")

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def bundlers(self, round_: RoundKey) -> list[str]:
        """Who bundles in a round."""
        chosen = bundlers_of((self.hood_id, *round_), frozenset(self.agents.values()))
        return [house for house, agent in self.agents.items() if agent in chosen]

    def say(self, topic: str, payload: bytes) -> None:
        self._client.publish(topic, payload, qos=1)

    def post(self, round_: RoundKey, house: str, kind: str, payload: bytes) -> None:
        """Write on the board under a house's name."""
        self.say(board_topic(self.level, house, *round_, kind), payload)

    def write(self, house: str, sender: str, sealed: bytes) -> None:
        """Put something into a house's inbox under a sender's name."""
        self.say(inbox_topic(self.level, house, sender), sealed)

    def lie_about_records(self) -> None:
        """Before the market: what a node would say."""
        demo = self._demo
        node, foreign = self.nodes[SELLER], self.nodes[BUYER]
        demo.until(lambda: demo.listener.heard_record(node) and demo.listener.heard_record(foreign), "records")
        record, data = demo.listener.record_of(node)
        topic = node_topic(SELLER, node, "record")
        self.say(topic, data[:-8] + bytes(8))
        self.say(topic, demo.listener.record_of(foreign)[1])
        self.say(topic, b"\xff" * 100)
        link = demo.homes[SELLER].link
        kid = bytes.fromhex(node)

        def acknowledged() -> bool:
            receipts = list(demo.listener.receipts.get(node, set()))
            return any((link.verify_receipt(kid, receipt) or 0) >= record.rseq for receipt in receipts)

        demo.until(acknowledged, "a receipt")
        self.say(topic, data)

    def lie_about_orders(self, round_: RoundKey, old_order: bytes) -> None:
        """While a round runs: what a member would post."""
        strange = self._order(self._stranger, round_)
        buyer = self._demo.homes[BUYER].keys
        self.post(round_, BUYER, "order", strange)
        self.post(round_, "house99", "order", strange)
        self.post(round_, BUYER, "order", old_order)
        self.post(round_, BUYER, "order", self._order(buyer, round_, hood=bytes(32)))
        self.post(round_, OTHER, "order", self._order(buyer, round_))
        self.post(round_, BUYER, "ask", b"\x9f")
        self.post(round_, BUYER, "give", b"")
        self.post(round_, BUYER, "evidence", bytes(1000))
        self.post(round_, BUYER, "bundle", bytes(limits.MAX_BUNDLE_BYTES + 1))

    def lie_about_bundles(self, round_: RoundKey, old: RoundKey) -> None:
        """While a round runs: what a bundler would post."""
        (idle,) = self.agents.keys() - set(self.bundlers(round_))
        self.post(round_, BUYER, "bundle", self._bundle(self._stranger, round_, ()))
        self.post(round_, idle, "bundle", self._bundle(self._demo.homes[idle].keys, round_, ()))
        # Nobody listens to orders but the bundlers of a running round; a bundle is heard by everyone at any time.
        late = self.bundlers(old)[0]
        self.post(old, late, "bundle", self._bundle(self._demo.homes[late].keys, old, ()))
        self.post((round_[0] + 1, FORWARD), BUYER, "bundle", b"")

    def lie_in_letters(self, round_: RoundKey) -> None:
        """While a round runs: what a member would write to another."""
        buyer, other = self._demo.homes[BUYER], self._demo.homes[OTHER]
        contract = self._contract(buyer.keys, round_)
        self.write(SELLER, BUYER, self._letter(buyer, contract))
        self.write(SELLER, OTHER, self._letter(other, contract))
        self.write(SELLER, BUYER, self._letter(other, contract))
        self.write(SELLER, OTHER, self._letter(other, contract, recipient=BUYER))
        self.write(SELLER, OTHER, other.keys.seal(self.seal_keys[SELLER], b"\x9f"))
        self.write(SELLER, OTHER, b"garbage" * 20)
        self.write(SELLER, OTHER, bytes(limits.MAX_INBOX_BYTES + 1))

    def show_two_bundles(self, round_: RoundKey, house: str) -> Callable[[RoundKey, str, str, bytes], None]:
        """At the first order of a round, show a bundle of `house` that holds no other: its true one comes later."""
        keys = self._demo.homes[house].keys

        def hook(heard_in: RoundKey, sender: str, kind: str, order: bytes) -> None:
            if heard_in == round_ and kind == "order" and sender != house and not self.shown:
                self.shown = True
                self.post(round_, house, "bundle", self._bundle(keys, round_, (order,)))

        return hook

    def _order(self, keys: AgentKeys, round_: RoundKey, hood: bytes | None = None) -> bytes:
        body = Order(
            hood=self.hood_id if hood is None else hood,
            slot=round_[0],
            gate=round_[1],
            algorithm="mid-market/1",
            side=BUY,
            steps=((15_000, 100),),
            counter=10_000,
        )
        return keys.sign(Order.KIND, body.to_cbor())

    def _bundle(self, keys: AgentKeys, round_: RoundKey, orders: tuple[bytes, ...]) -> bytes:
        body = Bundle(hood=self.hood_id, slot=round_[0], gate=round_[1], orders=orders, evidence=(), counter=10_001)
        return keys.sign(Bundle.KIND, body.to_cbor())

    def _contract(self, buyer: AgentKeys, round_: RoundKey) -> bytes:
        body = Contract(
            hood=self.hood_id,
            slot=round_[0],
            gate=round_[1],
            algorithm="mid-market/1",
            book=bytes(32),
            seller=self.agents[SELLER],
            buyer=self.agents[BUYER],
            energy_wh=4000,
            seller_price=1,
            buyer_price=1,
            path_fee=0,
        )
        return buyer.sign(Contract.BUYER_KIND, body.to_cbor())

    def _letter(self, sender: Home, body: bytes, recipient: str = SELLER) -> bytes:
        envelope = Envelope(
            hood=self.hood_id,
            recipient=self.agents[recipient],
            kind=inbox.CONTRACT_BUYER,
            counter=FAR_AHEAD,
            body=body,
        )
        signed = sender.keys.sign(Envelope.KIND, envelope.to_cbor())
        return sender.keys.seal(self.seal_keys[SELLER], signed)


class LiedTo:
    """A demonstration that was lied to, one of whose homes was stopped and went on later, and which came to its end."""

    def __init__(self, demo: Demo, stranger: AgentKeys) -> None:
        self.demo = demo
        heard = demo.listener.heard
        liars = Liars(demo, stranger)
        first, lied_in, after = demo.round(0), demo.round(1), demo.round(2)
        bundlers = liars.bundlers(lied_in)
        self.equivocator = next(house for house in bundlers if house != STOPPED)
        demo.listener.hooks.append(liars.show_two_bundles(lied_in, self.equivocator))
        demo.until(lambda: heard(first, BUYER, "order"), "the first round")
        liars.lie_about_records()
        demo.until(lambda: signed(demo.homes[STOPPED]), "the first contract")
        demo.volthood("stop", "--home", STOPPED)
        self.stopped_s = demo.clock.now_s()
        demo.kill(f"agent-{STOPPED}")
        demo.until(lambda: heard(lied_in, BUYER, "order"), "the second round")
        liars.lie_about_orders(lied_in, demo.listener.posted(first, BUYER, "order"))
        liars.lie_about_bundles(lied_in, first)
        liars.lie_in_letters(lied_in)
        self.status = json.loads(demo.volthood("status", "--json"))
        self.console = answers_of(demo, SELLER)
        demo.until(lambda: heard(after, STOPPED, "order"), "the third round")
        self.resuming_s = demo.clock.now_s()
        demo.volthood("resume", "--home", STOPPED)
        self.resumed_s = demo.clock.now_s()
        self.why = demo.volthood("why", "09:00", "--home", BUYER)
        liars.close()
        self.result = demo.finish()


def signed(home: Home) -> bool:
    """Whether a home has a contract with both signatures."""
    return bool(home.events("ContractSigned"))


def answers_of(demo: Demo, house: str) -> dict[str, dict[str, object]]:
    """What a node's console answers while it meters."""
    with Port.open(demo.folder / "consoles" / house) as port:
        console = NodeConsole(port, house)
        return {command: console.ask(command) for command in ("status", "queue", "meter read")}


@pytest.fixture(scope="module")
def lied_to(start_demo: StartDemo, tmp_path_factory: pytest.TempPathFactory) -> LiedTo:
    stranger = AgentKeys.create(tmp_path_factory.mktemp("stranger") / "agent.key")
    return LiedTo(start_demo("--homes", "4", "--slots", str(SLOTS)), stranger)


def test_the_laws_hold_and_neighbours_trade_on(lied_to: LiedTo) -> None:
    laws = lied_to.result["laws"]
    assert isinstance(laws, dict)
    assert all(laws.values()), lied_to.result["broken"]
    demo = lied_to.demo
    with demo.homes[BUYER].open() as household:
        deals = household.trades.deals(demo.first_slot)
    assert any(deal.settled for deal in deals if deal.contract.slot >= demo.round(1)[0])


@pytest.mark.parametrize("lie", LIES, ids=lambda lie: lie.name)
def test_a_lie_is_refused_with_its_reason(lied_to: LiedTo, lie: Lie) -> None:
    homes = lied_to.demo.homes
    told_to = homes.values() if lie.told_to == ANYONE else [homes[lie.told_to]]
    noted = [event.details for home in told_to for event in home.events("MessageRefused")]
    assert any(all(word in details for word in lie.words) for details in noted), noted


def test_who_shows_two_bundles_is_convicted_and_nobody_else(lied_to: LiedTo) -> None:
    homes = lied_to.demo.homes
    for home in homes.values():
        seen = home.events("BundleEquivocated", "EvidenceSeen")
        accused = {word for event in seen for word in event.details.split() if word.startswith("peer=")}
        assert accused == {f"peer={lied_to.equivocator}"}
        assert home.events("OrderEquivocated", "ContractOutsideOrder") == []


def test_a_stopped_home_trades_no_more_and_keeps_its_word(lied_to: LiedTo) -> None:
    demo = lied_to.demo
    rounds = [demo.round(number) for number in range(SLOTS)]
    sides = {round_: demo.listener.order(round_, STOPPED).side for round_ in rounds}
    gates = {round_: round_[0] - demo.slot_s for round_ in rounds}
    assert sides[rounds[0]] == BUY
    stopped = [sides[round_] for round_ in rounds if lied_to.stopped_s < gates[round_] < lied_to.resuming_s]
    resumed = [sides[round_] for round_ in rounds if lied_to.resumed_s < gates[round_]]
    assert set(stopped) == {WATCH}
    assert set(resumed) == {BUY}
    with demo.homes[STOPPED].open() as household:
        deals = [deal for deal in household.trades.deals(0) if deal.contract.round[1:] == demo.round(0)]
    assert deals
    assert all(deal.settled for deal in deals if deal.counted)


def test_status_tells_of_every_home_while_it_runs(lied_to: LiedTo) -> None:
    assert [home["home"] for home in lied_to.status] == list(lied_to.demo.homes)
    assert [home["trading"] for home in lied_to.status] == [home != STOPPED for home in lied_to.demo.homes]
    assert all(home["metered_at"] for home in lied_to.status)
    assert lied_to.status[0]["refused"] > 0


def test_a_console_answers_while_the_node_meters(lied_to: LiedTo) -> None:
    assert lied_to.console.keys() == {"status", "queue", "meter read"}
    assert all(lied_to.console.values())


def test_why_tells_the_same_while_it_runs_and_afterwards(lied_to: LiedTo) -> None:
    for told in (lied_to.why, lied_to.demo.volthood("why", "09:00", "--home", BUYER)):
        for words in (BUYER, "forecast", "ordered", "agreed"):
            assert words in told
