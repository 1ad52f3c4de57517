"""MQTT packets: golden bytes by hand from the standard, packets taken apart at every boundary, and rubbish refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voltnode import mqtt, mqtt_hello
from voltnode.mqtt import MAX_PACKET_BYTES, MAX_SKIPPED_BYTES, MqttError, Packet, Receiver

CONNACK = bytes.fromhex("20020000")
PUBACK = bytes.fromhex("40020102")
SUBACK = bytes.fromhex("9003000a01")
PINGRESP = bytes.fromhex("d000")
RECEIPT = bytes.fromhex("32090003612f6200076869")
QOS0 = bytes.fromhex("30070003612f626869")


def shown(packet: Packet) -> tuple[int, int, bytes, bytes]:
    return packet.kind, packet.packet_id, packet.topic, packet.payload


def test_connect_asks_for_a_persistent_session_and_leaves_a_will() -> None:
    assert mqtt_hello.connect("ab", 30, "t", b"w") == bytes.fromhex(
        "10 14 0004 4d515454 04 2c 001e 0002 6162 0001 74 0001 77".replace(" ", "")
    )


def test_publish_with_and_without_a_packet_id() -> None:
    assert mqtt.publish("a/b", b"hi", 7) == RECEIPT
    assert mqtt.publish("a/b", b"hi") == QOS0
    assert mqtt.publish("a/b", b"hi", 7, retain=True)[0] == 0x33


def test_subscribe_and_puback() -> None:
    assert mqtt_hello.subscribe(10, "a/b") == bytes.fromhex("8208000a0003612f6201")
    assert mqtt.puback(0x0102) == PUBACK


@pytest.mark.parametrize(
    ("size", "head"), [(0, "00"), (127, "7f"), (128, "8001"), (16_383, "ff7f"), (16_384, "808001")]
)
def test_lengths_take_seven_bits_a_byte(size: int, head: str) -> None:
    packet = mqtt.publish("", bytes(size - 2)) if size >= 2 else mqtt.PINGREQ_BYTES
    assert packet[1 : 1 + len(head) // 2].hex() == head


def test_packets_come_out_wherever_the_stream_is_cut() -> None:
    stream = CONNACK + RECEIPT + SUBACK + PINGRESP + QOS0 + PUBACK
    expected = [
        (mqtt.CONNACK, 0, b"", b""),
        (mqtt.PUBLISH, 7, b"a/b", b"hi"),
        (mqtt.SUBACK, 10, b"", b""),
        (mqtt.PINGRESP, 0, b"", b""),
        (mqtt.PUBLISH, 0, b"a/b", b"hi"),
        (mqtt.PUBACK, 0x0102, b"", b""),
    ]
    for cut in range(len(stream) + 1):
        receiver = Receiver()
        packets = receiver.feed(stream[:cut]) + receiver.feed(stream[cut:])
        assert [shown(packet) for packet in packets] == expected
    receiver = Receiver()
    assert [shown(packet) for byte in stream for packet in receiver.feed(bytes((byte,)))] == expected


@pytest.mark.parametrize(
    ("data", "text"),
    [
        ("20020005", "broker refuses: 5"),
        ("20020009", "broker refuses: 9"),
        ("200100", "packet type 2 of 1 bytes"),
        ("9003000a80", "broker refuses the subscription"),
        ("34090003612f6200076869", "publish of QoS 2"),
        ("3201ff", "publish of QoS 1"),
        ("3203000361", "publish cut short"),
        ("320400026162", "publish cut short"),
        ("30ffffffffff", "length of more than 4 bytes"),
        ("c000", "packet type 12 of 0 bytes"),
        ("0000", "packet type 0 of 0 bytes"),
    ],
)
def test_what_the_protocol_forbids_ends_the_connection(data: str, text: str) -> None:
    with pytest.raises(MqttError, match=text):
        Receiver().feed(bytes.fromhex(data))


def test_a_message_above_the_limit_is_read_over_and_can_be_acknowledged() -> None:
    fits = mqtt.publish("t", bytes(MAX_PACKET_BYTES - 5), 7)
    assert Receiver().feed(fits)[0].whole
    for more in (1, 1000, 100_000):
        stream = mqtt.publish("t", bytes(MAX_PACKET_BYTES - 5 + more), 7) + mqtt.publish("t", b"next", 8)
        for step in (1, 100, len(stream)):
            receiver = Receiver()
            packets = [packet for at in range(0, len(stream), step) for packet in receiver.feed(stream[at : at + step])]
            assert [(packet.packet_id, packet.whole) for packet in packets] == [(7, False), (8, True)]
            assert packets[1].payload == b"next"


def test_what_is_above_every_limit_is_refused_before_it_has_arrived() -> None:
    for packet in (
        mqtt.publish("t", bytes(MAX_SKIPPED_BYTES)),
        b"\x90" + mqtt.publish("t", bytes(MAX_PACKET_BYTES))[1:],
    ):
        with pytest.raises(MqttError, match="packet of 1"):
            Receiver().feed(packet[:5])


@given(st.lists(st.binary(max_size=40), max_size=12))
def test_no_bytes_bring_anything_but_packets_and_mqtt_errors(chunks: list[bytes]) -> None:
    receiver = Receiver()
    try:
        for chunk in chunks:
            receiver.feed(chunk)
    except MqttError:
        pass
