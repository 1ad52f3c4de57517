"""The round's machine: windows, early ends, two of three, equivocation."""

from dataclasses import replace

import pytest

from volthood.core.market.round import (
    TRANSITIONS,
    HeldBundle,
    HeldOrder,
    Phase,
    Round,
    RoundPlan,
    Step,
    Trigger,
    Verdict,
    bundlers_of,
)
from volthood.wire.keys import sha256
from volthood.wire.market import BUY, Order

HOOD = b"h" * 32
ROUND = (HOOD, 9000, 0)
PLAN = RoundPlan(gate_s=8100, orders_end_s=8120, bundles_end_s=8130, contracts_end_s=8150, guard_s=2)
MEMBERS = frozenset(bytes([n]) * 32 for n in range(5))
BUNDLERS = bundlers_of(ROUND, MEMBERS)
OTHERS = sorted(MEMBERS - set(BUNDLERS))


def held(member: bytes, energy_wh: int = 100) -> HeldOrder:
    order = Order(
        hood=HOOD, slot=9000, gate=0, algorithm="mid-market/1", side=BUY, steps=((1000, energy_wh),), counter=1
    )
    data = member + order.to_cbor()
    return HeldOrder(member, order, data, sha256(data))


def bundle(bundler: bytes, orders: list[HeldOrder], convicted: frozenset[bytes] = frozenset()) -> HeldBundle:
    data = bundler + b"".join(order.data for order in orders) + b"".join(sorted(convicted))
    return HeldBundle(bundler, data, sha256(data), tuple(orders), convicted)


def running(me: bytes = BUNDLERS[0]) -> Round:
    machine = Round(ROUND, PLAN, me, MEMBERS)
    assert machine.advance(8100) == [Step.POST_ORDER]
    return machine


def test_the_table_is_one_path_through_all_phases() -> None:
    phase, path = Phase.WAITING, [Phase.WAITING]
    for trigger in Trigger:
        phase, _ = TRANSITIONS[phase, trigger]
        path.append(phase)
    assert path == list(Phase)


def test_bundlers_are_three_or_all() -> None:
    assert len(BUNDLERS) == 3
    assert set(bundlers_of(ROUND, frozenset(OTHERS))) == set(OTHERS)
    assert bundlers_of(ROUND, MEMBERS) != bundlers_of((HOOD, 9900, 0), MEMBERS) or len(MEMBERS) < 4


def test_nothing_happens_before_the_gate() -> None:
    machine = Round(ROUND, PLAN, BUNDLERS[0], MEMBERS)
    assert machine.advance(8099) == []
    assert machine.next_due_s() == 8100


def test_windows_end_at_their_nominal_times() -> None:
    machine = running()
    assert machine.advance(8119) == []
    assert machine.advance(8120) == [Step.POST_BUNDLE]
    assert machine.advance(8129) == []
    assert machine.advance(8130) == [Step.CLEAR]
    assert machine.advance(8149) == []
    assert machine.advance(8150) == [Step.CLOSE]
    assert machine.next_due_s() is None


def test_windows_end_early_for_who_has_everything() -> None:
    machine = running()
    for member in MEMBERS:
        assert machine.add_order(held(member), 8101) is Verdict.ACCEPTED
    assert machine.advance(8101) == [Step.POST_BUNDLE]
    for bundler in BUNDLERS:
        assert machine.add_bundle(bundle(bundler, [held(m) for m in sorted(MEMBERS)]), 8102) is Verdict.ACCEPTED
    assert machine.advance(8102) == [Step.CLEAR]
    machine.pairs_signed = True
    assert machine.advance(8103) == [Step.CLOSE]


@pytest.mark.parametrize(
    ("now_s", "verdict"),
    [
        (8097, Verdict.EARLY),
        (8098, Verdict.ACCEPTED),
        (8120, Verdict.ACCEPTED),
        (8121, Verdict.LATE),
    ],
)
def test_orders_count_from_the_guard_to_the_nominal_end(now_s: int, verdict: Verdict) -> None:
    assert Round(ROUND, PLAN, BUNDLERS[0], MEMBERS).add_order(held(OTHERS[0]), now_s) is verdict


@pytest.mark.parametrize(("now_s", "verdict"), [(8130, Verdict.ACCEPTED), (8131, Verdict.LATE), (8000, Verdict.EARLY)])
def test_bundles_count_to_the_end_of_their_window(now_s: int, verdict: Verdict) -> None:
    assert running().add_bundle(bundle(BUNDLERS[1], []), now_s) is verdict


