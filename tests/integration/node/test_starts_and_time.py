"""A board that hangs, crashes and comes back, and one that has to find out what time it is: whole processes, real sockets."""

import json
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from volthood.errors import DeviceError
from volthood.wire.record import RELATIVE, SYNCHRONISED
from volthood_tools.broker.choice import choose_broker, find_mosquitto, free_port
from volthood_tools.console.node import NodeConsole
from volthood_tools.console.port import Port
from volthood_tools.processes.supervisor import Child, Supervisor
from volthood_tools.receiver import Receiver
from volthood_tools.time_server import TimeServer, real_ms
from volthood_tools.virtual_board import VirtualBoard, find_micropython

FAULTY_BOARD = Path(__file__).with_name("faulty_board.py")
LINK_KEY = bytes(range(32))
SLOT_S = 900
SLOT = 1_795_000_000 // SLOT_S * SLOT_S
PATIENCE_S = 40
QUICK: dict[str, dict[str, object]] = {
    "voltnode.guard": {"WATCHDOG_MS": 2000, "ALLOWED_MS": {"sampler": 3000, "recorder": 3000, "link": 3000}},
    "voltnode.edges": {"MINUTE_MS": 2000},
    "voltnode.recorder": {"HOLD_MS": 0},
    "voltnode.timekeeping": {"CONFIRM_MS": 500, "EVERY_MS": 500, "RETRY_MS": 500},
}
"""The same rules at another pace."""


class Scene:
    """A meter, a broker, a time server and a board whose faults a test decides."""

    def __init__(self, folder: Path, micropython: Path | None) -> None:
        self.folder = folder
        self.port = free_port()
        self.faults = folder / "faults.json"
        self.time = TimeServer()
        self.board = VirtualBoard(
            flash=folder / "flash",
            uart=folder / "meter",
            console=folder / "console",
            micropython=micropython,
            time_server=f"127.0.0.1:{self.time.port}",
            sample_ms=200,
            heap="1m",
        )
        at = self.board.command.index("-m")
        command = (*self.board.command[:at], str(FAULTY_BOARD), str(self.faults), *self.board.command[at + 2 :])
        self.node = Child("node", command, self.board.environment, self.board.terminal)
        self.supervisor = Supervisor(folder)
        self.agent: Receiver | None = None
        self.fail()

    def fail(self, **faults: object) -> None:
        """From the next start on the board has these faults."""
        self.faults.write_text(json.dumps({"set": QUICK, **faults}))

    def start(self) -> None:
        choice = choose_broker(self.folder, self.port, find_mosquitto())
        simulated = (sys.executable, "-c", "from volthood_tools.simmeter.cli import main; main()")
        meter = Child("meter", (*simulated, "--link", str(self.folder / "meter"), "--power", "1840"))
        self.supervisor.start(choice.child, meter)
        self.supervisor.start(self.node)

    def ask(self, command: str) -> dict[str, object]:
        """The board's answer; empty where it refuses or does not answer."""
        with Port.open(self.folder / "console") as port:
            try:
                return NodeConsole(port, "node").ask(command)
            except DeviceError:
                return {}

    def ready(self) -> dict[str, object]:
        with Port.open(self.folder / "console") as port:
            return NodeConsole(port, "node").wait_ready()

    def enrol(self) -> None:
        identity = self.ready()
        broker = f"127.0.0.1:{self.port}"
        settings = {"house": "house01", "link_key": LINK_KEY.hex(), "broker": broker, "tls": False, "pin": "1234"}
        self.until(lambda: self.ask("enrol " + json.dumps(settings)) != {}, "the board is enrolled")
        public_key = bytes.fromhex(str(identity["public_key"]))
        self.agent = Receiver("127.0.0.1", self.port, "house01", str(identity["node"]), public_key, LINK_KEY)

    def status_until(self, holds: Callable[[dict[str, object]], bool], what: str) -> dict[str, object]:
        """The first `status` that is so."""
        found: dict[str, object] = {}

        def asked() -> bool:
            found.clear()
            found.update(self.ask("status"))
            return bool(found) and holds(found)

        self.until(asked, what)
        return found

    @staticmethod
    def until(holds: Callable[[], bool], what: str) -> None:
        deadline_s = time.monotonic() + PATIENCE_S
        while not holds():
            assert time.monotonic() < deadline_s, f"not within {PATIENCE_S} s: {what}"
            time.sleep(0.1)

    def cut_power(self) -> None:
        pid = self.supervisor.pids()["node"]
        os.kill(pid, signal.SIGKILL)
        self.until(lambda: self.supervisor.pids().get("node", pid) != pid, "the board is back")

    def close(self) -> None:
        if self.agent is not None:
            self.agent.close()
        self.supervisor.stop()
        self.board.close()
        self.time.close()


@pytest.fixture(params=["micropython", pytest.param("cpython", marks=pytest.mark.long)])
def scene(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Scene]:
    micropython = find_micropython() if request.param == "micropython" else None
    if request.param == "micropython" and micropython is None:
        pytest.skip("no micropython")
    made = Scene(tmp_path, micropython)
    with made.supervisor:
        try:
            yield made
        finally:
            made.close()


