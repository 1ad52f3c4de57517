"""The bench: a board with a console, a meter on its bus that is spoiled on purpose, a broker, and the agent's end of the link.

Two ways to have one: all virtual on this computer, or a real board on serial ports. A test gets a `Bench` and never learns
which it is; what differs - how long a calendar minute takes, how soon a console answers - the bench says in figures.
"""

import json
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from hil_tests.releases import this_tree
from volthood.adapters.mqtt import TlsFiles
from volthood.adapters.node_line import NodeLine
from volthood.errors import DeviceError
from volthood.wire.record import Record
from volthood_tools.broker.acl import home_acl, write_guarded_config
from volthood_tools.broker.certificates import Authority
from volthood_tools.broker.choice import LOOPBACK, answers, find_mosquitto, free_port
from volthood_tools.console.node import Lines, NodeConsole, json_object
from volthood_tools.console.port import Port
from volthood_tools.enrol.enrol import Household, enrol, identify
from volthood_tools.processes.supervisor import Child, Supervisor
from volthood_tools.receiver import Receiver
from volthood_tools.release.layout import lay_out
from volthood_tools.release.signing import load_private, public_of
from volthood_tools.virtual_board import VirtualBoard, find_micropython

POWER_W = 1840
SERIAL = 4711
HOUSE = "house01"
PIN = "1234"
SLOT_S = 900
LINK_KEY = bytes(range(32))

SPEED = 240
"""Of the virtual bench's calendar: a minute record each quarter of a second, a slot record, with which they are written,
each 3.75 s."""

VIRTUAL_SAMPLE_MS = 100
VIRTUAL_HEAP = "320k"
"""A compiled release passes the suite in 256k: TLS, console and an update at once, objects twice the size of the ESP32's."""

AGAIN = ("sh", "-c", 'while :; do "$@"; sleep 0.2; done', "power")
"""A board that resets starts at once; the supervisor would let it wait longer each time, as a process that dies young."""

QUIET_S = 0.2
PATIENCE_S = 20
"""Beyond what the calendar needs: time-outs, back-off, a restart."""


@dataclass(frozen=True)
class Pace:
    """How fast a bench is.

    Attributes:
        speed: calendar seconds in a second.
        answer_s: within which a console command is answered while the meter is slow.
        step_wh: by how much energy between two records may differ from the meter's power, however far they are apart:
            resolution, and the time that a reading is under way, a late answer waited for included.
    """

    speed: int
    answer_s: float
    step_wh: int


UNDER_WAY_S = 0.6
"""Half of how long a reading may be on its way to the virtual board, and wait for the line before."""

VIRTUAL = Pace(SPEED, 0.1, 1 + int(POWER_W * SPEED * UNDER_WAY_S / 3600))
REAL = Pace(1, 0.5, 2)


