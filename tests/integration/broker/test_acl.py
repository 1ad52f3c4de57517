"""The access lists on a real mosquitto with mutual TLS: who may publish what, and who reads it.

A broker acknowledges what it drops and grants every subscription, so nothing that a client is told counts here: a witness
that may read everything says what was published, and each subscriber what it was given. Every check ends with a message
that must arrive, behind which nothing else can be under way.
"""

import queue
import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from volthood.adapters.mqtt import TlsFiles
from volthood_tools.broker.acl import home_acl, hood_acl, write_guarded_config
from volthood_tools.broker.certificates import Authority, expired
from volthood_tools.broker.choice import LOOPBACK, answers, find_mosquitto, free_port
from volthood_tools.processes.supervisor import Child, Supervisor

LIMIT_S = 15.0
HOOD = "0011223344556677"
ROOT = f"vh/1/{HOOD}"
ROUND = "1470700800.0"
WITNESS = "witness"
HOUSES = ("house1", "house2")
NODE = "00aa11bb22cc33dd"
HOME = f"vh/1/home/house1/node/{NODE}"

pytestmark = pytest.mark.skipif(find_mosquitto() is None, reason="mosquitto is not installed")


class Client:
    """A client of an identity, and what it was given."""

    def __init__(self, port: int, client_id: str, files: TlsFiles, claimed: str | None) -> None:
        self._got = got = queue.Queue[str]()
        self._told = told = queue.Queue[str]()
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=client_id, protocol=mqtt.MQTTv311)
        self._client.tls_set_context(files.client_context())
        if claimed is not None:
            self._client.username_pw_set(claimed, "secret")
        self._client.on_message = lambda _client, _data, message: got.put(message.topic)
        self._client.on_connect = lambda *_: told.put("connected")
        self._client.on_subscribe = lambda *_: told.put("subscribed")
        self._client.on_publish = lambda *_: told.put("published")
        self._client.connect(LOOPBACK, port)
        self._client.loop_start()
        self._expect("connected")

    def _expect(self, what: str) -> None:
        assert self._told.get(timeout=LIMIT_S) == what

    def subscribe(self, *filters: str) -> None:
        for each in filters:
            self._client.subscribe(each, qos=1)
            self._expect("subscribed")

    def publish(self, topic: str, *, retain: bool = False) -> None:
        """Publish and wait for the acknowledgement, which comes whether the broker drops it or not."""
        self._client.publish(topic, b"x", qos=1, retain=retain)
        self._expect("published")

    def given_before(self, last: str) -> set[str]:
        """The topics of what was given, up to the message that must arrive."""
        given: set[str] = set()
        while (topic := self._got.get(timeout=LIMIT_S)) != last:
            given.add(topic)
        return given

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


class Broker:
    """A mosquitto with an access list, its CA, and the clients of the test in hand."""

    def __init__(self, folder: Path, acl: str) -> None:
        self.authority = Authority(folder / "certificates")
        self.port = free_port()
        config = write_guarded_config(folder, self.port, acl, self.authority.issue("broker", server=True))
        self.child = Child("broker", (str(find_mosquitto()), "-c", str(config)))
        self._files: dict[str, TlsFiles] = {}
        self._clients: list[Client] = []

    def files(self, name: str) -> TlsFiles:
        if name not in self._files:
            self._files[name] = self.authority.issue(name)
        return self._files[name]

    def client(self, name: str, *filters: str, claimed: str | None = None) -> Client:
        client = Client(self.port, f"{name}-{len(self._clients)}", self.files(name), claimed)
        self._clients.append(client)
        client.subscribe(*filters)
        return client

    def close_clients(self) -> None:
        while self._clients:
            self._clients.pop().close()


@contextmanager
def running(folder: Path, acl: str) -> Iterator[Broker]:
    broker = Broker(folder, acl)
    with Supervisor(folder) as supervisor:
        supervisor.start(broker.child)
        deadline_s = time.monotonic() + LIMIT_S
        while not answers(broker.port):
            assert time.monotonic() < deadline_s, (folder / "logs" / "broker.log").read_text()
            time.sleep(0.02)
        yield broker


@pytest.fixture(scope="module")
def hood_broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    with running(tmp_path_factory.mktemp("hood"), hood_acl(HOOD, observers=[WITNESS])) as broker:
        yield broker


@pytest.fixture(scope="module")
def home_broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    with running(tmp_path_factory.mktemp("home"), home_acl("house1", observers=[WITNESS])) as broker:
        yield broker


