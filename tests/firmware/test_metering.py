"""Several meters on one node: each with its own pace and its own edges, all in one stream that verifies."""

from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest

from volthood.core.energy import edge_of
from volthood.core.readings import Finding, Stream
from volthood.errors import PeerError
from volthood.wire.record import METER_SWAPPED, Record, meter_hash, record_hash, unpack_record
from volthood_tools.memory_board import MemoryFlash, QuickSigner
from volthood_tools.memory_meters import START_MS, MeterBench
from voltnode.config import Enrolment
from voltnode.metering_setup import change
from voltnode.meters.jumps import CONFIRMED

ENROLMENT: dict[str, Any] = {"house": "h", "link_key": "ab" * 32, "broker": "b:1", "tls": False}
THREE = [
    {"model": "eastron_sdm630", "unit": 1},
    {"model": "carlo_gavazzi_em24", "unit": 5},
    {"model": "sunspec", "unit": 3, "where": "192.168.1.7:502"},
]
RTU, TCP = {1: "eastron_sdm630", 5: "carlo_gavazzi_em24"}, {"192.168.1.7:502": {3: "sunspec_203"}}
SLOT_MS = 900_000


def bench(
    flash: MemoryFlash | None = None, rtu: dict[int, str] | None = None, at_ms: int = 0, sample_ms: int = 1000
) -> MeterBench:
    """A node with three meters that records, at a calendar time `at_ms` behind a slot edge."""
    made = MeterBench(RTU if rtu is None else rtu, TCP, flash, at_ms, meters=THREE, sample_ms=sample_ms)
    made.board.calendar = (START_MS + at_ms - made.board.now_ms(), 1)
    made.node.recorder._signer = QuickSigner()
    if made.node.config.enrolment is None:
        made.node.enrol(Enrolment(ENROLMENT), {})
    return made


def records(made: MeterBench) -> list[tuple[Record, bytes]]:
    reader, found = made.node.ring.reader(), []
    while (entry := reader.next()) is not None:
        found.append((unpack_record(entry[1])[1], entry[1]))
    return found


