"""Both brokers carry a message, end, and come back on their port."""

import os
import queue
import signal
import socket
import time
from pathlib import Path

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from volthood_tools.broker.choice import BrokerChoice, answers, choose_broker, find_mosquitto, free_port
from volthood_tools.processes.supervisor import Supervisor


@pytest.fixture(params=["mosquitto", "embedded"])
def choice(request: pytest.FixtureRequest, tmp_path: Path) -> BrokerChoice:
    mosquitto = find_mosquitto()
    if request.param == "mosquitto" and mosquitto is None:
        pytest.skip("mosquitto is not installed")
    return choose_broker(tmp_path, free_port(), mosquitto if request.param == "mosquitto" else None)


def wait_for(port: int) -> None:
    deadline_s = time.monotonic() + 10
    while not answers(port):
        assert time.monotonic() < deadline_s, "the broker does not answer"
        time.sleep(0.02)


def echo(port: int, payload: bytes) -> bytes:
    """What comes back on a topic that one subscribes to and publishes on."""
    got: queue.Queue[bytes] = queue.Queue()

    def on_connect(client: mqtt.Client, *_rest: object) -> None:
        client.subscribe("vh/1/home/+/echo", qos=1)

    def on_subscribe(client: mqtt.Client, *_rest: object) -> None:
        client.publish("vh/1/home/house01/echo", payload, qos=1)

    def on_message(_client: mqtt.Client, _data: object, message: mqtt.MQTTMessage) -> None:
        got.put(bytes(message.payload))

    client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id="echo", protocol=mqtt.MQTTv311)
    client.on_connect, client.on_subscribe, client.on_message = on_connect, on_subscribe, on_message
    client.connect("127.0.0.1", port)
    client.loop_start()
    try:
        return got.get(timeout=10)
    finally:
        client.disconnect()
        client.loop_stop()


def test_a_broker_carries_messages_and_comes_back_after_a_kill(choice: BrokerChoice, tmp_path: Path) -> None:
    with Supervisor(tmp_path) as supervisor:
        supervisor.start(choice.child)
        wait_for(choice.port)
        assert echo(choice.port, b"x" * 30_000) == b"x" * 30_000
        os.kill(supervisor.pids()["broker"], signal.SIGKILL)
        while answers(choice.port):
            time.sleep(0.01)
        wait_for(choice.port)
        assert echo(choice.port, b"again") == b"again"
    assert not answers(choice.port)


def test_a_broker_is_not_seen_from_outside(choice: BrokerChoice, tmp_path: Path) -> None:
    with Supervisor(tmp_path) as supervisor:
        supervisor.start(choice.child)
        wait_for(choice.port)
        # All of 127.0.0.0/8 is local; whoever listens on every address answers here too.
        with pytest.raises(OSError, match="refused"):
            socket.create_connection(("127.0.0.2", choice.port), timeout=2)
