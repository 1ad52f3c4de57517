"""The sampler: pace, a silent meter, and a calendar that becomes known or is set."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from volthood.wire.record import RELATIVE, SYNCHRONISED
from volthood_tools.memory_board import MemoryBoard
from voltnode.bus.meter import MeterError, Reading
from voltnode.edges import Cut
from voltnode.log import Log
from voltnode.sampler import Sampler

START_MS = 1_750_000_500_000 // 900_000 * 900_000


class ScriptedMeter:
    """Answers after `takes_ms`, unless it is told to be silent."""

    def __init__(self, board: MemoryBoard) -> None:
        self.board = board
        self.takes_ms = 0
        self.number = "10000001"
        self.trouble: str | None = None
        self.reads = 0
        self.level_is_new = False

    async def read(self) -> Reading:
        await self.board.sleep_ms(self.takes_ms)
        if self.trouble is not None:
            raise MeterError(self.trouble)
        self.reads += 1
        values = {"power_total": 0, "energy_import": self.reads, "energy_export": 0}
        taken = Reading(self.board.now_ms(), 1, values, [])
        taken.level_is_new, self.level_is_new = self.level_is_new, False
        return taken

    async def serial(self) -> str:
        if self.trouble is not None:
            raise MeterError(self.trouble)
        return self.number


class Collector:
    """Takes what becomes records, and live values."""

    def __init__(self) -> None:
        self.cuts: list[tuple[Cut, int]] = []
        self.lives: list[int] = []
        self.last_ms: int | None = None
        self.last_slot_ms: int | None = None

    def last(self, index: int) -> tuple[int | None, int | None]:
        assert index == 0
        return self.last_ms, self.last_slot_ms

    def add(self, cuts: list[Cut], quality: int, _index: int) -> None:
        self.cuts += [(cut, quality) for cut in cuts]
        for cut in cuts:
            if quality != RELATIVE:
                self.last_ms = cut.time_ms
                self.last_slot_ms = cut.time_ms if cut.is_slot else self.last_slot_ms

    def live(self, time_ms: int, _quality: int, _reading: Reading, _index: int) -> None:
        self.lives.append(time_ms)

    def slots(self) -> list[int]:
        return [cut.time_ms - START_MS for cut, _ in self.cuts if cut.is_slot]


class Bench:
    def __init__(self, sample_ms: int = 1000) -> None:
        self.board = MemoryBoard(sample_ms=sample_ms)
        self.meter = ScriptedMeter(self.board)
        self.out = Collector()
        self.log = Log(self.board.now_ms)
        self.sampler = Sampler(self.board, self.board, self.meter, self.out, self.out, self.log)  # type: ignore[arg-type]

    def set_clock(self, ms: int, speed: int = 1) -> None:
        self.board.calendar = (ms - self.board.now_ms() * speed, speed)


def play(scene: Callable[[Bench], Awaitable[None]], sample_ms: int = 1000) -> Bench:
    async def run() -> Bench:
        bench = Bench(sample_ms)
        task = asyncio.get_running_loop().create_task(bench.sampler.run())
        await scene(bench)
        task.cancel()
        await asyncio.sleep(0)
        return bench

    return asyncio.run(run())


def test_the_pace_does_not_drift_with_the_meters_delay() -> None:
    async def scene(bench: Bench) -> None:
        bench.meter.takes_ms = 300
        await bench.board.advance(60_000)

    bench = play(scene)
    assert bench.meter.reads in (60, 61)


def test_without_an_enrolment_nothing_is_recorded_and_live_values_are_said() -> None:
    async def scene(bench: Bench) -> None:
        bench.set_clock(START_MS)
        await bench.board.advance(120_000)

    bench = play(scene)
    assert bench.out.cuts == []
    assert len(bench.out.lives) > 100


def test_slot_edges_in_a_demonstration_at_120_times() -> None:
    async def scene(bench: Bench) -> None:
        bench.set_clock(START_MS + 10_000, 120)
        bench.sampler.begin_recording(900)
        await bench.board.advance(30_000)

    bench = play(scene, sample_ms=250)
    assert [round(slot / 900_000) for slot in bench.out.slots()] == [0, 1, 2, 3, 4]
    assert all(abs(slot - round(slot / 900_000) * 900_000) <= 15_000 for slot in bench.out.slots())


def test_a_meter_that_falls_silent_over_an_edge_keeps_the_edge_if_it_was_near() -> None:
    async def scene(bench: Bench) -> None:
        bench.set_clock(START_MS + 800_000)
        bench.sampler.begin_recording(900)
        await bench.board.advance(90_000)
        bench.meter.trouble = "timeout"
        await bench.board.advance(30_000)
        assert bench.out.slots() == [890_000]
        bench.meter.trouble = None
        await bench.board.advance(60_000)
        assert bench.log.counts["meter_back"] == 1

    play(scene)


@pytest.mark.parametrize("takes_ms", [5_000, 20_000, 50_000])
def test_a_slow_meter_has_a_slot_record_at_every_edge(takes_ms: int) -> None:
    async def scene(bench: Bench) -> None:
        bench.meter.takes_ms = takes_ms
        bench.set_clock(START_MS + 100_000)
        bench.sampler.begin_recording(900)
        await bench.board.advance(3_700_000)

    slots = play(scene).out.slots()
    assert [round(slot / 900_000) for slot in slots] == [1, 2, 3, 4]
    assert all(abs(slot - round(slot / 900_000) * 900_000) <= takes_ms // 2 + 500 for slot in slots)


def test_an_edge_in_a_long_silence_is_a_gap() -> None:
    async def scene(bench: Bench) -> None:
        bench.set_clock(START_MS + 700_000)
        bench.sampler.begin_recording(900)
        await bench.board.advance(60_000)
        bench.meter.trouble = "timeout"
        await bench.board.advance(400_000)
        bench.meter.trouble = None
        bench.out.cuts.clear()
        await bench.board.advance(120_000)

    bench = play(scene)
    assert bench.out.slots() == []
    assert bench.out.cuts[0][0].gap


def test_before_the_time_is_known_records_are_relative_and_no_slot_is_claimed() -> None:
    async def scene(bench: Bench) -> None:
        bench.sampler.begin_recording(900)
        await bench.board.advance(130_000)
        assert {quality for _, quality in bench.out.cuts} == {RELATIVE}
        assert bench.out.slots() == []
        bench.out.cuts.clear()
        bench.set_clock(START_MS - 20_000)
        await bench.board.advance(90_000)

    bench = play(scene)
    assert {quality for _, quality in bench.out.cuts} == {SYNCHRONISED}
    assert bench.out.slots() == [0]
    assert bench.out.cuts[0][0].gap


def test_a_clock_set_forward_over_an_edge_claims_no_slot_and_says_gap() -> None:
    async def scene(bench: Bench) -> None:
        bench.set_clock(START_MS + 100_000)
        bench.sampler.begin_recording(900)
        await bench.board.advance(30_000)
        bench.out.cuts.clear()
        bench.set_clock(START_MS + 1_200_000)
        await bench.board.advance(90_000)

    bench = play(scene)
    assert bench.out.slots() == []
    assert bench.out.cuts[0][0].gap
    assert bench.log.counts["clock_set"] == 1


def test_a_clock_set_back_over_an_edge_does_not_record_it_twice() -> None:
    async def scene(bench: Bench) -> None:
        bench.set_clock(START_MS + 890_000)
        bench.sampler.begin_recording(900)
        await bench.board.advance(60_000)
        bench.set_clock(START_MS + 880_000)
        await bench.board.advance(300_000)

    assert play(scene).out.slots() == [900_000]


def test_a_clock_that_is_nudged_goes_on() -> None:
    async def scene(bench: Bench) -> None:
        bench.set_clock(START_MS + 880_000)
        bench.sampler.begin_recording(900)
        for _ in range(60):
            await bench.board.advance(1000)
            bench.set_clock(bench.board.calendar_ms()[0] - 500)

    bench = play(scene)
    assert bench.out.slots() == [900_000]
    assert "clock_set" not in bench.log.counts


def test_a_swapped_meter_is_noticed() -> None:
    async def scene(bench: Bench) -> None:
        await bench.board.advance(5000)
        assert bench.sampler.serial == "10000001"
        bench.meter.number = "10000002"
        await bench.board.advance(61_000)
        assert bench.sampler.serial == "10000002"

    play(scene)


def test_a_meter_that_was_swapped_while_it_was_silent_is_known_before_it_is_recorded() -> None:
    async def scene(bench: Bench) -> None:
        bench.set_clock(START_MS + 10_000)
        bench.sampler.begin_recording(900)
        await bench.board.advance(20_000)
        bench.meter.trouble = "timeout"
        await bench.board.advance(5000)
        bench.meter.trouble, bench.meter.number = None, "10000002"
        reads = bench.meter.reads
        while bench.meter.reads == reads:
            assert bench.sampler.serial == "10000001"
            await bench.board.advance(100)
        assert bench.sampler.serial == "10000002"

    play(scene)


def test_a_meter_that_has_no_serial_number_is_read_all_the_same() -> None:
    async def scene(bench: Bench) -> None:
        async def refuse() -> str:
            raise MeterError("exception")

        bench.meter.serial = refuse  # type: ignore[method-assign]
        await bench.board.advance(5000)

    assert play(scene).meter.reads > 3


def test_a_new_level_is_said_by_the_first_record_that_it_reaches() -> None:
    async def scene(bench: Bench) -> None:
        bench.set_clock(START_MS + 10_000)
        bench.sampler.begin_recording(900)
        await bench.board.advance(20_000)
        bench.meter.level_is_new = True
        await bench.board.advance(200_000)

    assert [cut.level_is_new for cut, _ in play(scene).out.cuts] == [False, True, False, False]
