"""report.html: a run as one self-contained page, for a phone, a desk and paper, light and dark, without a script.

The page says what was traded, paid and saved, home by home and trade by trade, why the prices were what they were, and
whether the laws held. Numbers come from `figures` as integers; how they look is `markup` and `page.css`.
"""

import importlib.resources
from pathlib import Path
from string import Template

from volthood_tools.demo.report.checks import footer, how_to_check, laws
from volthood_tools.demo.report.day import basis, community, header, key_figures, prices
from volthood_tools.demo.report.homes import all_homes, homes
from volthood_tools.demo.report.markup import Markup, join, text
from volthood_tools.demo.report.reasons import reasons
from volthood_tools.demo.report.story import Story
from volthood_tools.demo.report.streets import streets
from volthood_tools.demo.report.trades import trades
from volthood_tools.demo.result import RunResult

PARTS = (header, key_figures, basis, community, prices, streets, homes, all_homes, trades, reasons, laws, how_to_check)
"""The page from top to bottom."""


def write_report(path: Path, result: RunResult) -> None:
    """Write a run's page."""
    path.write_text(report(result), encoding="utf-8")


def report(result: RunResult) -> str:
    """A run's page: one file of HTML that loads nothing."""
    story = Story(result)
    title = f"A neighbourhood’s day: {story.time.days(result.slots)}"
    return page(title, join(part(story) for part in PARTS), footer())


def page(title: str, body: Markup, foot: Markup) -> str:
    """A page in the report's dress: one file of HTML that loads nothing."""
    frame = Template(_packaged("page.html"))
    return frame.substitute(title=text(title), style=_packaged("page.css"), body=body, footer=foot)


def _packaged(name: str) -> Markup:
    return Markup(importlib.resources.files(__name__).joinpath(name).read_text(encoding="utf-8"))
