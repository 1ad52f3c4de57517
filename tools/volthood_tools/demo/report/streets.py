"""The report's grid: who lives where, what the lines carried by contract and cost, and what near and far trades paid."""

from volthood.core.grid import GridNode
from volthood_tools.demo.report.markup import (
    NOTHING,
    Column,
    Markup,
    card,
    cents,
    details,
    house_name,
    join,
    kwh,
    money,
    section,
    table,
    tag,
    text,
)
from volthood_tools.demo.report.story import Story
from volthood_tools.demo.report.tree import House, Tree, in_words
from volthood_tools.demo.report.ways import PairOfNodes

HINT = (
    "The hood trades over this map. At each line stands its fee, and the energy that contracts sent over it, by direction: "
    "towards the substation or away from it. The thicker the line, the more. Inside a street a trade pays no fee."
)
ONE_NODE = "All homes sit on one node: no trade pays a fee."


def streets(story: Story) -> Markup:
    """The grid map with its energy, and the prices by way."""
    grid, houses = story.result.grid, _houses(story)
    tree = Tree("Grid map: " + "; ".join(in_words(grid, houses)), grid, houses, story.ways)
    hint = tag("p", HINT if len(grid.nodes) > 1 else ONE_NODE, class_="hint")
    return section("grid", "The grid", card(hint, tree.render(), _lines(story, houses), *_pairs(story)))


def _houses(story: Story) -> dict[str, list[House]]:
    houses: dict[str, list[House]] = {}
    for home in story.result.homes:
        houses.setdefault(home.node, []).append(House(house_name(home.house), home.has_pv))
    return houses


def _lines(story: Story, houses: dict[str, list[House]]) -> Markup:
    columns = (
        Column("Node", number=False),
        Column("homes", number=False),
        Column("fee"),
        Column("inside"),
        Column("up"),
        Column("down"),
    )
    rows = [_line(story, node, houses.get(node.name, [])) for node in story.result.grid.layout.nodes]
    caption = (
        "Each node and its line towards the substation: fee in ct/kWh; energy in kWh that contracts traded between the "
        "node’s homes, sent up the line and down the line"
    )
    return details("The grid as a table", table(caption, columns, rows))


def _line(story: Story, node: GridNode, houses: list[House]) -> tuple[Markup, ...]:
    ways, name = story.ways, node.name
    first = (text(name), tag("span", ", ".join(house.name for house in houses), class_="wrap"))
    if node.parent is None:
        return (*first, Markup(NOTHING), kwh(ways.inside_wh[name]), *(Markup(NOTHING),) * 2)
    energies = (kwh(carried[name]) for carried in (ways.inside_wh, ways.up_wh, ways.down_wh))
    return (*first, cents(node.fee_mct_per_kwh), *energies)


def _pairs(story: Story) -> list[Markup]:
    """What each pair of nodes traded, and at which prices."""
    if not story.pairs:
        return []
    columns = (
        Column("From → to", number=False),
        Column("fee"),
        Column("seller got"),
        Column("buyer paid"),
        Column("kWh"),
        Column("to the grid", wide_only=True),
    )
    nothing = Markup(NOTHING)
    energy_wh = sum(pair.energy_wh for pair in story.pairs)
    foot = (
        "Together",
        nothing,
        nothing,
        nothing,
        kwh(energy_wh),
        money(sum(pair.grid_uct for pair in story.pairs), "g-grid"),
    )
    caption = (
        "Delivered energy by the way it took: fee of the way and prices in ct/kWh, lowest and highest of the day; paid to "
        f"the grid in {story.result.currency}"
    )
    rows = [_pair(pair) for pair in story.pairs]
    return [tag("h3", "Prices by the way that energy took"), table(caption, columns, rows, foot)]


def _pair(pair: PairOfNodes) -> tuple[Markup, ...]:
    inside = pair.seller_node == pair.buyer_node
    return (
        join(["inside ", pair.seller_node] if inside else [pair.seller_node, " → ", pair.buyer_node]),
        cents(pair.fee_mct_per_kwh),
        _span(pair.seller_prices),
        _span(pair.buyer_prices),
        kwh(pair.energy_wh, "g-energy"),
        money(pair.grid_uct),
    )


def _span(prices: tuple[int, ...]) -> Markup:
    low, high = prices[0], prices[-1]
    return cents(low) if low == high else join([cents(low), "–", cents(high)])
