"""The report's homes: a card with chart and account for each, and all of them in one table."""

from volthood.cli.text import money as money_text
from volthood.core.billing import SlotBill
from volthood.web.charts import MEDIUM, NARROW, Chart, Steps
from volthood_tools.demo.report.day import flow_bars
from volthood_tools.demo.report.figures import Flows, Money, flows_of, forecast_miss_wh, forecast_wh, money_of, net_wh
from volthood_tools.demo.report.markup import (
    NOTHING,
    Column,
    Markup,
    card,
    details,
    house_name,
    join,
    kwh,
    kwh_text,
    money,
    percent,
    section,
    table,
    tag,
    text,
)
from volthood_tools.demo.report.story import Story
from volthood_tools.demo.result import HomeResult, HomeSlot

COLUMNS = (
    Column("From", number=False),
    Column("forecast"),
    Column("metered"),
    Column("neigh­bours"),
    Column("utility"),
    Column("paid"),
)


def homes(story: Story) -> Markup:
    """A card for each home."""
    hint = tag(
        "p",
        "Each chart stacks what came in above zero and what went out below it; the line is what the home’s agent had "
        "forecast before the slot.",
        class_="hint",
    )
    cards = tag("div", *(_card(story, home) for home in story.result.homes), class_="homes")
    return section("homes", "Home by home", hint, cards)


def _card(story: Story, home: HomeResult) -> Markup:
    kind = tag("span", "with PV" if home.has_pv else "load only", class_="badge pv" if home.has_pv else "badge")
    name = house_name(home.house)
    ident = home.house if home.source in {"", home.house} else f"{home.house} · data of {home.source}"
    title = tag("div", tag("h3", name), kind, tag("span", ident, class_="id"), class_="home-head")
    money_ = money_of([home])
    return card(
        title,
        _account(money_, story.result.currency),
        Markup(_chart(story, home).render()),
        _facts(home),
        _table(story, home),
        name="home",
    )


def _account(money_: Money, currency: str) -> Markup:
    """What the day cost, what it would have cost alone, and what lies between."""
    rows = (
        ("with trading", _amount(money_.paid_uct, "h-paid"), ""),
        ("utility alone", _amount(money_.alone_uct, "h-alone"), ""),
        ("saved", join([money(money_.saved_uct, "h-saved"), tag("small", currency)], " "), "saved"),
    )
    cells = (tag("div", tag("dt", name), tag("dd", value), class_=kind) for name, value, kind in rows)
    return tag("dl", *cells, class_="account")


def _amount(amount_uct: int, name: str) -> Markup:
    """An amount without its sign, in words paid or earned; the exact one with its sign is its attribute."""
    shown = tag("data", money_text(abs(amount_uct)), value=str(amount_uct), class_=name)
    return join([shown, tag("small", "earned" if amount_uct < 0 else "paid")], " ")


def _chart(story: Story, home: HomeResult) -> Chart:
    flows = [flows_of([slot.bill]) for slot in home.slots]
    forecasts = [forecast_wh(slot) for slot in home.slots]
    line = tuple(None if wh is None else wh / 1000 for wh in forecasts)
    total = sum(flows, Flows())
    return Chart(
        title=f"Energy of {house_name(home.house)} by slot: {kwh_text(total.import_wh)} kWh taken in, "
        f"{kwh_text(total.bought_wh)} of it from neighbours; {kwh_text(total.export_wh)} kWh given away, "
        f"{kwh_text(total.sold_wh)} of it to neighbours",
        unit="kWh",
        labels=story.labels,
        bars=flow_bars(flows),
        steps=(Steps("forecast", "var(--forecast)", line),),
        forms=(MEDIUM, NARROW),
    )


def _facts(home: HomeResult) -> Markup:
    """Where the home's energy came from and went, in a sentence, and how good its forecasts were."""
    flows = flows_of(slot.bill for slot in home.slots)
    parts: list[str] = []
    if flows.import_wh:
        parts += [
            "Took in ",
            kwh(flows.import_wh),
            " kWh, ",
            kwh(flows.bought_wh, "h-bought"),
            " of it from neighbours. ",
        ]
    if flows.export_wh:
        parts += ["Gave away ", kwh(flows.export_wh), " kWh, ", kwh(flows.sold_wh, "h-sold"), " of it to neighbours. "]
    miss_wh = forecast_miss_wh(home)
    if miss_wh is not None:
        parts += ["Forecasts missed the meter by ", kwh(miss_wh, "h-miss"), " kWh a slot on average."]
    return tag("p", *parts, class_="hint")


def _table(story: Story, home: HomeResult) -> Markup:
    rows = [(label, *_cells(slot)) for label, slot in zip(story.labels, home.slots, strict=True)]
    caption = (
        f"{house_name(home.house)} by slot: energy in kWh, positive inwards, negative outwards; paid in "
        f"{story.result.currency}"
    )
    flows = flows_of(slot.bill for slot in home.slots)
    foot = ("Sum", Markup(NOTHING), *_flow_cells(flows), money(home.paid_uct))
    return details(f"{house_name(home.house)} as a table", table(caption, COLUMNS, rows, foot))


def _cells(slot: HomeSlot) -> tuple[Markup, ...]:
    forecast = forecast_wh(slot)
    shown = Markup(NOTHING) if forecast is None else kwh(forecast)
    return (shown, *_metered_cells(slot.bill))


def _metered_cells(bill: SlotBill | None) -> tuple[Markup, ...]:
    if bill is None:
        return (tag("span", "not read", class_="none"), *(Markup(NOTHING),) * 3)
    return (*_flow_cells(flows_of([bill]), net_wh(bill)), money(bill.total_uct))


def _flow_cells(flows: Flows, metered_wh: int | None = None) -> tuple[Markup, ...]:
    metered_wh = flows.import_wh - flows.export_wh if metered_wh is None else metered_wh
    return (
        kwh(metered_wh),
        _both_ways(flows.bought_wh, flows.sold_wh),
        _both_ways(flows.utility_in_wh, flows.utility_out_wh),
    )


def _both_ways(in_wh: int, out_wh: int) -> Markup:
    """Energy inwards and outwards; one of both is mostly zero and not shown."""
    if in_wh and out_wh:
        return join([kwh(in_wh), Markup("<br>"), kwh(-out_wh)])
    return kwh(in_wh - out_wh)


def all_homes(story: Story) -> Markup:
    """Every home in one table."""
    columns = (
        Column("Home", number=False),
        Column("bought", wide_only=True),
        Column("sold", wide_only=True),
        Column("paid"),
        Column("utility alone"),
        Column("saved"),
        Column("saved, %", wide_only=True),
    )
    rows = [
        (_name_cell(home), *_home_cells(flows_of(slot.bill for slot in home.slots), money_of([home])))
        for home in story.result.homes
    ]
    foot = ("Together", *_home_cells(story.flows, story.money))
    caption = f"Bought from and sold to neighbours in kWh; money in {story.result.currency}, negative is earned"
    return section("all-homes", "All homes", card(table(caption, columns, rows, foot), name="all-homes"))


def _name_cell(home: HomeResult) -> Markup:
    name = house_name(home.house)
    return text(name) if name == home.house else join([name, " ", tag("span", home.house, class_="id")])


def _home_cells(flows: Flows, money_: Money) -> tuple[Markup, ...]:
    return (
        kwh(flows.bought_wh),
        kwh(flows.sold_wh),
        money(money_.paid_uct),
        money(money_.alone_uct),
        money(money_.saved_uct),
        percent(money_.saved_per_mille),
    )
