"""One call of `volthood-sim`: runs with a progress bar, what they came to, and how to repeat one that failed."""

import json
import shlex
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from volthood_tools.sim.curves import Curve, measure_curves
from volthood_tools.sim.homes import Homes
from volthood_tools.sim.outcome import json_of, summary
from volthood_tools.sim.page import write_page
from volthood_tools.sim.run import Settings, SimResult, simulate


@dataclass(frozen=True)
class Request:
    """What was asked for on the command line."""

    source: Homes
    settings: Settings
    runs: int = 1
    curves: bool = False
    html: Path | None = None
    as_json: bool = False


def run(request: Request, console: Console) -> bool:
    """Run everything, print and write what it came to; whether all laws held. Raises `LocalError`."""
    results: list[SimResult] = []
    with _progress(console) as progress:
        for seed in range(request.settings.seed, request.settings.seed + request.runs):
            settings = replace(request.settings, seed=seed)
            told = _teller(progress, f"seed {seed}")
            results.append(simulate(request.source.datasets(settings.slots, seed), settings, told))
        curves: tuple[Curve, ...] = ()
        if request.curves:
            curves = measure_curves(request.source, request.settings, _teller(progress, "curves"))
    commands = [command_of(request.source, result.settings) for result in results]
    for result, command in zip(results, commands, strict=True):
        _tell(console, result, command)
    if request.html is not None:
        write_page(request.html, results, commands, curves)
        console.print(f"page: {request.html}", highlight=False, soft_wrap=True)
    if request.as_json:
        print(json.dumps(json_of(results, commands, curves)))
    return not any(result.breaches for result in results)


def command_of(source: Homes, settings: Settings) -> str:
    """The command that repeats a run."""
    words = ["volthood-sim", "--homes", str(source.homes), "--hoods", str(source.hoods), "--slots", str(settings.slots)]
    words += ["--seed", str(settings.seed), "--data", source.source, "--price-rule", settings.price_rule]
    words += ["--grid", settings.grid, "--balancing", str(settings.balancing)]
    words += ["--mixed-tariffs"] if source.mixed_tariffs else []
    for name, value in settings.faults.changed.items():
        words += ["--" + name.replace("_", "-"), str(value)]
    return shlex.join(words)


def _tell(console: Console, result: SimResult, command: str) -> None:
    console.print(summary(result))
    for hood, breach in result.breaches[:10]:
        where = f"slot {breach.slot}" if breach.slot else "the whole run"
        console.print(f"BROKEN {breach.law}, hood {hood}, {where}: {breach.case}", markup=False, soft_wrap=True)
    if result.breaches:
        console.print(f"repeat with: {command}", markup=False, highlight=False, soft_wrap=True)


def _progress(console: Console) -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    return Progress(*columns, console=console, transient=True)


def _teller(progress: Progress, name: str) -> Callable[[int, int], None]:
    task = progress.add_task(name)
    return lambda done, total: progress.update(task, completed=done, total=total)