def test_what_came_in_time_and_comes_again_late_is_no_news() -> None:
    machine = running()
    shown = bundle(BUNDLERS[1], [held(OTHERS[0])])
    assert machine.add_order(held(OTHERS[0]), 8101) is Verdict.ACCEPTED
    assert machine.add_order(held(OTHERS[0]), 8121) is Verdict.DUPLICATE
    assert machine.add_bundle(shown, 8121) is Verdict.ACCEPTED
    assert machine.add_bundle(shown, 8131) is Verdict.DUPLICATE
    assert machine.add_bundle(bundle(BUNDLERS[1], []), 8131) is Verdict.LATE


def test_a_bundle_of_another_member_is_refused() -> None:
    assert running().add_bundle(bundle(OTHERS[0], []), 8101) is Verdict.NOT_BUNDLER


def test_a_second_order_convicts_and_is_not_bundled() -> None:
    machine = running()
    machine.add_order(held(OTHERS[0]), 8101)
    assert machine.add_order(held(OTHERS[0]), 8101) is Verdict.DUPLICATE
    assert machine.add_order(held(OTHERS[0], 200), 8101) is Verdict.CONFLICT
    assert machine.add_order(held(OTHERS[0], 300), 8101) is Verdict.DUPLICATE
    orders, evidence = machine.bundle_contents()
    assert orders == []
    assert [pair[0].member for pair in evidence] == [OTHERS[0]]


def test_of_two_bundles_of_one_bundler_neither_counts() -> None:
    machine = running()
    machine.add_bundle(bundle(BUNDLERS[1], [held(OTHERS[0])]), 8125)
    assert machine.add_bundle(bundle(BUNDLERS[1], []), 8125) is Verdict.CONFLICT
    assert machine.counted_bundles() == []


@pytest.mark.parametrize(
    ("carried_by", "bundles", "stands"),
    [(3, 3, True), (2, 3, True), (1, 3, False), (2, 2, True), (1, 2, False), (1, 1, True), (0, 0, False)],
)
def test_an_order_stands_by_two_of_three(carried_by: int, bundles: int, stands: bool) -> None:
    machine = running()
    order = held(OTHERS[0])
    for number, bundler in enumerate(BUNDLERS[:bundles]):
        machine.add_bundle(bundle(bundler, [order] if number < carried_by else []), 8125)
    assert [entry.digest for entry in machine.book_orders()] == ([order.digest] if stands else [])


def test_two_different_orders_of_one_member_in_two_bundles_do_not_stand() -> None:
    machine = running()
    machine.add_bundle(bundle(BUNDLERS[0], [held(OTHERS[0])]), 8125)
    machine.add_bundle(bundle(BUNDLERS[1], [held(OTHERS[0], 200)]), 8125)
    assert machine.book_orders() == []


def test_a_convicted_member_has_no_vote_from_that_bundle() -> None:
    machine = running()
    order = held(OTHERS[0])
    machine.add_bundle(bundle(BUNDLERS[0], [order], frozenset([OTHERS[0]])), 8125)
    machine.add_bundle(bundle(BUNDLERS[1], [order]), 8125)
    machine.add_bundle(bundle(BUNDLERS[2], []), 8125)
    assert machine.book_orders() == []


def test_the_book_does_not_depend_on_the_order_of_arrival() -> None:
    orders = [held(member) for member in sorted(MEMBERS)]
    books = []
    for sequence in (BUNDLERS, BUNDLERS[::-1]):
        machine = running()
        for bundler in sequence:
            machine.add_bundle(bundle(bundler, orders), 8125)
        books.append(machine.book_orders())
    assert books[0] == books[1] == orders


def test_evidence_never_changes_what_counts_elsewhere() -> None:
    """A conflict that only we saw on the board leaves the bundles' vote as it is."""
    machine = running()
    order = held(OTHERS[0])
    machine.add_order(order, 8101)
    machine.add_order(replace(held(OTHERS[0], 200)), 8101)
    for bundler in BUNDLERS:
        machine.add_bundle(bundle(bundler, [order]), 8125)
    assert machine.book_orders() == [order]


def test_only_bundlers_wait_for_orders() -> None:
    machine = running(OTHERS[0])
    assert machine.advance(8100) == [Step.POST_BUNDLE]
    assert machine.phase is Phase.BUNDLING
    assert running(BUNDLERS[0]).advance(8100) == []
