"""One node's stream in every order: receipts, gaps, links, and the records that are refused with a reason."""

from collections.abc import Iterable, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from volthood.core import readings
from volthood.core.readings import Finding, Link, Stream, Taken
from volthood.errors import PeerError
from volthood.wire.limits import MAX_CLOSED_RANGES
from volthood.wire.record import (
    DROPPED,
    GENESIS,
    METER_SWAPPED,
    RELATIVE,
    ROLLED_OVER,
    UNKNOWN,
    UNREADABLE,
    UNUSED,
    Record,
    record_hash,
)

SLOT_EVERY = 3


class Node:
    """A small node: chains records as the wire page says; `skip` leaves rseq unused."""

    def __init__(self) -> None:
        self.rseq = 0
        self.prev = GENESIS
        self.prev_slot = GENESIS

    def record(self, **changes: Any) -> Link:
        self.rseq += 1
        is_slot = self.rseq % SLOT_EVERY == 0
        fields: dict[str, Any] = {
            "meter": b"m" * 8,
            "index": 0,
            "rseq": self.rseq,
            "boot": 1,
            "time_s": 1_000_000 + 60 * self.rseq,
            "import_wh": 10 * self.rseq,
            "export_wh": 0,
            "power_w": 600,
            "prev": self.prev,
            "prev_slot": self.prev_slot if is_slot else None,
        }
        link = link_of(Record(**(fields | changes)))
        self.prev = link.digest
        if is_slot:
            self.prev_slot = link.digest
        return link

    def records(self, count: int) -> list[Link]:
        return [self.record() for _ in range(count)]

    def skip(self, count: int = 1) -> None:
        self.rseq += count


def link_of(record: Record) -> Link:
    return Link(record, record_hash(record.to_cbor()))


def changed(link: Link, **changes: Any) -> Record:
    return Record(**(vars(link.record) | changes))


def feed(stream: Stream, links: Iterable[Link]) -> list[Taken]:
    return [stream.take(link.record, link.digest) for link in links]


def refuse(stream: Stream, link: Link, reason: str) -> None:
    state = (stream.receipt, stream.missing, stream.lost)
    with pytest.raises(PeerError) as caught:
        stream.take(link.record, link.digest)
    assert caught.value.reason == reason
    assert (stream.receipt, stream.missing, stream.lost) == state


def test_records_in_order_move_the_receipt_one_by_one() -> None:
    stream = Stream()
    assert stream.receipt == 0
    for number, link in enumerate(Node().records(7), 1):
        assert stream.take(link.record, link.digest) == Taken(new=True)
        assert stream.receipt == number
    assert stream.missing == []
    assert stream.lost == []


def test_a_gap_holds_the_receipt_until_it_is_filled() -> None:
    stream, (one, two, three, four) = Stream(), Node().records(4)
    feed(stream, [one])
    assert feed(stream, [four, three]) == [Taken(new=True, findings=(Finding.OUT_OF_ORDER,))] * 2
    assert stream.receipt == 1
    assert stream.missing == [(2, 2)]
    assert feed(stream, [two]) == [Taken(new=True, findings=(Finding.OUT_OF_ORDER,))]
    assert stream.receipt == 4


def test_the_same_record_again_is_a_duplicate() -> None:
    stream, links = Stream(), Node().records(3)
    feed(stream, links)
    assert feed(stream, links) == [Taken(new=False)] * 3
    assert stream.receipt == 3


def test_a_second_record_with_one_rseq_is_refused() -> None:
    stream, node = Stream(), Node()
    feed(stream, node.records(2))
    refuse(stream, link_of(changed(Node().records(2)[1], power_w=1)), "rseq_conflict")


def test_a_first_record_must_start_the_chain() -> None:
    node = Node()
    refuse(Stream(), node.record(prev=b"x" * 16), "link_broken")


def test_a_broken_link_is_refused_in_order_and_out_of_order() -> None:
    node = Node()
    first = node.record()
    forged = link_of(node.record(prev=b"x" * 16).record)
    stream = Stream()
    feed(stream, [first])
    refuse(stream, forged, "link_broken")

    late = Stream()
    feed(late, [forged])
    refuse(late, first, "link_broken")


def test_the_filler_of_a_gap_must_fit_both_sides() -> None:
    stream, links, other = Stream(), Node().records(3), Node()
    feed(stream, [links[0], links[2]])
    other.record()
    refuse(stream, other.record(power_w=7), "link_broken")
    feed(stream, [links[1]])
    assert stream.receipt == 3


def test_unused_numbers_are_closed_and_the_link_reaches_over_them() -> None:
    stream, node = Stream(), Node()
    feed(stream, node.records(2))
    node.skip(3)
    closed = ((3, 5, UNUSED),)
    (taken,) = feed(stream, [node.record(boot=2, closed=closed)])
    assert taken == Taken(new=True, closed=closed)
    assert stream.receipt == 6
    assert stream.lost == []


