"""Console: the board's settings, and what each may be. Loaded when asked for."""

from voltnode.settings import RULES, SECRET, range_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from voltnode.console.commands import Answer, Context


def show_config(context: "Context", _: str) -> "Answer":
    """`config get`."""
    settings = context.node.board.settings
    rows = []
    for name in sorted(settings):
        if name != "meters":
            shown = "***" if name in SECRET and settings[name] else settings[name]
            rows.append({"name": name, "value": shown, "range": range_of(name) if name in RULES else ""})
    meters = [_shown(i, settings["meters"][i]) for i in range(len(settings["meters"]))]
    return [("settings", rows), ("meters", meters)]


def _shown(index: int, meter: "dict[str, Any]") -> "dict[str, Any]":
    row = {"meter": index}
    row.update(meter)
    return row
