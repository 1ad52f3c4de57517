"""The command `wiring` through the wire: the node, its bus, and a simulated meter that is crossed by a fault plan."""

import asyncio
import json
from typing import Any

import pytest

from volthood_tools.memory_board import MemoryBoard
from volthood_tools.simmeter.answering import Answering
from volthood_tools.simmeter.clock import MeterClock
from volthood_tools.simmeter.faults import Fault, FaultPlan
from volthood_tools.simmeter.meters import SimulatedMeter, simulated
from volthood_tools.simmeter.series import PowerSeries
from volthood_tools.simmeter.settings import MeterSettings
from voltnode.main import Node

STEP_MS = 8000


class WiredUart:
    """A bus with a simulated meter: what is written is answered at once. Calendar time is the board's."""

    def __init__(self, board: MemoryBoard, meter: SimulatedMeter, plan: FaultPlan) -> None:
        self._came = b""
        self._board = board
        self.delay_ms = 0
        self._answering = Answering(
            {1: lambda function, at, count, strike: meter.read_at(function, at, count, board.now_ms(), strike)},
            plan,
            board.now_ms,
        )

    def write(self, buf: bytes | bytearray) -> None:
        """See `voltnode.bus.Uart`."""
        self._came += b"".join(data for _, data in self._answering.feed(bytes(buf)))

    def readinto(self, buf: bytearray) -> int | None:
        """See `voltnode.bus.Uart`."""
        data, self._came = self._came[: len(buf)], self._came[len(buf) :]
        buf[: len(data)] = data
        return len(data) or None

    def any(self) -> bool:
        """See `voltnode.bus.Uart`."""
        return bool(self._came)

    def configure(self, baud: int, parity: str, stop_bits: int) -> None:
        """See `voltnode.bus.Uart`."""

    async def wait_readable(self, timeout_ms: int) -> bool:
        """See `voltnode.bus.Uart`."""
        await self._board.sleep_ms(self.delay_ms)
        return bool(self._came)


def switched(high_w: int, low_w: int) -> PowerSeries:
    """A load that goes on and off."""
    return PowerSeries([(n * STEP_MS, (high_w if n % 2 else low_w) * 1000) for n in range(40)])


class Bench:
    """A node at a meter, and somebody at its console."""

    def __init__(
        self,
        *faults: Fault,
        table: str = "eastron_sdm630",
        series: PowerSeries | None = None,
        shares: tuple[int, ...] = (),
    ) -> None:
        settings = MeterSettings(name="meter", tcp=0, power_w="3000", table=table, shares=shares)
        meter = simulated(settings, MeterClock(None))
        meter._series = series or switched(6000, 1500)
        self.board = MemoryBoard()
        model = table if not table.startswith("sunspec") else "sunspec"
        entry = {"model": model, "unit": 1, "where": "rtu", "accept_unverified": False}
        self.board.settings = {**self.board.settings, "meters": [entry]}
        self.uart = WiredUart(self.board, meter, FaultPlan(faults))
        self.board.uart = self.uart  # type: ignore[assignment]
        self.node = Node(self.board)

    def type(self, *keys: tuple[bytes, int]) -> bytes:
        """What the screen shows after these keys, each followed by so much time."""

        async def run() -> bytes:
            tasks = [asyncio.create_task(work()) for work in (self.node.session.run, self.node.sampler.run)]
            await self.board.advance(1000)
            self.board.console.shown = b""
            for data, wait_ms in keys:
                self.board.console.type(data)
                await self.board.advance(wait_ms)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            return self.board.console.shown

        return asyncio.run(run())

    def wiring(self, options: str = "") -> dict[str, Any]:
        """What a tool gets."""
        shown = self.type((b"wiring " + options.encode() + b" --json\r", 62_000))
        (line,) = [line for line in shown.splitlines() if b"{" in line]
        answer: dict[str, Any] = json.loads(line[line.index(b"{") :])
        return answer


@pytest.mark.parametrize(
    ("faults", "expected"),
    [
        ((), []),
        ((Fault("reversed", phase=1),), [("reversed", "L1")]),
        ((Fault("reversed", phase=3),), []),
        ((Fault("swapped", phase=1),), [("swapped", "L1 L2")]),
        ((Fault("swapped", phase=2),), [("swapped", "L2 L3")]),
        ((Fault("neutral"),), [("no_neutral", "")]),
        ((Fault("dead", phase=2),), [("no_voltage", "L2")]),
    ],
    ids=["right", "L1 reversed", "L3 reversed", "L1 and L2", "L2 and L3", "no neutral", "L2 dead"],
)
def test_what_is_crossed_is_found_through_the_wire(faults: tuple[Fault, ...], expected: list[tuple[str, str]]) -> None:
    answer = Bench(*faults).wiring()
    assert [(finding["what"], finding["phase"]) for finding in answer["findings"]] == expected
    assert answer["readings"] >= 50
    assert answer["failed"] == 0


