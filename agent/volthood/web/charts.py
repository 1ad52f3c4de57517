"""Charts as SVG text: stacked bars around a zero line, step lines, and curves through points.

Data in, markup out; no script, no font of its own.

Each chart exists in a wide and a narrow form (`wide` and `narrow` classes; the page shows the one that fits), names itself
for a screen reader, and is meant to stand beside a table of the same numbers. Colours come from the page as CSS
variables, so that light and dark pages share one drawing. Numbers here are pixels and what is written at the scale:
floats are fine, nothing of it is billed.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from html import escape

from volthood.errors import LocalError

WIDE = (820, 270)
FLAT = (820, 200)
MEDIUM = (520, 230)
NARROW = (360, 230)
_LEFT, _RIGHT, _TOP, _BOTTOM = 46, 10, 26, 26
_LABEL_PX = 58
"""Width that one label under the axis takes with the air around it."""
_NOTHING = 1e-9
_BEYOND = 0.05
"""Share of a step by which a value may stand out over the outermost line, rather than cost a whole step more."""


@dataclass(frozen=True)
class Bars:
    """One layer of a stack: a value per slot; positive values stack upwards, negative ones downwards.

    Attributes:
        name: what the legend says.
        colour: a CSS colour or variable.
        values: one number per slot, in the chart's unit.
    """

    name: str
    colour: str
    values: tuple[float, ...]


@dataclass(frozen=True)
class Steps:
    """A line that holds each slot's value until the next; None leaves a gap. `dash` is an SVG dash pattern."""

    name: str
    colour: str
    values: tuple[float | None, ...]
    dash: str = ""


@dataclass(frozen=True)
class Points:
    """A curve through one point for each label, in the middle of its place."""

    name: str
    colour: str
    values: tuple[float, ...]


@dataclass(frozen=True)
class Axis:
    """The scale of a chart: its lowest and highest value and where lines are drawn."""

    low: float
    high: float
    ticks: tuple[float, ...]


def axis(low: float, high: float, count: int = 6) -> Axis:
    """A scale of about `count` round steps (1, 2, 2.5 or 5 times a power of ten) that holds zero, `low` and `high`.

    Raises: `LocalError` for what is not a finite number.
    """
    if not (math.isfinite(low) and math.isfinite(high)):
        raise LocalError(f"no scale from {low} to {high}")
    low, high = min(low, 0.0), max(high, 0.0)
    step = _round_step((high - low or 1.0) / count)
    first, last = math.floor(low / step + _BEYOND), math.ceil(high / step - _BEYOND)
    last = max(last, first + 1)
    ticks = tuple(step * n for n in range(first, last + 1))
    return Axis(ticks[0], ticks[-1], ticks)


def _round_step(least: float) -> float:
    """The smallest round number that is not below `least`, which is above zero."""
    power = 10.0 ** math.floor(math.log10(least))
    return next(power * m for m in (1, 2, 2.5, 5, 10) if power * m >= least * (1 - _NOTHING))


def plain(value: float) -> str:
    """A number as it is written at the scale: no exponent, no superfluous zeros, a true minus."""
    text = f"{value:.6f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text.replace("-", "−")


