"""Whatever a meter says, a reading is a reading or an error with a reason; no chain of models leads astray."""

import asyncio
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voltnode.bus.meter import Meter, MeterError, Reading
from voltnode.bus.outcome import BusError, Counters
from voltnode.console.reading_rows import reading_rows
from voltnode.meters import DETAIL, LIMITS, NAMES, UNVERIFIED, MeterTable, load, sunspec

REASONS = {"timeout", "exception", "nan", "infinite", "range", "missing", "jump"}
TABLES = [load(name, unverified=True) for name in NAMES + UNVERIFIED]
TABLES += [
    sunspec.table_of(model, 40069, (3, 40052, "text16")) for model in sunspec.INTEGER_MODELS + sunspec.FLOAT_MODELS
]


class Said:
    """A bus on which the answers are drawn."""

    def __init__(self, answer: Callable[[int], bytes | int]) -> None:
        self._answer = answer
        self.asked = 0
        self.clock = self

    def now_ms(self) -> int:
        return self.asked * 100

    def ticks_us(self) -> int:
        return self.asked * 100_000 & 0x3FFFFFFF

    def pause_us(self, duration_us: int) -> None:
        raise NotImplementedError

    async def sleep_ms(self, duration_ms: int) -> None:
        del duration_ms

    def speed(self) -> int:
        return 1

    def counters(self, unit: int) -> Counters:
        raise NotImplementedError

    async def read(self, unit: int, function: int, address: int, count: int) -> bytes:
        assert 1 <= count <= 125
        assert 0 <= address <= 0x10000 - count
        assert function in {3, 4}
        self.asked += 1
        answer = self._answer(count)
        if isinstance(answer, int):
            raise BusError("exception", answer) if answer else BusError("timeout")
        return answer


def drawn(data: st.DataObject) -> Callable[[int], bytes | int]:
    """Words, a refusal, or silence."""
    words = st.one_of(st.just(b"\xff"), st.just(b"\x80"), st.just(b"\0"), st.binary(min_size=1, max_size=8))

    def answer(count: int) -> bytes | int:
        if data.draw(st.integers(0, 9)) == 0:
            return data.draw(st.sampled_from([0, 1, 2, 3, 4, 11]))
        pattern = data.draw(words)
        return (pattern * (2 * count))[: 2 * count]

    return answer


def sane(reading: Reading) -> None:
    for quantity, _, _, _, value, unit in reading_rows(reading):
        low, high = LIMITS[unit]
        assert value is None or low <= value <= high, quantity
    assert len(reading.voltage_mv) <= 3
    assert reading.resolution_wh >= 1
    assert reading.import_wh >= 0 <= reading.export_wh


@pytest.mark.parametrize("table", TABLES, ids=lambda table: f"{table.name} {table.model}")
@given(data=st.data())
def test_a_hostile_meter_gives_readings_or_errors(table: MeterTable, data: st.DataObject) -> None:
    bus = Said(drawn(data))
    meter = Meter(bus, table, 1, DETAIL)
    reasons: set[str] = set()
    for work in (meter.read, meter.read, meter.serial, meter.read):
        try:
            found = asyncio.run(work())
        except MeterError as error:
            reasons.add(error.reason)
        else:
            if isinstance(found, Reading):
                sane(found)
            elif isinstance(found, str):
                assert found.isascii()
                assert 1 <= len(found) <= 32
    assert reasons <= REASONS
    assert bus.asked < 400


@given(st.data())
def test_no_chain_leads_astray(data: st.DataObject) -> None:
    """The search asks at most for so many headers, never beyond the last address, and ends."""
    search, answer, asked = sunspec.find(), None, 0
    while True:
        try:
            wanted = search.send(answer)
        except StopIteration as end:
            table = end.value
            break
        asked += 1
        assert wanted.address + wanted.words <= 0x10000
        header = st.tuples(st.sampled_from([1, 17, 64, 201, 213, 0xFFFF]), st.integers(0, 0xFFFF))
        model, length = data.draw(header)
        answer = (
            b"SunS" if wanted.address in sunspec.BASES else bytes([model >> 8, model & 255, length >> 8, length & 255])
        )
    assert asked <= 64 + 3
    if table is not None:
        assert table.registers
        assert all(register.address < 0xFFFF for register in table.registers)
        assert table.serial is None or table.serial[1] < 0xFFF0
