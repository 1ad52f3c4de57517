"""The report's first half: what the day came to, what that rests on, and the neighbourhood's charts."""

from volthood.web.charts import FLAT, NARROW, Bars, Chart, Steps
from volthood_tools.demo.report.figures import Flows, mean_prices, share_per_mille
from volthood_tools.demo.report.markup import (
    Column,
    Markup,
    card,
    cent_text,
    cents,
    details,
    join,
    kwh,
    kwh_text,
    money,
    percent,
    section,
    table,
    tag,
)
from volthood_tools.demo.report.story import Story

NUMBER_WORDS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
SERIES = (
    ("bought from neighbours", "var(--bought)"),
    ("from the utility", "var(--utility-in)"),
    ("sold to neighbours", "var(--sold)"),
    ("to the utility", "var(--utility-out)"),
)


def header(story: Story) -> Markup:
    """Title, and the day in one sentence."""
    result = story.result
    facts = (
        story.time.days(result.slots),
        (
            f"{story.time.label(result.slots[0])} to {story.time.label(result.slots[-1] + result.slot_s)} local time"
            f" ({story.time.zone_name(result.slots[0])})"
        ),
        f"{len(result.homes)} homes",
        f"price rule {result.price_rule}",
        "in real time" if result.speed == 1 else f"{result.speed} times real time",
    )
    return tag(
        "header",
        tag("p", "Volthood", class_="brand"),
        tag("h1", "A neighbourhood’s day"),
        tag("ul", *(tag("li", fact) for fact in facts), class_="facts"),
        tag("p", _lead(story), class_="lead"),
    )


def _lead(story: Story) -> Markup:
    homes = len(story.result.homes)
    count = NUMBER_WORDS[homes] if homes < len(NUMBER_WORDS) else str(homes)
    if not story.delivered:
        return join([f"{count.capitalize()} homes, and no energy changed hands between them."])
    saved, currency = story.money.saved_uct, story.result.currency
    outcome = ["together paid ", money(saved), f" {currency} less than with their utility alone."]
    return join(
        [f"{count.capitalize()} homes traded ", kwh(story.flows.bought_wh), " kWh with each other and ", *outcome]
    )


def key_figures(story: Story) -> Markup:
    """The few numbers that matter, as cards."""
    currency, flows = story.result.currency, story.flows
    share = share_per_mille(flows.bought_wh, flows.import_wh)
    kept = share_per_mille(flows.sold_wh, flows.export_wh)
    done = len(story.delivered)
    cards = (
        _figure("Traded between neighbours", kwh(flows.bought_wh, "f-traded"), "kWh", _trade_count(done)),
        _figure("Saved together", money(story.money.saved_uct, "f-saved"), currency, _saved_share(story)),
        _figure("Of all imports, from neighbours", percent(share, "f-share"), "", _bar(share, "--bought")),
        _figure("Of all surplus, to neighbours", percent(kept, "f-kept"), "", _bar(kept, "--sold")),
        _figure("Neighbours’ price per kWh", _price_range(story), "ct", _reference_range(story)),
        _figure("Paid to the grid", money(story.result.grid_uct, "f-grid"), currency, _grid_share(story)),
    )
    return section("figures", "Key figures", tag("dl", *cards, class_="figures"))


def _figure(name: str, value: Markup, unit: str, more: Markup) -> Markup:
    shown = tag("dd", value, *([" ", tag("span", unit, class_="unit")] if unit else []), class_="value")
    return tag("div", tag("dt", name), shown, tag("dd", more, class_="more"), class_="figure")


def _trade_count(done: int) -> Markup:
    return join(
        ["in ", tag("data", str(done), value=str(done), class_="f-trades"), " trade" if done == 1 else " trades"]
    )


def _saved_share(story: Story) -> Markup:
    share = story.money.saved_per_mille
    alone = [money(story.money.alone_uct, "f-alone"), f" {story.result.currency} with the utility alone"]
    return join(["of ", *alone] if share is None else [percent(share, "f-saved-share"), " of ", *alone])


def _grid_share(story: Story) -> Markup:
    """How much of the traded energy left its street."""
    if not any(node.fee_mct_per_kwh for node in story.result.grid.nodes):
        return Markup("this grid has no fees")
    away_wh = sum(pair.energy_wh for pair in story.pairs if pair.seller_node != pair.buyer_node)
    return join(["fees of ", kwh(away_wh, "f-away"), " kWh that left their street"])


def _bar(per_mille: int | None, colour: str) -> Markup:
    """A share as a bar; the number stands above it."""
    width = 0 if per_mille is None else min(1000, max(0, per_mille))
    return Markup(
        f'<span class="share" aria-hidden="true"><i style="width:{width / 10}%;--c:var({colour})"></i></span>'
    )


def _price_range(story: Story) -> Markup:
    prices = sorted({trade.contract.buyer_price for trade in story.delivered})
    if len(prices) < 2:
        return cents(prices[0] if prices else None, "f-price")
    return join([cents(prices[0], "f-price-low"), "–", cents(prices[-1], "f-price-high")])


def _reference_range(story: Story) -> Markup:
    feed_in, retail = zip(*story.result.reference, strict=True)
    return join([f"utility: pays {_range(feed_in)} ct, asks {_range(retail)} ct"])