class Bench:
    """What tests touch.

    Args:
        port, name: of the board's console.
        plan: the file of the simulated meter's fault plan.
        broker: that of the household, whose certificates the board gets.
        releases: for what board, and by whose key, a release of the tree may be brought to it; None where none may.
    """

    def __init__(
        self, port: Port, name: str, plan: Path, broker: "Broker", pace: Pace, releases: "Releases | None"
    ) -> None:
        self.console = NodeConsole(port, name)
        self._port = port
        self.pace = pace
        self.releases = releases
        self.power_w = POWER_W
        self._plan = plan
        self._broker = broker
        self._receiver: Receiver | None = None

    @property
    def agent(self) -> Receiver:
        """The agent's end of the link, once the board is enrolled."""
        if self._receiver is None:
            raise RuntimeError("the board is not enrolled")
        return self._receiver

    def enrol(self) -> None:
        """Gives the board a household, whose agent listens from then on. A board that has one gets it again."""
        self.until(lambda: "node" in self.attempt("id"), "the board answers")
        self.until(lambda: "serial" in self.attempt("meter read"), "the meter is read")
        identity, broker = identify(self.console), self._broker
        household = Household(HOUSE, f"{broker.host}:{broker.port}", SLOT_S, LINK_KEY, PIN, broker.authority)
        enrol(self.console, identity, household, again=identity.house is not None)
        self.forget_agent()
        who = (HOUSE, identity.node, identity.public_key, LINK_KEY, broker.agent)
        self._receiver = Receiver(LOOPBACK, broker.port, *who)

    def forget_agent(self) -> None:
        """Ends the agent's end; raises what it has found wrong."""
        receiver, self._receiver = self._receiver, None
        if receiver is not None:
            receiver.close()

    def line(self) -> NodeLine:
        """The agent's line to the node, for verbs; use it in a `with`."""
        kid, broker = bytes.fromhex(self.ask("id")["node"]), self._broker
        return NodeLine(LOOPBACK, broker.port, broker.agent.client_context(), HOUSE, kid, LINK_KEY)

    def ask(self, command: str, timeout_s: float = 5) -> dict[str, Any]:
        """The answer to a console command. Raises: `DeviceError`."""
        return self.console.ask(command, timeout_s)

    def attempt(self, command: str) -> dict[str, Any]:
        """The same; nothing for a refusal or no answer."""
        try:
            return self.ask(command, 2)
        except DeviceError:
            return {}

    def send(self, data: bytes) -> None:
        """Types something, takes no longer than the line needs, and does not look at what comes back."""
        self._port.write(data)
        while self._port.read(0.02):
            pass

    def let_finish(self) -> None:
        """Waits until the board has said all that it was asked for: it answers in order, so the last question comes last."""
        self.until(lambda: "public_key" in self.attempt("id"), "the board comes to the last question", 60)
        while self._port.read(2):
            pass

    def objects(self, command: str, timeout_s: float = PATIENCE_S) -> list[dict[str, object]]:
        """Every JSON object that a command brings, up to the next prompt."""
        while self._port.read(QUIET_S):
            pass
        self._port.write(b"\x03" + command.encode() + b" --json\r")
        deadline_s, came = time.monotonic() + timeout_s, b""
        while not came.endswith(b"\n> ") and time.monotonic() < deadline_s:
            came += self._port.read(QUIET_S)
        found = map(json_object, Lines().feed(came + b"\r\n"))
        return [each for each in found if each is not None]

    def counters(self) -> dict[str, int]:
        """What the board counted on the meter's bus."""
        found: dict[str, int] = self.ask("meter read")["bus"]
        return found

    @contextmanager
    def faults(self, *tables: dict[str, object], seed: int = 1) -> Iterator[None]:
        """The meter has these faults meanwhile: tables of a fault plan (the simulated meter's README)."""
        self._write_plan(f"seed = {seed}\n" + "".join(map(_table, tables)))
        try:
            yield
        finally:
            self._write_plan("")

    def _write_plan(self, text: str) -> None:
        beside = self._plan.with_suffix(".new")
        beside.write_text(text)
        beside.replace(self._plan)

    def minutes(self, count: float) -> float:
        """How many seconds so many minutes of the calendar take here."""
        return count * 60 / self.pace.speed

    def until(self, holds: Callable[[], bool], what: str, timeout_s: float = PATIENCE_S) -> None:
        """Waits until something holds. Fails with `what` when it does not."""
        deadline_s = time.monotonic() + timeout_s
        while not holds():
            if time.monotonic() > deadline_s:
                log = self.attempt("log").get("lines")
                pytest.fail(f"not within {timeout_s:.0f} s: {what}; the board's log: {log}")
            if self._receiver is not None and not self._receiver.faults.empty():
                raise self._receiver.faults.get()
            time.sleep(0.05)

    def until_read(self) -> None:
        """Waits until the meter is read again, without an error."""

        def fresh() -> bool:
            answer = self.attempt("status")
            age_ms = answer.get("reading_age_ms")
            return not answer.get("meter_error") and isinstance(age_ms, int) and age_ms < 2000

        self.until(fresh, "metering resumes")

    def records(self, count: int) -> Sequence[Record]:
        """That many records more, once they have arrived."""
        agent, before = self.agent, len(self.agent.records)
        self.until(
            lambda: len(agent.records) >= before + count, f"{count} records", PATIENCE_S + self.minutes(count + 1)
        )
        return agent.records[before:]


@dataclass(frozen=True)
class Broker:
    """Where the household's broker is for the board, its CA, and the agent's certificate."""

    host: str
    port: int
    authority: Authority
    agent: TlsFiles


@dataclass(frozen=True)
class Releases:
    """What a board takes: `esp32` or `virtual`, and the private half of its release key."""

    hardware: str
    key: ec.EllipticCurvePrivateKey


