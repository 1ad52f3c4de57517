"""An MQTT broker in memory for tests of the node's link, at the other end of a `MemoryBoard`'s connections."""

import asyncio
import json

from volthood.wire.record import Live, unpack_record
from volthood_tools.memory_board import MemoryBoard, MemoryStream
from voltnode import mqtt

ADDRESS = ("127.0.0.1", 1883)


class MemoryBroker:
    """Takes connections of the node, acknowledges what it publishes, and says what it is told to say.

    Args:
        board: whose connections it takes.
        topic: what the node's topics begin with.

    Attributes:
        records: rseq in the order of arrival, repetitions included; `payloads` their bytes.
        acknowledges: whether publishes get their PUBACK.
        deaf: whether nothing at all is answered.
    """

    def __init__(self, board: MemoryBoard, topic: str) -> None:
        self.topic = topic
        self.records: list[int] = []
        self.payloads: dict[int, set[bytes]] = {}
        self.status: list[dict[str, object]] = []
        self.lives: list[Live] = []
        self.received: list[int] = []
        self.pings = 0
        self.connections = 0
        self.acknowledges = True
        self.deaf = False
        self.stream: MemoryStream | None = None
        self.nodes_end: MemoryStream | None = None
        self._tasks: list[asyncio.Task[None]] = []
        board.dial = self.dial

    def dial(self, host: str, port: int) -> MemoryStream:
        """A connection from the node. Raises OSError for any other address than `ADDRESS`."""
        if (host, port) != ADDRESS:
            raise ConnectionRefusedError(111, f"nobody listens at {host}:{port}")
        self.connections += 1
        ours, theirs = MemoryStream.pair()
        self.stream, self.nodes_end = ours, theirs
        self._tasks.append(asyncio.get_running_loop().create_task(self._serve(ours)))
        return theirs

    async def _serve(self, stream: MemoryStream) -> None:
        buffer = b""
        while data := await stream.read(4096):
            buffer += data
            while (split := split_packet(buffer)) is not None:
                head, body, buffer = split
                if not self.deaf:
                    await self._take(stream, head, body)

    async def _take(self, stream: MemoryStream, head: int, body: bytes) -> None:
        kind = head >> 4
        if kind == 1:
            await stream.write(b"\x20\x02\x00\x00")
        elif kind == 8:
            await stream.write(b"\x90\x03" + body[:2] + b"\x01")
        elif kind == 12:
            self.pings += 1
            await stream.write(b"\xd0\x00")
        elif kind == 4:
            self.received.append(int.from_bytes(body, "big"))
        elif kind == 3:
            await self._take_publish(stream, head, body)

    async def _take_publish(self, stream: MemoryStream, head: int, body: bytes) -> None:
        end = 2 + int.from_bytes(body[:2], "big")
        topic, rest = body[2:end].decode(), body[end:]
        if head & 6:
            if self.acknowledges:
                await stream.write(b"\x40\x02" + rest[:2])
            rest = rest[2:]
        what = topic.removeprefix(self.topic)
        if what == "record":
            rseq = unpack_record(rest)[1].rseq
            self.records.append(rseq)
            self.payloads.setdefault(rseq, set()).add(rest)
        elif what == "live":
            self.lives.append(Live.from_cbor(rest))
        elif what == "status":
            self.status.append(json.loads(rest))
        else:
            raise ValueError(f"a node says nothing under {topic}")

    async def say(self, data: bytes, topic: str = "", packet_id: int = 9) -> None:
        """Publishes to the node, under its receipts' topic unless another is named. Raises ValueError without a connection."""
        if self.stream is None:
            raise ValueError("the node has not connected yet")
        await self.stream.write(mqtt.publish(topic or self.topic + "receipt", data, packet_id))


def split_packet(buffer: bytes) -> tuple[int, bytes, bytes] | None:
    """(first byte, body, rest) of the first whole packet; None where there is none yet."""
    length, at = 0, 1
    while at < len(buffer):
        length |= (buffer[at] & 127) << 7 * (at - 1)
        at += 1
        if not buffer[at - 1] & 128:
            if len(buffer) < at + length:
                return None
            return buffer[0], buffer[at : at + length], buffer[at + length :]
    return None
