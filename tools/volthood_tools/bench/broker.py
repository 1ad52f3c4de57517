"""Real agents on one real mosquitto, mutual TLS and access lists on: from the gate to the last contract that both signed.

Everything runs on this machine, in at most eight processes that host the agents, beside the broker and a witness that
counts what is published. At home every agent has a processor of its own; here all share what there is, so the figures are
an upper bound that depends on the machine. The clock is ordinary time and windows end early.

The first round is told apart: then each agent reads its history and prepares its queries, at home a few milliseconds once in
its life, here for all of them on the same processors in the same second.
"""

import contextlib
import json
import math
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from volthood.errors import LocalError
from volthood.wire.topics import ROOT, parse_topic
from volthood_tools.bench.broker_setup import Setup, level_of
from volthood_tools.bench.figures import Figure
from volthood_tools.broker.acl import hood_acl, write_guarded_config
from volthood_tools.broker.certificates import Authority
from volthood_tools.broker.choice import LOOPBACK, answers, find_mosquitto, free_port
from volthood_tools.processes import tether
from volthood_tools.processes.memory import memory_of
from volthood_tools.processes.supervisor import Child, Supervisor

MOST_WORKERS = 8
FULL = ((2, 20, 3), (100, 10, 8), (200, 8, 12))
"""(agents, rounds, seconds from gate to gate)."""
QUICK = ((2, 4, 2), (10, 4, 3))
WITNESS = "witness"
LIMIT_S = 120.0
"""How long the broker may take to answer, and workers beyond their rounds and a second an agent."""
KIB_PER_MB = 1000 * 1000 / 1024


class Witness:
    """A client that may read everything and counts what is published, by the last level of its topic or `in`."""

    def __init__(self, setup: Setup, level: str) -> None:
        self.counts: Counter[str] = Counter()
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=WITNESS, protocol=mqtt.MQTTv311)
        self._client.tls_set_context(setup.tls(WITNESS).client_context())
        # QoS 0: the broker must not queue for a witness.
        self._client.on_connect = lambda client, *_: client.subscribe(f"{ROOT}{level}/#", qos=0)
        self._client.on_message = self._count
        self._client.connect(LOOPBACK, setup.port)
        self._client.loop_start()

    def _count(self, _client: mqtt.Client, _data: object, message: mqtt.MQTTMessage) -> None:
        topic = parse_topic(message.topic)
        self.counts[topic.detail[1] if topic.area == "board" else topic.area] += 1

    def close(self) -> None:
        """Disconnect."""
        self._client.disconnect()
        self._client.loop_stop()


@dataclass(frozen=True)
class Run:
    """What came of one run: `workers` as they printed it, what was published, the broker's peak memory."""

    setup: Setup
    workers: list[dict[str, Any]]
    published: Counter[str]
    broker_kib: int
    load_before: float
    load_after: float

    def of_round(self, number: int, name: str) -> list[Any]:
        """What each worker saw of a round under a name."""
        key = str(number)
        return [worker["rounds"][key][name] for worker in self.workers if key in worker["rounds"]]

    def last_s(self, number: int, name: str) -> float:
        """The last instant of its kind in a round, s after the gate; infinite where nothing happened."""
        seen = self.of_round(number, name)
        times_ms = [ms for each in seen for ms in (each if isinstance(each, list) else [each])]
        return max(times_ms) / 1000 if times_ms else math.inf

    def total(self, name: str) -> int:
        """What workers counted, over all rounds."""
        return sum(sum(self.of_round(number, name)) for number in range(self.setup.rounds))

    @property
    def cleared_wh(self) -> int:
        """What all books came to: each agent clears the same."""
        return sum(max(self.of_round(number, "traded_wh"), default=0) for number in range(self.setup.rounds))

    @property
    def contracts(self) -> int:
        """Contracts with both signatures."""
        return sum(len(times) for number in range(self.setup.rounds) for times in self.of_round(number, "signed_ms"))


def measure(quick: bool, seed: int) -> Iterator[Figure]:
    """Yields the figures of each size. Raises `LocalError` without a mosquitto, or where a process dies."""
    for agents, rounds, interval_s in QUICK if quick else FULL:
        with tempfile.TemporaryDirectory() as folder:
            workers = min(MOST_WORKERS, agents, 2 * (os.cpu_count() or 1))
            done = run(Setup(folder, free_port(), agents, workers, rounds, interval_s, seed))
        yield from figures(done)


