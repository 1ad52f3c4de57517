"""A demonstration that runs: started, listened to, hurt, and looked into afterwards.

What a test waits for has a generous limit, since other work may be on the machine; nothing is waited for by the clock.
"""

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from volthood.adapters.clock import CalendarClock
from volthood.adapters.crypto import AgentKeys, LinkKey
from volthood.cli.household import Household
from volthood.config.agent import load_agent_config
from volthood.ports.stores import EventRow
from volthood.wire.cbor import WireError
from volthood.wire.market import Order, unpack_eddsa
from volthood.wire.record import Record, unpack_record
from volthood.wire.topics import ROOT, Topic, parse_round, parse_topic
from volthood_tools.broker.choice import LOOPBACK, answers
from volthood_tools.processes.memory import memory_of

VOLTHOOD = (sys.executable, "-c", "from volthood.cli import main; main()")
LIMIT_S = 120.0
FORWARD = 0

RoundKey = tuple[int, int]
"""(slot, gate)."""


def until(condition: Callable[[], bool], what: str, limit_s: float = LIMIT_S) -> float:
    """Wait for a condition; the seconds it took."""
    start_s = time.monotonic()
    while not condition():
        assert time.monotonic() - start_s < limit_s, f"it never came: {what}"
        time.sleep(0.01)
    return time.monotonic() - start_s


def connected(client_id: str, port: int) -> mqtt.Client:
    """A client that comes back when the broker does."""
    client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=client_id, protocol=mqtt.MQTTv311)
    client.reconnect_delay_set(1, 1)
    client.connect_async(LOOPBACK, port)
    return client


class Listener:
    """Hears everything that goes over the broker, and keeps each different message once.

    Attributes:
        boards: the different messages by (slot, gate), house and kind.
        records: the different records by node and rseq.
        receipts: the different receipts by node.
    """

    def __init__(self, port: int) -> None:
        self.boards: dict[tuple[RoundKey, str, str], set[bytes]] = {}
        self.records: dict[tuple[str, int], set[bytes]] = {}
        self.receipts: dict[str, set[bytes]] = {}
        self.hooks: list[Callable[[RoundKey, str, str, bytes], None]] = []
        self._lock = threading.Lock()
        self._client = connected("listener", port)
        self._client.on_connect, self._client.on_message = self._on_connect, self._on_message
        self._client.loop_start()

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def heard(self, round_: RoundKey, house: str, kind: str) -> bool:
        """Whether a house has posted a message of a kind in a round."""
        with self._lock:
            return (round_, house, kind) in self.boards

    def posted(self, round_: RoundKey, house: str, kind: str) -> bytes:
        """The one message of a kind that a house posted in a round."""
        with self._lock:
            (data,) = self.boards[round_, house, kind]
        return data

    def order(self, round_: RoundKey, house: str) -> Order:
        """The order that a house posted in a round."""
        return Order.from_cbor(unpack_eddsa(self.posted(round_, house, "order"), Order.MAX_BYTES).payload)

    def heard_record(self, node: str) -> bool:
        """Whether a node has sent a record; it writes and sends some together."""
        with self._lock:
            return any(key[0] == node for key in self.records)

    def record_of(self, node: str) -> tuple[Record, bytes]:
        """The oldest record heard of a node."""
        with self._lock:
            _, data = min((key[1], min(seen)) for key, seen in self.records.items() if key[0] == node)
        return unpack_record(data)[1], data

    def _on_connect(self, client: mqtt.Client, *_rest: object) -> None:
        client.subscribe(ROOT + "#", qos=1)

    def _on_message(self, _client: mqtt.Client, _data: object, message: mqtt.MQTTMessage) -> None:
        try:
            topic, payload = parse_topic(message.topic), bytes(message.payload)
            with self._lock:
                self._keep(topic, payload)
        except WireError:
            return
        if topic.area == "board":
            for hook in self.hooks:
                hook(parse_round(topic.detail[0]), topic.house, topic.detail[1], payload)

    def _keep(self, topic: Topic, payload: bytes) -> None:
        if topic.area == "board":
            self.boards.setdefault((parse_round(topic.detail[0]), topic.house, topic.detail[1]), set()).add(payload)
        elif topic.area == "node" and topic.detail[1] == "record":
            self.records.setdefault((topic.detail[0], unpack_record(payload)[1].rseq), set()).add(payload)
        elif topic.area == "node" and topic.detail[1] == "receipt":
            self.receipts.setdefault(topic.detail[0], set()).add(payload)


