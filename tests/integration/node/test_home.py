"""A household as it is meant to be: board, mosquitto with certificates and access list, agent; and who must not get in."""

import json
import queue
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from volthood.adapters.crypto import LinkKey
from volthood.adapters.mqtt import TlsFiles
from volthood.adapters.store_sql import SqlReadingStore
from volthood.engine.verbs import Asker
from volthood.errors import DeviceError
from volthood.wire.topics import node_topic
from volthood_tools.broker.choice import LOOPBACK, find_mosquitto
from volthood_tools.onehome import HOUSE, OneHome, board_in
from volthood_tools.virtual_board import find_micropython

LIMIT_S = 20.0

pytestmark = pytest.mark.skipif(find_mosquitto() is None, reason="mosquitto is not installed")


@pytest.fixture(params=["micropython", pytest.param("cpython", marks=pytest.mark.long)])
def home(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[OneHome]:
    micropython = find_micropython() if request.param == "micropython" else None
    if request.param == "micropython" and micropython is None:
        pytest.skip("no micropython")
    with OneHome(tmp_path, board_in(tmp_path, micropython)) as made:
        made.start()
        yield made


class Member:
    """Somebody on the home broker with a certificate: records what the node says, and publishes what it likes."""

    def __init__(self, home: OneHome, tls: TlsFiles) -> None:
        assert home.identity is not None
        self.node = home.identity.node
        self.came: queue.Queue[tuple[str, bytes]] = queue.Queue()
        self._up: queue.Queue[None] = queue.Queue()
        self._client = paho.Client(CallbackAPIVersion.VERSION2, client_id="test", protocol=paho.MQTTv311)
        self._client.tls_set_context(tls.client_context())
        self._client.on_subscribe = lambda *_: self._up.put(None)
        self._client.on_message = lambda _client, _data, message: self.came.put((message.topic, bytes(message.payload)))
        self._client.connect(LOOPBACK, home.port)
        self._client.loop_start()
        self._client.subscribe(node_topic(HOUSE, self.node, "#"), qos=1)
        self._up.get(timeout=LIMIT_S)

    def publish(self, what: str, data: bytes) -> None:
        self._client.publish(node_topic(HOUSE, self.node, what), data, qos=1).wait_for_publish(LIMIT_S)

    def answers(self) -> bytes:
        while True:
            topic, payload = self.came.get(timeout=LIMIT_S)
            if "/did/" in topic:
                return payload

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


def test_records_reach_the_agent_and_its_receipts_come_home(home: OneHome) -> None:
    home.await_(lambda: int(str(home.ask("queue")["receipt"])) > 16, "receipts over more than a slot", LIMIT_S)
    told = home.ask("queue")
    assert told["refused_receipts"] == 0
    assert home.identity is not None
    with SqlReadingStore.open(home.folder / "readings.db", read_only=True) as store:
        stored = store.last_records(bytes.fromhex(home.identity.node), 1)
    assert stored
    assert int(str(told["receipt_after_ms"])) < 1000

    asked = ask(home, "status", "--json")
    assert asked.returncode == 0, asked.stderr
    assert json.loads(asked.stdout)["link"] == "connected"
    assert "refused_receipts: 0" in ask(home, "queue").stdout
    for command, fault in (
        (("factory-reset",), "cable_only"),
        (("nonsense",), "unknown_command"),
        (("--node", "0011223344556677", "status"), "the roster has no node 0011223344556677"),
        (("--home", "house99", "status"), "no home 'house99'"),
    ):
        asked = ask(home, *command)
        assert asked.returncode == 1
        assert fault in asked.stderr


def ask(home: OneHome, *command: str) -> "subprocess.CompletedProcess[str]":
    """`volthood node ask`, as a person types it."""
    program = (sys.executable, "-c", "from volthood.cli import main; main()")
    arguments = ("node", "ask", "--dir", str(home.folder), *command)
    return subprocess.run((*program, *arguments), check=False, capture_output=True, text=True, timeout=60)


def refused(home: OneHome, reason: str) -> bool:
    lines = home.ask("log")["lines"]
    assert isinstance(lines, list)
    return any("verb_refused" in line and f"reason={reason}" in line for line in lines)


def test_verbs_that_are_not_the_agents_do_nothing(home: OneHome) -> None:
    key = LinkKey.load(home.folder / "link.key").secret
    member = Member(home, home.agent)
    kid = bytes.fromhex(member.node)
    try:
        forged = Asker(bytes(32), kid).begin(b"forged 1", "console", b"reboot")
        member.publish("do/console", forged)
        home.await_(lambda: refused(home, "mac_wrong"), "the forged verb is refused")
        member.publish("do/console", bytes(2000))
        home.await_(lambda: "message_too_long" in str(home.ask("log")["counts"]), "what is too long is read over")
        assert home.ask("status")["link"] == "connected"

        asker = Asker(key, kid)
        stale = asker.begin(b"stale 01", "console", b"reboot")
        member.publish("do/console", stale)
        answered = asker.take(member.answers())
        assert answered is not None
        assert answered.again
        good = asker.begin(b"good 001", "console", b"id")
        member.publish("do/console", good)
        answered = asker.take(member.answers())
        assert answered is not None
        assert json.loads(answered.body)["node"] == member.node
        for replayed in (good, stale, good):
            member.publish("do/console", replayed)
        home.await_(lambda: refused(home, "replayed"), "the replay is refused")
        member.publish("do/console", asker.begin(b"other 01", "erase", b""))
        stale_again, unknown = member.answers(), member.answers()
        assert asker.take(stale_again) is None
        with pytest.raises(DeviceError, match="verb_unknown"):
            asker.take(unknown)
        assert home.ask("status")["boots"] == 1
    finally:
        member.close()


def test_a_node_cannot_ask_and_a_stranger_cannot_listen(home: OneHome) -> None:
    """The access list: another client with a certificate of the household's CA that is neither the agent nor this node."""
    key = LinkKey.load(home.folder / "link.key").secret
    stranger = Member(home, home.authority.issue("0123456789abcdef"))
    try:
        asker = Asker(key, bytes.fromhex(stranger.node))
        stranger.publish("do/console", asker.begin(b"stranger", "console", b"id"))
        home.ask_over_broker("console", b"id")
        assert stranger.came.empty()
        assert not refused(home, "mac_wrong")
    finally:
        stranger.close()