def test_the_smallest_phase_reversed_is_at_least_a_question() -> None:
    answer = Bench(Fault("reversed", phase=3)).wiring()
    assert answer["verdict"] == "unclear"
    assert [(question["what"], question["phase"]) for question in answer["open"]] == [("feeds_in", "L3")]


@pytest.mark.parametrize("table", ["carlo_gavazzi_em24", "carlo_gavazzi_em340"])
def test_a_meter_that_knows_the_phase_order_says_it(table: str) -> None:
    assert Bench(table=table).wiring()["findings"] == []
    answer = Bench(Fault("rotation"), table=table).wiring()
    assert [finding["what"] for finding in answer["findings"]] == ["order"]


def test_one_that_does_not_cannot_tell() -> None:
    assert any("phase order" in line for line in Bench(Fault("rotation")).wiring()["cannot_tell"])


@pytest.mark.parametrize("table", ["eastron_sdm120", "sunspec_203", "sunspec_211", "abb_b23", "schneider_iem3155"])
def test_other_meters_that_are_wired_right(table: str) -> None:
    assert Bench(table=table).wiring()["findings"] == []


def test_a_home_with_a_plant_on_one_phase_is_not_called_wrong() -> None:
    answer = Bench(series=switched(2000, 1900), shares=(120, 60, -80)).wiring()
    assert answer["findings"] == []
    assert answer["verdict"] == "unclear"


def test_a_ratio_is_found_by_a_load_that_is_switched() -> None:
    right = Bench().wiring("load=4500 fuse=35")
    assert right["findings"] == []
    assert not any("ratio" in line for line in right["cannot_tell"])
    answer = Bench(Fault("ratio", ratio_permille=200)).wiring("load=4500")
    assert [finding["what"] for finding in answer["findings"]] == ["ratio"]


def test_metering_goes_on_meanwhile() -> None:
    bench = Bench()
    bench.type((b"wiring --json\r", 30_000))
    assert bench.board.now_ms() - bench.node.sampler.latest_ms <= 1500
    assert bench.node.sampler.error == ""


def test_readings_find_their_turn_on_a_busy_bus() -> None:
    bench = Bench()
    bench.board.settings["sample_ms"] = 100
    bench.uart.delay_ms = 80
    answer = bench.wiring()
    assert answer["readings"] >= 40
    assert bench.node.sampler.error == ""


def test_a_person_sees_progress_and_ends_it_with_a_key() -> None:
    shown = Bench().type((b"wiring\r", 25_000), (b"q", 500)).decode()
    assert "Switch a large load" in shown
    assert "20 of 60 s" in shown
    assert "verdict: looks right" in shown
    assert shown.endswith("> ")


def test_ctrl_c_ends_it_without_an_answer_so_that_a_tool_gets_that_of_its_own_question() -> None:
    shown = Bench().type((b"wiring --json\r", 25_000), (b"\x03id --json\r", 500))
    (line,) = [line for line in shown.splitlines() if b"{" in line]
    assert b"public_key" in line


def test_too_few_readings_are_none() -> None:
    shown = Bench().type((b"wiring --json\r", 3000), (b"q", 500))
    assert b"too_few_readings" in shown


def test_a_meter_that_is_silent_is_said_soon() -> None:
    shown = Bench(Fault("silence")).type((b"wiring --json\r", 61_000))
    assert json.loads(shown[shown.index(b"{") : shown.rindex(b"}") + 1]) == {"error": "no_reading", "detail": "timeout"}


@pytest.mark.parametrize(
    "options",
    ["seconds=4", "meter=32", "seconds=999999", "fuse=", "fuse=x", "load=1", "pv=maybe", "rubbish", "=", "seconds=-5"],
)
def test_options_that_mean_nothing_are_refused(options: str) -> None:
    assert Bench().wiring(options)["error"] == "option_invalid"


def test_a_meter_that_is_not_there_is_refused() -> None:
    assert Bench().wiring("meter=1")["error"] == "no_such_meter"
