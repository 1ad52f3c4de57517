"""The group `volthood`. Other distributions add commands through the entry-point group `volthood.commands`."""

from importlib.metadata import EntryPoint, entry_points
from typing import Protocol

import click

from volthood import __version__
from volthood.cli.hood import hood
from volthood.cli.market import market
from volthood.cli.node import node
from volthood.cli.status import status
from volthood.cli.switch import resume, stop
from volthood.cli.why import why

PLUGINS = "volthood.commands"
_ANYTHING = {"ignore_unknown_options": True, "help_option_names": []}


class PluginGroup(click.Group):
    """A group that also has the commands of installed packages, loaded when they are asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Our commands and those of plug-ins, by name."""
        return sorted({*super().list_commands(ctx), *_plugins()})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """A command of ours, else a plug-in's."""
        own = super().get_command(ctx, cmd_name)
        plugin = _plugins().get(cmd_name)
        return own if own is not None or plugin is None else load_plugin(plugin)


def _plugins() -> dict[str, EntryPoint]:
    return {entry.name: entry for entry in entry_points(group=PLUGINS)}


class Plugin(Protocol):
    """An entry point, as far as it is needed here."""

    @property
    def name(self) -> str:
        """What a person types."""

    @property
    def value(self) -> str:
        """Where the command is."""

    def load(self) -> object:
        """The command."""


def load_plugin(plugin: Plugin) -> click.Command:
    """A plug-in's command, or one that says what it needs. Raises `click.ClickException` where it is no command."""
    try:
        command = plugin.load()
    except ModuleNotFoundError as error:
        return _missing(plugin.name, str(error.name))
    if not isinstance(command, click.Command):
        raise click.ClickException(f"the plug-in {plugin.value} is no command")
    return command


def _missing(name: str, package: str) -> click.Command:
    """A command that stands in for one that cannot be loaded, so that all the others work and this one says why."""

    @click.command(name, short_help=f"Not installed: pip install 'volthood[{name}]'", context_settings=_ANYTHING)
    @click.argument("arguments", nargs=-1, expose_value=False)
    def missing() -> None:
        """Say what is missing."""
        raise click.ClickException(f"`volthood {name}` needs the package {package}: pip install 'volthood[{name}]'")

    return missing


@click.group(cls=PluginGroup)
@click.version_option(__version__, prog_name="volthood")
def main() -> None:
    """A household's agent in a neighbourhood that trades its own electricity."""


for _command in (status, why, stop, resume, hood, market, node):
    main.add_command(_command)
