"""`volthood hood`: the rules that a neighbourhood has signed, and its grid map."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from volthood.cli.options import plain_errors
from volthood.core.units import SLOT_LENGTHS_S
from volthood.errors import LocalError, PeerError
from volthood.wire.cbor import WireError

if TYPE_CHECKING:
    from volthood.core.hood import Hood
    from volthood.wire.roster import Roster

FILE = click.Path(path_type=Path, dir_okay=False)
FOLDER = click.Path(path_type=Path, file_okay=False)


@click.group()
def hood() -> None:
    """The neighbourhood's rules and its grid map."""


@hood.command()
@click.argument("file", type=FILE, required=False)
@click.option("--roster", "roster_file", type=FILE, help="The signed roster: shows who sits on which node.")
@click.option(
    "--dir", "folder", type=FOLDER, help="A neighbourhood's folder, with hood.toml, hood.note and roster.note."
)
@click.option("--plain", is_flag=True, help="Indent the tree with blanks; no lines, no colours.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def show(file: Path | None, roster_file: Path | None, folder: Path | None, plain: bool, as_json: bool) -> None:
    """Show the rules of FILE (hood.toml) in words and its grid map as a tree; name what is wrong with it."""
    from volthood.cli.hood_words import as_json as values

    if file is None and folder is None:
        raise click.UsageError("name a hood.toml, or a neighbourhood's folder with --dir")
    with plain_errors():
        roster = _roster(roster_file or (folder / "roster.note" if folder else None))
        rules = _hood(file or Path(folder or ".") / "hood.toml", roster)
        signed = _signed(rules, roster, folder)
    if as_json:
        print(json.dumps(values(rules) | {"signed": signed}))
    else:
        _print(rules, signed, plain=plain)


def _roster(path: Path | None) -> "Roster | None":
    from volthood.adapters.crypto import verify_ed25519
    from volthood.core.membership import trust_first_roster

    if path is None:
        return None
    try:
        return trust_first_roster(path.read_bytes(), verify_ed25519)
    except (OSError, PeerError, WireError) as error:
        raise LocalError(f"{path}: {error}") from error


def _hood(path: Path, roster: "Roster | None") -> "Hood":
    from volthood.config.hood import load_hood, read_hood

    return read_hood(path) if roster is None else load_hood(path, roster)


def _signed(rules: "Hood", roster: "Roster | None", folder: Path | None) -> str | None:
    """What the folder's hood.note says of these rules; None without one."""
    from volthood.adapters.crypto import verify_ed25519
    from volthood.core.hood_file import hood_digest
    from volthood.core.membership import trust_hood_file

    note = None if folder is None else folder / "hood.note"
    if note is None or roster is None or not note.exists():
        return None
    try:
        trust_hood_file(hood_digest(rules), note.read_bytes(), roster, verify_ed25519)
    except (PeerError, WireError) as error:
        return f"no: {error}"
    return "yes"


def _print(rules: "Hood", signed: str | None, *, plain: bool) -> None:
    from volthood.cli.hood_words import houses_at, node_words, rules_lines, walk_tree

    print("\n".join(rules_lines(rules)))
    if signed is not None:
        print(f"signed      {signed}")
    print(f"grid map    {len(rules.grid.nodes)} nodes, {len(rules.members)} members on them")
    houses = houses_at(rules)
    if plain:
        walk_tree(rules, lambda node, depth: print("  " * depth + node_words(node, houses.get(node.name, []))))
    else:
        _print_tree(rules, houses)


def _print_tree(rules: "Hood", houses: dict[str, list[str]]) -> None:
    from rich.console import Console
    from rich.text import Text
    from rich.tree import Tree

    from volthood.cli.hood_words import node_words

    branches: dict[str, Tree] = {}
    for node in rules.grid.layout.nodes:
        words = Text(node_words(node, houses.get(node.name, [])))
        branches[node.name] = Tree(words) if node.parent is None else branches[node.parent].add(words)
    Console().print(branches[rules.grid.root.name])


@hood.command()
@click.argument("bus", type=FILE)
@click.argument("line", type=FILE)
@click.argument("trafo", type=FILE)
@click.option("--switch", type=FILE, help="Switches: what they open is left out.")
@click.option("--ext-grid", type=FILE, help="What feeds the network: the root. Else the transformer's upper bus is.")
@click.option("--load", type=FILE, help="Loads, named beside their node.")
@click.option("--slot-s", type=click.Choice(list(map(str, SLOT_LENGTHS_S))), default="900", help="Slot length, s.")
@click.option("--share", type=click.IntRange(0, 100), default=100, help="Percent of each rating left to trading.")
@click.option("--line-fee", type=click.IntRange(0), default=0, help="Fee of a kilometre of line, mct/kWh.")
@click.option("--trafo-fee", type=click.IntRange(0), default=0, help="Fee of a transformer, mct/kWh.")
@click.option("--out", type=FILE, help="A new file for the grid map; standard output without it.")
def convert(
    bus: Path,
    line: Path,
    trafo: Path,
    switch: Path | None,
    ext_grid: Path | None,
    load: Path | None,
    slot_s: str,
    share: int,
    line_fee: int,
    trafo_fee: int,
    out: Path | None,
) -> None:
    """Make a grid map for hood.toml of network tables as pandapower has them: BUS, LINE and TRAFO are CSV files."""
    from volthood.config.feeder import Tables, grid_toml, read_feeder, read_loads
    from volthood.core.feeder import Terms, grid_map

    with plain_errors():
        feeder = read_feeder(Tables(bus, line, trafo, switch, ext_grid))
        converted = grid_map(feeder, Terms(int(slot_s), share, line_fee, trafo_fee))
        text = grid_toml(converted, {} if load is None else read_loads(load))
        if out is not None:
            _write_new(out, text)
    if out is None:
        print(text, end="")
    else:
        print(f"{out}: {len(converted.grid.nodes)} nodes below {converted.grid.root.name}; add them to hood.toml")


def _write_new(path: Path, text: str) -> None:
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise LocalError(f"{path}: {error.strerror}; it must be a new file") from error
