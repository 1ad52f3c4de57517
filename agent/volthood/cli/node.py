"""`volthood node`: the household's meter node, asked over the home broker."""

import json
from pathlib import Path

import click

from volthood.cli.options import plain_errors, which_homes


@click.group()
def node() -> None:
    """The household's meter nodes."""


@node.command()
@which_homes
@click.option("--node", "name", metavar="NODE", help="The node's name, 16 hex digits; not needed where there is one.")
@click.option("--timeout-s", type=click.FloatRange(1, 600), default=10.0, show_default=True, help="Wait so long, s.")
@click.option("--json", "as_json", is_flag=True, help="Print the node's JSON object as it came.")
@click.argument("command", nargs=-1, required=True)
def ask(
    folder: Path, home: str | None, name: str | None, timeout_s: float, as_json: bool, command: tuple[str, ...]
) -> None:
    """Ask a node what its console can be asked, such as `status` or `log`, without the serial cable.

    The household's own agent is allowed to: its link key takes the place of the cable. `enrol` and `factory-reset` work at
    the cable alone.
    """
    from volthood.app.nodes import node_line
    from volthood.cli.household import agent_files
    from volthood.errors import DeviceError, LocalError

    with plain_errors():
        files = agent_files(folder, home)
        if len(files) > 1:
            raise LocalError("several homes here: say which one with --home")
        with node_line(files[0], name) as line:
            text = line.ask("console", " ".join(command).encode(), timeout_s).decode("utf-8", "replace")
        answer = json.loads(text)
        if "error" in answer:
            raise DeviceError(f"the node refuses: {answer['error']} ({answer.get('detail')})", retry=False)
    if as_json:
        click.echo(text)
        return
    for key, value in answer.items():
        for row in _rows(key, value):
            click.echo(row)


@node.command()
@which_homes
@click.option("--node", "name", metavar="NODE", help="The node's name, 16 hex digits; not needed where there is one.")
@click.option("--timeout-s", type=click.FloatRange(1, 600), default=10.0, show_default=True, help="Of each answer, s.")
@click.option(
    "--wait-s",
    type=click.FloatRange(0, 7200),
    default=1800.0,
    show_default=True,
    help="Wait so long for the node to keep the new program, s; 0: do not look.",
)
@click.argument("bundle", type=click.Path(path_type=Path, dir_okay=False))
def update(folder: Path, home: str | None, name: str | None, timeout_s: float, wait_s: float, bundle: Path) -> None:
    """Give a node a new program, from a BUNDLE that `volthood-release` made.

    May be stopped and called again: it goes on where it was. The node checks the releaser's signature, and goes on metering
    meanwhile. It keeps the new program once this household's agent has had a record of it; until then three failed starts
    bring the old one back.
    """
    from volthood.app.nodes import node_line
    from volthood.app.updating import is_kept, send
    from volthood.cli.household import agent_files
    from volthood.core.release import unpack_bundle
    from volthood.errors import DeviceError, LocalError
    from volthood.wire.update import release_text

    with plain_errors():
        try:
            sent = unpack_bundle(bundle.read_bytes())
        except OSError as error:
            raise LocalError(f"{bundle}: {error.strerror}") from error
        files = agent_files(folder, home)
        if len(files) > 1:
            raise LocalError("several homes here: say which one with --home")
        release = release_text(sent.manifest.release)
        with node_line(files[0], name) as line:
            with click.progressbar(length=len(sent.stream), label=f"release {release}") as bar:
                send(line, sent, timeout_s, lambda position, _total: bar.update(position - bar.pos))
            click.echo("The node starts again.")
            if not wait_s:
                return
            if not is_kept(line, sent, wait_s):
                raise DeviceError("the new program did not work: the node went back to the one before", retry=False)
    click.echo(f"The node keeps {release}.")


def _rows(key: str, value: object) -> list[str]:
    """One line for a value, or one for each of several."""
    if isinstance(value, list):
        return [f"{key}:", *(f"  {_flat(item)}" for item in value)]
    return [f"{key}: {_flat(value)}"]


def _flat(value: object) -> str:
    if isinstance(value, dict):
        return " ".join(f"{key}={item}" for key, item in value.items())
    return "-" if value is None else str(value)
