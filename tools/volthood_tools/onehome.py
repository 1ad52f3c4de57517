"""One household on this machine as it is meant to be: meter, board, home broker, agent. For tests and figures.

Each part is the real program: a virtual board enrolled over its console, mosquitto with the home's access list and mutual TLS,
the agent with its stores. Only the meter is simulated, and calendar time runs faster.
"""

import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Self

from volthood.adapters.clock import AWAITED, CalendarClock
from volthood.adapters.crypto import AgentKeys, LinkKey
from volthood.adapters.mqtt import TlsFiles
from volthood.app.nodes import node_line
from volthood.config.hood import load_hood
from volthood.core.hood_file import hood_digest
from volthood.errors import DeviceError, LocalError
from volthood_tools.broker.acl import home_acl, write_guarded_config
from volthood_tools.broker.certificates import Authority
from volthood_tools.broker.choice import LOOPBACK, answers, find_mosquitto, free_port
from volthood_tools.console.node import NodeConsole
from volthood_tools.console.port import Port
from volthood_tools.demo.hoodfile import Founder, first_roster, write_signed
from volthood_tools.enrol.enrol import Household, Identity, enrol, identify
from volthood_tools.processes.supervisor import Child, Supervisor
from volthood_tools.virtual_board import VirtualBoard

HOUSE = "house01"
PIN = "2468"
SLOT_S = 900
START_S = 1_749_999_600
"""When the calendar begins: the edge of a slot."""
READY_S = 30.0
LOOK_S = 0.02

_AGENT = """\
[agent]
house = "{house}"
key_file = "agent.key"
[hood]
roster_file = "roster.note"
hood_file = "hood.toml"
hood_note = "hood.note"
[broker]
host = "{host}"
port = {port}
ca_file = "{tls.ca_file}"
cert_file = "{tls.cert_file}"
key_file = "{tls.key_file}"
[clock]
file = "clock.json"
[node]
link_key_file = "link.key"
[tariff]
file = "tariff.csv"
[store]
commit_interval_ms = {commit_ms}
"""
_HOOD = """\
currency = "EUR"
price_rule = "mid-market"
[[reference]]
feed_in_mct_per_kwh = 8000
retail_mct_per_kwh = 30000
"""
_TARIFF = "utc,import_mct_per_kwh,export_mct_per_kwh\n1970-01-01T00:00:00Z,30000,8000\n"


