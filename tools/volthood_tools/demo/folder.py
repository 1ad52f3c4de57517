"""Where everything of a demonstration lies under its folder, and the processes that it consists of."""

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from volthood.cli.text import utc
from volthood_tools.demo.dataset import SLOT_S, Dataset
from volthood_tools.demo.homes import HomeFolder
from volthood_tools.demo.plan import METER_READ_MS, RunPlan
from volthood_tools.processes.supervisor import Child
from volthood_tools.release.cache import compiled_board
from volthood_tools.virtual_board import VirtualBoard

FIRST_SERIAL = 10_000_001
AGENT_SILENT_S = 10
"""An agent's loop turns twice a second: one that is silent so long hangs."""
LEAD_SLOTS = 8
"""Slots before the start that the meters have power in: some of them pass before the first gate."""


@dataclass(frozen=True)
class Folder:
    """Paths of a neighbourhood's folder."""

    path: Path

    @property
    def clock(self) -> Path:
        """The calendar clock of meters, nodes and agents."""
        return self.path / "clock.json"

    @property
    def hood_toml(self) -> Path:
        """The hood's rules."""
        return self.path / "hood.toml"

    @property
    def hood_note(self) -> Path:
        """The founders' signatures under the rules."""
        return self.path / "hood.note"

    @property
    def roster_note(self) -> Path:
        """Roster version 1."""
        return self.path / "roster.note"

    @property
    def transactions(self) -> Path:
        """What was traded, in JSON."""
        return self.path / "transactions.json"

    @property
    def report(self) -> Path:
        """What was traded, to look at."""
        return self.path / "report.html"

    def meter(self, house: str) -> Path:
        """The link to the meter's serial line."""
        return self.path / "meters" / house

    def console(self, house: str) -> Path:
        """The link to the console of the home's node."""
        return self.path / "consoles" / house

    def make(self) -> None:
        """Make the folders that processes expect."""
        for name in ("meters", "consoles", "logs", "run"):
            (self.path / name).mkdir(parents=True, exist_ok=True)


def write_meters(folder: Folder, data: Dataset, plan: RunPlan) -> Child:
    """The process of all meters; its configuration and each home's power are written into the folder."""
    tables = [f'clock = "{folder.clock.name}"\n']
    for number, home in enumerate(data.homes):
        series = Path("meters") / f"{home.name}.csv"
        (folder.path / series).write_text(power_csv(data, home.name, plan), encoding="utf-8")
        tables.append(_meter_table(home.name, FIRST_SERIAL + number, folder.meter(home.name), series))
    config = folder.path / "simmeter.toml"
    config.write_text("\n".join(tables), encoding="utf-8")
    program = "from volthood_tools.simmeter.cli import main; main()"
    return Child("meters", (sys.executable, "-c", program, "--config", str(config)))


def _meter_table(house: str, serial: int, link: Path, series: Path) -> str:
    # TOML basic strings and JSON strings escape alike.
    rows = [("name", house), ("link", str(link.resolve().parent / link.name)), ("series", str(series))]
    return "\n".join(["[[meter]]", f"serial = {serial}", *(f"{key} = {json.dumps(value)}" for key, value in rows), ""])


def power_csv(data: Dataset, house: str, plan: RunPlan) -> str:
    """A home's power as a step function in W, from some slots before the start to the end of the data."""
    series = data.power_series(house)
    first = max(0, data.index(plan.start) - LEAD_SLOTS)
    rows = [f"{utc(data.first_slot + index * SLOT_S)},{series[index]}" for index in range(first, len(series))]
    return "\n".join(["utc,power_w", *rows, ""])


def make_boards(folder: Folder, homes: Sequence[HomeFolder], micropython: Path | None) -> list[VirtualBoard]:
    """A virtual board for each home, its console linked into the folder. They end with `close`.

    On MicroPython they run from compiled files where there is a compiler: that takes them a third of the memory.
    """
    code = compiled_board() if micropython else None
    return [
        VirtualBoard(
            flash=home.node_folder,
            uart=folder.meter(home.house),
            console=folder.console(home.house),
            micropython=micropython,
            clock=folder.clock,
            sample_ms=METER_READ_MS,
            code=code,
        )
        for home in homes
    ]


def node_children(homes: Sequence[HomeFolder], boards: Sequence[VirtualBoard]) -> list[Child]:
    """The nodes that run on the boards."""
    return [
        Child(f"node-{home.house}", board.command, board.environment, board.terminal)
        for home, board in zip(homes, boards, strict=True)
    ]


def agent_children(homes: Sequence[HomeFolder]) -> list[Child]:
    """The agent of each home."""
    return [
        Child(
            f"agent-{home.house}", (sys.executable, "-m", "volthood.app", str(home.agent_toml)), silent_s=AGENT_SILENT_S
        )
        for home in homes
    ]