def _range(prices: tuple[int, ...]) -> str:
    low, high = min(prices), max(prices)
    return cent_text(low) if low == high else f"{cent_text(low)} to {cent_text(high)}"


def basis(story: Story) -> Markup:
    """What must be known to judge the figures."""
    notes = [*story.result.notes]
    if story.unmetered:
        slots = f"{story.unmetered} slot{'' if story.unmetered == 1 else 's'}"
        notes.append(f"Readings of {slots} of single homes are missing; no sum holds them.")
    notes.append(
        "Amounts are sums of exact numbers and rounded only where they are shown; a negative amount is earned. A meter "
        "sees what crosses it: what a home uses of its own sun stays behind it."
    )
    items = tag("ul", *(tag("li", note) for note in notes))
    return section("basis", "What this rests on", card(items, name="basis"))


def flow_bars(flows: list[Flows]) -> tuple[Bars, ...]:
    """The stack of a chart in kWh: what comes in above zero, what goes out below."""
    rows = [(flow.bought_wh, flow.utility_in_wh, -flow.sold_wh, -flow.utility_out_wh) for flow in flows]
    values = zip(*rows, strict=True)
    return tuple(
        Bars(name, colour, tuple(wh / 1000 for wh in layer))
        for (name, colour), layer in zip(SERIES, values, strict=True)
    )


def community(story: Story) -> Markup:
    """The whole neighbourhood's energy, slot by slot."""
    chart = Chart(title=_community_title(story), unit="kWh", labels=story.labels, bars=flow_bars(story.slot_flows))
    text = tag("p", "Above zero what the homes took in, below zero what they gave away, per slot.", class_="hint")
    return section("energy", "Energy through the day", card(text, Markup(chart.render()), _energy_table(story)))


def _community_title(story: Story) -> str:
    flows = story.flows
    return (
        f"Energy of all homes by slot: {kwh_text(flows.import_wh)} kWh taken in, {kwh_text(flows.bought_wh)} of it from "
        f"neighbours; {kwh_text(flows.export_wh)} kWh given away, {kwh_text(flows.sold_wh)} of it to neighbours"
    )


def _energy_table(story: Story) -> Markup:
    columns = [
        Column("From", number=False),
        *(Column(name) for name in ("bought", "utility in", "sold", "utility out")),
    ]
    rows = [(label, *_flow_cells(flows)) for label, flows in zip(story.labels, story.slot_flows, strict=True)]
    caption = "Energy of all homes by slot, kWh; bought and sold are with neighbours"
    return details("Energy as a table", table(caption, columns, rows, ("Sum", *_flow_cells(story.flows))))


def _flow_cells(flows: Flows) -> tuple[Markup, ...]:
    return tuple(kwh(wh) for wh in (flows.bought_wh, flows.utility_in_wh, flows.sold_wh, flows.utility_out_wh))


def prices(story: Story) -> Markup:
    """What a kWh cost at the utility and between neighbours."""
    means = [mean_prices(story.trades_in(slot)) for slot in story.result.slots]
    paid = [buyers for buyers, _ in means]
    feed_in, retail = zip(*story.result.reference, strict=True)
    chart = Chart(
        title=f"Price of a kWh by slot in cents: the utility asks {_range(retail)} and pays {_range(feed_in)}; "
        f"neighbours {_mean_words(paid)}",
        unit="ct/kWh",
        labels=story.labels,
        steps=(
            Steps("the utility asks", "var(--asks)", _in_cents(retail), "7 4"),
            Steps("neighbours", "var(--price)", _in_cents(paid)),
            Steps("the utility pays", "var(--pays)", _in_cents(feed_in), "2 4"),
        ),
        forms=(FLAT, NARROW),
    )
    gain = tag("p", _gain(story), class_="hint")
    return section("prices", "Prices through the day", card(gain, Markup(chart.render()), _price_table(story, means)))


def _gain(story: Story) -> str:
    return (
        "Between the two dashed lines both sides gain: buyers pay less than the utility asks, sellers get more than it "
        "pays. The line of the neighbours breaks where nothing was traded."
        if story.delivered
        else "Nothing was traded, so there is no price of the neighbours."
    )


def _in_cents(values: "tuple[int, ...] | list[int | None]") -> tuple[float | None, ...]:
    return tuple(None if value is None else value / 1000 for value in values)


def _mean_words(means: list[int | None]) -> str:
    known = tuple(price for price in means if price is not None)
    return f"agreed on {_range(known)}" if known else "did not trade"


def _price_table(story: Story, means: list[tuple[int | None, int | None]]) -> Markup:
    heads = ("utility asks", "buyers paid", "sellers got", "utility pays")
    columns = [Column("From", number=False), *map(Column, heads)]
    rows = [
        (label, cents(retail), cents(paid), cents(got), cents(feed_in))
        for label, (paid, got), (feed_in, retail) in zip(story.labels, means, story.result.reference, strict=True)
    ]
    caption = (
        "Price of a kWh by slot, ct; buyers and sellers: neighbours’ means by energy, fees of the grid between them"
    )
    return details("Prices as a table", table(caption, columns, rows))
