"""Delivers the durable stream to the agent over MQTT, and says live values in passing.

- Records go at QoS 1 in a small window, in the order of rseq, the same bytes each time. A PUBACK frees the window and
  means nothing else: only the agent's receipt (cumulative, HMAC under the link key) moves the ring's pointer.
- What has no receipt is sent again after each connection, when receipts stand still for `RESEND_MS`, and once at the
  first receipt that repeats the one before although more was sent: then something between got lost (the agent was not
  there yet when we came back to the broker).
- A connection that is silent for longer than its ping takes is dead and is closed. Between tries the wait doubles up to
  a cap, with chance in it, so that a street of nodes does not come back in one instant.
- Nothing here makes metering or signing wait: records are read from flash when their turn comes, and a live value for
  which there is no room is left out.
"""

import asyncio
import json

from volthood.wire import cose
from volthood.wire.cbor import WireError
from volthood.wire.limits import MAX_RECEIPT_BYTES
from volthood.wire.mac import equal, hmac_sha256
from volthood.wire.record import Live, Receipt
from volthood.wire.topics import node_topic
from voltnode import mqtt
from voltnode.recorder import details

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from typing import Any

    from voltnode.config import Enrolment
    from voltnode.hal import Board, Stream
    from voltnode.recorder import Recorder
    from voltnode.ring import Reader, Ring

KEEP_ALIVE_S = 30
WINDOW = 8
RESEND_MS = 10_000
CONNECT_LIMIT_MS = 10_000
LIVE_INTERVAL_MS = 1000
RECEIPT_SAVE_MS = 10_000
FIRST_WAIT_MS = 250
LONGEST_WAIT_MS = 30_000
MAX_ANSWERS = 32
_FRUITLESS_RESENDS = 2
_TICK_MS = 1000


class LinkError(Exception):
    """The connection is of no use any more; the text says why."""


def open_receipt(link_key: bytes, kid: bytes, data: bytes) -> int:
    """The rseq of a receipt for the node `kid` under our link key. Raises WireError: `mac_wrong` and format errors."""
    maced = cose.unpack_mac0(data, MAX_RECEIPT_BYTES)
    expected = hmac_sha256(link_key, cose.to_be_maced(Receipt.KIND, maced.protected, maced.payload))
    if maced.kid != kid:
        raise WireError("kid_unknown")
    if not equal(expected, maced.signature):
        raise WireError("mac_wrong")
    return Receipt.from_cbor(maced.payload).rseq


