"""How the report writes numbers, and its colours: exact digits, readable contrast on every ground."""

import importlib.resources
import re
from zoneinfo import ZoneInfo

import pytest

from volthood_tools.demo.report.figures import Flows, rounded, share_per_mille
from volthood_tools.demo.report.markup import (
    Markup,
    cent_text,
    cents,
    house_name,
    join,
    kwh_text,
    money,
    percent,
    percent_text,
    tag,
)
from volthood_tools.demo.report.times import LocalTime

TEXT_COLOURS = ("ink", "soft", "accent", "good", "bad", "price")
GRAPHIC_COLOURS = ("bought", "utility-in", "sold", "utility-out", "price", "asks", "pays", "forecast")


@pytest.mark.parametrize(
    ("wh", "text"), [(0, "0.000"), (7, "0.007"), (1250, "1.250"), (-40, "−0.040"), (12_345_678, "12345.678")]
)
def test_energy(wh: int, text: str) -> None:
    assert kwh_text(wh) == text


@pytest.mark.parametrize(
    ("mct", "text"),
    [(15_000, "15.00"), (13_315, "13.315"), (5, "0.005"), (0, "0.00"), (-2_500, "−2.50"), (10_930, "10.93")],
)
def test_prices(mct: int, text: str) -> None:
    assert cent_text(mct) == text


@pytest.mark.parametrize(("per_mille", "text"), [(724, "72.4 %"), (0, "0.0 %"), (-5, "−0.5 %"), (1000, "100.0 %")])
def test_shares(per_mille: int, text: str) -> None:
    assert percent_text(per_mille) == text


@pytest.mark.parametrize(
    ("dividend", "divisor", "quotient"),
    [(1, 2, 0), (3, 2, 2), (5, 2, 2), (-1, 2, 0), (-3, 2, -2), (7, 3, 2), (8, 3, 3), (-7, 3, -2)],
)
def test_rounding_is_half_to_even(dividend: int, divisor: int, quotient: int) -> None:
    assert rounded(dividend, divisor) == quotient


@pytest.mark.parametrize(
    ("part", "whole", "share"), [(1, 3, 333), (2, 3, 667), (5, 0, None), (5, -10, None), (0, 10, 0), (-1, 10, -100)]
)
def test_a_share_of_nothing_is_none(part: int, whole: int, share: int | None) -> None:
    assert share_per_mille(part, whole) == share


@pytest.mark.parametrize(
    ("house", "name"),
    [("house01", "House 1"), ("house10", "House 10"), ("house0", "house0"), ("north", "north"), ("house1a", "house1a")],
)
def test_houses_have_kind_names(house: str, name: str) -> None:
    assert house_name(house) == name


def test_flows_add_up() -> None:
    flows = Flows(1, 2, 3, 4) + Flows(10, 20, 30, 40)
    assert flows == Flows(11, 22, 33, 44)
    assert (flows.import_wh, flows.export_wh) == (33, 77)


def test_figures_carry_their_exact_number() -> None:
    assert money(-78_004_999) == '<data value="-78004999">−0.7800</data>'
    assert cents(None) == percent(None) == '<span class="none">–</span>'


def test_what_is_not_markup_is_escaped() -> None:
    assert tag("p", "a<b", Markup("<i>c</i>"), title='"d"', aria_label="", class_="e") == (
        '<p title="&quot;d&quot;" class="e">a&lt;b<i>c</i></p>'
    )
    assert join(["<", Markup("<br>")], "&") == "&lt;&amp;<br>"


def test_a_run_over_midnight_names_both_days() -> None:
    time = LocalTime(ZoneInfo("Europe/Berlin"), 900)
    assert time.days((1_472_247_000, 1_472_248_800)) == "Friday, 26 August 2016 to Saturday, 27 August 2016"
    assert time.days((1_472_247_000,)) == "Friday, 26 August 2016"
    assert time.span(1_472_247_900) == "23:45–00:00"
    assert time.zone_name(1_472_247_000) == "Europe/Berlin, CEST"


def luminance(colour: str) -> float:
    """WCAG 2.2, relative luminance."""
    digits = colour.lstrip("#")
    digits = "".join(digit * 2 for digit in digits) if len(digits) == 3 else digits
    shares = [int(digits[place : place + 2], 16) / 255 for place in (0, 2, 4)]
    red, green, blue = (share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4 for share in shares)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def palettes() -> list[dict[str, str]]:
    css = importlib.resources.files("volthood_tools.demo.report").joinpath("page.css").read_text(encoding="utf-8")
    return [dict(re.findall(r"--([\w-]+): (#\w+)", block)) for block in re.findall(r":root \{(.*?)\}", css, re.DOTALL)]


def test_the_contrast_of_black_on_white() -> None:
    assert contrast("#000", "#fff") == pytest.approx(21)


@pytest.mark.parametrize("number", range(3), ids=["light", "dark", "print"])
def test_colours_keep_wcag_aa(number: int) -> None:
    palette = palettes()[number]
    text = {
        (name, ground): contrast(palette[name], palette[ground])
        for name in TEXT_COLOURS
        for ground in ("card", "ground", "tint")
    }
    graphics = {name: contrast(palette[name], palette["card"]) for name in GRAPHIC_COLOURS}
    assert {pair: ratio for pair, ratio in text.items() if ratio < 4.5} == {}
    assert {name: ratio for name, ratio in graphics.items() if ratio < 3} == {}
