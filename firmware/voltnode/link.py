"""Delivers the durable stream to the agent over MQTT, and says live values in passing.

- Records go at QoS 1 in a small window, in the order of rseq, the same bytes each time. A PUBACK frees the window and
  means nothing else: only the agent's receipt (cumulative, HMAC under the link key) moves the ring's pointer.
- What has no receipt is sent again after each connection, when receipts stand still for `RESEND_MS`, and once at the
  first receipt that repeats the one before although more was sent: then something between got lost (the agent was not
  there yet when we came back to the broker).
- A connection that is silent for longer than its ping takes is dead and is closed. What is opened when, and how long
  a failure waits, is `voltnode.broker`'s to say.
- Nothing here makes metering or signing wait: records are read from flash when their turn comes, and a live value for
  which there is no room is left out.
"""

import asyncio
import json

from volthood.wire.cbor_writer import WireError
from volthood.wire.node import LIVE_ROWS, node_topic, open_receipt, payload
from voltnode import mqtt
from voltnode.backoff import CHANCE_BYTES
from voltnode.broker import CONNECTED, Broker
from voltnode.config import ConfigError
from voltnode.on_demand import call
from voltnode.recorder import phases

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from typing import Any

    from voltnode.config import Enrolment
    from voltnode.hal import Board, Identity, Stream
    from voltnode.recorder import Recorder
    from voltnode.ring import Reader, Ring

KEEP_ALIVE_S = 30
WINDOW = 8
RESEND_MS = 10_000
CONNECT_LIMIT_MS = 10_000
LIVE_INTERVAL_MS = 1000
RECEIPT_SAVE_MS = 10_000
MAX_ANSWERS = 32
MAX_SAID = 4
_FRUITLESS_RESENDS = 2
_TICK_MS = 1000
_HELLO = "voltnode.mqtt_hello"


class LinkError(Exception):
    """The connection is of no use any more; the text says why."""


class Connection:
    """What belongs to one TCP connection."""

    def __init__(self, stream: "Stream", reader: "Reader", now_ms: int) -> None:
        self.stream = stream
        self.receiver = mqtt.Receiver()
        self.answers: list[bytes] = []
        self.records = reader
        self.unacknowledged: set[int] = set()
        self.packet_id = 0
        self.accepted = False
        self.missed = False
        self.heard_ms = self.said_ms = self.pinged_ms = self.progress_ms = now_ms
        self.pongs = 0
        self.fault: BaseException | None = None
        self.ended = asyncio.Event()

    async def run(self, part: "Coroutine[Any, Any, None]") -> None:
        """Runs one of the connection's tasks; whatever ends it ends the connection."""
        try:
            await part
        except Exception as error:  # noqa: BLE001 - raised again by whoever waits for `ended`
            self.end(error)

    def end(self, fault: BaseException) -> None:
        """The connection is of no use any more; the first reason counts."""
        self.fault = self.fault or fault
        self.ended.set()

    def answer(self, packet: bytes) -> None:
        """Queues a packet for the sender. Raises MqttError where the broker asks for more than it takes."""
        if len(self.answers) >= MAX_ANSWERS:
            raise mqtt.MqttError("broker floods the node")
        self.answers.append(packet)

    def next_packet_id(self) -> int:
        """From 1 to 65535, round and round."""
        self.packet_id = self.packet_id % 65535 + 1
        return self.packet_id


