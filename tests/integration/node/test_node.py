"""A whole node as a process, on both interpreters: simulated meter, real broker, records verified as an agent does."""

import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from volthood.core.energy import edge_of
from volthood.errors import DeviceError
from volthood.wire.record import Record
from volthood_tools.broker.choice import answers, choose_broker, find_mosquitto, free_port
from volthood_tools.console.node import NodeConsole
from volthood_tools.console.port import Port
from volthood_tools.processes.supervisor import Child, Supervisor
from volthood_tools.receiver import Receiver
from volthood_tools.virtual_board import VirtualBoard, find_micropython

SPEED = 240
SLOT_S = 900
POWER_W = 3600
LINK_KEY = bytes(range(32))
PATIENCE_S = 20


class Scene:
    """A meter, a broker, a board and what keeps them running."""

    def __init__(
        self, folder: Path, micropython: Path | None, root: Path | None = None, more: tuple[str, ...] = ()
    ) -> None:
        self.folder = folder
        self.port = free_port()
        self.clock = folder / "clock.json"
        self.board = VirtualBoard(
            flash=folder / "flash",
            uart=folder / "meter",
            console=folder / "console",
            micropython=micropython,
            clock=self.clock,
            sample_ms=100,
            root=root,
            more=more,
        )
        self.supervisor = Supervisor(folder)
        self.agent: Receiver | None = None

    def start(self) -> None:
        choice = choose_broker(self.folder, self.port, find_mosquitto())
        command = (
            "volthood-simmeter",
            "--link",
            str(self.folder / "meter"),
            "--power",
            str(POWER_W),
            "--since",
            "2025-06-01T00:00:00Z",
        )
        meter = Child("meter", (*command, "--clock", str(self.clock)))
        self.supervisor.start(choice.child, meter)
        self.supervisor.start(Child("node", self.board.command, self.board.environment, self.board.terminal))

    def set_clock(self) -> None:
        real_ms = time.time_ns() // 1_000_000
        start_s = 1_750_000_000 // SLOT_S * SLOT_S + SLOT_S - 2 * SPEED
        self.clock.write_text(json.dumps({"real_start_ms": real_ms, "calendar_start_s": start_s, "speed": SPEED}))

    def ask(self, command: str) -> dict[str, object]:
        with Port.open(self.folder / "console") as port:
            return NodeConsole(port, "node").ask(command)

    def enrol(self) -> dict[str, object]:
        with Port.open(self.folder / "console") as port:
            console = NodeConsole(port, "node")
            identity = console.wait_ready()
            wait_until(lambda: "serial" in self.attempt(console, "meter read"), "the meter is read")
            settings = {
                "house": "house01",
                "link_key": LINK_KEY.hex(),
                "broker": f"127.0.0.1:{self.port}",
                "tls": False,
                "pin": "1234",
            }
            console.ask("enrol " + json.dumps(settings))
        public_key = bytes.fromhex(str(identity["public_key"]))
        self.agent = Receiver("127.0.0.1", self.port, "house01", str(identity["node"]), public_key, LINK_KEY)
        return identity

    @staticmethod
    def attempt(console: NodeConsole, command: str) -> dict[str, object]:
        try:
            return console.ask(command)
        except DeviceError:
            return {}

    def kill(self, name: str) -> None:
        pid = self.supervisor.pids()[name]
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: self.supervisor.pids().get(name, pid) != pid, f"{name} is back")

    def close(self) -> None:
        if self.agent is not None:
            self.agent.close()
        self.supervisor.stop()
        self.board.close()


def wait_until(holds: Callable[[], bool], what: str) -> None:
    deadline_s = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < deadline_s, f"not within {PATIENCE_S} s: {what}"
        time.sleep(0.05)


@pytest.fixture(params=["micropython", "cpython"])
def scene(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Scene]:
    micropython = None if request.param == "cpython" else find_micropython()
    if request.param != "cpython" and micropython is None:
        pytest.skip("no micropython")
    more = ("--raw", str(tmp_path / "raw")) if request.param == "partition" else ()
    made = Scene(tmp_path, micropython, more=more)
    with made.supervisor:
        made.start()
        try:
            yield made
        finally:
            made.close()