def is_start(number: int) -> Callable[[dict[str, object]], bool]:
    return lambda status: status["boots"] == number


def test_a_hung_task_leads_to_a_reset_a_note_safe_mode_and_back(scene: Scene) -> None:
    scene.fail()
    scene.start()
    scene.enrol()
    scene.fail(hang="sampler")
    scene.cut_power()
    again = scene.status_until(is_start(3), "the watchdog has bitten")
    assert str(again["reset_cause"]).startswith("watchdog: sampler, no progress for")
    assert again["failed_starts"] == 1
    crash = again["crash"]
    assert isinstance(crash, dict)
    assert (crash["boot"], crash["task"]) == (2, "sampler")
    lines = scene.ask("log")["lines"]
    assert isinstance(lines, list)
    assert [line for line in lines if line.startswith("#2 ") and " watchdog " in line]
    assert [line for line in lines if line.startswith("#3 ") and " started " in line]

    safe = scene.status_until(lambda status: status["safe_mode"] is not None, "safe mode")
    assert safe["boots"] == 5
    assert str(safe["safe_mode"]).startswith("3 starts in a row ended within a minute; the last one: watchdog: sampler")
    assert scene.ask("meter read") == {}
    scene.status_until(lambda status: status["link"] == "connected", "the link works in safe mode")
    assert scene.agent is not None
    scene.until(lambda: "safe_mode" in scene.agent.status if scene.agent else False, "the agent is told")

    scene.cut_power()
    scene.status_until(lambda status: status["boots"] == 6 and status["safe_mode"] is not None, "it outlives the power")
    scene.fail()
    assert scene.ask("reboot") == {"rebooting": True}
    back = scene.status_until(lambda status: status["boots"] == 7 and status["power_w"] is not None, "it meters again")
    assert (back["safe_mode"], back["reset_cause"], back["failed_starts"]) == (None, "reboot", 0)


@pytest.mark.parametrize(
    ("fault", "cause"), [({"spin": "link"}, "watchdog"), ({"crash": True}, "exception: ValueError('no such luck'")]
)
def test_what_ended_a_run_is_told_by_the_next(scene: Scene, fault: dict[str, object], cause: str) -> None:
    scene.fail(**fault)
    scene.start()
    scene.until((scene.folder / "flash.cause").exists, "the board has ended itself")
    scene.fail()
    back = scene.status_until(lambda status: status["power_w"] is not None, "it meters")
    assert str(back["reset_cause"]).startswith(cause)
    assert back["safe_mode"] is None


def test_time_is_found_out_stamped_kept_and_not_believed_to_everybody(scene: Scene) -> None:
    scene.time.trusted = False
    scene.start()
    scene.enrol()
    agent = scene.agent
    assert agent is not None
    scene.until(lambda: len(agent.records) >= 2, "records without a time")
    assert {record.quality for record in agent.records} == {RELATIVE}
    assert agent.slots() == []
    asked = scene.ask("time")
    assert (asked["quality"], asked["source"], asked["refused"]) == ("relative", None, "unsynchronised")

    ahead_ms = (SLOT - 4) * 1000 - real_ms()
    scene.time.now_ms = lambda: real_ms() + ahead_ms
    scene.time.trusted = True
    scene.until(lambda: len(agent.slots()) > 0, "a slot record")
    slot = agent.slots()[0]
    assert (slot.quality, abs(slot.time_s - SLOT) <= 1) == (SYNCHRONISED, True)
    assert scene.ask("time")["source"] == f"127.0.0.1:{scene.time.port}"
    scene.until(lambda: agent.status.get("boot_s") is not None, "the agent is told when the board started")
    before = max(record.time_s for record in agent.records if record.quality == RELATIVE)
    first = min(record.time_s for record in agent.records if record.quality == SYNCHRONISED)
    assert agent.status["boot"] == 1
    assert abs(int(str(agent.status["boot_s"])) + before - first) < 30

    scene.until((scene.folder / "flash" / "floor").exists, "the floor is kept")
    floor_s = int(str(scene.ask("time")["floor_s"]))
    assert abs(floor_s - SLOT) < 120
    scene.time.now_ms = lambda: real_ms() + ahead_ms - 3_600_000
    scene.cut_power()
    scene.until(lambda: scene.ask("time").get("refused") == "before_floor", "a liar is refused")
    asked = scene.ask("time")
    assert asked["quality"] == "relative"
    assert floor_s - 60 <= int(str(asked["floor_s"])) <= floor_s, "it was kept a little earlier"
    scene.time.now_ms = lambda: real_ms() + ahead_ms + 30 * 365 * 86_400_000
    scene.until(lambda: scene.ask("time").get("refused") == "far_ahead", "another liar is refused")
    scene.time.now_ms = lambda: real_ms() + ahead_ms
    scene.until(lambda: scene.ask("time").get("quality") == "synchronised", "the honest server is believed")
