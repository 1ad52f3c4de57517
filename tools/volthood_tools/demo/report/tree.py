"""The grid map as a drawing: nodes, the homes on them, on each line its fee and the energy that contracts sent over it.

Like the charts it has two forms, both naming themselves alike: wide, from the substation on the left to the homes on the
right, and narrow, indented from the top down. An arrow to the left or upwards is energy towards the substation. Numbers
here are pixels: nothing of it is billed.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from volthood.core.grid import GridMap
from volthood_tools.demo.report.markup import Markup, cent_text, join, kwh_text, tag
from volthood_tools.demo.report.ways import Ways

WIDE_PX, NARROW_PX = 820, 360
_ROW, _LEAST, _GAP, _MARGIN = 28, 56, 16, 18
_HOME_PX, _LINE_PX = 134, 128
"""Room for a home's name at the right, and for what stands at a line before its node."""
_INDENT, _NARROW_ROW = 22, 24
_MOST_CHARS = 20
"""A longer name would leave the drawing; the table beside it has it whole."""


@dataclass(frozen=True)
class House:
    """A home as drawn: its name, and whether it has PV."""

    name: str
    has_pv: bool


@dataclass(frozen=True)
class Tree:
    """A grid map to be drawn.

    Attributes:
        title: what is seen, for a screen reader.
        houses: by the name of their node.
        ways: the energy that is written at lines and nodes.
    """

    title: str
    grid: GridMap
    houses: dict[str, list[House]]
    ways: Ways

    def render(self) -> Markup:
        """Both forms and what their marks mean."""
        keys = (
            _key("sun", "home with PV"),
            _key("plain", "home without"),
            _key("node", "substation or street cabinet"),
        )
        legend = tag("ul", *keys, class_="legend", aria_hidden="true")
        return tag("figure", _Wide(self).drawing(), _Narrow(self).drawing(), legend, class_="chart tree")

    def line_px(self, name: str) -> float:
        """How thick the line above a node is drawn: by its energy, as a share of the busiest."""
        carried = self.ways.up_wh + self.ways.down_wh
        return 1.5 + 5.5 * carried[name] / max(1, *carried.values(), 1)

    def flows(self, name: str, up: str, down: str) -> list[str]:
        """What the line above a node carried, an arrow before each direction that is used."""
        ways = self.ways
        return [
            f"{arrow} {kwh_text(carried[name])}"
            for arrow, carried in ((up, ways.up_wh), (down, ways.down_wh))
            if carried[name]
        ]

    def inside(self, name: str) -> str:
        """What was traded between the homes of a node."""
        inside_wh = self.ways.inside_wh[name]
        return f"{kwh_text(inside_wh)} kWh inside" if inside_wh else ""


def _key(mark: str, words: str) -> Markup:
    return tag("li", tag("i", class_=f"dot {mark}"), words)


@dataclass
class _Pen:
    """What is drawn of one form: lines first, so that marks and words stand over them."""

    lines: list[Markup] = field(default_factory=list)
    marks: list[Markup] = field(default_factory=list)

    def line(self, path: str, kind: str, width: float = 1.5) -> None:
        self.lines.append(tag("path", d=path, class_=kind, stroke_width=f"{width:.1f}"))

    def dot(self, x: float, y: float, kind: str) -> None:
        place = {"x": f"{x - 5:.1f}", "y": f"{y - 5:.1f}", "width": "10", "height": "10"}
        self.marks.append(tag("rect", class_=f"dot {kind}", rx="2" if kind == "node" else "5", **place))

    def words(self, x: float, y: float, words: str, kind: str = "", anchor: str = "") -> None:
        if words:
            place = {"x": f"{x:.1f}", "y": f"{y:.1f}"}
            self.marks.append(tag("text", words, class_=kind, text_anchor=anchor, **place))

    def drawing(self, name: str, width: float, height: float, title: str) -> Markup:
        box = f"0 0 {width:.0f} {height:.0f}"
        return tag("svg", join(self.lines + self.marks), class_=name, viewBox=box, role="img", aria_label=title)