class Link:
    """The node's way to its agent.

    Args:
        board, ring, recorder: the node's.
        node: the node's name in topics.
        version: said in `status`.
        log: notes events.

    Attributes:
        broker: where it is on its way to the broker, and why.
        connection: what is open, None mostly while `broker` is not connected; `ping_due` has it asked for a sign of life.
        missing: (reason, words) for what is missing for a connection, with TLS or without; None where nothing is.
        identity: gives what TLS needs for an enrolment.
        receipts: how many were taken; `refused_receipts` how many were not.
        last_receipt_ms: transport time of the last one, None before.
        receipt_after_ms: how long after it was written the newest record had its receipt, None before.
        about: gives what else `status` says: of the time, and of this start.
        progress: is called at the end of each turn of the task.
        verb: is given each verb that arrives, None while nobody serves them.
    """

    def __init__(
        self, board: "Board", ring: "Ring", recorder: "Recorder", node: str, version: str, log: "Callable[..., None]"
    ) -> None:
        self._board = board
        self._ring = ring
        self._recorder = recorder
        self._node = node
        self._version = version
        self._log = log
        self._enrolment: Enrolment | None = None
        self.connection: Connection | None = None
        self._wake = asyncio.Event()
        self._resends = 0
        self._live_ms: dict[int, int] = {}
        self._saved_ms = self._written_ms = 0
        self._live: dict[int, bytes] = {}
        self._said: list[tuple[str, bytes]] = []
        self._status_due = self.ping_due = False
        self.about: Callable[[], dict[str, object]] = dict
        self.progress: Callable[[], None] = _nothing
        self.verb: Callable[[Enrolment, bytes], None] | None = None
        self.missing: Callable[[bool], tuple[str, str] | None] = _nothing_missing
        self.identity: Callable[[Enrolment], Identity | None] = _no_identity
        self.broker = Broker(log)
        self.receipts = self.refused_receipts = 0
        self.last_receipt_ms: int | None = None
        self.receipt_after_ms: int | None = None

    def begin(self, enrolment: "Enrolment") -> None:
        """Serves this enrolment from now on; what was open before is closed."""
        self._enrolment = enrolment
        self.broker.enrolled()
        self.leave("enrolled anew")

    def leave(self, why: str) -> None:
        """Ends the connection, where there is one."""
        if self.connection is not None:
            self.connection.end(LinkError(why))

    def tell_status(self) -> None:
        """What `about` gives has changed."""
        self._status_due = True
        self.wake()

    def wake(self) -> None:
        """Something may have to be sent."""
        self._wake.set()

    def written(self) -> None:
        """A record stands on flash."""
        self._written_ms = self._board.now_ms()
        self._wake.set()

    def live(self, time_ms: int, quality: int, reading: "Any", index: int = 0) -> None:
        """Says a meter's reading to whoever listens, at most once a second of transport time."""
        now_ms = self._board.now_ms()
        if self.broker.state != CONNECTED or now_ms - self._live_ms.get(index, -LIVE_INTERVAL_MS) < LIVE_INTERVAL_MS:
            return
        self._live_ms[index] = now_ms
        try:
            first = (time_ms // 1000, quality, reading.power_w, reading.import_wh, reading.export_wh)
            self._live[index] = payload(LIVE_ROWS, first + phases(reading) + (index,))
        except WireError as error:
            self._log("live_refused", error=error)
        self._wake.set()

    async def say(self, what: str, payload: bytes) -> bool:
        """Publishes under the node's topic once there is room; False where the connection is gone first."""
        while self.broker.state == CONNECTED:
            if len(self._said) < MAX_SAID:
                self._said.append((what, payload))
                self._wake.set()
                return True
            await self._board.sleep_ms(10)
        return False

    async def run(self) -> None:
        """The task."""
        while True:
            enrolment = self._enrolment
            self.progress()
            if enrolment is None or not self._clear(enrolment):
                await self._board.sleep_ms(100)
                continue
            try:
                await self._serve(enrolment)
            except (LinkError, mqtt.MqttError, ConfigError, OSError, asyncio.TimeoutError) as error:
                greeted = self.broker.state == CONNECTED
                reason, words = call("voltnode.link_faults", "explain", error, enrolment.host, enrolment.tls, greeted)
                chance = self._board.random(CHANCE_BYTES)
                self.broker.failed(reason, words, self._board.now_ms(), chance)

    def _clear(self, enrolment: "Enrolment") -> bool:
        """Whether it is time to open a connection, and nothing is missing for it."""
        if not self.broker.due(self._board.now_ms()):
            return False
        missing = self.missing(enrolment.tls)
        if missing:
            self.broker.held(*missing)
            return False
        self.broker.clear()
        return True

    async def _serve(self, enrolment: "Enrolment") -> None:
        opening = self._board.connect(enrolment.host, enrolment.port, self.identity(enrolment))
        stream: Stream = await asyncio.wait_for(opening, CONNECT_LIMIT_MS // 1000)
        if self._enrolment is not enrolment:
            stream.close()
            raise LinkError("enrolled anew")
        self.broker.opened()
        connection = self.connection = Connection(stream, self._ring.reader(), self._board.now_ms())
        parts = (self._listen(connection, enrolment), self._tick(connection), self._speak(connection))
        tasks = [asyncio.create_task(connection.run(part)) for part in parts]
        try:
            await connection.ended.wait()
            raise connection.fault or LinkError("ended")
        finally:
            self.connection = None
            self._said.clear()
            for task in tasks:
                task.cancel()
            stream.close()
            self._save_receipt(0)

    async def _speak(self, connection: Connection) -> None:
        """The one task that sends, so packets never mix; it may hang in a dead connection, and is ended with it."""
        hello = call(_HELLO, "connect", self._node, KEEP_ALIVE_S, self._topic("status"), self._status(False))
        await self._send(connection, hello)
        while True:
            self._wake.clear()
            await self._pump(connection)
            await self._wake.wait()

    def _topic(self, what: str) -> str:
        house = self._enrolment.house if self._enrolment else ""
        return node_topic(house, self._node, what)

    def _status(self, online: bool) -> bytes:
        status: dict[str, object] = {"online": online}
        if online:
            status.update({"version": self._version, "greatest": self._ring.greatest})
            status.update(self.about())
        return json.dumps(status).encode()

    async def _send(self, connection: Connection, packet: bytes) -> None:
        connection.said_ms = self._board.now_ms()
        await connection.stream.write(packet)

    async def _tick(self, connection: Connection) -> None:
        """Wakes the sender once a second, and ends a connection that is dead."""
        while True:
            await self._board.sleep_ms(_TICK_MS)
            self.progress()
            silent_ms = self._board.now_ms() - connection.heard_ms
            if silent_ms > (KEEP_ALIVE_S * 1500 if connection.accepted else CONNECT_LIMIT_MS):
                raise LinkError("broker silent for %d s" % (silent_ms // 1000))
            self._wake.set()

    async def _listen(self, connection: Connection, enrolment: "Enrolment") -> None:
        while True:
            data = await connection.stream.read(512)
            if not data:
                raise LinkError("broker closed the connection")
            connection.heard_ms = self._board.now_ms()
            for packet in connection.receiver.feed(data):
                self._take(connection, enrolment, packet)
            self._wake.set()

    def _take(self, connection: Connection, enrolment: "Enrolment", packet: mqtt.Packet) -> None:
        if packet.kind == mqtt.CONNACK:
            self._accept(connection)
        elif packet.kind == mqtt.PUBACK:
            connection.unacknowledged.discard(packet.packet_id)
        elif packet.kind == mqtt.PINGRESP:
            connection.pongs += 1
        elif packet.kind == mqtt.PUBLISH:
            if packet.packet_id:
                connection.answer(mqtt.puback(packet.packet_id))
            if not packet.whole:
                self._log("message_too_long")
            elif packet.topic == self._topic("receipt").encode():
                self._take_receipt(connection, enrolment, packet.payload)
            elif self.verb and packet.topic.startswith(self._topic("do/").encode()):
                self.verb(enrolment, packet.payload)

    def _accept(self, connection: Connection) -> None:
        for what in ("receipt", "do/+"):
            connection.answer(call(_HELLO, "subscribe", connection.next_packet_id(), self._topic(what)))
        self._status_due = True
        connection.accepted = True
        self.broker.accepted()

    def _take_receipt(self, connection: Connection, enrolment: "Enrolment", data: bytes) -> None:
        try:
            rseq = open_receipt(enrolment.link_key, bytes.fromhex(self._node), data)
        except WireError as error:
            self.refused_receipts += 1
            self._log("receipt_refused", reason=error.reason)
            return
        before = self._ring.receipt
        if not self._ring.accept_receipt(rseq):
            self.refused_receipts += 1
            self._log("receipt_refused", reason="beyond_written", rseq=rseq, written=self._ring.greatest)
            return
        self.receipts += 1
        self.last_receipt_ms = self._board.now_ms()
        if rseq == self._ring.greatest:
            self.receipt_after_ms = self.last_receipt_ms - self._written_ms
        if self._ring.receipt > before:
            connection.progress_ms = self.last_receipt_ms
            self._resends = 0
        connection.missed = self._ring.receipt == before < connection.records.last

    async def _pump(self, connection: Connection) -> None:
        """Sends what there is room for."""
        while connection.answers:
            await self._send(connection, connection.answers.pop(0))
        if not connection.accepted:
            return
        if self._status_due:
            self._status_due = False
            packet_id = connection.next_packet_id()
            await self._send(
                connection, mqtt.publish(self._topic("status"), self._status(True), packet_id, retain=True)
            )
        while self._live:
            _, live = self._live.popitem()
            await self._send(connection, mqtt.publish(self._topic("live"), live))
        while self._said:
            what, payload = self._said.pop(0)
            await self._send(connection, mqtt.publish(self._topic(what), payload, connection.next_packet_id()))
        self._resend_if_stuck(connection)
        while len(connection.unacknowledged) < WINDOW:
            entry = connection.records.next()
            if entry is None:
                break
            if entry[0] <= self._ring.receipt:
                continue
            packet_id = connection.next_packet_id()
            connection.unacknowledged.add(packet_id)
            await self._send(connection, mqtt.publish(self._topic("record"), entry[1], packet_id))
        await self._ping(connection)
        self._save_receipt(RECEIPT_SAVE_MS)

    async def _ping(self, connection: Connection) -> None:
        """Asks for a sign of life when there was none for a while, however much we say: most of that is not answered."""
        now_ms = self._board.now_ms()
        quiet_ms = now_ms - min(connection.said_ms, max(connection.heard_ms, connection.pinged_ms))
        if self.ping_due or quiet_ms > KEEP_ALIVE_S * 500:
            self.ping_due = False
            connection.pinged_ms = now_ms
            await self._send(connection, mqtt.PINGREQ_BYTES)

    def _resend_if_stuck(self, connection: Connection) -> None:
        now_ms = self._board.now_ms()
        if connection.records.last <= self._ring.receipt:
            connection.progress_ms = now_ms
        patience_ms = RESEND_MS << min(self._resends, 4)
        if connection.missed and not self._resends:
            patience_ms = 0
        connection.missed = False
        if now_ms - connection.progress_ms < patience_ms:
            return
        self._resends += 1
        connection.progress_ms = now_ms
        connection.unacknowledged.clear()
        connection.records = self._ring.reader()
        self._log("resend", after=self._ring.receipt)
        if self._resends == _FRUITLESS_RESENDS:
            self._recorder.look_for_gaps()

    def _save_receipt(self, interval_ms: int) -> None:
        now_ms = self._board.now_ms()
        if now_ms - self._saved_ms >= interval_ms:
            self._saved_ms = now_ms
            try:
                self._ring.save_receipt()
            except OSError as error:
                self._log("flash_failed", error=error)


def _nothing() -> None:
    """Nobody watches."""


def _nothing_missing(tls: bool) -> "tuple[str, str] | None":
    return ("clock_not_set", "nobody told the link of a clock") if tls else None


def _no_identity(_: "Enrolment") -> "Identity | None":
    return None