def test_a_link_over_unused_numbers_is_checked() -> None:
    stream, node = Stream(), Node()
    feed(stream, node.records(2))
    node.skip(3)
    refuse(stream, node.record(boot=2, closed=((3, 5, UNUSED),), prev=b"x" * 16), "link_broken")


@pytest.mark.parametrize("reason", [DROPPED, UNREADABLE])
def test_what_the_node_lost_is_closed_told_and_leaves_the_link_unverified(reason: int) -> None:
    stream, node = Stream(), Node()
    feed(stream, node.records(1))
    node.records(3)
    closed = ((2, 4, reason),)
    (taken,) = feed(stream, [node.record(closed=closed)])
    assert taken == Taken(new=True, findings=(Finding.LINK_UNVERIFIED,), closed=closed)
    assert stream.receipt == 5
    assert stream.lost == [(2, 4, reason)]


def test_a_closed_record_that_comes_after_all_is_taken_and_no_longer_lost() -> None:
    stream, links = Stream(), (node := Node()).records(4)
    feed(stream, links[:1])
    feed(stream, [node.record(closed=((2, 4, DROPPED),))])
    (taken,) = feed(stream, [links[2]])
    assert taken.new
    assert set(taken.findings) == {Finding.OUT_OF_ORDER, Finding.CLOSED_BEFORE, Finding.LINK_UNVERIFIED}
    assert stream.lost == [(2, 2, DROPPED), (4, 4, DROPPED)]
    assert stream.receipt == 5


def test_what_is_held_stays_held_when_it_is_closed() -> None:
    stream, node = Stream(), Node()
    feed(stream, node.records(3))
    feed(stream, [node.record(closed=((2, 3, UNREADABLE),), prev=b"x" * 16)])
    assert stream.lost == []
    assert feed(stream, Node().records(2)[1:]) == [Taken(new=False)]


def test_a_closed_range_over_an_open_gap_lets_the_receipt_pass() -> None:
    stream, node = Stream(), Node()
    links = node.records(4)
    feed(stream, [links[0], links[3]])
    assert stream.receipt == 1
    feed(stream, [node.record(closed=((2, 3, UNREADABLE),))])
    assert stream.receipt == 5
    assert stream.missing == []


def test_slot_records_link_past_each_other() -> None:
    node = Node()
    links = node.records(5)
    stream = Stream()
    feed(stream, links)
    refuse(stream, node.record(prev_slot=b"x" * 16), "slot_link_broken")


def test_slot_links_wait_for_what_is_missing_and_forgive_what_is_lost() -> None:
    stream, node = Stream(), Node()
    links = node.records(9)
    feed(stream, [links[2]])
    assert feed(stream, [links[8]])[0].new
    lossy, other = Stream(), Node()
    kept = other.records(3)
    other.records(5)
    feed(lossy, kept)
    assert feed(lossy, [other.record(closed=((4, 8, DROPPED),), prev_slot=b"x" * 16)])[0].new


@pytest.mark.parametrize("reverse", [False, True])
def test_a_boot_counter_never_runs_backwards(reverse: bool) -> None:
    node = Node()
    links = [node.record(boot=3), node.record(boot=2)]
    stream = Stream()
    first, second = reversed(links) if reverse else links
    feed(stream, [first])
    refuse(stream, second, "boot_backwards")


ODD: dict[str, tuple[dict[str, Any], tuple[Finding, ...]]] = {
    "clock back": ({"time_s": 1000}, (Finding.TIME_BACKWARDS,)),
    "no clock yet": ({"time_s": 5, "quality": UNKNOWN}, (Finding.TIME_UNTRUSTED,)),
    "seconds since boot": ({"time_s": 5, "quality": RELATIVE}, (Finding.TIME_UNTRUSTED,)),
    "import back": ({"import_wh": 9}, (Finding.REGISTER_BACKWARDS,)),
    "rolled over": ({"import_wh": 0, "flags": ROLLED_OVER}, (Finding.REGISTER_ROLLED_OVER,)),
    "swapped, said": ({"import_wh": 0, "meter": b"n" * 8, "flags": METER_SWAPPED}, (Finding.METER_CHANGED,)),
    "swapped, not said": ({"import_wh": 0, "meter": b"n" * 8}, (Finding.METER_CHANGED,)),
    "another meter of the node": ({"import_wh": 0, "index": 1}, ()),
    "two at once": ({"time_s": 1000, "import_wh": 0}, (Finding.TIME_BACKWARDS, Finding.REGISTER_BACKWARDS)),
}


@pytest.mark.parametrize("name", ODD)
def test_odd_facts_are_kept_and_said(name: str) -> None:
    changes, findings = ODD[name]
    stream, node = Stream(), Node()
    feed(stream, [node.record()])
    assert feed(stream, [node.record(**changes)]) == [Taken(new=True, findings=findings)]
    assert stream.receipt == 2


def test_seconds_since_boot_are_compared_within_one_boot() -> None:
    stream, node = Stream(), Node()
    for boot, time_s, back in ((1, 50, False), (1, 40, True), (2, 3, False)):
        (taken,) = feed(stream, [node.record(boot=boot, time_s=time_s, quality=RELATIVE)])
        assert (Finding.TIME_BACKWARDS in taken.findings) == back


