"""MQTT 3.1.1 as the node needs it: packets out, and a machine that takes what a broker sends apart. No socket.

Numbers in comments are sections of the OASIS standard. A broker that breaks the protocol
costs itself the connection (`MqttError`): the node never follows it anywhere. A message above `MAX_PACKET_BYTES` is read over,
so that it can be acknowledged: a persistent session would bring it again after each connection.
"""

import struct

CONNACK, PUBLISH, PUBACK, SUBACK, PINGRESP = 2, 3, 4, 9, 13
MAX_PACKET_BYTES, MAX_SKIPPED_BYTES = 1280, 1024 * 1024
"""The node subscribes to receipts and verbs; the largest verb has 1024 bytes beside its topic."""

_HEADER_BYTES = 256
"""Topic and packet id of a message that is too long lie in its first bytes, or it ends the connection."""

PINGREQ_BYTES = b"\xc0\x00"
DISCONNECT_BYTES = b"\xe0\x00"


class MqttError(Exception):
    """The broker refused us or broke the protocol."""


def publish(topic: str, payload: bytes, packet_id: int = 0, retain: bool = False) -> bytes:
    """PUBLISH (3.3): QoS 1 with a packet id, QoS 0 without one."""
    head = 0x30 | (2 if packet_id else 0) | (1 if retain else 0)
    return packet(head, sized(topic.encode()) + (struct.pack(">H", packet_id) if packet_id else b"") + payload)


def puback(packet_id: int) -> bytes:
    """PUBACK (3.4)."""
    return packet(0x40, struct.pack(">H", packet_id))


def packet(head: int, body: bytes) -> bytes:
    """A packet of this first byte and body."""
    out = bytearray((head,))
    length = len(body)
    while True:  # 2.2.3: seven bits a byte, the lowest first
        out.append(length & 127 | (128 if length > 127 else 0))
        length >>= 7
        if not length:
            return bytes(out) + body


def sized(data: bytes) -> bytes:
    """`data` behind its length (1.5.3)."""
    return struct.pack(">H", len(data)) + data


class Packet:
    """A packet from the broker.

    Attributes:
        kind: `CONNACK`, `PUBLISH`, `PUBACK`, `SUBACK` or `PINGRESP`.
        packet_id: where the kind has one, else 0.
        topic: of a PUBLISH.
        payload: of a PUBLISH; what is left of it where it is not `whole`, being too long.
    """

    def __init__(self, kind: int, packet_id: int = 0, topic: bytes = b"", payload: bytes = b"") -> None:
        self.kind = kind
        self.packet_id = packet_id
        self.topic = topic
        self.payload = payload
        self.whole = True


class Receiver:
    """Bytes in, packets out."""

    def __init__(self) -> None:
        self._buffer = b""
        self._skip = 0

    def feed(self, data: bytes) -> "list[Packet]":
        """The packets that `data` completes. Raises MqttError."""
        self._buffer += data
        packets: list[Packet] = []
        while True:
            if self._skip:
                read_over = min(self._skip, len(self._buffer))
                self._skip -= read_over
                self._buffer = self._buffer[read_over:]
            split = self._split()
            if split is None:
                return packets
            head, body = split
            packets.append(_parsed(head, body))
            packets[-1].whole = not self._skip

    def _split(self) -> "tuple[int, bytes] | None":
        """The first packet's head and body, taken off the buffer; None where it is not complete."""
        length = 0
        for at in range(1, 5):
            if at >= len(self._buffer):
                return None
            byte = self._buffer[at]
            length |= (byte & 127) << 7 * (at - 1)
            if not byte & 128:
                break
        else:
            raise MqttError("length of more than 4 bytes")
        if length > MAX_PACKET_BYTES:
            if self._buffer[0] >> 4 != PUBLISH or length > MAX_SKIPPED_BYTES:
                raise MqttError("packet of %d bytes" % length)
            if len(self._buffer) < at + 1 + _HEADER_BYTES:
                return None
            self._skip, length = length - _HEADER_BYTES, _HEADER_BYTES
        end = at + 1 + length
        if end > len(self._buffer):
            return None
        head, body = self._buffer[0], self._buffer[at + 1 : end]
        self._buffer = self._buffer[end:]
        return head, body


def _parsed(head: int, body: bytes) -> Packet:
    kind = head >> 4
    if kind == PUBLISH:
        return _parsed_publish(head, body)
    if kind == CONNACK and len(body) == 2:
        if body[1]:
            raise MqttError("broker refuses: %d" % body[1])
        return Packet(CONNACK)
    if kind == PUBACK and len(body) == 2:
        return Packet(PUBACK, body[0] << 8 | body[1])
    if kind == SUBACK and len(body) == 3:
        if body[2] > 2:
            raise MqttError("broker refuses the subscription")
        return Packet(SUBACK, body[0] << 8 | body[1])
    if kind == PINGRESP and not body:
        return Packet(PINGRESP)
    raise MqttError("packet type %d of %d bytes" % (kind, len(body)))


def _parsed_publish(head: int, body: bytes) -> Packet:
    qos = head >> 1 & 3
    if qos > 1 or len(body) < 2:
        raise MqttError("publish of QoS %d" % qos)
    end = 2 + (body[0] << 8 | body[1])
    start = end + 2 if qos else end
    if start > len(body):
        raise MqttError("publish cut short")
    packet_id = body[end] << 8 | body[end + 1] if qos else 0
    return Packet(PUBLISH, packet_id, body[2:end], body[start:])
