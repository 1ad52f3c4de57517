"""The packets that begin a connection: see `voltnode.mqtt`. Loaded when one is opened, and dropped then."""

import struct

from voltnode.mqtt import packet, sized


def connect(client_id: str, keep_alive_s: int, will_topic: str, will: bytes) -> bytes:
    """CONNECT (3.1): persistent session, a retained last will at QoS 1."""
    flags = 0x04 | 1 << 3 | 0x20
    header = sized(b"MQTT") + bytes((4, flags)) + struct.pack(">H", keep_alive_s)
    return packet(0x10, header + sized(client_id.encode()) + sized(will_topic.encode()) + sized(will))


def subscribe(packet_id: int, topic: str) -> bytes:
    """SUBSCRIBE (3.8) to one topic at QoS 1."""
    return packet(0x82, struct.pack(">H", packet_id) + sized(topic.encode()) + b"\x01")
