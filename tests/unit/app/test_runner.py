"""The runner with a real loop and stores in memory: when messages are judged, what waits, how it ends."""

import asyncio
import os
import signal
from collections.abc import Callable
from typing import cast

import pytest

from volthood.adapters.clock import CalendarClock
from volthood.adapters.mqtt import MqttLink
from volthood.adapters.store_sql import SqlReadingStore, SqlTradeStore
from volthood.app.runner import MAX_BATCH, MAX_WAITING, Runner
from volthood.engine.agent import Engine
from volthood.engine.events import (
    CalendarTicked,
    Command,
    Event,
    InboxArrived,
    LinkRestored,
    Publish,
    Subscribe,
    TransportTicked,
)
from volthood.ports.stores import EventRow

TOPIC = "vh/1/0011223344556677/house01/in/house02"
HOME_TOPIC = "vh/1/home/house01/node/0011223344556677/receipt"
HOOD_FILTER = "vh/1/0011223344556677/+/board/1470700800.0/order"
LATE_S = 1 << 40


class Clock(CalendarClock):
    """Shows what it is set to."""

    shown_s = 1000

    def now_s(self) -> int:
        return Clock.shown_s

    def real_ms_until(self, calendar_s: int) -> int:
        return 1


class Recorder:
    """An engine that keeps what it is told and answers an inbox message with a note in the store and a publish."""

    def __init__(self, trades: SqlTradeStore) -> None:
        self.told: list[tuple[Event, int]] = []
        self._trades = trades

    def handle(self, event: Event, now_s: int) -> list[Command]:
        self.told.append((event, now_s))
        if not isinstance(event, InboxArrived):
            return []
        self._trades.add_event(EventRow(now_s, "Told", event.sender))
        return [Publish(TOPIC, event.data)]

    def next_due_s(self) -> int:
        return LATE_S

    def messages(self) -> list[tuple[bytes, int]]:
        return [(event.data, at_s) for event, at_s in self.told if isinstance(event, InboxArrived)]


TURNS = 200
"""Turns of the event loop that handle everything a scene has said."""


class Link:
    """A broker that says what a scene says, takes publishes, and then ends the process as a supervisor does."""

    def __init__(self, scene: Callable[[], None]) -> None:
        self.published: list[bytes] = []
        self._scene = scene

    def publish(self, _topic: str, payload: bytes) -> None:
        self.published.append(payload)

    async def run(self) -> None:
        self._scene()
        for _ in range(TURNS):
            await asyncio.sleep(0)
        os.kill(os.getpid(), signal.SIGTERM)
        await asyncio.Event().wait()


class Bench:
    """A runner, its engine, and what it published."""

    def __init__(self) -> None:
        Clock.shown_s = 1000
        self.trades = SqlTradeStore.open(None)
        self.engine = Recorder(self.trades)
        self.runner = Runner(cast("Engine", self.engine), self.trades, SqlReadingStore.open(None), Clock(), 1000)

    def play(self, scene: Callable[[], None]) -> Link:
        """Run until the scene is over."""
        link = Link(scene)
        self.runner.attach(cast("MqttLink", link))
        asyncio.run(self.runner.run())
        return link


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_a_message_is_judged_at_the_time_it_arrived(bench: Bench) -> None:
    def scene() -> None:
        bench.runner.on_message(TOPIC, b"in time")
        Clock.shown_s = 2000
        bench.runner.on_message(TOPIC, b"later")

    link = bench.play(scene)
    assert bench.engine.messages() == [(b"in time", 1000), (b"later", 2000)]
    assert link.published == [b"in time", b"later"]


def test_time_does_not_run_backwards_while_messages_wait(bench: Bench) -> None:
    def scene() -> None:
        for _ in range(2 * MAX_BATCH):
            bench.runner.on_message(TOPIC, b"waits")
        Clock.shown_s = 2000

    bench.play(scene)
    times_s = [at_s for _, at_s in bench.engine.told]
    assert times_s == sorted(times_s)
    assert {type(event) for event, at_s in bench.engine.told if at_s == 2000} <= {CalendarTicked, TransportTicked}


def test_a_flood_is_dropped_and_told(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    def scene() -> None:
        for number in range(MAX_WAITING + 1):
            bench.runner.on_message(TOPIC, b"%d" % number)

    bench.play(scene)
    assert b"%d" % MAX_WAITING not in [data for data, _ in bench.engine.messages()]
    assert "EventDropped kind=InboxArrived" in caplog.text


def test_a_topic_that_is_none_of_ours_is_told_and_dropped(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    bench.play(lambda: bench.runner.on_message("vh/1/x/y", b""))
    assert bench.engine.messages() == []
    assert "TopicRefused topic=vh/1/x/y reason=topic_unknown" in caplog.text


def test_the_engine_hears_that_the_link_is_there(bench: Bench) -> None:
    bench.play(bench.runner.on_up)
    assert LinkRestored() in [event for event, _ in bench.engine.told]


class Listens:
    """An engine that says a receipt at home, an order in the hood, and asks for the hood's orders."""

    def handle(self, event: Event, now_s: int) -> list[Command]:
        if not isinstance(event, InboxArrived):
            return []
        return [Publish(HOME_TOPIC, b"receipt"), Publish(TOPIC, b"order"), Subscribe(HOOD_FILTER)]

    def next_due_s(self) -> int:
        return LATE_S


class Hearing(Link):
    """A broker that also notes what it is asked for."""

    def __init__(self, scene: Callable[[], None]) -> None:
        super().__init__(scene)
        self.filters: list[str] = []

    def subscribe(self, topic_filter: str) -> None:
        self.filters.append(topic_filter)


def test_home_and_hood_may_be_two_brokers() -> None:
    Clock.shown_s = 1000
    runner = Runner(cast("Engine", Listens()), SqlTradeStore.open(None), SqlReadingStore.open(None), Clock(), 1000)
    home = Hearing(lambda: runner.on_message(TOPIC, b"go on"))
    hood = Hearing(lambda: None)
    runner.attach(cast("MqttLink", home), cast("MqttLink", hood))
    asyncio.run(runner.run())
    assert (home.published, home.filters) == ([b"receipt"], [])
    assert (hood.published, hood.filters) == ([b"order"], [HOOD_FILTER])