def test_one_gap_too_many_is_refused_and_the_node_may_send_it_later() -> None:
    most = readings.MAX_RANGES
    stream, links = Stream(), Node().records(2 * most + 2)
    feed(stream, links[0 : 2 * most : 2])
    refuse(stream, links[2 * most + 1], "too_many_gaps")
    feed(stream, [links[1], links[2 * most + 1]])
    assert stream.receipt == 3


def test_closing_alternately_is_limited_too() -> None:
    stream, node = Stream(), Node()
    for _ in range(readings.MAX_RANGES // 4):
        feed(stream, [closing_eight(node)])
    refuse(stream, closing_eight(node), "too_many_gaps")


def closing_eight(node: Node) -> Link:
    first = node.rseq + 1
    node.skip(8)
    return node.record(closed=tuple((n, n, UNUSED if n % 2 else DROPPED) for n in range(first, first + 8)))


def test_memory_of_links_is_bounded_and_old_duplicates_are_still_known() -> None:
    count = readings.WINDOW + 40
    stream, node = Stream(), Node()
    links = node.records(count)
    feed(stream, links)
    assert len(stream._links) == len(stream._order) == readings.WINDOW
    assert len(stream._slots) <= readings.WINDOW // SLOT_EVERY + 1
    assert feed(stream, links) == [Taken(new=False)] * count
    assert feed(stream, node.records(1)) == [Taken(new=True)]


def test_a_stream_takes_up_where_the_store_left_off() -> None:
    node = Node()
    links = node.records(6)
    stream = Stream(held=[(1, 4)], closed=[(6, 6, DROPPED)], recent=links[2:4])
    assert stream.receipt == 4
    assert stream.missing == [(5, 5)]
    assert stream.lost == [(6, 6, DROPPED)]
    assert feed(stream, links[4:5]) == [Taken(new=True)]
    assert stream.receipt == 6
    refuse(Stream(held=[(1, 4)], recent=links[2:4]), link_of(changed(links[4], prev=GENESIS)), "link_broken")


def test_a_fresh_agent_starts_behind_what_an_earlier_one_acknowledged() -> None:
    node = Node()
    links = node.records(8)
    stream = Stream(held=[(1, 6)])
    assert stream.receipt == 6
    taken = feed(stream, links[6:])
    assert taken == [Taken(new=True, findings=(Finding.LINK_UNVERIFIED,)), Taken(new=True)]
    assert feed(stream, links[:2]) == [Taken(new=False)] * 2


@given(st.permutations(range(24)), st.sets(st.integers(0, 23), max_size=6))
def test_in_any_order_and_with_losses_the_receipt_is_monotone_and_exact(order: Sequence[int], lost: set[int]) -> None:
    """The receipt never falls and is always what the definition says; all records come to be held without a refusal."""
    links = Node().records(24)
    stream = Stream()
    held: set[int] = set()
    receipt = 0
    for index in order:
        if index in lost:
            continue
        assert stream.take(links[index].record, links[index].digest).new
        held.add(index + 1)
        expected = next(number for number in range(26) if number + 1 not in held)
        assert stream.receipt == expected >= receipt
        receipt = stream.receipt
    assert {n for first, last in stream.missing for n in range(first, last + 1)} == set(range(1, max(held) + 1)) - held


@given(st.lists(st.sampled_from(["record", "skip", "drop"]), max_size=30), st.randoms(use_true_random=False))
def test_with_closures_in_any_order_everything_is_acknowledged(what: list[str], chance: Any) -> None:
    """Every rseq is held, unused or dropped and named later: whatever the order, the last receipt is the last rseq."""
    node = Node()
    sent: list[Link] = []
    closed: list[tuple[int, int, int]] = []
    for step in [*what, "record"]:
        if step == "record" or len(closed) == MAX_CLOSED_RANGES:
            sent.append(node.record(closed=tuple(closed)))
            closed = []
        if step == "skip":
            node.skip()
            closed.append((node.rseq, node.rseq, UNUSED))
        if step == "drop":
            node.record()
            closed.append((node.rseq, node.rseq, DROPPED))
    chance.shuffle(sent)
    stream = Stream()
    feed(stream, sent)
    assert stream.receipt == node.rseq
    assert stream.missing == []


def test_meters_of_one_node_are_compared_each_with_itself() -> None:
    node, stream = Node(), Stream()
    sub = {"index": 1, "meter": b"s" * 8}
    links = [
        node.record(import_wh=500),
        node.record(**sub, import_wh=90_000, time_s=1_000_110),
        node.record(import_wh=510, time_s=1_000_130),
        node.record(**sub, import_wh=90_010, time_s=1_000_129),
        node.record(**sub, import_wh=90_009, time_s=1_000_128),
    ]
    backwards = (Finding.TIME_BACKWARDS, Finding.REGISTER_BACKWARDS)
    assert [taken.findings for taken in feed(stream, links)] == [(), (), (), (), backwards]
    assert stream.receipt == 5
