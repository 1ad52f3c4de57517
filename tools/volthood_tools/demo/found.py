"""Makes a neighbourhood: keys, boards, roster and rules, enrolment; then starts its calendar and its processes.

The order is that of a real one: who the boards are is known before the hood is founded, and the hood before anything is
sent to its broker.
"""

import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

from volthood.adapters.clock import CalendarClock
from volthood.config.hood import load_hood
from volthood.core.hood_file import hood_digest
from volthood.errors import DeviceError
from volthood_tools.broker.choice import LOOPBACK, BrokerChoice, answers, choose_broker, find_mosquitto, free_port
from volthood_tools.console.node import NodeConsole
from volthood_tools.console.port import Port
from volthood_tools.demo.dataset import SLOT_S, Dataset
from volthood_tools.demo.folder import Folder, agent_children, make_boards, node_children, write_meters
from volthood_tools.demo.homes import HomeFolder, make_home
from volthood_tools.demo.hoodfile import Founder, first_roster, hood_toml, write_signed
from volthood_tools.demo.plan import RunPlan
from volthood_tools.enrol.enrol import Household, Identity, enrol, identify
from volthood_tools.processes.supervisor import Supervisor
from volthood_tools.virtual_board import find_micropython

PIN = "2468"
"""The installer's PIN of every virtual board; told on the screen."""
BROKER_TIMEOUT_S = 10.0
BROKER_RETRY_S = 0.02

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


def found(stack: ExitStack, folder: Folder, data: Dataset, plan: RunPlan, price_rule: str, say: Say) -> Neighbourhood:
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
    hood_id = _sign_hood(folder, homes, identities, port, hood_toml(data, plan, price_rule), plan.first_gate_s)
    say("Every founder has signed the roster and the rules of the hood; enrolling the nodes.")
    _enrol(folder, homes, identities, port)
    return Neighbourhood(folder, data, plan, broker, homes, hood_id, supervisor)


def _over_consoles(
    folder: Folder, homes: Sequence[HomeFolder], do: Callable[[NodeConsole, HomeFolder], Identity]
) -> dict[str, Identity]:
    """Do something over each home's console, one after the other."""
    done = {}
    for home in homes:
        with Port.open(folder.console(home.house)) as port:
            done[home.house] = do(NodeConsole(port, home.house), home)
    return done


def _sign_hood(
    folder: Folder, homes: Sequence[HomeFolder], identities: dict[str, Identity], port: int, rules: str, issued_s: int
) -> bytes:
    """Write roster 1 and the hood's rules, each signed by all founders. The hood's id."""
    founders = [Founder(home.house, home.keys, identities[home.house].public_key, home.fuse_w) for home in homes]
    signers = {home.house: home.keys for home in homes}
    roster = first_roster(founders, f"{LOOPBACK}:{port}", issued_s)
    write_signed(folder.roster_note, roster.to_text(), signers)
    folder.hood_toml.write_text(rules, encoding="utf-8")
    digest = hood_digest(load_hood(folder.hood_toml, roster))
    write_signed(folder.hood_note, digest.hex() + "\n", signers)
    return roster.digest


def _enrol(folder: Folder, homes: Sequence[HomeFolder], identities: dict[str, Identity], port: int) -> None:
    broker = f"{LOOPBACK}:{port}"

    def give_household(console: NodeConsole, home: HomeFolder) -> Identity:
        enrol(console, identities[home.house], Household(home.house, broker, SLOT_S, home.link.secret, PIN))
        return identities[home.house]

    _over_consoles(folder, homes, give_household)


def start(hood: Neighbourhood, say: Say) -> CalendarClock:
    """Start the calendar, then broker, meters and agents. Raises `DeviceError` where the broker does not come up."""
    now_ms = time.time_ns() // 1_000_000
    clock = CalendarClock(now_ms, hood.plan.calendar_start_s, hood.plan.speed)
    clock.save(hood.folder.clock)
    hood.supervisor.start(hood.broker.child)
    _await_broker(hood)
    hood.supervisor.start(write_meters(hood.folder, hood.data, hood.plan))
    hood.supervisor.start(*agent_children(hood.homes))
    say(f"Broker: {hood.broker.title}, port {hood.broker.port}: one anonymous broker on the loopback interface")
    say("carries home and hood topics here; a real household has its own, with certificates.")
    return clock


def _await_broker(hood: Neighbourhood) -> None:
    deadline_s = time.monotonic() + BROKER_TIMEOUT_S
    while not answers(hood.broker.port):
        if time.monotonic() > deadline_s:
            log = hood.folder.path / "logs" / "broker.log"
            raise DeviceError(f"the broker does not answer; see {log}", retry=True)
        time.sleep(BROKER_RETRY_S)