def figures(done: Run) -> Iterator[Figure]:
    """The figures of a run, named after its size."""
    size, seed = done.setup.agents, done.setup.seed
    latencies = [done.last_s(number, "signed_ms") for number in range(done.setup.rounds)]
    mark = f"market.gate_to_contract_{size}"
    yield Figure(
        f"gate_to_contract_{size}", p99(latencies[1:]), "s", len(latencies) - 1, seed, tuple(latencies[1:]), mark
    )
    yield Figure(f"first_round_{size}", latencies[0], "s", 1, seed, (latencies[0],))
    cleared = [done.last_s(number, "cleared_ms") for number in range(1, done.setup.rounds)]
    yield Figure(f"gate_to_book_{size}", p99(cleared), "s", len(cleared), seed, tuple(cleared))
    signed = 100 * done.total("signed_wh") / max(1, done.cleared_wh)
    yield Figure(f"signed_share_{size}", signed, "%", done.contracts, seed, (signed,))
    kinds = {kind: count for kind, count in done.published.items() if kind != "in"}
    per_agent = sum(kinds.values()) / (size * done.setup.rounds)
    counts = tuple(kinds.get(kind, 0) for kind in ("order", "bundle", "ask", "give", "evidence"))
    share = per_agent / (1 + 3 / size)
    yield Figure(f"messages_share_{size}", share, "of 1 + 3/n", sum(counts), seed, counts, "market.messages_share")
    orders = [min(done.of_round(number, "orders")) for number in range(done.setup.rounds)]
    yield Figure(f"orders_in_book_{size}", min(orders), "1", len(orders), seed, tuple(orders))
    refused = [len(worker["refused"]) for worker in done.workers]
    yield Figure(f"refused_{size}", sum(refused), "1", len(refused), seed, tuple(refused))
    per_contract = done.published["in"] / max(1, done.contracts)
    yield Figure(f"inbox_per_contract_{size}", per_contract, "1", done.contracts, seed, (per_contract,))
    memory = [worker["peak_kib"] / KIB_PER_MB for worker in done.workers]
    yield Figure(f"memory_{size}", sum(memory), "MB", len(memory), seed, tuple(memory))
    yield Figure(f"memory_broker_{size}", done.broker_kib / KIB_PER_MB, "MB", 1, seed, (done.broker_kib / KIB_PER_MB,))
    cpu_ms = [1000 * worker["cpu_s"] for worker in done.workers]
    each_ms = sum(cpu_ms) / (size * done.setup.rounds)
    yield Figure(f"cpu_per_agent_and_round_{size}", each_ms, "ms", len(cpu_ms), seed, tuple(cpu_ms))
    yield Figure(f"load_{size}", done.load_before, "1", 2, seed, (done.load_before, done.load_after))


def p99(values: list[float]) -> float:
    """The 99th percentile, nearest rank: up to a hundred values the greatest."""
    return sorted(values)[math.ceil(0.99 * len(values)) - 1]


def run(setup: Setup) -> Run:
    """Start a broker, a witness and the workers, and let the rounds happen."""
    program = find_mosquitto()
    if program is None:
        raise LocalError("no mosquitto: access lists and mutual TLS need it (apt install mosquitto)")
    load_before = os.getloadavg()[0]
    roster = setup.write_roster()
    authority = Authority(setup.path / "certificates")
    for name in (*setup.names, WITNESS):
        authority.issue(name)
    acl = hood_acl(level_of(roster), observers=[WITNESS])
    config = write_guarded_config(setup.path, setup.port, acl, authority.issue("broker", server=True))
    with contextlib.ExitStack() as stack:
        supervisor = stack.enter_context(Supervisor(setup.path))
        supervisor.start(Child("broker", (str(program), "-c", str(config))))
        _await_answer(setup)
        witness = Witness(setup, level_of(roster))
        stack.callback(witness.close)
        seen = _run_workers(setup, stack)
        memory = memory_of(supervisor.pids()["broker"])
        broker_kib = memory.peak_kib if memory else 0
        return Run(setup, seen, witness.counts, broker_kib, load_before, os.getloadavg()[0])


def _await_answer(setup: Setup) -> None:
    deadline_s = time.monotonic() + LIMIT_S
    while not answers(setup.port):
        if time.monotonic() > deadline_s:
            raise LocalError((setup.path / "logs" / "broker.log").read_text(encoding="utf-8"))
        time.sleep(0.02)


def _run_workers(setup: Setup, stack: contextlib.ExitStack) -> list[dict[str, Any]]:
    """What each worker prints in the end. The calendar begins when all are built."""
    file = setup.save()
    workers = [_worker(setup, file, number, stack) for number in range(setup.workers)]
    for number, worker in enumerate(workers):
        _line(setup, number, worker)
    lead_s = 5 + setup.agents // 10
    setup.clock(time.time_ns() // 1_000_000, lead_s).save(setup.clock_file)
    return [json.loads(_line(setup, number, worker)) for number, worker in enumerate(workers)]


def _worker(setup: Setup, file: Path, number: int, stack: contextlib.ExitStack) -> "subprocess.Popen[str]":
    tied = [sys.executable, "-I", "-S", tether.__file__, str(os.getpid())]
    command = [*tied, sys.executable, "-m", "volthood_tools.bench.broker_worker", str(file), str(number)]
    log = stack.enter_context(_log_of(setup, number).open("w", encoding="utf-8"))
    worker = stack.enter_context(subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True))
    stack.callback(worker.kill)
    timer = threading.Timer(LIMIT_S + setup.agents + setup.rounds * setup.interval_s, worker.kill)
    timer.start()
    stack.callback(timer.cancel)
    return worker


def _log_of(setup: Setup, number: int) -> Path:
    return setup.path / f"worker{number}.log"


def _line(setup: Setup, number: int, worker: "subprocess.Popen[str]") -> str:
    line = worker.stdout.readline() if worker.stdout else ""
    if not line:
        tail = _log_of(setup, number).read_text(encoding="utf-8")[-2000:]
        raise LocalError(f"worker {number} ended early:\n{tail}")
    return line
