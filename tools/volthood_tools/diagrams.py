"""Parts of the documentation that are made of the code's own tables: `python -m volthood_tools.diagrams PAGE...`.

A page names a part between `<!-- generated: NAME -->` and `<!-- end -->`; what stands there is written anew. A test compares
the pages with what is made, so that no diagram outlives its table.
"""

import re
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

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


def machine(transitions: Mapping[tuple[str, str], tuple[str, str]]) -> Callable[[], str]:
    """A state machine of the node: its diagram, and under it what is done at each arrow."""

    def made() -> str:
        start = next(iter(transitions))[0]
        lines = ["```mermaid", "stateDiagram-v2", f"    [*] --> {start}"]
        lines += [f"    {state} --> {after}: {trigger}" for (state, trigger), (after, _) in transitions.items()]
        lines += ["```", "", "| state | when | then | what is done |", "| --- | --- | --- | --- |"]
        lines += [f"| {s} | {trigger} | {after} | {step} |" for (s, trigger), (after, step) in transitions.items()]
        return "\n".join([*lines, ""])

    return made


PARTS: dict[str, Callable[[], str]] = {
    "node-broker": machine(broker.TRANSITIONS),
    "node-clock": machine(timekeeping.TRANSITIONS),
    "node-wifi": machine(wifi.TRANSITIONS),
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