@dataclass(frozen=True)
class Home:
    """A home of the demonstration: its public place and its keys."""

    house: str
    path: Path

    @property
    def keys(self) -> AgentKeys:
        """Its agent's keys."""
        return AgentKeys.load(self.path / "agent.key")

    @property
    def link(self) -> LinkKey:
        """The key that it shares with its node."""
        return LinkKey.load(self.path / "link.key")

    def open(self) -> Household:
        """Its stores, read only."""
        return Household.open(self.path / "agent.toml")

    def events(self, *names: str) -> list[EventRow]:
        """What its agent kept as worth telling."""
        with self.open() as household:
            return household.trades.events(0, names)

    def refusals(self) -> set[str]:
        """The reasons for which its agent refused messages."""
        words = [word for event in self.events("MessageRefused") for word in event.details.split()]
        return {word.removeprefix("reason=") for word in words if word.startswith("reason=")}


class Demo:
    """`volthood demo` as a process, its calendar begun. `first_slot` is the first that it trades."""

    def __init__(self, folder: Path, stack: ExitStack, *options: str) -> None:
        self.folder = folder
        self._told = folder.with_suffix(".err")
        self._printed = folder.with_suffix(".out")
        command = [*VOLTHOOD, "demo", "--speed", "240", "--keep", str(folder), "--json", *options]
        out, err = (stack.enter_context(path.open("w")) for path in (self._printed, self._told))
        self.process = subprocess.Popen(command, stdout=out, stderr=err)
        stack.callback(self._end)
        self.until((folder / "hood.note").exists, "the hood is founded")
        self.homes = {path.name: Home(path.name, path) for path in sorted((folder / "homes").iterdir())}
        self.port = load_agent_config(self.homes["house01"].path / "agent.toml").broker.port
        self.until(lambda: answers(self.port), "the broker answers")
        self.listener = Listener(self.port)
        stack.callback(self.listener.close)
        self.until((folder / "clock.json").exists, "the calendar begins")
        self.clock = CalendarClock.load(folder / "clock.json")
        self.slot_s = 900
        # The calendar begins less than a slot before the first gate, which is a slot before the first slot.
        self.first_slot = (self.clock.calendar_start_s // self.slot_s + 2) * self.slot_s

    def _end(self) -> None:
        if self.process.poll() is None:
            self.process.terminate()
            self.process.wait(30)

    @property
    def told(self) -> str:
        """What it has said for a person."""
        return self._told.read_text()

    def until(self, condition: Callable[[], bool], what: str) -> float:
        """Wait for something to happen while it runs; the seconds it took."""

        def happened() -> bool:
            assert self.process.poll() is None, f"it ended before {what}: {self.told}"
            return condition()

        return until(happened, what)

    def round(self, number: int) -> RoundKey:
        """The forward round of its slot `number`, from 0."""
        return self.first_slot + number * self.slot_s, FORWARD

    def pid(self, name: str) -> int:
        """The process of a part."""
        pids: dict[str, int] = json.loads((self.folder / "run" / "pids.json").read_text())
        return pids.get(name, 0)

    def kill(self, name: str) -> float:
        """`kill -9` a part; the seconds until there is a new process."""
        before = self.pid(name)
        os.kill(before, 9)
        return self.until(lambda: self.pid(name) not in {0, before}, f"{name} is started again")

    def log(self, name: str) -> str:
        """What a part has logged."""
        return (self.folder / "logs" / f"{name}.log").read_text()

    def volthood(self, *arguments: str) -> str:
        """What a command says about this folder."""
        command = [*VOLTHOOD, *arguments, "--dir", str(self.folder)]
        done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=LIMIT_S)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def finish(self) -> dict[str, object]:
        """Wait for its end, which must be a good one; its JSON object."""
        status = self.process.wait(LIMIT_S)
        assert status == 0, self.told
        result: dict[str, object] = json.loads(self._printed.read_text().splitlines()[-1])
        return result


def runs(pid: int) -> bool:
    """Whether a process exists and is no zombie."""
    return memory_of(pid) is not None


StartDemo = Callable[..., Demo]
"""start(*options) -> a demonstration whose calendar has begun; it ends with the module's tests."""


@pytest.fixture(scope="module")
def start_demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StartDemo]:
    """Starts demonstrations, each in a folder of its own."""
    with ExitStack() as stack:
        yield lambda *options: Demo(tmp_path_factory.mktemp("demo") / "hood", stack, *options)
