"""A simulation as one self-contained page: what it came to, slot by slot, its laws, and the curves."""

from collections.abc import Sequence
from pathlib import Path

from volthood.web.charts import Bars, Chart, Points, Steps
from volthood_tools.demo.report import page
from volthood_tools.demo.report.markup import Column, Markup, card, details, join, kwh, section, table, tag
from volthood_tools.sim.curves import Curve
from volthood_tools.sim.outcome import facts
from volthood_tools.sim.run import SimResult
from volthood_tools.sim.watch import Breach
from volthood_tools.sim.welfare import SlotFigures

COLOURS = ("var(--price)", "var(--sold)", "var(--bought)", "var(--pays)")
NOTE = (
    "The engines and signatures are those that run in homes. A signature is verified, and a book cleared, once in the "
    "process and remembered by its bytes; messages are sealed without encryption, so that the same seed repeats every byte."
)


def write_page(path: Path, results: Sequence[SimResult], commands: Sequence[str], curves: Sequence[Curve]) -> None:
    """Write the page of one or several runs."""
    path.write_text(simulation_page(results, commands, curves), encoding="utf-8")


def simulation_page(results: Sequence[SimResult], commands: Sequence[str], curves: Sequence[Curve]) -> str:
    """The page: one file of HTML that loads nothing."""
    head = tag("header", tag("p", "Volthood", class_="brand"), tag("h1", "A simulated neighbourhood"), tag("p", NOTE))
    runs = [
        section(f"run{number}", f"Seed {result.settings.seed}", tag("div", *_run(result, command), class_="stack"))
        for number, (result, command) in enumerate(zip(results, commands, strict=True))
    ]
    drawn = [section("curves", "Curves", tag("div", *map(_curve, curves), class_="stack"))] if curves else []
    return page("A simulated neighbourhood", join([head, *drawn, *runs]), Markup(""))


def _run(result: SimResult, command: str) -> list[Markup]:
    slots = _summed(result)
    told = [tag("div", tag("dt", name), tag("dd", value)) for name, value in facts(result)]
    again = tag("p", "The same again: ", tag("code", *_words(command)))
    parts = [card(tag("dl", *told, class_="ways"), again), card(_energy(slots)), card(_lost(slots))]
    if result.breaches:
        cases = [
            tag("div", tag("dt", f"{breach.law}, {_where(hood, breach)}"), tag("dd", breach.case))
            for hood, breach in result.breaches
        ]
        parts.insert(0, card(tag("h3", "Laws that do not hold"), tag("dl", *cases, class_="ways")))
    return parts


def _words(command: str) -> list[str]:
    """The command, broken between options only: a dash at the end of a line would look like a part of the next one."""
    first, *options = command.split(" --")
    return [first, *(part for option in options for part in (" ", tag("span", f"--{option}", class_="whole")))]


def _where(hood: int, breach: Breach) -> str:
    return f"hood {hood}, slot {_label(breach.slot)}" if breach.slot else f"hood {hood}, the whole run"


def _summed(result: SimResult) -> list[SlotFigures]:
    """The slots of all hoods added up."""
    by_slot: dict[int, list[SlotFigures]] = {}
    for hood in result.hoods:
        for slot in hood.slots:
            by_slot.setdefault(slot.slot, []).append(slot)
    return [_sum(slot, rows) for slot, rows in sorted(by_slot.items())]


def _sum(slot: int, rows: list[SlotFigures]) -> SlotFigures:
    return SlotFigures(
        slot,
        *(
            sum(getattr(row, name) for row in rows)
            for name in ("import_wh", "export_wh", "delivered_wh", "welfare_uct", "optimum_uct", "contracts", "pending")
        ),
    )


def _label(slot: int) -> str:
    return f"{slot % 86_400 // 3600:02d}:{slot % 3600 // 60:02d}"


def _energy(slots: list[SlotFigures]) -> Markup:
    chart = Chart(
        "Energy delivered between neighbours in each slot, kWh, beside what could have been",
        "kWh",
        tuple(_label(slot.slot) for slot in slots),
        bars=(Bars("delivered", "var(--price)", tuple(slot.delivered_wh / 1000 for slot in slots)),),
        steps=(
            Steps(
                "the smaller of import and export", "var(--pays)", tuple(_possible_wh(slot) / 1000 for slot in slots)
            ),
        ),
    )
    columns = (
        Column("slot (UTC)"),
        Column("import kWh"),
        Column("export kWh"),
        Column("delivered kWh"),
        Column("welfare"),
    )
    rows = [
        (_label(s.slot), kwh(s.import_wh), kwh(s.export_wh), kwh(s.delivered_wh), f"{100 * s.share:.2f} %")
        for s in slots
    ]
    return join([_drawn(chart), details("Numbers", table("By slot", columns, rows))])


def _possible_wh(slot: SlotFigures) -> int:
    return min(slot.import_wh, slot.export_wh)


def _lost(slots: list[SlotFigures]) -> Markup:
    chart = Chart(
        "Welfare lost in each slot, per cent of the optimum",
        "%",
        tuple(_label(slot.slot) for slot in slots),
        steps=(Steps("lost", "var(--sold)", tuple(100 * (1 - slot.share) for slot in slots)),),
    )
    return _drawn(chart)


def _drawn(chart: Chart) -> Markup:
    """A chart under its title."""
    return join([tag("h3", chart.title), Markup(chart.render())])


def _curve(curve: Curve) -> Markup:
    points = tuple(
        Points(name, COLOURS[number % len(COLOURS)], values)
        for number, (name, values) in enumerate(curve.lines.items())
    )
    chart = Chart(curve.title, "%", curve.labels, points=points)
    columns = (Column("line", number=False), *(Column(label) for label in curve.labels))
    rows = [(name, *(f"{value:.2f}" for value in values)) for name, values in curve.lines.items()]
    numbers = details("Numbers", table("Per cent of the optimum", columns, rows))
    return card(_drawn(chart), numbers)
