"""One run: prepared, founded, started, watched to its end, gathered.

Every part is a process of its own; nothing here takes part in the market. What the run came to is gathered afterwards
from the homes' files (`collect`).
"""

import os
import signal
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from zoneinfo import ZoneInfo

from rich.console import Console

from volthood.adapters.clock import CalendarClock
from volthood.errors import LocalError
from volthood.wire.topics import hood_level
from volthood_tools.demo.collect import collect
from volthood_tools.demo.dataset import SLOT_S, Dataset, load_file, load_packaged, with_homes, with_tariff
from volthood_tools.demo.folder import Folder
from volthood_tools.demo.found import PIN, Neighbourhood, Say, found, start
from volthood_tools.demo.plan import DEFAULT_HOMES, RunPlan, make_plan
from volthood_tools.demo.result import RunResult
from volthood_tools.demo.screen import Screen, make_screen
from volthood_tools.demo.streets import grid_note, make_streets
from volthood_tools.demo.watch import HomeWatch, HoodView, HoodWatch, LiveValues
from volthood_tools.processes.memory import memory_of

LOOK_INTERVAL_S = 0.5
PATIENCE_S = 20
"""Real seconds that settlements may take after the last round."""


@dataclass(frozen=True)
class Options:
    """What a run was asked for; None where the usual is wanted."""

    homes: int | None
    slots: int | None
    speed: int
    price_rule: str
    grid: str
    retail: str | None
    feed_in: str | None
    data: Path | None
    keep: Path | None


@dataclass
class Figures:
    """What a run cost.

    Attributes:
        ready_s: real seconds from the start to the calendar's: keys, nodes, enrolment, agents.
        first_settled_s: the same to the first settled trade.
        peak_kib: the greatest resident memory of each process, KiB.
        total_kib: the greatest of all together, shared pages counted once, KiB.
        board_messages, rounds: messages on the board in so many rounds.
        inbox_messages: contracts, settlements and their receipts.
    """

    ready_s: float = 0.0
    first_settled_s: float | None = None
    peak_kib: dict[str, int] = field(default_factory=dict)
    total_kib: int = 0
    board_messages: int = 0
    rounds: int = 0
    inbox_messages: int = 0


@dataclass(frozen=True)
class Finished:
    """A run that came to its end."""

    folder: Folder
    plan: RunPlan
    result: RunResult
    figures: Figures


def prepare(options: Options) -> tuple[Dataset, RunPlan]:
    """The data and the plan of a run. Raises `LocalError` with what cannot be and why."""
    data = load_packaged() if options.data is None else load_file(options.data)
    data = with_tariff(data, options.retail, options.feed_in)
    homes = min(DEFAULT_HOMES, len(data.homes)) if options.homes is None else options.homes
    data = with_homes(data, homes)
    return data, make_plan(data.start, len(data.slots), homes, options.slots, options.speed)


def new_folder(keep: Path | None) -> Folder:
    """An empty folder for a neighbourhood. Raises `LocalError` where `keep` is not empty or cannot be made."""
    try:
        path = Path(tempfile.mkdtemp(prefix="volthood-demo-")) if keep is None else keep.resolve()
        path.mkdir(parents=True, exist_ok=True)
        if any(path.iterdir()):
            raise LocalError(f"{path}: not empty; each run makes a new neighbourhood, so name a new folder")
        folder = Folder(path)
        folder.make()
    except OSError as error:
        raise LocalError(f"{keep or tempfile.gettempdir()}: {error.strerror}") from error
    return folder


def run(options: Options, console: Console) -> Finished:
    """Run a neighbourhood to its end.

    Raises:
        LocalError, DeviceError: it cannot be set up.
        KeyboardInterrupt: it was ended before, and nothing of it runs any more.
    """
    started_s = time.monotonic()
    data, plan = prepare(options)
    folder, figures = new_folder(options.keep), Figures()
    streets = make_streets(options.grid, data.homes)
    notes = (*data.notes, data.tariff_note, grid_note(streets, data))

    def say(text: str) -> None:
        console.print(text, markup=False, highlight=False, soft_wrap=True)

    _introduce(say, folder, data, plan, notes)
    with _ended_by_signals(), ExitStack() as stack:
        hood = found(stack, folder, data, plan, streets, options.price_rule, say)
        clock = start(hood, say)
        figures.ready_s = time.monotonic() - started_s
        live = stack.enter_context(LiveValues(hood.broker.port, hood_level(hood.hood_id), plan))
        _tell_consoles(hood, say)
        watches = [HomeWatch(home.house, home.agent_toml, plan) for home in hood.homes]
        watch = stack.enter_context(HoodWatch(watches, live))
        with make_screen(console, plan, ZoneInfo(data.timezone), data.currency) as screen:
            _watch(hood, clock, watch, screen, figures, started_s)
        figures.board_messages, figures.rounds = live.board.total(), len(live.board)
        figures.inbox_messages = live.inbox
        say("The last slot is over; ending all processes.")
    files = [home.agent_toml for home in hood.homes]
    wall_s = time.monotonic() - started_s
    result = collect(files, data, plan, notes, figures.first_settled_s, wall_s)
    return Finished(folder, plan, result, figures)


@contextmanager
def _ended_by_signals() -> Iterator[None]:
    """SIGTERM and the end of the terminal end the run as Ctrl-C does."""

    def interrupt(number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt(signal.Signals(number).name)

    before = {number: signal.signal(number, interrupt) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _introduce(say: Say, folder: Folder, data: Dataset, plan: RunPlan, notes: tuple[str, ...]) -> None:
    say(f"Everything of this run is kept in {folder.path}")
    for note in notes:
        say(f"  {note}")
    say(f"  Money in {data.currency}, local time {data.timezone}.")
    say(f"{plan.slots} slots of {SLOT_S // 60} minutes, the calendar {plan.speed} times as fast as real time.")


def _tell_consoles(hood: Neighbourhood, say: Say) -> None:
    say(f"Look into a node with `volthood-console PATH` (the installer's PIN here is {PIN}):")
    for home in hood.homes:
        say(f"  {home.house}  {hood.folder.console(home.house)}")


def _watch(
    hood: Neighbourhood, clock: CalendarClock, watch: HoodWatch, screen: Screen, figures: Figures, started_s: float
) -> None:
    """Show the run until the last slot is settled, or patience is over."""
    while True:
        view = watch.look(clock.now_s())
        _measure(hood, view, figures, started_s)
        for news in hood.supervisor.news():
            screen.tell(news)
        screen.show(view)
        if is_over(hood.plan, view, watch.all_settled):
            return
        time.sleep(LOOK_INTERVAL_S)


def is_over(plan: RunPlan, view: HoodView, all_settled: bool) -> bool:
    """Whether there is nothing more to wait for: all rounds have passed, and settlements are in or late."""
    if view.now_s <= plan.end_s:
        return False
    return all_settled or view.now_s > plan.end_s + PATIENCE_S * plan.speed


def _measure(hood: Neighbourhood, view: HoodView, figures: Figures, started_s: float) -> None:
    if figures.first_settled_s is None and view.settled:
        figures.first_settled_s = time.monotonic() - started_s
    total_kib = 0
    for name, pid in {"demo": os.getpid(), **hood.supervisor.pids()}.items():
        memory = memory_of(pid)
        if memory is not None:
            figures.peak_kib[name] = max(figures.peak_kib.get(name, 0), memory.peak_kib)
            total_kib += memory.proportional_kib
    figures.total_kib = max(figures.total_kib, total_kib)