def _table(fault: dict[str, object]) -> str:
    return "[[fault]]\n" + "".join(f"{key} = {json.dumps(value)}\n" for key, value in fault.items())


class _Workshop(ExitStack):
    """Processes of a bench, ended with it."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.folder = folder
        self.plan = folder / "faults.toml"
        self.plan.write_text("")
        self.supervisor = Supervisor(folder)

    def __enter__(self) -> Self:
        self.enter_context(self.supervisor)
        return super().__enter__()

    def start_meter(self, *where: str) -> None:
        """The simulated meter, on a pty or a serial port."""
        shown = ("--power", str(POWER_W), "--serial", str(SERIAL), "--since", "2025-06-01T00:00:00Z")
        command = ("volthood-simmeter", *where, *shown, "--faults", str(self.plan))
        self.supervisor.start(Child("meter", command))

    def start_broker(self, host: str, listen: str = LOOPBACK) -> Broker:
        """A home broker with mutual TLS and access lists on this computer, which the board reaches as `host`."""
        mosquitto = find_mosquitto()
        if mosquitto is None:
            pytest.skip("mosquitto is not installed")
        port, authority = free_port(), Authority.of_household(self.folder / "certificates")
        tls = authority.issue("broker", server=True, hosts=(host, LOOPBACK))
        config = write_guarded_config(self.folder, port, home_acl(HOUSE), tls, listen)
        self.supervisor.start(Child("broker", (str(mosquitto), "-c", str(config))))
        deadline_s = time.monotonic() + PATIENCE_S
        while not answers(port):
            if time.monotonic() > deadline_s:
                raise RuntimeError("the broker did not start; see logs/broker.log")
            time.sleep(0.05)
        return Broker(host, port, authority, authority.issue(HOUSE))


@contextmanager
def virtual_bench(folder: Path) -> Iterator[Bench]:
    """Everything on this computer; the calendar runs at `SPEED`."""
    with _Workshop(folder) as workshop:
        clock = folder / "clock.json"
        start_s = time.time_ns() // 1_000_000_000 // 900 * 900 + 600
        real_ms = time.time_ns() // 1_000_000
        clock.write_text(json.dumps({"real_start_ms": real_ms, "calendar_start_s": start_s, "speed": SPEED}))
        workshop.start_meter("--link", str(folder / "meter"), "--clock", str(clock))
        broker = workshop.start_broker(LOOPBACK)
        micropython, releases = find_micropython(), Releases("virtual", ec.generate_private_key(ec.SECP256R1()))
        board = VirtualBoard(
            flash=folder / "flash",
            uart=folder / "meter",
            console=folder / "console",
            micropython=micropython,
            clock=clock,
            sample_ms=VIRTUAL_SAMPLE_MS,
            heap=VIRTUAL_HEAP,
            root=None if micropython is None else _installed(folder / "root", releases),
        )
        workshop.callback(board.close)
        command = (*AGAIN, *board.command)
        workshop.supervisor.start(Child("board", command, board.environment, board.terminal))
        yield from _served(workshop, board.console, broker, VIRTUAL, None if micropython is None else releases)


def _installed(root: Path, releases: Releases) -> Path:
    """A board's file system with the tree's release, as an installer makes it: compiled, started by the selector."""
    lay_out(this_tree(releases.hardware, releases.key), public_of(releases.key.public_key()), root)
    return root


@contextmanager
def real_bench(
    folder: Path, board: Path, meter_port: Path, broker_host: str, release_key: Path | None
) -> Iterator[Bench]:
    """A board and an RS-485 adapter on serial ports; the board reaches this computer as `broker_host`."""
    releases = None if release_key is None else Releases("esp32", load_private(release_key, None))
    with _Workshop(folder) as workshop:
        workshop.start_meter("--port", str(meter_port))
        broker = workshop.start_broker(broker_host, "0.0.0.0")  # noqa: S104 - the board is another computer
        yield from _served(workshop, board, broker, REAL, releases)


def _served(
    workshop: _Workshop, console: Path, broker: Broker, pace: Pace, releases: Releases | None
) -> Iterator[Bench]:
    port = workshop.enter_context(Port.open(console))
    bench = Bench(port, str(console), workshop.plan, broker, pace, releases)
    bench.enrol()
    try:
        bench.records(1)
        yield bench
    finally:
        bench.forget_agent()