def slots_arrive(scene: Scene, count: int) -> list[Record]:
    agent = scene.agent
    assert agent is not None
    before = len(agent.slots())
    wait_until(lambda: len(agent.slots()) >= before + count or not agent.faults.empty(), f"{count} slot records")
    return agent.slots()


def check_energy(slots: list[Record]) -> None:
    """Between any two edges the records say what the meter's power makes of the time between the two readings."""
    for earlier, later in pairwise(slots):
        expected_wh = POWER_W * (later.time_s - earlier.time_s) // 3600
        assert abs(later.import_wh - earlier.import_wh - expected_wh) <= POWER_W * SPEED // 10 // 3600 + 2


@pytest.mark.parametrize("scene", ["micropython", pytest.param("cpython", marks=pytest.mark.long)], indirect=True)
def test_a_node_delivers_survives_kills_and_loses_nothing(scene: Scene) -> None:
    scene.enrol()
    agent = scene.agent
    assert agent is not None
    scene.set_clock()
    slots_arrive(scene, 2)
    assert scene.ask("status")["link"] == "connected"

    scene.kill("node")
    slots_arrive(scene, 1)
    assert {record.boot for record in agent.records} >= {1, 2}

    scene.kill("broker")
    wait_until(lambda: answers(scene.port), "the broker answers")
    slots_arrive(scene, 1)

    scene.kill("meter")
    slots = slots_arrive(scene, 1)
    wait_until(lambda: scene.ask("queue")["receipt"] == agent.stream.receipt, "the receipt has come home")

    edges = [edge_of(record, SLOT_S).edge_s for record in slots]
    assert len(set(edges)) == len(edges)
    check_energy(slots)
    assert agent.stream.lost == []
    assert agent.stream.receipt >= max(record.rseq for record in slots)
    assert agent.lives
    assert False in agent.online
    assert agent.online[-1]


@pytest.mark.parametrize("scene", ["micropython", "cpython", "partition"], indirect=True)
def test_what_is_not_receipted_comes_again_after_a_kill(scene: Scene) -> None:
    scene.enrol()
    agent = scene.agent
    assert agent is not None
    agent.silent = True
    scene.set_clock()
    slots_arrive(scene, 1)
    scene.kill("node")
    wait_until(lambda: agent.repeated > 0, "records come again")
    agent.silent = False
    slots_arrive(scene, 1)
    wait_until(lambda: scene.ask("queue")["receipt"] == agent.stream.receipt, "the receipt has come home")
    in_files = [file.name for file in (scene.folder / "flash").iterdir() if file.name[1:].isdigit()]
    assert bool(in_files) != (scene.folder / "raw").exists()


def test_the_console_answers_within_100_ms_and_outlives_the_node(scene: Scene) -> None:
    with Port.open(scene.folder / "console") as port:
        console = NodeConsole(port, "node")
        first = console.wait_ready()
        for command in ("id", "status", "queue", "meter list", "chain", "log", "time"):
            began_s = time.monotonic()
            answer = console.ask(command)
            assert answer
            assert time.monotonic() - began_s < 0.1, command
        scene.kill("node")
        again = console.wait_ready()
    assert again["public_key"] == first["public_key"]


def test_reboot_and_factory_reset_start_the_board_again(scene: Scene) -> None:
    with Port.open(scene.folder / "console") as port:
        console = NodeConsole(port, "node")
        first = console.wait_ready()
        assert console.ask("reboot") == {"rebooting": True}
        wait_until(lambda: scene.attempt(console, "status").get("boots") == 2, "the second boot")
        assert console.wait_ready()["node"] == first["node"]
        code = console.ask("factory-reset")["code"]
        console.ask(f"factory-reset {code}")
        wait_until(lambda: scene.attempt(console, "id").get("node", first["node"]) != first["node"], "a new key")


def test_a_console_that_nobody_reads_does_not_hold_the_node_up(scene: Scene) -> None:
    scene.enrol()
    agent = scene.agent
    assert agent is not None
    scene.set_clock()
    with Port.open(scene.folder / "console") as port:
        for _ in range(300):
            port.write(b"help\r")
        slots_arrive(scene, 1)
