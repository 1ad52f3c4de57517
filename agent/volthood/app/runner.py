"""Drives the engine: events in, commit, commands out. One loop, one writer; everything slow is a task beside it.

Order matters: the trade store is committed after the events in hand and before any command of them is carried out, so
whatever has been sent can be sent again as the same bytes. Readings commit in batches; a receipt follows its commit.

A message is judged at the time it arrived, however long it had to wait for its turn: on a busy machine what came within
its window counts. Events of our own join the queue's time while something waits, so that time does not run backwards.
"""

import asyncio
import logging
import signal

from volthood.adapters.clock import CalendarClock, transport_ms
from volthood.adapters.clock_trust import GivenClock
from volthood.adapters.mqtt import MqttLink, end_all
from volthood.adapters.sntp import serve_time
from volthood.adapters.store_sql import SqlReadingStore, SqlTradeStore
from volthood.adapters.watchdog import Watchdog
from volthood.engine.agent import Engine
from volthood.engine.events import (
    BoardPosted,
    CalendarTicked,
    ClockJudged,
    Command,
    CommitReadings,
    Event,
    InboxArrived,
    LinkRestored,
    NodeReported,
    Publish,
    ReadingsCommitted,
    RecordArrived,
    Report,
    Subscribe,
    TransportTicked,
    Unsubscribe,
)
from volthood.errors import LocalError
from volthood.ports.clock import ClockState, ClockTrust
from volthood.wire.cbor import WireError
from volthood.wire.topics import HOME, ROOT, parse_round, parse_topic

log = logging.getLogger("volthood.agent")

HOME_ROOT = f"{ROOT}{HOME}/"
"""What lies below it stands on the household's own broker, everything else on the hood's."""
TRANSPORT_TICK_MS = 500
LONGEST_SLEEP_MS = 500
AGAIN_S = 2.0
"""How long the link may take to say good-bye before it is told to end again."""
TRUST_INTERVAL_MS = 10_000
MAX_BATCH = 64
"""Events that share one commit: on an SD card a commit takes longer than all that they ask for."""
MAX_WAITING = 8192
"""Messages that may wait for their turn. One past it is dropped: whoever sent it asks, or sends it again."""

Timed = tuple[Event, int]
"""An event and the calendar time at which it happened."""