@pytest.fixture
def hood(hood_broker: Broker) -> Iterator[Broker]:
    yield hood_broker
    hood_broker.close_clients()


@pytest.fixture
def home(home_broker: Broker) -> Iterator[Broker]:
    yield home_broker
    home_broker.close_clients()


# --- the hood broker ---

ALLOWED = [
    f"{ROOT}/house1/board/{ROUND}/order",
    f"{ROOT}/house1/board/{ROUND}/bundle",
    f"{ROOT}/house1/board/{ROUND}/ask",
    f"{ROOT}/house1/board/{ROUND}/give",
    f"{ROOT}/house1/board/{ROUND}/evidence",
    f"{ROOT}/house1/log/checkpoint",
    f"{ROOT}/house1/roster",
    f"{ROOT}/house2/in/house1",
    f"{ROOT}/house1/in/house1",
]
FORGED = [
    f"{ROOT}/house2/board/{ROUND}/order",
    f"{ROOT}/house2/board/{ROUND}/bundle",
    f"{ROOT}/house2/log/checkpoint",
    f"{ROOT}/house2/roster",
    f"{ROOT}/house2/in/house2",
    f"{ROOT}/house2/in/house3",
    f"{ROOT}/house2/in/house1/more",
    f"{ROOT}/house2/in",
    f"{ROOT}/house3/board/{ROUND}/order",
    f"{ROOT}/house1x/board/{ROUND}/order",
    f"{ROOT}",
    f"vh/1/8899aabbccddeeff/house1/board/{ROUND}/order",
    "vh/1/8899aabbccddeeff/house2/in/house1",
    "vh/1/home/house1/home/state",
    "homeassistant/device/x/config",
    "house1",
    "elsewhere",
]
MARK = f"{ROOT}/house1/log/mark"


@pytest.mark.parametrize("topic", [*ALLOWED, *FORGED])
def test_a_house_writes_under_its_own_name_alone(hood: Broker, topic: str) -> None:
    witness, house = hood.client(WITNESS, "#"), hood.client("house1")
    house.publish(topic)
    house.publish(MARK)
    assert witness.given_before(MARK) == ({topic} if topic in ALLOWED else set())


@pytest.mark.parametrize("topic", FORGED)
def test_what_was_dropped_is_not_kept_either(hood: Broker, topic: str) -> None:
    house = hood.client("house1")
    house.publish(topic, retain=True)
    witness = hood.client(WITNESS, "#")
    house.publish(MARK)
    assert witness.given_before(MARK) == set()


PUBLIC = [f"{ROOT}/house1/board/{ROUND}/order", f"{ROOT}/house1/log/checkpoint", f"{ROOT}/house1/roster"]
PRIVATE = [f"{ROOT}/house1/in/house1", f"{ROOT}/house3/in/house1", f"{ROOT}/house1/other"]
WIDE = ["#", "vh/#", f"{ROOT}/#", f"{ROOT}/+/in/+", f"{ROOT}/+/board/#", f"{ROOT}/house1/#", "+/+/+/+/+/+"]


@pytest.mark.parametrize("wanted", WIDE)
def test_a_house_reads_what_is_for_all_and_its_own(hood: Broker, wanted: str) -> None:
    own = f"{ROOT}/house2/in/house1"
    writer, reader, witness = hood.client("house1"), hood.client("house2", wanted, own), hood.client(WITNESS, "#")
    for topic in (*PUBLIC, *PRIVATE, own):
        writer.publish(topic)
    assert witness.given_before(own) == {*PUBLIC, *PRIVATE}
    assert reader.given_before(own) == {topic for topic in PUBLIC if mqtt.topic_matches_sub(wanted, topic)}


def test_an_inbox_is_read_by_its_house(hood: Broker) -> None:
    reader, writer = hood.client("house1", f"{ROOT}/house1/in/+", f"{ROOT}/+/log/#"), hood.client("house2")
    writer.publish(f"{ROOT}/house1/in/house2")
    writer.publish(f"{ROOT}/house2/log/mark")
    assert reader.given_before(f"{ROOT}/house2/log/mark") == {f"{ROOT}/house1/in/house2"}


def test_a_name_in_connect_changes_nothing(hood: Broker) -> None:
    witness, client = hood.client(WITNESS, "#"), hood.client("house7", claimed="house1")
    client.publish(f"{ROOT}/house1/board/{ROUND}/order")
    client.publish(f"{ROOT}/house7/board/{ROUND}/order")
    assert witness.given_before(f"{ROOT}/house7/board/{ROUND}/order") == set()


# --- the home broker ---

