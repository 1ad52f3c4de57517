"""Makes a neighbourhood: keys, boards, roster and rules, enrolment; then starts its calendar and its processes.

The order is that of a real one: who the boards are is known before the hood is founded, and the hood before anything is
sent to its broker. The calendar begins last, when all who follow it are ready: on a busy machine they take their time.
"""

import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from volthood.adapters.clock import AWAITED, CalendarClock
from volthood.config.hood import load_hood
from volthood.core.hood_file import hood_digest
from volthood.errors import DeviceError
from volthood.wire.roster import Roster
from volthood_tools.broker.choice import LOOPBACK, BrokerChoice, answers, choose_broker, find_mosquitto, free_port
from volthood_tools.console.node import NodeConsole
from volthood_tools.console.port import Port
from volthood_tools.demo.dataset import SLOT_S, Dataset
from volthood_tools.demo.folder import Folder, agent_children, make_boards, node_children, write_meters
from volthood_tools.demo.homes import HomeFolder, make_home
from volthood_tools.demo.hoodfile import Founder, first_roster, hood_toml, write_signed
from volthood_tools.demo.plan import RunPlan
from volthood_tools.demo.streets import Streets
from volthood_tools.enrol.enrol import Household, Identity, enrol, identify
from volthood_tools.processes.supervisor import Supervisor
from volthood_tools.virtual_board import find_micropython

PIN = "2468"
"""The installer's PIN of every virtual board; told on the screen."""
READY_TIMEOUT_S = 60.0
READY_CHECK_S = 0.05

Say = Callable[[str], None]


@dataclass(frozen=True)
class Neighbourhood:
    """A neighbourhood whose nodes are enrolled. `hood_id` is the hash of its roster."""

    folder: Folder
    data: Dataset
    plan: RunPlan
    broker: BrokerChoice
    homes: tuple[HomeFolder, ...]
    hood_id: bytes
    supervisor: Supervisor


def found(
    stack: ExitStack, folder: Folder, data: Dataset, plan: RunPlan, streets: Streets, price_rule: str, say: Say
) -> Neighbourhood:
    """Everything that comes before calendar time begins; what runs ends with `stack`.

    Raises:
        LocalError, DeviceError: a file, a broker or a board is not as it must be.
    """
    port = free_port()
    broker = choose_broker(folder.path, port, find_mosquitto())
    homes = tuple(make_home(folder.path, home, data, port) for home in data.homes)
    say(f"Made keys and configuration of {len(homes)} homes.")
    boards = make_boards(folder, homes, find_micropython())
    for board in boards:
        stack.callback(board.close)
    supervisor = stack.enter_context(Supervisor(folder.path))
    supervisor.start(*node_children(homes, boards))
    say(f"The nodes run on {boards[0].interpreter}; reading their public keys from their consoles.")
    identities = _over_consoles(folder, homes, lambda console, _home: identify(console))
    founders = [
        Founder(home.house, home.keys, identities[home.house].public_key, home.fuse_w, streets.node_of[home.house])
        for home in homes
    ]
    roster = first_roster(founders, f"{LOOPBACK}:{port}", plan.first_gate_s)
    _sign_hood(folder, homes, roster, hood_toml(data, plan, price_rule, streets.grid))
    say("Every founder has signed the roster and the rules of the hood; enrolling the nodes.")
    _enrol(folder, homes, identities, port)
    return Neighbourhood(folder, data, plan, broker, homes, roster.digest, supervisor)


def _over_consoles(
    folder: Folder, homes: Sequence[HomeFolder], do: Callable[[NodeConsole, HomeFolder], Identity]
) -> dict[str, Identity]:
    """Do something over each home's console, one after the other."""
    done = {}
    for home in homes:
        with Port.open(folder.console(home.house)) as port:
            done[home.house] = do(NodeConsole(port, home.house), home)
    return done


def _sign_hood(folder: Folder, homes: Sequence[HomeFolder], roster: Roster, rules: str) -> None:
    """Write roster 1 and the hood's rules, each signed by all founders."""
    signers = {home.house: home.keys for home in homes}
    write_signed(folder.roster_note, roster.to_text(), signers)
    folder.hood_toml.write_text(rules, encoding="utf-8")
    digest = hood_digest(load_hood(folder.hood_toml, roster))
    write_signed(folder.hood_note, digest.hex() + "\n", signers)


def _enrol(folder: Folder, homes: Sequence[HomeFolder], identities: dict[str, Identity], port: int) -> None:
    broker = f"{LOOPBACK}:{port}"

    def give_household(console: NodeConsole, home: HomeFolder) -> Identity:
        enrol(console, identities[home.house], Household(home.house, broker, SLOT_S, home.link.secret, PIN))
        return identities[home.house]

    _over_consoles(folder, homes, give_household)


def start(hood: Neighbourhood, say: Say) -> CalendarClock:
    """Start broker, meters and agents, and the calendar once they are ready.

    Raises:
        DeviceError: a process does not come up.
    """
    say(f"Broker: {hood.broker.title}, port {hood.broker.port}: one anonymous broker on the loopback interface")
    say("carries home and hood topics here; a real household has its own, with certificates.")
    hood.supervisor.start(hood.broker.child)
    _await(hood, "broker", lambda _log: answers(hood.broker.port))
    hood.supervisor.start(write_meters(hood.folder, hood.data, hood.plan))
    agents = agent_children(hood.homes)
    hood.supervisor.start(*agents)
    for agent in agents:
        _await(hood, agent.name, lambda log: AWAITED in log.read_text(encoding="utf-8", errors="replace"))
    now_ms = time.time_ns() // 1_000_000
    clock = CalendarClock(now_ms, hood.plan.calendar_start_s, hood.plan.speed)
    clock.save(hood.folder.clock)
    return clock


def _await(hood: Neighbourhood, name: str, is_ready: Callable[[Path], bool]) -> None:
    """Wait until a child is ready, of which its log may tell. What its log says at the end of patience is told."""
    log = hood.folder.path / "logs" / f"{name}.log"
    deadline_s = time.monotonic() + READY_TIMEOUT_S
    while not is_ready(log):
        if time.monotonic() > deadline_s:
            last = (log.read_text(encoding="utf-8", errors="replace").splitlines() or ["nothing in its log"])[-1]
            raise DeviceError(f"{name} does not get ready: {last} (see {log})", retry=True)
        time.sleep(READY_CHECK_S)