class OneHome:
    """The household in `folder`. Use it in a `with`; `start` starts everything.

    Args:
        folder: where all files are.
        board: its virtual board: flash, meter's link, console and clock in the folder, as `board_in` makes it.
        speed: calendar seconds in a second.
        commit_ms: the store's batch interval.

    Attributes:
        port: the broker's.
        broker, agent: their certificates; a test may replace them before `start`.
        authority: the household's CA.
        identity: the board's, once `start` is through.
    """

    def __init__(self, folder: Path, board: VirtualBoard, *, speed: int = 240, commit_ms: int = 0) -> None:
        mosquitto = find_mosquitto()
        if mosquitto is None:
            raise LocalError("mosquitto is not installed")
        self.folder, self.board, self.speed = folder, board, speed
        self.port = free_port()
        self.authority = Authority(folder / "certificates")
        self.broker: TlsFiles = self.authority.issue("broker", server=True)
        self.agent: TlsFiles = self.authority.issue(HOUSE)
        self.supervisor = Supervisor(folder)
        self.identity: Identity | None = None
        self._mosquitto = mosquitto
        self._commit_ms = commit_ms
        self._link = LinkKey.create(folder / "link.key")

    def __enter__(self) -> Self:
        self.supervisor.__enter__()
        return self

    def __exit__(self, *_exc: object) -> None:
        self.supervisor.stop()
        self.board.close()

    @property
    def agent_toml(self) -> Path:
        """The configuration of the agent."""
        return self.folder / "agent.toml"

    def start(self) -> None:
        """Starts the household; returns once its node is connected. Raises `DeviceError`, `LocalError`."""
        config = write_guarded_config(self.folder, self.port, home_acl(HOUSE), self.broker)
        self.supervisor.start(Child("broker", (str(self._mosquitto), "-c", str(config))))
        self.supervisor.start(self._meter())
        self.supervisor.start(Child("node", self.board.command, self.board.environment, self.board.terminal))
        self._enrol()
        self._found()
        agent = Child("agent", (sys.executable, "-m", "volthood.app", str(self.agent_toml)))
        self.await_(lambda: answers(self.port), "the broker")
        self.supervisor.start(agent)
        log = self.folder / "logs" / "agent.log"
        self.await_(lambda: log.exists() and AWAITED in log.read_text(encoding="utf-8", errors="replace"), "the agent")
        CalendarClock(time.time_ns() // 1_000_000, START_S, self.speed).save(self.folder / "clock.json")
        self.await_(lambda: self.ask("status")["link"] == "connected", "the node's connection")

    def ask(self, command: str, timeout_s: float = 20.0) -> dict[str, object]:
        """What the board's console answers."""
        with Port.open(self.board.console) as port:
            return NodeConsole(port, HOUSE).ask(command, timeout_s)

    def await_(self, holds: Callable[[], bool], what: str, limit_s: float = READY_S) -> None:
        """Waits until something holds. Raises `DeviceError`."""
        deadline_s = time.monotonic() + limit_s
        while not holds():
            if time.monotonic() > deadline_s:
                raise DeviceError(f"{what}: not within {limit_s:.0f} s", retry=True)
            time.sleep(LOOK_S)

    def ask_over_broker(self, verb: str, argument: bytes = b"") -> bytes:
        """What the node answers to a verb of the agent."""
        with node_line(self.agent_toml) as line:
            return line.ask(verb, argument)

    def _meter(self) -> Child:
        program = "from volthood_tools.simmeter.cli import main; main()"
        command = (sys.executable, "-c", program, "--link", str(self.folder / "meter"), "--power", "3600")
        clock = ("--since", "2025-06-01T00:00:00Z", "--clock", str(self.folder / "clock.json"))
        return Child("meter", command + clock)

    def _enrol(self) -> None:
        with Port.open(self.board.console) as port:
            console = NodeConsole(port, HOUSE)
            self.identity = identify(console)
            broker = f"{LOOPBACK}:{self.port}"
            enrol(console, self.identity, Household(HOUSE, broker, SLOT_S, self._link.secret, PIN, self.authority))

    def _found(self) -> None:
        """A hood of one, whose roster has the node's key."""
        if self.identity is None:
            raise DeviceError("the board is not known yet", retry=False)
        keys = AgentKeys.create(self.folder / "agent.key")
        founder = Founder(HOUSE, keys, self.identity.public_key, 17_250, "root")
        roster = first_roster([founder], f"{LOOPBACK}:{self.port}", START_S)
        write_signed(self.folder / "roster.note", roster.to_text(), {HOUSE: keys})
        (self.folder / "hood.toml").write_text(_HOOD, encoding="utf-8")
        digest = hood_digest(load_hood(self.folder / "hood.toml", roster))
        write_signed(self.folder / "hood.note", digest.hex() + "\n", {HOUSE: keys})
        (self.folder / "tariff.csv").write_text(_TARIFF, encoding="utf-8")
        text = _AGENT.format(house=HOUSE, host=LOOPBACK, port=self.port, tls=self.agent, commit_ms=self._commit_ms)
        self.agent_toml.write_text(text, encoding="utf-8")


def board_in(
    folder: Path,
    micropython: Path | None,
    *,
    heap: str | None = None,
    code: Path | None = None,
    root: Path | None = None,
    more: Sequence[str] = (),
) -> VirtualBoard:
    """A virtual board whose files are in `folder`, with a home's meter and clock; `code`, `root`, `more` as it has them."""
    return VirtualBoard(
        flash=folder / "flash",
        uart=folder / "meter",
        console=folder / "console",
        micropython=micropython,
        clock=folder / "clock.json",
        sample_ms=100,
        heap=heap,
        code=code,
        root=root,
        more=more,
    )
