"""Markup and numbers as the report writes them. Whatever is not markup made here is escaped here.

Every figure is a `<data>` element: exact and machine-readable in its attribute (Wh, mct/kWh, µct), rounded for the eye.
Tests and curious readers add up the attributes.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

from volthood.cli.text import money as money_text

MINUS = "−"
NOTHING = '<span class="none">–</span>'
_NUMBERED_HOUSE = re.compile(r"house0*([1-9][0-9]*)")


class Markup(str):
    """Text that is markup already."""

    __slots__ = ()


def text(value: str) -> Markup:
    """Markup that shows a value as it is; markup stays."""
    return value if isinstance(value, Markup) else Markup(escape(value))


def join(parts: Iterable[str], between: str = "") -> Markup:
    """Parts one after the other."""
    return Markup(text(between).join(text(part) for part in parts))


def tag(name: str, *content: str, **attributes: str) -> Markup:
    """An element; `class_` and `aria_label` become `class` and `aria-label`."""
    given = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(value)}"' for key, value in attributes.items() if value
    )
    return Markup(f"<{name}{given}>{join(content)}</{name}>")


def house_name(house: str) -> str:
    """A house as people call it: house07 is House 7; other names stay."""
    numbered = _NUMBERED_HOUSE.fullmatch(house)
    return f"House {numbered[1]}" if numbered else house


def signed(shown: str) -> str:
    """A number with a true minus."""
    return shown.replace("-", MINUS)


def kwh_text(energy_wh: int) -> str:
    """Energy in kWh, exact."""
    sign = MINUS if energy_wh < 0 else ""
    return f"{sign}{abs(energy_wh) // 1000}.{abs(energy_wh) % 1000:03d}"


def cent_text(price_mct_per_kwh: int) -> str:
    """A price in cents per kWh, exact: two decimals, a third where it is needed."""
    sign = MINUS if price_mct_per_kwh < 0 else ""
    cents, rest = divmod(abs(price_mct_per_kwh), 1000)
    decimals = f"{rest:03d}"
    return f"{sign}{cents}.{decimals[:2] if decimals[2] == '0' else decimals}"


def percent_text(per_mille: int) -> str:
    """A share given in tenths of a per cent."""
    sign = MINUS if per_mille < 0 else ""
    return f"{sign}{abs(per_mille) // 10}.{abs(per_mille) % 10} %"


def _data(value: int, shown: str, name: str) -> Markup:
    return tag("data", shown, value=str(value), class_=name)


def kwh(energy_wh: int, name: str = "") -> Markup:
    """Energy; its attribute is in Wh."""
    return _data(energy_wh, kwh_text(energy_wh), name)


def cents(price_mct_per_kwh: int | None, name: str = "") -> Markup:
    """A price; its attribute is in mct/kWh."""
    return (
        Markup(NOTHING) if price_mct_per_kwh is None else _data(price_mct_per_kwh, cent_text(price_mct_per_kwh), name)
    )


def money(amount_uct: int, name: str = "") -> Markup:
    """An amount with four decimals; its attribute is in µct."""
    return _data(amount_uct, signed(money_text(amount_uct)), name)


def percent(per_mille: int | None, name: str = "") -> Markup:
    """A share; its attribute is in tenths of a per cent."""
    return Markup(NOTHING) if per_mille is None else _data(per_mille, percent_text(per_mille), name)


@dataclass(frozen=True)
class Column:
    """A table's column: its heading; whether it holds numbers; whether a phone leaves it out."""

    head: str
    number: bool = True
    wide_only: bool = False

    @property
    def classes(self) -> str:
        """Classes of its cells."""
        return " ".join(name for name, on in (("n", self.number), ("wide-only", self.wide_only)) if on)


def table(caption: str, columns: Sequence[Column], rows: Iterable[Sequence[str]], foot: Sequence[str] = ()) -> Markup:
    """A table; the first cell of a row names it."""
    head = join(tag("th", column.head, scope="col", class_=column.classes) for column in columns)
    body = join(_row(columns, row) for row in rows)
    parts = [tag("caption", caption), tag("thead", tag("tr", head)), tag("tbody", body)]
    return tag("table", *parts, *([tag("tfoot", _row(columns, foot))] if foot else []))


def _row(columns: Sequence[Column], cells: Sequence[str]) -> Markup:
    first, *others = zip(columns, cells, strict=True)
    named = tag("th", first[1], scope="row", class_=first[0].classes)
    return tag("tr", named, *(tag("td", cell, class_=column.classes) for column, cell in others))


def details(summary: str, *content: str, name: str = "") -> Markup:
    """What opens on demand, without a script."""
    return tag("details", tag("summary", summary), *content, class_=name)


def section(anchor: str, title: str, *content: str) -> Markup:
    """A part of the page with its heading."""
    heading = tag("h2", title, id=f"{anchor}-title")
    return tag("section", heading, *content, id=anchor, aria_labelledby=f"{anchor}-title")


def card(*content: str, name: str = "") -> Markup:
    """A framed part."""
    return tag("div", *content, class_=f"card {name}".strip())
