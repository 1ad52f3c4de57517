"""`volthood-agent AGENT_TOML`: one household's agent, until it is told to end."""

import asyncio
import logging
import sys
from pathlib import Path

import click

from volthood.app.compose import compose
from volthood.config.agent import load_agent_config
from volthood.errors import VolthoodError


@click.command()
@click.argument("config", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--verbose", is_flag=True, help="Also log what is received and sent.")
def main(config: Path, verbose: bool) -> None:
    """Run a household's agent as CONFIG (agent.toml) says, until SIGTERM or Ctrl-C."""
    logging.basicConfig(
        stream=sys.stderr,
        level=logging.DEBUG if verbose else logging.INFO,
        format="%(asctime)s %(levelname)s %(name)s %(message)s",
    )
    try:
        asyncio.run(compose(load_agent_config(config)).run())
    except VolthoodError as error:
        raise click.ClickException(str(error)) from error
