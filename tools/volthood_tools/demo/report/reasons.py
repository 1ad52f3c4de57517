"""Why the prices were what they were: the price rule in plain words, with the numbers of one round of this run."""

from dataclasses import dataclass

from volthood.ports.stores import RoundNote, SlotNote
from volthood.wire.market import BUY, SELL, Contract
from volthood_tools.demo.report.figures import Trade
from volthood_tools.demo.report.markup import (
    NOTHING,
    Column,
    Markup,
    card,
    cent_text,
    cents,
    house_name,
    kwh,
    kwh_text,
    section,
    table,
    tag,
)
from volthood_tools.demo.report.story import Story
from volthood_tools.demo.report.trades import is_balancing

RULE_WORDS = {
    "mid-market": (
        "The price is the middle between what the utility asks and what it pays in that slot, rounded down to a "
        "thousandth of a cent. It does not depend on what anybody orders, so no order can move it. The side that has "
        "less, sellers or buyers, trades in full; the other side shares: everyone gets the same amount, but no more "
        "than it ordered. Near neighbours trade first. Where energy crosses lines with a fee, seller and buyer bear half of "
        "it each: the seller gets the middle less half the fee, the buyer pays the middle and the other half."
    ),
    "auction": (
        "Offers are lined up from the cheapest, bids from the dearest. Energy is matched until the next offer would cost "
        "more, with the fees of the way, than the next bid pays. All trades of a node then have one price: the middle of "
        "all prices at which exactly these trades come about. So it lies near the sellers’ limits when energy is "
        "plentiful, and near the buyers’ when it is scarce. Where energy flows from node to node, and the line is not "
        "full, the prices differ by the fee."
    ),
}
OTHER_RULE = "Every agent computed the same prices from the same signed book of orders, in exact integers."


@dataclass(frozen=True)
class Example:
    """A round that came to trades: what each home had ordered, and its trades."""

    note: RoundNote
    orders: tuple[tuple[str, SlotNote], ...]
    trades: tuple[Trade, ...]

    @property
    def near(self) -> Trade:
        """A trade that paid the least to the grid."""
        return min(self.trades, key=lambda trade: trade.contract.path_fee)

    @property
    def far(self) -> Trade | None:
        """The trade with the highest fee; None where no trade has one."""
        farthest = max(self.trades, key=lambda trade: trade.contract.path_fee)
        return farthest if farthest.contract.path_fee else None

    def ordered_wh(self, side: int) -> int:
        """What one side ordered together, in Wh."""
        return sum(note.order_wh for _, note in self.orders if note.side == side)

    def agreed_wh(self, house: str) -> int:
        """What a home agreed to in this round, in Wh."""
        return sum(
            trade.contract.energy_wh
            for trade in self.trades
            if house in {trade.transaction.seller, trade.transaction.buyer}
        )


def example_of(story: Story) -> Example | None:
    """The round that shows most; None where nothing was agreed.

    A forward round where there is one, then one with a fee, then the one with the most energy agreed.
    """
    found = [example for note in story.result.rounds if (example := _example(story, note)).trades]
    return max(found, key=_worth, default=None)


def _worth(example: Example) -> tuple[bool, bool, int]:
    return not is_balancing(example.note.gate), example.far is not None, _agreed_wh(example)


def _example(story: Story, note: RoundNote) -> Example:
    orders = tuple(
        (home.house, order)
        for home in story.result.homes
        for slot in home.slots
        for order in slot.notes
        if (order.slot, order.gate) == (note.slot, note.gate)
    )
    trades = tuple(trade for trade in story.trades_in(note.slot) if trade.contract.gate == note.gate)
    return Example(note, orders, trades)


def _agreed_wh(example: Example) -> int:
    return sum(trade.contract.energy_wh for trade in example.trades)


def reasons(story: Story) -> Markup:
    """The price rule, then one round of the run under it."""
    rule = tag("p", RULE_WORDS.get(story.result.price_rule, OTHER_RULE))
    example = example_of(story)
    told = [tag("p", "No round of this run came to a trade.")] if example is None else _told(story, example)
    title = f"Why these prices: {story.result.price_rule}"
    return section("why", title, card(rule, *told))


def _told(story: Story, example: Example) -> list[Markup]:
    when = story.time.span(example.note.slot)
    which = "after the slot, on metered energy" if is_balancing(example.note.gate) else "before the slot, on forecasts"
    heading = tag("h3", f"For example: {when}")
    return [heading, tag("p", f"This round was held {which}. ", *_sentences(story, example)), _orders(example)]


def _sentences(story: Story, example: Example) -> list[str]:
    feed_in, retail = story.result.reference[story.result.slots.index(example.note.slot)]
    contract = example.near.contract
    wanted, offered = example.ordered_wh(BUY), example.ordered_wh(SELL)
    sentences = [f"The utility asked {cent_text(retail)} ct and paid {cent_text(feed_in)} ct for a kWh. "]
    if story.result.price_rule == "mid-market":
        middle = cent_text((feed_in + retail) // 2)
        sentences.append(f"The middle is ({cent_text(retail)} + {cent_text(feed_in)}) / 2 = {middle} ct. ")
    sentences.append(f"Buyers wanted {kwh_text(wanted)} kWh, sellers offered {kwh_text(offered)} kWh; ")
    sentences.append(f"{kwh_text(_agreed_wh(example))} kWh were agreed at {_prices(example)} ct. ")
    if example.far is not None:
        sentences.append(_way(story, example.far))
    sentences.append(_gain(contract, feed_in, retail))
    return sentences


def _gain(contract: Contract, feed_in: int, retail: int) -> str:
    """What both sides of a contract gained against the utility."""
    paid, got = contract.buyer_price, contract.seller_price
    return (
        f"A kWh bought at {cent_text(paid)} ct cost {cent_text(retail - paid)} ct less than at the utility, "
        f"a kWh sold at {cent_text(got)} ct brought {cent_text(got - feed_in)} ct more."
    )


def _prices(example: Example) -> str:
    """What buyers paid, from the lowest to the highest."""
    prices = {trade.contract.buyer_price for trade in example.trades}
    low, high = cent_text(min(prices)), cent_text(max(prices))
    return low if low == high else f"{low} to {high}"


def _way(story: Story, trade: Trade) -> str:
    """How the grid makes the price of a trade."""
    contract, (seller, buyer) = trade.contract, trade.houses
    start, end = story.node_of[seller], story.node_of[buyer]
    fee, got, paid = map(cent_text, (contract.path_fee, contract.seller_price, contract.buyer_price))
    said = (
        f"From {house_name(seller)} ({start}) to {house_name(buyer)} ({end}) energy crosses lines with fees of {fee} ct "
        f"together: the seller got {got} ct, the buyer paid {paid} ct"
    )
    left = cent_text(contract.buyer_price - contract.seller_price)
    return f"{said}, and {left} ct went to the grid. "


def _orders(example: Example) -> Markup:
    columns = (
        Column("Home", number=False),
        Column("order", number=False),
        Column("kWh"),
        Column("limit, ct"),
        Column("agreed, kWh"),
    )
    rows = [
        (
            house_name(house),
            {BUY: "buy", SELL: "sell"}.get(note.side, "none"),
            kwh(note.order_wh) if note.order_wh else Markup(NOTHING),
            cents(note.limit_mct_per_kwh),
            kwh(example.agreed_wh(house)),
        )
        for house, note in example.orders
    ]
    return table("What each home ordered in this round, and what it agreed to", columns, rows)
