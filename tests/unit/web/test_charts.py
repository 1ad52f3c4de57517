"""Charts: the scale is round and holds everything, the drawing holds every value once, and nothing breaks out of the markup."""

import xml.etree.ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from volthood.errors import LocalError
from volthood.web.charts import NARROW, WIDE, Bars, Chart, Points, Steps, axis, plain

SVG = "{http://www.w3.org/2000/svg}"
LABELS = ("09:00", "09:15", "09:30", "09:45")


def drawn(chart: Chart) -> ET.Element:
    """The figure, parsed as strictly as XML is. What it parses was made a line above."""
    return ET.fromstring(chart.render())  # noqa: S314


def form(chart: Chart, name: str) -> ET.Element:
    return next(svg for svg in drawn(chart).iter("svg") if svg.get("class") == name)


def texts(svg: ET.Element) -> list[str]:
    return [text.text or "" for text in svg.iter("text")]


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [
        (0, 4, (0, 1, 2, 3, 4)),
        (-1, 3, (-1, 0, 1, 2, 3)),
        (0, 0.3, (0, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3)),
        (0, 22, (0, 5, 10, 15, 20, 25)),
        (5, 7, (0, 2, 4, 6, 8)),
        (-0.9, -0.2, (-1, -0.8, -0.6, -0.4, -0.2, 0)),
        (0, 0, (0, 0.2)),
        (-0.129, 0.001, (-0.15, -0.125, -0.1, -0.075, -0.05, -0.025, 0)),
    ],
)
def test_scales(low: float, high: float, ticks: tuple[float, ...]) -> None:
    assert axis(low, high).ticks == pytest.approx(ticks)


@given(
    st.floats(-1e6, 1e6, allow_nan=False).map(lambda value: round(value, 6)),
    st.floats(-1e6, 1e6, allow_nan=False).map(lambda value: round(value, 6)),
)
def test_a_scale_holds_its_values_and_zero_on_a_handful_of_lines(one: float, other: float) -> None:
    found = axis(min(one, other), max(one, other))
    slack = 0.051 * (found.ticks[1] - found.ticks[0])
    assert found.low - slack <= min(one, other, 0)
    assert max(one, other, 0) <= found.high + slack
    assert 2 <= len(found.ticks) <= 8
    assert any(abs(tick) < 1e-9 * (found.high - found.low) for tick in found.ticks)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_no_scale_for_what_is_no_number(value: float) -> None:
    with pytest.raises(LocalError):
        axis(0, value)


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.1 + 0.2, "0.3"), (0.0, "0"), (-0.5, "−0.5"), (-1e-12, "0"), (1200.0, "1200"), (15.25, "15.25")],
)
def test_plain_numbers(value: float, text: str) -> None:
    assert plain(value) == text


def test_bars_stack_up_and_down_from_zero() -> None:
    chart = Chart("t", "kWh", LABELS, (Bars("a", "red", (1, 2, 0, -1)), Bars("b", "blue", (1, -1, 0, -2))))
    rects = list(form(chart, "wide").iter("rect"))
    heights = [float(rect.get("height", "")) for rect in rects]
    assert len(rects) == 6
    unit = heights[0]
    assert heights == pytest.approx([unit, 2 * unit, unit, unit, unit, 2 * unit], abs=0.2)
    lower, upper = rects[0], rects[3]
    assert float(upper.get("y", "")) + unit == pytest.approx(float(lower.get("y", "")), abs=0.2)


def test_the_scale_holds_the_stacks_and_the_lines() -> None:
    chart = Chart("t", "kWh", ("09:00",), (Bars("a", "red", (3,)), Bars("b", "red", (2,))), (Steps("l", "red", (-4,)),))
    assert chart.scale().low <= -4
    assert chart.scale().high >= 5


def test_a_gap_lifts_the_pen() -> None:
    chart = Chart("t", "ct", LABELS, steps=(Steps("price", "green", (1, None, 2, 3), "5 4"),))
    line = next(path for path in form(chart, "wide").iter("path") if path.get("class") == "step")
    assert line.get("d", "").count("M") == 2
    assert line.get("d", "").count("H") == 3
    assert line.get("stroke-dasharray") == "5 4"


def test_both_forms_have_the_name_and_the_legend_has_every_layer() -> None:
    chart = Chart(
        'Energy <of> the "day"',
        "kWh",
        LABELS,
        (Bars("a & b", "red", (1, 1, 1, 1)),),
        (Steps("l", "red", (1, 1, 1, 1)),),
    )
    assert [form(chart, name).get("aria-label") for name in ("wide", "narrow")] == ['Energy <of> the "day"'] * 2
    assert form(chart, "wide").get("viewBox") == f"0 0 {WIDE[0]} {WIDE[1]}"
    assert form(chart, "narrow").get("viewBox") == f"0 0 {NARROW[0]} {NARROW[1]}"
    assert ["".join(item.itertext()) for item in drawn(chart).iter("li")] == ["a & b", "l"]


def test_only_the_wide_form_has_tips() -> None:
    chart = Chart("t", "kWh", ("09:00",), (Bars("sold", "red", (-0.25,)),))
    assert [tip.text for tip in form(chart, "wide").iter("title")] == ["09:00 sold: 0.25 kWh"]
    assert list(form(chart, "narrow").iter("title")) == []


@pytest.mark.parametrize("count", [1, 2, 5, 16, 33, 96, 200])
def test_labels_under_the_axis_fit_and_stand_at_full_hours(count: int) -> None:
    labels = tuple(f"{9 + (slot + 1) // 4:02}:{(slot + 1) % 4 * 15:02}" for slot in range(count))
    chart = Chart("t", "kWh", labels, (Bars("a", "red", (1.0,) * count),))
    for name, most in (("wide", 13), ("narrow", 5)):
        shown = [text for text in texts(form(chart, name)) if ":" in text]
        assert 1 <= len(shown) <= most
        if count >= 16:
            assert all(text.endswith((":00", ":30")) for text in shown) or count > 96


def test_no_slots_draw_an_empty_chart() -> None:
    assert len(drawn(Chart("t", "kWh", ())).findall(".//svg[@role='img']")) == 2


def test_a_layer_of_another_length_is_refused() -> None:
    with pytest.raises(LocalError, match="short: 1 values for 4 slots"):
        Chart("t", "kWh", LABELS, (Bars("short", "red", (1,)),))


def test_a_curve_goes_through_the_middle_of_each_place() -> None:
    chart = Chart("lost", "%", ("0 %", "2 %", "5 %"), points=(Points("one & two", "red", (0, 1, 4)),))
    wide = form(chart, "wide")
    [line] = [path for path in wide.iter("path") if path.get("class") == "step"]
    [dots] = list(wide.iter("g"))
    assert line.get("d", "").count("L") == 2
    assert len(list(dots)) == 3
    marks = [path.get("d", "")[1:].split()[0] for path in wide.iter("path") if path.get("class") == "mark"]
    assert marks == [point[1:].split()[0] for point in (path.get("d", "") for path in dots)]
    assert chart.scale().high >= 4
    assert "one & two" in "".join(drawn(chart).itertext())


def test_a_curve_has_a_point_for_each_label() -> None:
    with pytest.raises(LocalError, match="lost: 1 values for 4 slots"):
        Chart("a chart", "%", LABELS, points=(Points("lost", "red", (1,)),))
