"""`volthood-console PORT`: a technician's terminal on a node's console."""

from pathlib import Path

import click

from volthood.errors import VolthoodError
from volthood_tools.console.port import CONSOLE_BAUD
from volthood_tools.console.terminal import converse


@click.command()
@click.argument("port", type=click.Path(path_type=Path))
@click.option(
    "--baud",
    type=click.Choice(["9600", "19200", "115200"]),
    default=str(CONSOLE_BAUD),
    show_default=True,
    help="Speed of a real serial line.",
)
def main(port: Path, baud: str) -> None:
    """Talk to the node on PORT, a serial device or the console path that a demonstration shows. Ctrl-] leaves."""
    try:
        converse(port, int(baud))
    except VolthoodError as error:
        raise click.ClickException(str(error)) from error