class _Wide:
    """From left to right; a node's homes stand beside it, what is behind it below them."""

    def __init__(self, tree: Tree) -> None:
        self._tree = tree
        self._layout = tree.grid.layout
        levels = max(self._layout.depth) + 1
        self._pitch = (WIDE_PX - _MARGIN - _HOME_PX) / levels
        self._y: dict[int, float] = {}
        self._houses: list[tuple[int, House, float]] = []
        self._height = self._place(0, _MARGIN) + _MARGIN
        self._pen = _Pen()

    def _x(self, number: int) -> float:
        return _MARGIN + self._layout.depth[number] * self._pitch

    def _place(self, number: int, top: float) -> float:
        """Give a node and what is behind it their heights. The lower edge of all of it."""
        houses = self._tree.houses.get(self._layout.names[number], [])
        children = [child for child, parent in enumerate(self._layout.parent) if parent == number]
        own = max(_LEAST, _ROW * len(houses)) if houses or not children else 0
        start = top + (own - _ROW * len(houses)) / 2
        self._houses += [(number, house, start + _ROW * (place + 0.5)) for place, house in enumerate(houses)]
        bottom = top + own
        for child in children:
            bottom = self._place(child, bottom + (_GAP if bottom > top else 0))
        self._y[number] = top + own / 2 if own else (self._y[children[0]] + self._y[children[-1]]) / 2
        return bottom

    def drawing(self) -> Markup:
        """The form."""
        for number, house, y in self._houses:
            x, start = self._x(number) + self._pitch, self._y[number]
            self._pen.line(f"M{self._x(number):.1f} {start:.1f}H{x - 16:.1f}V{y:.1f}H{x:.1f}", "wire")
            _draw_house(self._pen, house, x, y)
        for number in range(len(self._layout)):
            self._draw_node(number)
        return self._pen.drawing("wide", WIDE_PX, self._height, self._tree.title)

    def _draw_node(self, number: int) -> None:
        name, x, y = self._layout.names[number], self._x(number), self._y[number]
        if number:
            self._draw_line(number, x, y)
        inside = self._tree.inside(name)
        self._pen.dot(x, y, "node")
        self._pen.words(x - 5, y - (24 if inside else 11), _short(name), "name")
        self._pen.words(x - 5, y - 10, inside)

    def _draw_line(self, number: int, x: float, y: float) -> None:
        name, parent = self._layout.names[number], self._layout.parent[number]
        bend, middle = x - _LINE_PX, x - _LINE_PX / 2 - 2
        path = f"M{self._x(parent):.1f} {self._y[parent]:.1f}H{bend:.1f}V{y:.1f}H{x:.1f}"
        self._pen.line(path, "way", self._tree.line_px(name))
        self._pen.words(middle, y - 9, f"{cent_text(self._layout.fee[number])} ct/kWh", anchor="middle")
        for place, flow in enumerate(self._tree.flows(name, "←", "→")):
            self._pen.words(middle, y + 18 + 15 * place, f"{flow} kWh", anchor="middle")


class _Narrow:
    """From the top down, a row for each thing, indented."""

    def __init__(self, tree: Tree) -> None:
        self._tree = tree
        self._layout = tree.grid.layout
        self._y: dict[int, float] = {}
        self._row = _NARROW_ROW / 2
        self._pen = _Pen()

    def _rows(self, count: int = 1) -> float:
        """The height of the next row."""
        row, self._row = self._row, self._row + _NARROW_ROW * count
        return row

    def drawing(self) -> Markup:
        """The form."""
        for number in range(len(self._layout)):
            self._draw_node(number)
        return self._pen.drawing("narrow", NARROW_PX, self._row - _NARROW_ROW / 2 + 6, self._tree.title)

    def _draw_node(self, number: int) -> None:
        name, x = self._layout.names[number], 10 + _INDENT * self._layout.depth[number]
        if number:
            self._draw_fee(number, x)
        y = self._y[number] = self._rows()
        if number:
            start = self._y[self._layout.parent[number]]
            self._pen.line(f"M{x - _INDENT} {start:.1f}V{y:.1f}H{x}", "way", self._tree.line_px(name))
        self._pen.dot(x, y, "node")
        self._pen.words(x + 12, y + 4, _short(name), "name")
        self._pen.words(NARROW_PX - 4, y + 4, self._tree.inside(name), anchor="end")
        for house in self._tree.houses.get(name, []):
            row = self._rows()
            self._pen.line(f"M{x} {y:.1f}V{row:.1f}H{x + _INDENT}", "wire")
            _draw_house(self._pen, house, x + _INDENT, row)

    def _draw_fee(self, number: int, x: float) -> None:
        y = self._rows() + 6
        flows = self._tree.flows(self._layout.names[number], "↑", "↓")
        self._pen.words(x - _INDENT + 10, y, f"{cent_text(self._layout.fee[number])} ct/kWh")
        self._pen.words(NARROW_PX - 4, y, f"{' '.join(flows)} kWh" if flows else "", anchor="end")


def _draw_house(pen: _Pen, house: House, x: float, y: float) -> None:
    pen.dot(x, y, "sun" if house.has_pv else "plain")
    pen.words(x + 11, y + 4, _short(house.name) + (" · PV" if house.has_pv else ""), "house")


def _short(name: str) -> str:
    return name if len(name) <= _MOST_CHARS else name[: _MOST_CHARS - 1] + "…"


def in_words(tree: GridMap, houses: dict[str, list[House]]) -> Iterator[str]:
    """Every node with its line and its homes, for those who do not see the drawing."""
    for node in tree.layout.nodes:
        where = "" if node.parent is None else f" behind {node.parent}, fee {cent_text(node.fee_mct_per_kwh)} ct"
        names = ", ".join(house.name for house in houses.get(node.name, []))
        yield f"{node.name}{where}{f' with {names}' if names else ''}"
