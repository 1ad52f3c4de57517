"""Parts of the documentation that are made of the code's own tables: `python -m volthood_tools.diagrams PAGE...`.

A page names a part between `<!-- generated: NAME -->` and `<!-- end -->`; what stands there is written anew. A test compares
the pages with what is made, so that no diagram outlives its table.
"""

import inspect
import re
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType

from volthood.core.hood import Windows
from volthood.core.market.round import TRANSITIONS, Phase
from voltnode import broker, timekeeping, wifi

PART = re.compile(r"(?<=<!-- generated: )([a-z-]+)( -->\n).*?(?=<!-- end -->)", re.DOTALL)


def round_diagram() -> str:
    """The round as a Mermaid state diagram."""
    lines = ["```mermaid", "stateDiagram-v2", f"    [*] --> {Phase.WAITING}"]
    lines += [f"    {phase} --> {after}: {trigger} / {step}" for (phase, trigger), (after, step) in TRANSITIONS.items()]
    return "\n".join([*lines, f"    {Phase.CLOSED} --> [*]", "```", ""])


def round_table() -> str:
    """The round as a table."""
    lines = ["| phase | ends with | step | then |", "| --- | --- | --- | --- |"]
    lines += [f"| {phase} | {trigger} | {step} | {after} |" for (phase, trigger), (after, step) in TRANSITIONS.items()]
    return "\n".join([*lines, ""])


def windows_table() -> str:
    """A round's windows in seconds from its gate, as they are without other settings."""
    windows, start_s = Windows(), 0
    lines = ["| window | nominal | messages count |", "| --- | --- | --- |"]
    for name in ("order", "bundle", "contract"):
        end_s = start_s + getattr(windows, f"{name}_s")
        lines.append(f"| {name}s | {start_s} to {end_s} s | {-windows.guard_s} to {end_s} s |")
        start_s = end_s
    return "\n".join([*lines, ""])


Row = tuple[str, str, str, str]
"""State, what happens, the next state, what is done."""


def rows_of(module: ModuleType) -> list[Row]:
    """The transitions of a node's module.

    What is done stands in the table, or, where the board should not keep the words in memory, as a comment behind each line.
    """
    table: Mapping[tuple[str, str], str | tuple[str, str]] = module.TRANSITIONS
    comments = iter(re.findall(r"^    \(\w+, \w+\): \w+,  # (.*)$", inspect.getsource(module), re.MULTILINE))
    found = []
    for (state, trigger), then in table.items():
        after, step = (then, next(comments)) if isinstance(then, str) else then
        found.append((state, trigger, after, step))
    return found


def machine(rows: list[Row]) -> Callable[[], str]:
    """A state machine of the node: its diagram, and under it what is done at each arrow."""

    def made() -> str:
        lines = ["```mermaid", "stateDiagram-v2", f"    [*] --> {rows[0][0]}"]
        lines += [f"    {state} --> {after}: {trigger}" for state, trigger, after, _ in rows]
        lines += ["```", "", "| state | when | then | what is done |", "| --- | --- | --- | --- |"]
        lines += [f"| {state} | {trigger} | {after} | {step} |" for state, trigger, after, step in rows]
        return "\n".join([*lines, ""])

    return made


PARTS: dict[str, Callable[[], str]] = {
    "node-broker": machine(rows_of(broker)),
    "node-clock": machine(rows_of(timekeeping)),
    "node-wifi": machine(rows_of(wifi)),
    "round-diagram": round_diagram,
    "round-table": round_table,
    "round-windows": windows_table,
}


def filled(page: str) -> str:
    """A page with every generated part written anew. Raises `KeyError` for one that nobody makes."""
    return PART.sub(lambda found: found[1] + found[2] + PARTS[found[1]](), page)


def main(paths: list[str]) -> None:
    """Write the generated parts of pages."""
    for path in map(Path, paths):
        path.write_text(filled(path.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
