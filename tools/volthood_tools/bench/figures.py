"""A measured figure, the mark it is held against, and the verdict."""

import statistics
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files


@dataclass(frozen=True)
class Figure:
    """One measured figure: what the single measurements `raw` come to. `seed` is what was drawn at random.

    `mark` names the mark of another area that it is held against; without it the mark has the figure's own name.
    """

    name: str
    figure: float
    unit: str
    samples: int
    seed: int
    raw: tuple[float, ...]
    mark: str | None = None


@dataclass(frozen=True)
class Mark:
    """A bound of the design: `direction` is "max" where less is better, "min" where more is."""

    name: str
    unit: str
    bound: float
    direction: str
    page: str

    def holds(self, figure: float) -> bool:
        """Whether a figure meets the bound."""
        return figure <= self.bound if self.direction == "max" else figure >= self.bound

    def __str__(self) -> str:
        return f"{'<=' if self.direction == 'max' else '>='} {self.bound:g}"


def median(name: str, unit: str, seed: int, raw: Sequence[float]) -> Figure:
    """The figure of several like measurements: their median."""
    return Figure(name, statistics.median(raw), unit, len(raw), seed, tuple(raw))


def read_marks(text: str | None = None) -> dict[str, Mark]:
    """All marks by name, from `marks.toml` or from `text`. Raises ValueError for one that cannot be judged."""
    if text is None:
        text = files("volthood_tools").joinpath("marks.toml").read_text(encoding="utf-8")
    marks: dict[str, Mark] = {}
    for area, entries in tomllib.loads(text).items():
        for name, entry in entries.items():
            mark = Mark(f"{area}.{name}", entry["unit"], entry["bound"], entry["direction"], entry["page"])
            if mark.direction not in {"max", "min"}:
                raise ValueError(f"{mark.name}: direction is {mark.direction!r}, must be max or min")
            marks[mark.name] = mark
    return marks


def judged(area: str, figure: Figure, marks: dict[str, Mark]) -> dict[str, object]:
    """The figure as `--json` prints it. `mark` and `ok` are null where the design sets no bound.

    Raises ValueError where the units differ: a figure in milliseconds must not pass a mark in seconds.
    """
    mark = marks.get(figure.mark or f"{area}.{figure.name}")
    if mark is not None and mark.unit != figure.unit:
        raise ValueError(f"{mark.name} is measured in {figure.unit}, its mark is in {mark.unit}")
    return {
        "name": f"{area}.{figure.name}",
        "figure": figure.figure,
        "unit": figure.unit,
        "mark": None if mark is None else str(mark),
        "ok": None if mark is None else mark.holds(figure.figure),
        "samples": figure.samples,
        "seed": figure.seed,
        "raw": list(figure.raw),
    }