@dataclass(frozen=True)
class Chart:
    """A chart over consecutive slots.

    Attributes:
        title: one line that says what is seen; read out by screen readers.
        unit: unit of all values, shown above the scale.
        labels: one per slot, times as HH:MM; as many of them as fit are written under the axis.
        bars, steps, points: the layers, first drawn first. With points labels stand in the middle of their places.
        format_value: how a value is written at the scale.
        forms: width and height of the wide and of the narrow form.
    """

    title: str
    unit: str
    labels: tuple[str, ...]
    bars: tuple[Bars, ...] = ()
    steps: tuple[Steps, ...] = ()
    points: tuple[Points, ...] = ()
    format_value: Callable[[float], str] = plain
    forms: tuple[tuple[int, int], tuple[int, int]] = (WIDE, NARROW)

    def __post_init__(self) -> None:
        layers: list[Bars | Steps | Points] = [*self.bars, *self.steps, *self.points]
        for layer in layers:
            if len(layer.values) != len(self.labels):
                raise LocalError(f"{layer.name}: {len(layer.values)} values for {len(self.labels)} slots")

    def render(self) -> str:
        """Both forms of the chart and its legend."""
        wide, narrow = self.forms
        forms = self._form(*wide, "wide") + self._form(*narrow, "narrow")
        return f'<figure class="chart">{forms}{self._legend()}</figure>'

    def _legend(self) -> str:
        """What each colour that is seen means; hidden from screen readers, for whom the table has the names."""
        seen = [bar for bar in self.bars if any(bar.values)]
        keys = [f'<i class="key" style="--c:{escape(bar.colour)}"></i>{escape(bar.name)}' for bar in seen]
        keys += [f"{_line_key(line.colour, line.dash)}{escape(line.name)}" for line in self.steps]
        keys += [f"{_line_key(curve.colour)}{escape(curve.name)}" for curve in self.points]
        items = "".join(f"<li>{key}</li>" for key in keys)
        return f'<ul class="legend" aria-hidden="true">{items}</ul>'

    def scale(self) -> Axis:
        """The scale that holds every layer."""
        highs, lows = [0.0], [0.0]
        for slot in range(len(self.labels)):
            values = [layer.values[slot] for layer in self.bars]
            highs.append(sum(value for value in values if value > 0))
            lows.append(sum(value for value in values if value < 0))
        known = [value for layer in self.steps for value in layer.values if value is not None]
        known += [value for layer in self.points for value in layer.values]
        return axis(min(lows + known), max(highs + known))

    def _form(self, width: int, height: int, name: str) -> str:
        plot = _Plot(width, height, len(self.labels), self.scale())
        parts = [self._grid(plot), *self._stacks(plot, with_tips=name == "wide")]
        parts += [plot.step_line(layer) for layer in self.steps]
        parts += [self._zero(plot), self._x_labels(plot), *map(plot.curve, self.points)]
        return (
            f'<svg class="{name}" viewBox="0 0 {width} {height}" role="img" aria-label="{escape(self.title)}">'
            f"{''.join(parts)}</svg>"
        )

    def _grid(self, plot: "_Plot") -> str:
        lines = [f'<text x="{_LEFT - 6}" y="12" text-anchor="end">{escape(self.unit)}</text>']
        for tick in plot.axis.ticks:
            y = plot.y(tick)
            lines.append(f'<path class="grid" d="M{_LEFT} {y:.1f}H{plot.width - _RIGHT}"/>')
            text = escape(self.format_value(tick))
            lines.append(f'<text x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{text}</text>')
        return "".join(lines)

    @staticmethod
    def _zero(plot: "_Plot") -> str:
        return f'<path class="zero" d="M{_LEFT} {plot.y(0):.1f}H{plot.width - _RIGHT}"/>'

    def _stacks(self, plot: "_Plot", *, with_tips: bool) -> list[str]:
        """The bars, layer by layer; tips only where a pointer may hover."""
        up, down = [0.0] * len(self.labels), [0.0] * len(self.labels)
        parts = []
        for layer in self.bars:
            drawn = []
            for slot, value in enumerate(layer.values):
                base = up if value > 0 else down
                if value:
                    tip = self._tip(layer, slot) if with_tips else ""
                    drawn.append(plot.bar(slot, base[slot], base[slot] + value, tip))
                    base[slot] += value
            parts.append(f'<g fill="{escape(layer.colour)}">{"".join(drawn)}</g>')
        return parts

    def _tip(self, layer: Bars, slot: int) -> str:
        return f"{self.labels[slot]} {layer.name}: {self.format_value(abs(layer.values[slot]))} {self.unit}"

    def _x_labels(self, plot: "_Plot") -> str:
        every, first = _rhythm(self.labels, max(1, int(plot.inner // _LABEL_PX)))
        y, place = plot.height - _BOTTOM + 18, plot.middle if self.points else plot.x
        return "".join(
            f'<path class="mark" d="M{place(slot):.1f} {plot.height - _BOTTOM}v4"/>'
            f'<text x="{place(slot):.1f}" y="{y}" text-anchor="middle">{escape(self.labels[slot])}</text>'
            for slot in range(first, len(self.labels), every)
        )


def _rhythm(labels: tuple[str, ...], most: int) -> tuple[int, int]:
    """(every how many slots, from which on) labels are written: at most `most`, at full hours where there are any."""
    fitting = (step for step in (1, 2, 4, 8, 12, 16, 24, 32, 48, 96) if step * most >= len(labels))
    every = next(fitting, -(-len(labels) // most))
    hour = next((slot for slot, label in enumerate(labels) if label.endswith(":00")), 0)
    return every, hour % every


def _line_key(colour: str, dash: str = "") -> str:
    return (
        f'<svg class="line" viewBox="0 0 22 10" aria-hidden="true"><path class="step" d="M1 5H21" '
        f'stroke="{escape(colour)}"{_dashed(dash)}/></svg>'
    )


def _dashed(dash: str) -> str:
    return f' stroke-dasharray="{escape(dash)}"' if dash else ""


@dataclass(frozen=True)
class _Plot:
    """Pixel geometry of one form."""

    width: int
    height: int
    slots: int
    axis: Axis

    @property
    def inner(self) -> float:
        return self.width - _LEFT - _RIGHT

    @property
    def step(self) -> float:
        return self.inner / max(1, self.slots)

    def x(self, slot: int) -> float:
        return _LEFT + slot * self.step

    def middle(self, slot: int) -> float:
        return self.x(slot) + self.step / 2

    def y(self, value: float) -> float:
        share = (value - self.axis.low) / (self.axis.high - self.axis.low)
        return self.height - _BOTTOM - share * (self.height - _TOP - _BOTTOM)

    def bar(self, slot: int, start: float, end: float, tip: str) -> str:
        top, bottom = sorted((self.y(start), self.y(end)))
        gap = min(5.0, self.step * 0.18)
        title = f"<title>{escape(tip)}</title>" if tip else ""
        shape = (
            f'<rect x="{self.x(slot) + gap / 2:.1f}" y="{top:.1f}" width="{self.step - gap:.1f}" '
            f'height="{max(0.5, bottom - top):.1f}"'
        )
        return f"{shape}>{title}</rect>" if title else f"{shape}/>"

    def step_line(self, layer: Steps) -> str:
        path, drawing = [], False
        for slot, value in enumerate(layer.values):
            if value is None:
                drawing = False
                continue
            start = f"V{self.y(value):.1f}" if drawing else f"M{self.x(slot):.1f} {self.y(value):.1f}"
            path.append(f"{start}H{self.x(slot + 1):.1f}")
            drawing = True
        return f'<path class="step" d="{"".join(path)}" stroke="{escape(layer.colour)}"{_dashed(layer.dash)}/>'

    def curve(self, layer: Points) -> str:
        places = [f"{self.middle(slot):.1f} {self.y(value):.1f}" for slot, value in enumerate(layer.values)]
        colour = escape(layer.colour)
        dots = "".join(f'<path d="M{place}h0"/>' for place in places)
        dots = f'<g stroke="{colour}" stroke-width="7" stroke-linecap="round">{dots}</g>'
        return f'<path class="step" d="M{"L".join(places)}" stroke="{colour}"/>{dots}'
