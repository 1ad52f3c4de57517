"""What stands on the board is read by rules that depend on its bytes alone, and remembered by them."""

import pytest

from volthood.adapters.crypto import SignatureVerifier
from volthood.core.market.round import Round
from volthood.engine.board import MAX_REMEMBERED, Board, BoardMemory
from volthood.engine.desk import Desk, Members
from volthood.errors import PeerError
from volthood.ports.crypto import Verifier
from volthood.testing.neighbourhood import START, Home, Neighbourhood
from volthood.wire.cose import Signed
from volthood.wire.market import BUY, SELL, Bundle, Order

HOOD = Neighbourhood([Home(f"h{number}", 100 if number % 2 else -100) for number in range(5)])
HOUSES = {house.member().agent: house for house in HOOD.houses.values()}
ROUND_ID = (HOOD.hood.hood_id, START, 255)


class CountingVerifier:
    """The real verifier, and how often it was asked."""

    def __init__(self, real: Verifier) -> None:
        self._real = real
        self.asked = 0

    def verify_eddsa(self, raw_public: bytes, signed: Signed, kind: str) -> bool:
        self.asked += 1
        return self._real.verify_eddsa(raw_public, signed, kind)


def board(memory: BoardMemory | None = None) -> tuple[Board, CountingVerifier]:
    house = next(iter(HOUSES.values()))
    real = SignatureVerifier()
    verifier = CountingVerifier(real)
    members = Members(HOOD.roster)
    desk = Desk(
        house.member(), members, HOOD.hood, house.keys, verifier, real, house.keys, house.trades, house.readings
    )
    return Board(desk, memory or BoardMemory()), verifier


def round_() -> Round:
    me = next(iter(HOUSES))
    return Round(ROUND_ID, HOOD.hood.round_plan(START, 255), me, frozenset(HOUSES))


def order(agent: bytes, energy_wh: int = 100, slot: int = START) -> bytes:
    side, limit = (BUY, 22_000) if int(HOUSES[agent].home.name[1:]) % 2 else (SELL, 8_000)
    body = Order(
        hood=ROUND_ID[0],
        slot=slot,
        gate=255,
        algorithm=HOOD.hood.algorithm,
        side=side,
        steps=((limit, energy_wh),),
        counter=1,
    )
    return HOUSES[agent].keys.sign(Order.KIND, body.to_cbor())


def bundle(bundler: bytes, orders: list[bytes], evidence: tuple[tuple[bytes, bytes], ...] = ()) -> bytes:
    hood, slot, gate = ROUND_ID
    body = Bundle(hood=hood, slot=slot, gate=gate, orders=tuple(orders), evidence=evidence, counter=2)
    return HOUSES[bundler].keys.sign(Bundle.KIND, body.to_cbor())


def all_orders() -> list[bytes]:
    return [order(agent) for agent in sorted(HOUSES)]


def test_a_bundle_and_the_orders_in_it_are_verified_once() -> None:
    reader, verifier = board()
    running = round_()
    data = bundle(running.bundlers[0], all_orders())
    first = reader.bundle(running, data, None)
    assert verifier.asked == 1 + len(HOUSES)
    assert reader.bundle(running, data, None) is first
    reader.bundle(running, bundle(running.bundlers[1], all_orders()), None)
    assert verifier.asked == 2 + len(HOUSES)


def test_agents_of_one_process_share_what_was_read() -> None:
    memory = BoardMemory()
    data = bundle(round_().bundlers[0], all_orders())
    (one, _), (other, asked) = board(memory), board(memory)
    assert one.bundle(round_(), data, None) is other.bundle(round_(), data, None)
    assert asked.asked == 0


def test_who_signs_many_orders_fills_no_memory() -> None:
    reader, verifier = board()
    agent = min(HOUSES)
    flood = [order(agent, 10 * number) for number in range(1, 6)]
    for data in flood * 2:
        reader.order(ROUND_ID, data)
    assert verifier.asked == len(flood) * 2 - MAX_REMEMBERED


def test_what_is_forgotten_is_verified_anew() -> None:
    reader, verifier = board()
    data = order(min(HOUSES))
    reader.order(ROUND_ID, data)
    reader.forget(ROUND_ID)
    reader.order(ROUND_ID, data)
    assert verifier.asked == 2


def test_a_remembered_order_of_another_round_is_refused_still() -> None:
    reader, _ = board()
    data = order(min(HOUSES))
    reader.order(ROUND_ID, data)
    with pytest.raises(PeerError, match="wrong_round"):
        reader.order((ROUND_ID[0], START + 900, 255), data)


def test_bad_bundles_are_named() -> None:
    reader, _ = board()
    running = round_()
    bundler = running.bundlers[0]
    other = next(agent for agent in sorted(HOUSES) if agent not in running.bundlers)
    one, two = order(min(HOUSES), 10), order(min(HOUSES), 20)
    cases = [
        (bundle(other, all_orders()), "not_a_bundler"),
        (bundle(bundler, all_orders()[::-1]), "bundle_order"),
        (bundle(bundler, [one, two]), "bundle_order"),
        (bundle(bundler, [], ((one, order(max(HOUSES))),)), "evidence_proves_nothing"),
        (bundle(bundler, [order(min(HOUSES), slot=START + 900)]), "wrong_round"),
    ]
    for data, reason in cases:
        with pytest.raises(PeerError, match=reason):
            reader.bundle(running, data, None)


def test_a_good_bundle_under_another_name_is_refused_every_time() -> None:
    reader, _ = board()
    running = round_()
    data = bundle(running.bundlers[0], all_orders())
    for _ in range(2):
        with pytest.raises(PeerError, match="wrong_house"):
            reader.bundle(running, data, HOUSES[running.bundlers[1]].member())


def test_a_book_is_cleared_once_for_each_set_of_bundles() -> None:
    reader, _ = board()
    running, gate_s = round_(), HOOD.hood.gate_s(START, 255)
    for bundler in running.bundlers[:2]:
        running.add_bundle(reader.bundle(running, bundle(bundler, all_orders()), None), gate_s)
    first = reader.clear(running)
    assert reader.clear(running) is first
    assert first.orders == len(HOUSES)
    assert sum(trade.energy_wh for trade in first.trades) == 200
    running.add_bundle(reader.bundle(running, bundle(running.bundlers[2], []), None), gate_s)
    again = reader.clear(running)
    assert again is not first
    assert again.book == first.book