def edges(made: MeterBench, index: int) -> list[int]:
    """The slot edges, in s behind the first, that a meter has records of."""
    slots = [record for record, _ in records(made) if record.is_slot and record.index == index]
    return [(record.time_s * 1000 + SLOT_MS // 2 - START_MS) // SLOT_MS * 900 for record in slots]


def set_meter(made: MeterBench, unit: int, **settings: int) -> None:
    """Another meter stands at this address now."""
    meter: Any = made.uart.meters[unit]
    meter._settings = replace(meter._settings, **settings)


def test_one_stream_of_three_meters_verifies_and_only_the_first_is_the_connection() -> None:
    made = bench(at_ms=-90_000, sample_ms=5000)
    made.run(run_ms=SLOT_MS + 200_000)
    kept = records(made)
    assert [record.rseq for record, _ in kept] == list(range(1, len(kept) + 1))
    stream = Stream()
    odd = [stream.take(record, record_hash(data)).findings for record, data in kept]
    assert set(odd) == {()}
    assert [edges(made, index) for index in range(3)] == [[0, 900]] * 3
    meters = {record.index: record.meter for record, _ in kept}
    assert meters == {0: meter_hash("1"), 1: meter_hash("5"), 2: meter_hash("103")}
    assert {record.index: record.resolution_wh for record, _ in kept} == {0: 1, 1: 100, 2: 1}
    slot = next(record for record, _ in kept if record.is_slot and record.index == 2)
    with pytest.raises(PeerError, match="not_the_connection"):
        edge_of(slot, 900)


def test_a_dead_meter_costs_the_others_nothing_but_a_moment() -> None:
    alone, beside = bench(), bench(rtu={1: "eastron_sdm630"})
    beside.board.dial = MeterBench({}).board.dial
    for made in (alone, beside):
        made.run(run_ms=120_000)
    readings = [made.node.metering.bus.counters(1).as_dict()["ok"] for made in (alone, beside)]
    assert readings[1] >= readings[0] * 94 // 100
    assert beside.node.metering.samplers[1].error == "timeout"
    assert beside.node.metering.samplers[2].error == "port"
    assert edges(beside, 0) == [0]
    assert edges(beside, 1) == edges(beside, 2) == []


def test_after_a_restart_no_meter_records_an_edge_twice() -> None:
    first = bench(at_ms=-5000)
    first.run(run_ms=30_000)
    again = bench(first.board.flash, at_ms=26_000, sample_ms=5000)
    again.run(run_ms=SLOT_MS)
    assert [edges(again, index) for index in range(3)] == [[0, 900]] * 3
    stream = Stream()
    odd = [stream.take(record, record_hash(data)).findings for record, data in records(again)]
    assert set(odd) == {()}


def test_another_meter_at_an_index_is_a_swap_of_that_one_alone() -> None:
    first = bench(at_ms=-5000)
    first.run(run_ms=130_000)
    other = bench(first.board.flash, {1: "eastron_sdm630", 5: "carlo_gavazzi_em24"}, at_ms=130_000)
    set_meter(other, 5, serial=77)
    before = len(records(first))
    other.run(run_ms=130_000)
    after = records(other)[before:]
    swapped = [record.index for record, _ in after if record.flags & METER_SWAPPED]
    assert swapped == [1]
    stream = Stream()
    odd = [stream.take(record, record_hash(data)).findings for record, data in records(other)]
    assert [found for found in odd if found] == [(Finding.METER_CHANGED,)]


def test_live_values_say_which_meter_they_are_of() -> None:
    made = bench()
    told: list[tuple[int, int]] = []
    link: Any = made.node.link
    link.live = lambda time_ms, _quality, _reading, index: told.append((index, time_ms))
    made.run(run_ms=10_000)
    for index in range(3):
        times = [time_ms for at, time_ms in told if at == index]
        assert len(times) >= 9
        assert all(800 <= later - before <= 1200 for before, later in pairwise(times[1:]))


def test_changing_the_meters_while_they_are_read_leaves_the_stream_whole() -> None:
    made = bench(at_ms=-70_000)

    async def changed() -> None:
        await made.board.sleep_ms(30_500)
        await change(made.node.metering, {**made.board.settings, "meters": [THREE_CHECKED[0]]})
        await made.board.sleep_ms(70_000)
        await change(made.node.metering, {**made.board.settings, "meters": THREE_CHECKED})

    made.run(changed(), run_ms=300_000)
    assert edges(made, 0) == [0]
    stream = Stream()
    for record, data in records(made):
        assert not set(stream.take(record, record_hash(data)).findings) & {Finding.METER_CHANGED}
    assert {record.index for record, _ in records(made)} == {0, 1, 2}
    assert made.node.log.counts.get("task_failed") is None


THREE_CHECKED = [{"unit": 0, "where": "rtu", "accept_unverified": False, **meter} for meter in THREE]


def test_a_jump_at_one_meter_is_no_jump_of_another() -> None:
    made = bench()
    made.run(run_ms=5000)
    set_meter(made, 5, import_wh=9_000_000)
    made.run(run_ms=1500)
    assert made.node.metering.samplers[1].error == "jump"
    assert made.node.metering.samplers[0].error == ""
    made.run(run_ms=CONFIRMED * 1000 + 500)
    assert made.node.metering.samplers[1].error == ""


def test_settings_that_stand_before_the_first_start_outlive_the_making_of_the_key() -> None:
    first = bench(sample_ms=700)
    assert first.board.settings["sample_ms"] == 700
    again = MeterBench(RTU, TCP, first.board.flash)
    assert again.board.settings["sample_ms"] == 700
    assert [meter["model"] for meter in again.board.settings["meters"]] == [meter["model"] for meter in THREE]