OTHER_NODE = "ffee00112233aabb"
NODE_WRITES = [f"{HOME}/live", f"{HOME}/record", f"{HOME}/status", f"{HOME}/did/7"]
NODE_FORGES = [
    f"{HOME}/receipt",
    f"{HOME}/do/reboot",
    f"{HOME}/record/more",
    f"vh/1/home/house1/node/{OTHER_NODE}/record",
    f"vh/1/home/house1/node/{OTHER_NODE}/status",
    "vh/1/home/house1/home/state",
    "homeassistant/device/x/config",
    f"{ROOT}/house1/board/{ROUND}/order",
]
AGENT_WRITES = [
    f"{HOME}/receipt",
    f"{HOME}/do/reboot",
    "vh/1/home/house1/home/state",
    "homeassistant/device/house1/config",
]
AGENT_FORGES = ["vh/1/home/house2/home/state", f"{ROOT}/house1/board/{ROUND}/order", "elsewhere"]


@pytest.mark.parametrize("topic", [*NODE_WRITES, *NODE_FORGES])
def test_a_node_writes_its_stream_and_never_its_receipts(home: Broker, topic: str) -> None:
    witness, node, mark = home.client(WITNESS, "#"), home.client(NODE), f"{HOME}/did/mark"
    node.publish(topic)
    node.publish(mark)
    assert witness.given_before(mark) == ({topic} if topic in NODE_WRITES else set())


@pytest.mark.parametrize("topic", [*AGENT_WRITES, *AGENT_FORGES])
def test_an_agent_writes_at_home_and_for_home_assistant(home: Broker, topic: str) -> None:
    witness, agent, mark = home.client(WITNESS, "#"), home.client("house1"), "vh/1/home/house1/mark"
    agent.publish(topic)
    agent.publish(mark)
    assert witness.given_before(mark) == ({topic} if topic in AGENT_WRITES else set())


def test_a_node_reads_its_own_topics_alone(home: Broker) -> None:
    own = f"vh/1/home/house1/node/{OTHER_NODE}/receipt"
    agent, other = home.client("house1"), home.client(OTHER_NODE, "#")
    for topic in (*AGENT_WRITES, own):
        agent.publish(topic)
    assert other.given_before(own) == set()


def test_an_agent_reads_its_nodes_and_home_assistant(home: Broker) -> None:
    agent, node = home.client("house1", "#"), home.client(NODE)
    agent.publish("homeassistant/status")
    for topic in (*NODE_WRITES, f"{HOME}/did/mark"):
        node.publish(topic)
    assert agent.given_before(f"{HOME}/did/mark") == {"homeassistant/status", *NODE_WRITES}


# --- who is let in at all ---


def refused(port: int, context: ssl.SSLContext) -> bool:
    """Whether a client does not get the broker's consent to its CONNECT (MQTT 3.1.1, sections 3.1 and 3.2)."""
    with socket.create_connection((LOOPBACK, port), timeout=LIMIT_S) as plain:
        try:
            with context.wrap_socket(plain, server_hostname=LOOPBACK) as connection:
                connection.sendall(b"\x10\x14\x00\x04MQTT\x04\x02\x00\x3c\x00\x08stranger")
                return connection.recv(4) != b"\x20\x02\x00\x00"
        except (ssl.SSLError, ConnectionError):
            return True


def test_a_certificate_of_the_ca_is_let_in(hood: Broker) -> None:
    assert not refused(hood.port, hood.files("house9").client_context())


def test_without_a_certificate_nobody_is_let_in(hood: Broker) -> None:
    assert refused(hood.port, ssl.create_default_context(cafile=hood.authority.ca_file))


def test_an_expired_certificate_is_refused(hood: Broker) -> None:
    assert refused(hood.port, hood.authority.issue("house8", expired()).client_context())


def test_a_certificate_of_another_ca_is_refused(hood: Broker, tmp_path: Path) -> None:
    foreign = Authority(tmp_path).issue("house1")
    files = TlsFiles(hood.authority.ca_file, foreign.cert_file, foreign.key_file)
    assert refused(hood.port, files.client_context())


def test_a_client_refuses_a_broker_of_another_ca(hood: Broker, tmp_path: Path) -> None:
    own = hood.files("house1")
    context = TlsFiles(Authority(tmp_path).ca_file, own.cert_file, own.key_file).client_context()
    with socket.create_connection((LOOPBACK, hood.port)) as plain, pytest.raises(ssl.SSLCertVerificationError):
        context.wrap_socket(plain, server_hostname=LOOPBACK)
