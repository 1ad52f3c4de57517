"""`volthood demo`: a neighbourhood on this machine, from meter to paid trade."""

import json
import sys
from pathlib import Path

import click
from rich.console import Console

from volthood.errors import VolthoodError
from volthood_tools.demo.hoodfile import PRICE_RULES
from volthood_tools.demo.plan import DEFAULT_HOMES, DEFAULT_SLOTS, DEFAULT_SPEED, MAX_SPEED
from volthood_tools.demo.streets import GRIDS

ENDED_EARLY = 130
"""Exit status after Ctrl-C, as shells have it."""


@click.command()
@click.option("--homes", type=int, help=f"Number of homes, 2 to 10.  [default: {DEFAULT_HOMES}]")
@click.option("--slots", type=int, help=f"Number of 15-minute slots to trade.  [default: {DEFAULT_SLOTS}]")
@click.option("--speed", type=int, default=DEFAULT_SPEED, show_default=True, help=f"Of the calendar, 1 to {MAX_SPEED}.")
@click.option("--price-rule", type=click.Choice(PRICE_RULES), default=PRICE_RULES[0], show_default=True, help="Market.")
@click.option(
    "--grid", type=click.Choice(GRIDS), default=GRIDS[0], show_default=True, help="Streets with fees, or one node."
)
@click.option("--retail", metavar="PRICE", help="Retail price per kWh, in place of the data's.")
@click.option("--feed-in", metavar="PRICE", help="Feed-in price per kWh, in place of the data's.")
@click.option(
    "--data",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Your own homes: CSV with utc, home, load_wh, pv_wh (and retail, feed_in), every 15, 30 or 60 minutes.",
)
@click.option("--keep", type=click.Path(path_type=Path, file_okay=False), help="New folder to keep everything in.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output; all else on standard error.")
def demo(
    homes: int | None,
    slots: int | None,
    speed: int,
    price_rule: str,
    grid: str,
    retail: str | None,
    feed_in: str | None,
    data: Path | None,
    keep: Path | None,
    as_json: bool,
) -> None:
    """Run a neighbourhood on real data: simulated meters, nodes, agents and a broker, each a process of its own.

    It takes about three minutes, shows what happens while it runs, and ends with what each home paid, what it would have
    paid without neighbours, the laws checked one by one, and a report. Ctrl-C ends it cleanly.
    """
    from volthood_tools.demo.run import Options, run
    from volthood_tools.demo.summary import json_of, laws_hold, summary_lines, write_files

    console = Console(stderr=as_json)
    try:
        finished = run(Options(homes, slots, speed, price_rule, grid, retail, feed_in, data, keep), console)
        write_files(finished)
    except VolthoodError as error:
        raise click.ClickException(str(error)) from error
    except KeyboardInterrupt:
        console.print("Ended early; no process is left.")
        sys.exit(ENDED_EARLY)
    for line in summary_lines(finished):
        console.print(line, markup=False, highlight=False, soft_wrap=True)
    if as_json:
        print(json.dumps(json_of(finished)))
    if not laws_hold(finished):
        sys.exit(1)
