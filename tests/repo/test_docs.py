"""Documentation that fails the build: every command, every wire field and every configuration key stands in it."""

import importlib
import pkgutil
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

import volthood.wire
from volthood.wire.message import Message


def scripts(root: Path) -> dict[str, object]:
    """The commands that an installation puts on the PATH, and the objects behind them."""
    entries: dict[str, str] = tomllib.loads((root / "pyproject.toml").read_text())["project"]["scripts"]
    found = {}
    for name, target in entries.items():
        module, attribute = target.split(":")
        found[name] = getattr(importlib.import_module(module), attribute)
    return found


def walk(name: str, command: click.Command) -> Iterator[tuple[str, click.Command]]:
    """A command and all its sub-commands, by what a person types."""
    yield name, command
    if isinstance(command, click.Group):
        context = click.Context(command)
        for sub in command.list_commands(context):
            child = command.get_command(context, sub)
            if child is not None and not child.hidden:
                yield from walk(f"{name} {sub}", child)


@pytest.fixture(scope="module")
def commands(root: Path) -> dict[str, click.Command]:
    found: dict[str, click.Command] = {}
    for name, script in scripts(root).items():
        if isinstance(script, click.Command):
            found.update(walk(name, script))
    return found


def options(command: click.Command) -> list[click.Option]:
    return [param for param in command.params if isinstance(param, click.Option) and not param.hidden]


def sections(text: str) -> dict[str, str]:
    """The text under each heading of a Markdown page, by the heading without its marks."""
    parts = re.split(r"^#+ +(.*)$", text, flags=re.MULTILINE)
    return {heading.replace("`", "").strip(): body for heading, body in zip(parts[1::2], parts[2::2], strict=True)}


def test_every_command_and_option_has_help(commands: dict[str, click.Command]) -> None:
    silent = [name for name, command in commands.items() if not command.get_short_help_str()]
    for name, command in commands.items():
        silent += [f"{name} {option.opts[0]}" for option in options(command) if not option.help]
    assert commands
    assert silent == []


def test_every_command_and_option_stands_in_the_docs(commands: dict[str, click.Command], root: Path) -> None:
    page = sections((root / "agent" / "docs" / "commands.md").read_text())
    missing = [name for name in commands if name not in page]
    for name, command in commands.items():
        for option in options(command):
            if not any(re.search(re.escape(opt) + r"\b", page.get(name, "")) for opt in option.opts):
                missing.append(f"{name} {option.opts[0]}")
    assert missing == []


def test_every_script_stands_in_the_docs(root: Path) -> None:
    page = sections((root / "agent" / "docs" / "commands.md").read_text())
    assert [name for name in scripts(root) if name not in page] == []


def test_the_docs_name_no_command_that_is_gone(commands: dict[str, click.Command], root: Path) -> None:
    page = sections((root / "agent" / "docs" / "commands.md").read_text())
    known = {*commands, *scripts(root)}
    assert [name for name in page if name.startswith("volthood") and name not in known] == []


def messages() -> list[type[Message]]:
    """Every message of the wire formats."""
    for module in pkgutil.iter_modules(volthood.wire.__path__, "volthood.wire."):
        importlib.import_module(module.name)
    found, todo = [], [Message]
    while todo:
        subclasses = todo.pop().__subclasses__()
        todo += subclasses
        found += [cls for cls in subclasses if cls.FIELDS and cls.__module__.startswith("volthood.wire.")]
    return sorted(found, key=lambda cls: cls.__name__)


def rows(section: str) -> list[list[str]]:
    """The cells of the tables in a section, without marks."""
    lines = [line.strip().strip("|") for line in section.splitlines() if line.strip().startswith("|")]
    return [[cell.replace("`", "").strip() for cell in line.split("|")] for line in lines]


def test_every_wire_field_stands_on_the_format_page(root: Path) -> None:
    """Each message has a section with its name, and a row with key and name for each field."""
    page = sections((root / "agent" / "volthood" / "wire" / "README.md").read_text())
    missing = []
    for cls in messages():
        body = next((body for heading, body in page.items() if cls.__name__ in re.findall(r"\w+", heading)), "")
        table = rows(body)
        missing += [
            f"{cls.__name__}: {field.key} {field.name}"
            for field in cls.FIELDS
            if not any(str(field.key) in row and field.name in row for row in table)
        ]
    assert messages()
    assert missing == []


def test_every_message_kind_stands_on_the_format_page(root: Path) -> None:
    text = (root / "agent" / "volthood" / "wire" / "README.md").read_text()
    kinds = {value for cls in messages() for name, value in vars(cls).items() if name.endswith("KIND") and value}
    assert sorted(kind for kind in kinds if kind not in text) == []


def test_links_between_pages_lead_somewhere(tree: list[Path], root: Path) -> None:
    broken = []
    for path in tree:
        if path.suffix == ".md":
            for target in re.findall(r"\]\(([^)#\s]+)", (root / path).read_text()):
                if "://" not in target and not (root / path.parent / target).exists():
                    broken.append(f"{path}: {target}")
    assert broken == []


def test_the_changelog_speaks_of_the_version_in_the_tree(root: Path) -> None:
    text = (root / "CHANGELOG.md").read_text()
    assert "## Unreleased" in text or f"## {volthood.__version__}" in text
