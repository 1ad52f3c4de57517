"""The command `volthood-sim`: neighbourhoods in virtual time, with faults, judged after every slot."""

import sys
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from volthood.errors import VolthoodError
from volthood_tools.demo.hoodfile import PRICE_RULES
from volthood_tools.demo.streets import GRIDS
from volthood_tools.sim.faults import EVERYTHING, FaultPlan, load_faults, plan_of


def fault_options(command: Callable[..., None]) -> Callable[..., None]:
    """An option for every fault."""
    for each in reversed(fields(FaultPlan)):
        choices = each.metadata.get("choices")
        kind = click.Choice(choices) if choices is not None else type(each.default)
        text = f"{each.metadata['help']}  [default: {each.default}]"
        command = click.option("--" + each.name.replace("_", "-"), each.name, type=kind, help=text)(command)
    return command


@click.command()
@click.option("--homes", type=click.IntRange(2, 1000), default=10, show_default=True, help="Homes of a hood.")
@click.option("--hoods", type=click.IntRange(1, 1000), default=1, show_default=True, help="Hoods, all at once.")
@click.option("--slots", type=click.IntRange(1, 10_000), default=8, show_default=True, help="Slots of 15 minutes.")
@click.option("--seed", type=int, default=1, show_default=True, help="What everything drawn at random is drawn from.")
@click.option("--runs", type=click.IntRange(1), default=1, show_default=True, help="Runs, each with the next seed.")
@click.option(
    "--data", default="generated", show_default=True, help="Homes: generated, packaged, or a file of the demo."
)
@click.option("--mixed-tariffs", is_flag=True, help="Generated homes pay and earn different prices.")
@click.option("--price-rule", type=click.Choice(PRICE_RULES), default=PRICE_RULES[0], show_default=True, help="Market.")
@click.option(
    "--balancing", type=click.IntRange(1, 2), default=2, show_default=True, help="Balancing rounds of a slot."
)
@click.option("--faults", type=click.Path(path_type=Path, dir_okay=False), help="TOML file of faults by name.")
@click.option("--all-faults", is_flag=True, help="All faults at once; other options change single ones.")
@click.option(
    "--grid", type=click.Choice(GRIDS), default=GRIDS[1], show_default=True, help="Streets with fees, or one node."
)
@fault_options
@click.option("--curves", is_flag=True, help="Also measure welfare over loss, over vanishing and over size: minutes.")
@click.option("--html", type=click.Path(path_type=Path, dir_okay=False), help="Write a page with the results.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output; all else on standard error.")
def main(
    homes: int,
    hoods: int,
    slots: int,
    seed: int,
    runs: int,
    data: str,
    mixed_tariffs: bool,
    price_rule: str,
    balancing: int,
    faults: Path | None,
    all_faults: bool,
    grid: str,
    curves: bool,
    html: Path | None,
    as_json: bool,
    **given: object,
) -> None:
    """Simulate neighbourhoods: the real engine and signatures, in virtual time, over a network that fails by plan.

    The same options give the same run, byte for byte: the digest over all messages says so. Every law is judged after
    every slot; where one is broken the exit status is 1, and the command that repeats the run is printed.
    """
    from volthood_tools.sim.homes import Homes
    from volthood_tools.sim.run import Settings
    from volthood_tools.sim.session import Request, run

    try:
        plan = _plan(faults, all_faults, given)
        source = Homes(data, homes, hoods, mixed_tariffs)
        settings = Settings(slots, price_rule, grid, balancing, plan, seed)
        sound = run(Request(source, settings, runs, curves, html, as_json), Console(stderr=as_json))
    except VolthoodError as error:
        raise click.ClickException(str(error)) from error
    if not sound:
        sys.exit(1)


def _plan(faults: Path | None, all_faults: bool, given: dict[str, Any]) -> FaultPlan:
    """All faults or none, then what a file says, then what options say."""
    from_file = {} if faults is None else load_faults(faults)
    from_options = {name: value for name, value in given.items() if value is not None}
    return plan_of(EVERYTHING if all_faults else FaultPlan(), from_file, from_options)
