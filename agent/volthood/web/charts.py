"""Charts as SVG text: stacked bars around a zero line, and step lines. Data in, markup out; no script, no font of its own.

Each chart exists in a wide and a narrow form (`wide` and `narrow` classes; the page shows one of them), names itself for a
screen reader, and is meant to stand beside a table of the same numbers. Colours come from the page as CSS variables, so
that light and dark pages share one drawing.
"""

from collections.abc import Callable
from dataclasses import dataclass
from html import escape

WIDE = (860, 280)
NARROW = (360, 240)
_LEFT, _RIGHT, _TOP, _BOTTOM = 54, 10, 12, 30


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
    """A line that holds each slot's value until the next; None leaves a gap."""

    name: str
    colour: str
    values: tuple[float | None, ...]
    dashed: bool = False


@dataclass(frozen=True)
class Axis:
    """The scale of a chart: its lowest and highest value and where lines are drawn."""

    low: float
    high: float
    ticks: tuple[float, ...]


def axis(low: float, high: float, count: int = 4) -> Axis:
    """A scale with round steps (1, 2, 2.5 or 5 times a power of ten) that holds `low` and `high` and about `count` lines."""
    low, high = min(low, 0.0), max(high, 0.0)
    span = high - low or 1.0
    power = 1.0
    while power * 10 <= span / count:
        power *= 10
    while power > span / count:
        power /= 10
    step = next(power * m for m in (1, 2, 2.5, 5, 10) if power * m >= span / count * 0.999)
    first, last = int(low // step), -int(-high // step)
    if last == first:
        last = first + 1
    ticks = tuple(step * n for n in range(first, last + 1))
    return Axis(ticks[0], ticks[-1], ticks)


@dataclass(frozen=True)
class Chart:
    """A chart over consecutive slots.

    Attributes:
        title: one line that says what is seen; read out by screen readers.
        unit: unit of all values, shown at the scale.
        labels: one per slot; about six of them are written under the axis.
        bars, steps: the layers, first drawn first.
        format_value: how a value is written at the scale.
    """

    title: str
    unit: str
    labels: tuple[str, ...]
    bars: tuple[Bars, ...] = ()
    steps: tuple[Steps, ...] = ()
    format_value: Callable[[float], str] = "{:g}".format

    def render(self) -> str:
        """Both forms of the chart and its legend."""
        forms = self._form(*WIDE, "wide") + self._form(*NARROW, "narrow")
        return f'<figure class="chart">{forms}{self._legend()}</figure>'

    def _legend(self) -> str:
        layers: list[Bars | Steps] = [*self.bars, *self.steps]
        items = "".join(
            f'<li><span class="key{" line" if isinstance(layer, Steps) else ""}" '
            f'style="--c:{layer.colour}"></span>{escape(layer.name)}</li>'
            for layer in layers
        )
        return f'<ul class="legend">{items}</ul>'

    def scale(self) -> Axis:
        """The scale that holds every layer."""
        highs, lows = [0.0], [0.0]
        for slot in range(len(self.labels)):
            values = [layer.values[slot] for layer in self.bars]
            highs.append(sum(value for value in values if value > 0))
            lows.append(sum(value for value in values if value < 0))
        known = [value for layer in self.steps for value in layer.values if value is not None]
        return axis(min(lows + known), max(highs + known))

    def _form(self, width: int, height: int, name: str) -> str:
        plot = _Plot(width, height, len(self.labels), self.scale())
        parts = [self._grid(plot), *self._stacks(plot), *(plot.step_line(layer) for layer in self.steps)]
        parts.append(self._x_labels(plot, 12 if name == "wide" else 5))
        return (
            f'<svg class="{name}" viewBox="0 0 {width} {height}" role="img" aria-label="{escape(self.title)}">'
            f"{''.join(parts)}</svg>"
        )

    def _grid(self, plot: "_Plot") -> str:
        lines = []
        for tick in plot.axis.ticks:
            y = plot.y(tick)
            kind = "zero" if abs(tick) < 1e-9 else "grid"
            lines.append(f'<line class="{kind}" x1="{_LEFT}" x2="{plot.width - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>')
            text = escape(self.format_value(tick))
            lines.append(f'<text class="tick" x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{text}</text>')
        lines.append(f'<text class="tick" x="2" y="{_TOP - 2}">{escape(self.unit)}</text>')
        return "".join(lines)

    def _stacks(self, plot: "_Plot") -> list[str]:
        up, down = [0.0] * len(self.labels), [0.0] * len(self.labels)
        parts = []
        for layer in self.bars:
            for slot, value in enumerate(layer.values):
                base = up if value > 0 else down
                if value:
                    tip = f"{self.labels[slot]} {layer.name}: {self.format_value(value)} {self.unit}"
                    parts.append(plot.bar(slot, base[slot], base[slot] + value, layer.colour, tip))
                    base[slot] += value
        return parts

    def _x_labels(self, plot: "_Plot", most: int) -> str:
        every = max(1, -(-len(self.labels) // most))
        y = plot.height - _BOTTOM + 18
        return "".join(
            f'<text class="tick" x="{plot.x(slot):.1f}" y="{y}" text-anchor="middle">{escape(label)}</text>'
            for slot, label in enumerate(self.labels)
            if slot % every == 0
        )


@dataclass(frozen=True)
class _Plot:
    """Pixel geometry of one form."""

    width: int
    height: int
    slots: int
    axis: Axis

    @property
    def step(self) -> float:
        return (self.width - _LEFT - _RIGHT) / max(1, self.slots)

    def x(self, slot: int) -> float:
        return _LEFT + slot * self.step

    def y(self, value: float) -> float:
        share = (value - self.axis.low) / (self.axis.high - self.axis.low)
        return self.height - _BOTTOM - share * (self.height - _TOP - _BOTTOM)

    def bar(self, slot: int, start: float, end: float, colour: str, tip: str) -> str:
        top, bottom = sorted((self.y(start), self.y(end)))
        gap = min(2.0, self.step * 0.15)
        return (
            f'<rect x="{self.x(slot) + gap / 2:.1f}" y="{top:.1f}" width="{self.step - gap:.1f}" '
            f'height="{max(0.5, bottom - top):.1f}" fill="{colour}"><title>{escape(tip)}</title></rect>'
        )

    def step_line(self, layer: Steps) -> str:
        path, drawing = [], False
        for slot, value in enumerate(layer.values):
            if value is None:
                drawing = False
                continue
            path.append(f"{'L' if drawing else 'M'}{self.x(slot):.1f} {self.y(value):.1f}H{self.x(slot + 1):.1f}")
            drawing = True
        dash = ' stroke-dasharray="5 4"' if layer.dashed else ""
        return f'<path class="step" d="{"".join(path)}" stroke="{layer.colour}"{dash}/>'
