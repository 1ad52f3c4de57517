"""The command `volthood`: its own commands, those of plug-ins, and errors in one line."""

from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from volthood.cli.main import PLUGINS, load_plugin, main


class Entry:
    """An entry point, as the installer of another distribution registers it."""

    def __init__(self, name: str, target: object) -> None:
        self.name = name
        self.value = f"elsewhere:{name}"
        self._target = target

    def load(self) -> object:
        if isinstance(self._target, Exception):
            raise self._target
        return self._target


def run(*arguments: str) -> Iterator[str]:
    result = CliRunner().invoke(main, arguments)
    yield from (str(result.exit_code), result.output)


def test_all_commands_are_listed() -> None:
    status, output = run("--help")
    assert status == "0"
    for name in ("status", "why", "stop", "resume", "demo"):
        assert f"\n  {name} " in output


def test_a_plug_in_is_the_command_it_brings() -> None:
    command = click.Command("hello")
    assert load_plugin(Entry("hello", command)) is command
    assert PLUGINS == "volthood.commands"


def test_a_plug_in_whose_packages_are_missing_says_what_it_needs() -> None:
    stand_in = load_plugin(Entry("fly", ModuleNotFoundError("No module named 'wings'", name="wings")))
    result = CliRunner().invoke(stand_in, ["--high", "up"])
    assert result.exit_code == 1
    assert "`volthood fly` needs the package wings: pip install 'volthood[fly]'" in result.output
    assert "Not installed" in stand_in.get_short_help_str()


def test_a_plug_in_that_is_no_command_is_refused() -> None:
    with pytest.raises(click.ClickException, match="elsewhere:fly is no command"):
        load_plugin(Entry("fly", "a string"))


@pytest.mark.parametrize("command", [("status",), ("why", "09:15"), ("stop",), ("resume",)])
def test_a_folder_without_a_household_is_told_in_one_line(command: tuple[str, ...], tmp_path: Path) -> None:
    status, output = run(*command, "--dir", str(tmp_path))
    assert status == "1"
    assert output == f"Error: {tmp_path}: no agent.toml and no homes/*/agent.toml; name the folder with --dir\n"