class Runner:
    """One agent's process."""

    def __init__(
        self,
        engine: Engine,
        trades: SqlTradeStore,
        readings: SqlReadingStore,
        clock: CalendarClock,
        commit_interval_ms: int,
        watchdog: Watchdog | None = None,
        trust: ClockTrust | None = None,
        sntp_port: int = 0,
    ) -> None:
        self._engine = engine
        self._trades = trades
        self._readings = readings
        self._clock = clock
        self._commit_interval_ms = commit_interval_ms
        self._watchdog = watchdog
        self._trust: ClockTrust = trust or GivenClock()
        self._sntp_port = sntp_port
        self._judged: ClockJudged | None = None
        self._trust_due_ms = 0
        self._events: asyncio.Queue[Timed] = asyncio.Queue(MAX_WAITING)
        self._handled_s = clock.now_s()
        self._home: MqttLink | None = None
        self._hood: MqttLink | None = None
        self._readings_due_ms: int | None = None
        self._transport_due_ms = 0

    def attach(self, home: MqttLink, hood: MqttLink | None = None) -> None:
        """Use these links: to the household's own broker, and to the hood's where it is another one."""
        self._home = home
        self._hood = home if hood is None else hood

    def on_message(self, topic: str, payload: bytes) -> None:
        """Turn a broker's message into an event; a topic that is not ours is dropped with a line in the log."""
        try:
            self._queue(_event(topic, payload))
        except WireError as error:
            log.warning("TopicRefused topic=%s reason=%s", topic[:120], error.reason)

    def on_up(self) -> None:
        """The link is there again."""
        self._queue(LinkRestored())

    def _queue(self, event: Event) -> None:
        try:
            self._events.put_nowait((event, self._clock.now_s()))
        except asyncio.QueueFull:
            log.warning("EventDropped kind=%s waiting=%d", type(event).__name__, MAX_WAITING)

    async def run(self) -> None:
        """Run until SIGTERM or SIGINT; then commit and end.

        Raises:
            LocalError: a store could not be written. What the event in hand had changed is undone with it: the next
                start goes on from what is on the disk.
        """
        links = {link for link in (self._home, self._hood) if link is not None}
        if not links:
            raise LocalError("this agent has no link to a broker: attach one before it runs")
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        time_port = await self._serve_time()
        tasks = [asyncio.create_task(part) for part in (*(link.run() for link in links), self._loop())]
        stopping = asyncio.create_task(stop.wait())
        try:
            done, _ = await asyncio.wait([*tasks, stopping], return_when=asyncio.FIRST_COMPLETED)
            for task in done - {stopping}:
                task.result()
            self._readings.commit()
        finally:
            await end_all([*tasks, stopping], AGAIN_S)
            if time_port is not None:
                time_port.close()
            self._trades.close()
            self._readings.close()
            if self._watchdog is not None:
                self._watchdog.close()
            log.info("AgentStopped")

    async def _loop(self) -> None:
        log.info("AgentStarted calendar_s=%d", self._clock.now_s())
        self._judge_clock()
        while True:
            self._handle(await self._next_events())
            self._tick_transport()
            self._commit_readings_if_due()
            if self._watchdog is not None:
                self._watchdog.beat(transport_ms())
            # A queue that is not empty gives without waiting: let the link receive and send between batches.
            await asyncio.sleep(0)

    async def _next_events(self) -> list[Timed]:
        """What has arrived, up to a batch, in the order of arrival; a tick where nothing has."""
        try:
            # Not wait_for: until Python 3.12 it swallows a cancellation that comes together with an event.
            async with asyncio.timeout(self._sleep_ms() / 1000):
                events = [await self._events.get()]
        except TimeoutError:
            return [self._now(CalendarTicked())]
        while len(events) < MAX_BATCH and not self._events.empty():
            events.append(self._events.get_nowait())
        return events

    def _sleep_ms(self) -> int:
        sleep_ms = min(LONGEST_SLEEP_MS, self._clock.real_ms_until(self._engine.next_due_s()))
        if self._readings_due_ms is not None:
            sleep_ms = min(sleep_ms, self._readings_due_ms - transport_ms())
        return max(1, sleep_ms)

    def _now(self, event: Event) -> Timed:
        """An event of our own: it happens now, or with what has waited longest where something waits."""
        return event, self._handled_s if not self._events.empty() else self._clock.now_s()

    def _handle(self, events: list[Timed]) -> None:
        commands: list[Command] = []
        for event, at_s in events:
            self._handled_s = at_s
            commands += self._engine.handle(event, at_s)
        self._trades.commit()
        for command in commands:
            self._carry_out(command)
        if self._readings_due_ms is None and any(isinstance(event, RecordArrived) for event, _ in events):
            self._readings_due_ms = transport_ms() + self._commit_interval_ms

    def _carry_out(self, command: Command) -> None:
        if isinstance(command, CommitReadings):
            self._readings_due_ms = transport_ms()
        elif isinstance(command, Report):
            log.info("%s %s", command.name, command.details)
        else:
            self._tell(command)

    def _tell(self, command: Publish | Subscribe | Unsubscribe) -> None:
        topic = command.topic if isinstance(command, Publish) else command.topic_filter
        link = self._home if topic.startswith(HOME_ROOT) else self._hood
        if link is None:
            return
        if isinstance(command, Publish):
            link.publish(topic, command.payload)
        elif isinstance(command, Subscribe):
            link.subscribe(topic)
        else:
            link.unsubscribe(topic)

    def _tick_transport(self) -> None:
        now_ms = transport_ms()
        if now_ms >= self._trust_due_ms:
            self._trust_due_ms = now_ms + TRUST_INTERVAL_MS
            self._judge_clock()
        if now_ms >= self._transport_due_ms:
            self._transport_due_ms = now_ms + TRANSPORT_TICK_MS
            self._handle([self._now(TransportTicked(now_ms))])

    def _judge_clock(self) -> None:
        """Ask what the machine's clock is worth, and tell the engine what is new."""
        judged = ClockJudged(self._trust.state().doubt)
        if judged != self._judged:
            self._judged = judged
            self._handle([self._now(judged)])

    async def _serve_time(self) -> asyncio.BaseTransport | None:
        if not self._sntp_port:
            return None
        return await serve_time(self._sntp_port, self._clock.now_ms, self._sntp_state)

    def _sntp_state(self) -> ClockState:
        if self._clock.speed != 1:
            return ClockState("a demonstration's clock runs faster than a node could follow", 0)
        return self._trust.state()

    def _commit_readings_if_due(self) -> None:
        if self._readings_due_ms is not None and transport_ms() >= self._readings_due_ms:
            self._readings.commit()
            self._readings_due_ms = None
            self._handle([self._now(ReadingsCommitted())])


def _event(topic: str, payload: bytes) -> Event:
    parsed = parse_topic(topic)
    if parsed.area == "node":
        return (NodeReported if parsed.detail[1] == "status" else RecordArrived)(parsed.detail[0], payload)
    if parsed.area == "board":
        slot, gate = parse_round(parsed.detail[0])
        return BoardPosted(parsed.house, slot, gate, parsed.detail[1], payload)
    return InboxArrived(parsed.detail[0], payload)
