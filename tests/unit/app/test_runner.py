"""The runner: nothing is sent that is not on the disk, and a store that fails ends the process before it speaks."""

import asyncio
import time
from pathlib import Path

import pytest

from volthood.adapters.clock import CalendarClock
from volthood.adapters.mqtt import MqttLink
from volthood.adapters.store_sql import SqlReadingStore, SqlTradeStore
from volthood.app.runner import Runner
from volthood.errors import LocalError
from volthood.testing.household import CommitFault, FaultyTradeStore
from volthood.testing.neighbourhood import START, Home, Neighbourhood
from volthood.wire.topics import node_topic


class Broker(MqttLink):
    """A link whose other end keeps what it is given; it is up as soon as it runs."""

    def __init__(self, runner: Runner, *, messages: list[tuple[str, bytes]]) -> None:
        super().__init__("127.0.0.1", 1, "test", [], runner.on_message, runner.on_up)
        self._runner = runner
        self._messages = messages
        self.published: list[tuple[str, bytes]] = []

    def publish(self, topic: str, payload: bytes) -> None:
        self.published.append((topic, payload))

    async def run(self) -> None:
        self._runner.on_up()
        for topic, payload in self._messages:
            self._runner.on_message(topic, payload)
        await asyncio.Event().wait()


class Process:
    """An agent's process over files in a folder, started at the forward gate of a slot."""

    def __init__(self, folder: Path, fault: CommitFault | None = None) -> None:
        self.hood = Neighbourhood([Home("h0", 500), Home("h1", -800)])
        house = self.hood.houses["h0"]
        house.trades = FaultyTradeStore.open(folder / "trades.db")
        house.readings = SqlReadingStore.open(folder / "readings.db")
        house.restart(self.hood.hood, self.hood.roster, START - 900)
        house.trades.fault = fault
        clock = CalendarClock(real_start_ms=time.time_ns() // 1_000_000, calendar_start_s=START - 898)
        self.runner = Runner(house.engine, house.trades, house.readings, clock, commit_interval_ms=20)
        topic = node_topic("h0", house.meter.name, "record")
        self.broker = Broker(self.runner, messages=[(topic, house.meter.slot_record(START - 900))])
        self.runner.attach(self.broker)

    def run(self, seconds: float = 0.4) -> None:
        async def for_a_while() -> None:
            await asyncio.wait_for(self.runner.run(), seconds)

        with pytest.raises(TimeoutError):
            asyncio.run(for_a_while())

    def topics(self) -> list[str]:
        return [topic.rpartition("/")[2] for topic, _ in self.broker.published]


def test_what_is_sent_is_on_the_disk(tmp_path: Path) -> None:
    process = Process(tmp_path)
    process.run()
    assert set(process.topics()) == {"order", "receipt"}
    order = next(payload for topic, payload in process.broker.published if topic.endswith("order"))
    with SqlTradeStore.open(tmp_path / "trades.db", read_only=True) as trades:
        assert trades.posted((START, 0), "order") == order
    with SqlReadingStore.open(tmp_path / "readings.db", read_only=True) as readings:
        assert len(list(readings.all_records())) == 1


@pytest.mark.parametrize("fault", CommitFault)
def test_a_store_that_fails_ends_the_process_before_it_speaks(tmp_path: Path, fault: CommitFault) -> None:
    process = Process(tmp_path, fault)
    with pytest.raises(LocalError, match=r"trades\.db"):
        asyncio.run(process.runner.run())
    assert process.topics() == []
    with SqlTradeStore.open(tmp_path / "trades.db", read_only=True) as trades:
        kept = trades.posted((START, 0), "order")
    assert (kept is not None) == (fault is CommitFault.UNACKNOWLEDGED)
    again = Process(tmp_path)
    again.run()
    sent = {payload for topic, payload in again.broker.published if topic.endswith("order")}
    assert len(sent) == 1
    assert kept in {None, *sent}


def test_a_topic_of_nobody_is_dropped(tmp_path: Path) -> None:
    process = Process(tmp_path)
    process.runner.on_message("vh/2/what/is/this", b"")
    process.runner.on_message("vh/1/home/h0/board/x/order", b"")
    process.run(0.1)
    assert "order" in process.topics()


def test_an_agent_without_a_broker_says_so(tmp_path: Path) -> None:
    process = Process(tmp_path)
    house = process.hood.houses["h0"]
    alone = Runner(house.engine, house.trades, house.readings, CalendarClock(), commit_interval_ms=20)
    with pytest.raises(LocalError, match="link"):
        asyncio.run(alone.run())