class _Connection:
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
        self.heard_ms = self.said_ms = self.progress_ms = now_ms
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
        state: off, waiting, connecting or connected.
        last_error: why the last connection ended.
        receipts: how many were taken; `refused_receipts` how many were not.
        last_receipt_ms: transport time of the last one, None before.
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
        self._connection: _Connection | None = None
        self._wake = asyncio.Event()
        self._failures = 0
        self._resends = 0
        self._live_ms = -LIVE_INTERVAL_MS
        self._saved_ms = 0
        self._live = b""
        self.state = "off"
        self.last_error = ""
        self.receipts = self.refused_receipts = 0
        self.last_receipt_ms: int | None = None

    def begin(self, enrolment: "Enrolment") -> None:
        """Serves this enrolment from now on; what was open before is closed."""
        self._enrolment = enrolment
        self._failures = 0
        if self._connection is not None:
            self._connection.end(LinkError("enrolled anew"))

    def wake(self) -> None:
        """Something may have to be sent."""
        self._wake.set()

    def live(self, time_ms: int, quality: int, reading: "Any") -> None:
        """Says a reading to whoever listens, at most once a second of transport time."""
        now_ms = self._board.now_ms()
        if self.state != "connected" or now_ms - self._live_ms < LIVE_INTERVAL_MS:
            return
        self._live_ms = now_ms
        try:
            self._live = Live(
                time_s=time_ms // 1000,
                quality=quality,
                power_w=reading.power_w,
                import_wh=reading.import_wh,
                export_wh=reading.export_wh,
                **details(reading),
            ).to_cbor()
        except WireError as error:
            self._log("live_refused", error=error)
        self._wake.set()

    async def run(self) -> None:
        """The task."""
        while True:
            enrolment = self._enrolment
            if enrolment is None:
                await self._board.sleep_ms(100)
                continue
            try:
                await self._serve(enrolment)
            except (LinkError, mqtt.MqttError, OSError, asyncio.TimeoutError) as error:
                self.last_error = str(error) or "no answer"
                self._log("link_lost", error=self.last_error)
            self.state = "waiting"
            await self._wait(enrolment)

    async def _wait(self, enrolment: "Enrolment") -> None:
        cap_ms = min(FIRST_WAIT_MS << min(self._failures, 16), LONGEST_WAIT_MS)
        self._failures += 1
        chance = int.from_bytes(self._board.random(2), "big")
        until_ms = self._board.now_ms() + cap_ms // 2 + cap_ms * chance // 131072
        while self._board.now_ms() < until_ms and self._enrolment is enrolment:
            await self._board.sleep_ms(100)

    async def _serve(self, enrolment: "Enrolment") -> None:
        self.state = "connecting"
        opening = self._board.connect(enrolment.host, enrolment.port)
        stream: Stream = await asyncio.wait_for(opening, CONNECT_LIMIT_MS // 1000)
        connection = self._connection = _Connection(stream, self._ring.reader(), self._board.now_ms())
        parts = (self._listen(connection, enrolment), self._tick(connection), self._speak(connection))
        tasks = [asyncio.create_task(connection.run(part)) for part in parts]
        try:
            await connection.ended.wait()
            raise connection.fault or LinkError("ended")
        finally:
            self._connection = None
            for task in tasks:
                task.cancel()
            stream.close()
            self._save_receipt(0)

    async def _speak(self, connection: _Connection) -> None:
        """The one task that sends, so packets never mix; it may hang in a dead connection, and is ended with it."""
        hello = mqtt.connect(self._node, KEEP_ALIVE_S, self._topic("status"), self._status(False))
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
            time_ms, quality = self._board.calendar_ms()
            boot_s = (time_ms - self._board.now_ms() * self._board.speed()) // 1000
            status.update(
                {"version": self._version, "quality": quality, "boot_s": boot_s, "greatest": self._ring.greatest}
            )
        return json.dumps(status).encode()

    async def _send(self, connection: _Connection, packet: bytes) -> None:
        connection.said_ms = self._board.now_ms()
        await connection.stream.write(packet)

    async def _tick(self, connection: _Connection) -> None:
        """Wakes the sender once a second, and ends a connection that is dead."""
        while True:
            await self._board.sleep_ms(_TICK_MS)
            silent_ms = self._board.now_ms() - connection.heard_ms
            if silent_ms > (KEEP_ALIVE_S * 1500 if connection.accepted else CONNECT_LIMIT_MS):
                raise LinkError("broker silent for %d s" % (silent_ms // 1000))
            self._wake.set()

    async def _listen(self, connection: _Connection, enrolment: "Enrolment") -> None:
        while True:
            data = await connection.stream.read(512)
            if not data:
                raise LinkError("broker closed the connection")
            connection.heard_ms = self._board.now_ms()
            for packet in connection.receiver.feed(data):
                self._take(connection, enrolment, packet)
            self._wake.set()

    def _take(self, connection: _Connection, enrolment: "Enrolment", packet: mqtt.Packet) -> None:
        if packet.kind == mqtt.CONNACK:
            self._accept(connection)
        elif packet.kind == mqtt.PUBACK:
            connection.unacknowledged.discard(packet.packet_id)
        elif packet.kind == mqtt.PUBLISH:
            if packet.packet_id:
                connection.answer(mqtt.puback(packet.packet_id))
            if packet.topic == self._topic("receipt").encode():
                self._take_receipt(connection, enrolment, packet.payload)

    def _accept(self, connection: _Connection) -> None:
        connection.answer(mqtt.subscribe(connection.next_packet_id(), self._topic("receipt")))
        packet_id = connection.next_packet_id()
        connection.answer(mqtt.publish(self._topic("status"), self._status(True), packet_id, retain=True))
        connection.accepted = True
        self.state = "connected"
        self.last_error = ""
        self._failures = 0
        self._log("link_up")

    def _take_receipt(self, connection: _Connection, enrolment: "Enrolment", data: bytes) -> None:
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
        if self._ring.receipt > before:
            connection.progress_ms = self.last_receipt_ms
            self._resends = 0
        connection.missed = self._ring.receipt == before < connection.records.last

    async def _pump(self, connection: _Connection) -> None:
        """Sends what there is room for."""
        while connection.answers:
            await self._send(connection, connection.answers.pop(0))
        if not connection.accepted:
            return
        if self._live:
            packet, self._live = mqtt.publish(self._topic("live"), self._live), b""
            await self._send(connection, packet)
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
        if self._board.now_ms() - connection.said_ms > KEEP_ALIVE_S * 500:
            await self._send(connection, mqtt.PINGREQ_BYTES)
        self._save_receipt(RECEIPT_SAVE_MS)

    def _resend_if_stuck(self, connection: _Connection) -> None:
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
            self._recorder.find_gaps()

    def _save_receipt(self, interval_ms: int) -> None:
        now_ms = self._board.now_ms()
        if now_ms - self._saved_ms >= interval_ms:
            self._saved_ms = now_ms
            try:
                self._ring.save_receipt()
            except OSError as error:
                self._log("flash_failed", error=error)
