"""Some of the benchmark's agents in one process: `python -m volthood_tools.bench.broker_worker SETUP NUMBER`.

Each agent is the real one: engine, runner, link with mutual TLS, SQLite stores (in memory: one disk under 200 agents would be
measured, not the market). What was read on the board is remembered once for all agents of the process.
"""

import asyncio
import json
import logging
import os
import resource
import sys
import time
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

from volthood.adapters.clock import CalendarClock
from volthood.adapters.mqtt import MqttLink, end_all
from volthood.app.compose import hood_topics
from volthood.app.runner import Runner
from volthood.core.hood import Hood
from volthood.engine.board import BoardMemory
from volthood.testing.household import Household
from volthood.wire.roster import Roster
from volthood_tools.bench.broker_setup import Setup, level_of
from volthood_tools.broker.choice import LOOPBACK
from volthood_tools.processes.memory import memory_of

BUILT = "built"
"""Said on standard output when only the clock is missing."""
CHECK_S = 0.2
END_S = 10.0
"""How long an agent may take to end before it is told again."""
GRACE_S = 5
"""How long after the last window this process waits at most."""


@dataclass
class Seen:
    """What the agents of a process report of one round: when, in ms after its gate, and what."""

    signed_ms: list[int] = field(default_factory=list)
    signed_wh: int = 0
    cleared_ms: int = 0
    traded_wh: int = 0
    orders: int = 1 << 30
    closed: int = 0


class Recorder(logging.Handler):
    """Reads the agents' log: what they report, as they report it."""

    def __init__(self, setup: Setup, clock: CalendarClock) -> None:
        super().__init__()
        self._gate_ms = {}
        for number in range(setup.rounds):
            real_ms = clock.real_start_ms + (setup.gate_s(number) - clock.calendar_start_s) * 1000
            self._gate_ms[setup.slot(number), number] = real_ms
        self.rounds: defaultdict[int, Seen] = defaultdict(Seen)
        self.refused: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Takes a line `Name key=value ...` of an agent."""
        name, _, text = record.getMessage().partition(" ")
        details = dict(word.split("=", 1) for word in text.split() if "=" in word)
        if name == "MessageRefused":
            self.refused.append(text)
        if not {"slot", "gate"} <= details.keys():
            return
        key = int(details["slot"]), int(details["gate"])
        if key in self._gate_ms:
            after_ms = time.time_ns() // 1_000_000 - self._gate_ms[key]
            self._take(self.rounds[key[1]], name, details, after_ms)

    @staticmethod
    def _take(seen: Seen, name: str, details: dict[str, str], after_ms: int) -> None:
        if name == "ContractSigned" and details["role"] == "buyer":
            seen.signed_ms.append(after_ms)
            seen.signed_wh += int(details["energy_wh"])
        elif name == "BookCleared":
            seen.cleared_ms = max(seen.cleared_ms, after_ms)
            seen.traded_wh = max(seen.traded_wh, int(details["traded_wh"]))
            seen.orders = min(seen.orders, int(details["orders"]))
        elif name == "RoundClosed":
            seen.closed += 1

    @property
    def closed(self) -> int:
        """Rounds that agents have closed, all together."""
        return sum(seen.closed for seen in self.rounds.values())


def main() -> None:
    """Build, wait for the clock, run all rounds, print what was seen as one line of JSON."""
    setup, number = Setup.load(Path(sys.argv[1])), int(sys.argv[2])
    roster = setup.read_roster()
    houses = [Household(setup.home(name)) for name in setup.names[number :: setup.workers]]
    for house in houses:
        house.load_history()
    print(BUILT, flush=True)
    clock = CalendarClock.await_file(setup.clock_file)
    recorder = Recorder(setup, clock)
    log = logging.getLogger("volthood.agent")
    log.setLevel(logging.INFO)
    log.addHandler(recorder)
    before_s = cpu_s()
    asyncio.run(run(setup, roster, houses, clock, recorder))
    memory = memory_of(os.getpid())
    seen = {
        "rounds": {number: vars(seen) for number, seen in recorder.rounds.items()},
        "refused": recorder.refused,
        "cpu_s": cpu_s() - before_s,
        "peak_kib": memory.peak_kib if memory else 0,
        "proportional_kib": memory.proportional_kib if memory else 0,
    }
    print(json.dumps(seen), flush=True)


async def run(setup: Setup, roster: Roster, houses: list[Household], clock: CalendarClock, recorder: Recorder) -> None:
    """Run the agents until each has closed every round, or the last window is over."""
    hood, memory = setup.hood(roster), BoardMemory()
    tasks = [asyncio.create_task(agent(setup, hood, roster, house, clock, memory).run()) for house in houses]
    last_s = setup.gate_s(setup.rounds - 1) + hood.windows.total_s + GRACE_S
    try:
        while recorder.closed < len(houses) * setup.rounds and clock.now_s() < last_s:
            done, _ = await asyncio.wait(tasks, timeout=CHECK_S, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
    finally:
        await end_all(tasks, END_S)


def agent(
    setup: Setup, hood: Hood, roster: Roster, house: Household, clock: CalendarClock, memory: BoardMemory
) -> Runner:
    """An agent ready to run."""
    name, level = house.home.name, level_of(roster)
    house.restart(hood, roster, clock.now_s(), memory)
    runner = Runner(house.engine, house.trades, house.readings, clock, commit_interval_ms=1000)
    topics = hood_topics(level, name)
    link = MqttLink(LOOPBACK, setup.port, name, topics, runner.on_message, runner.on_up, setup.tls(name))
    runner.attach(link)
    return runner


def cpu_s() -> float:
    """Processor time of this process so far."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


if __name__ == "__main__":
    main()
