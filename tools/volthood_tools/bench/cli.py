"""The command `volthood-bench`: measures one area and prints its figures beside the marks."""

import json
import os
import platform
import sys

import click
from rich.console import Console
from rich.table import Table

from volthood_tools.bench.areas import AREAS, measurer
from volthood_tools.bench.figures import judged, read_marks


@click.command()
@click.argument("area", type=click.Choice(sorted(AREAS)))
@click.option("--quick", is_flag=True, help="Fewer and smaller measurements: seconds instead of minutes.")
@click.option("--seed", type=int, default=1, show_default=True, help="What everything drawn at random is drawn from.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON list and nothing else on standard output.")
def main(area: str, quick: bool, seed: int, as_json: bool) -> None:
    """Measure AREA and print each figure beside its mark.

    The exit status is 0 whether marks are met or not: figures depend on the machine, and a person judges them.
    """
    marks = read_marks()
    results = []
    for figure in measurer(area)(quick, seed):
        results.append(judged(area, figure, marks))
        print(f"{results[-1]['name']}: {shown(figure.figure)} {figure.unit}", file=sys.stderr)
    if as_json:
        print(json.dumps(results))
    else:
        show(results)


def show(results: list[dict[str, object]]) -> None:
    """Prints the figures as a table, with the machine they were measured on."""
    table = Table(title=machine(), title_justify="left")
    for column in ("figure", "value", "unit", "mark", "ok", "samples"):
        table.add_column(column, justify="right" if column in {"value", "samples"} else "left")
    for result in results:
        verdict = "" if result["ok"] is None else "yes" if result["ok"] else "[bold red]no[/]"
        cells = (result["name"], shown(result["figure"]), result["unit"], result["mark"] or "", verdict)
        table.add_row(*map(str, cells), str(result["samples"]))
    Console().print(table)


def shown(figure: object) -> str:
    """A figure for the eye: whole from a thousand on, else four digits."""
    return f"{figure:,.0f}" if isinstance(figure, int | float) and abs(figure) >= 1000 else f"{figure:.4g}"


def machine() -> str:
    """What the figures were measured on, in one line."""
    python = f"{platform.python_implementation()} {platform.python_version()}"
    return f"{platform.machine()}, {os.cpu_count()} cores, {platform.system()} {platform.release()}, {python}"
