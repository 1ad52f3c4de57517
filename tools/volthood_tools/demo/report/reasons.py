"""Why the prices were what they were: the price rule in plain words, with the numbers of one round of this run."""

from dataclasses import dataclass

from volthood.ports.stores import RoundNote, SlotNote
from volthood.wire.market import BUY, SELL
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
        "The price lies in the middle between what the utility asks and what it pays in that slot, rounded down to a "
        "thousandth of a cent. It does not depend on what anybody orders, so no order can move it. The side that has "
        "less, sellers or buyers, trades in full; the other side shares: everyone gets the same amount, but no more "
        "than it ordered."
    ),
    "auction": (
        "Offers are lined up from the cheapest, bids from the dearest. Energy is matched until the next offer would cost "
        "more than the next bid pays. All trades of the round then have one price: the middle of all prices at which "
        "exactly these trades come about. So it lies near the sellers’ limits when energy is plentiful, and near the "
        "buyers’ when it is scarce."
    ),
}
OTHER_RULE = "Every agent computed the same prices from the same signed book of orders, in exact integers."


@dataclass(frozen=True)
class Example:
    """A round that came to trades: what each home had ordered, and its trades."""

    note: RoundNote
    orders: tuple[tuple[str, SlotNote], ...]
    trades: tuple[Trade, ...]

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
    """The round with the most energy agreed, a forward round where there is one; None where nothing was agreed."""
    found = [example for note in story.result.rounds if (example := _example(story, note)).trades]
    return max(found, key=lambda example: (not is_balancing(example.note.gate), _agreed_wh(example)), default=None)


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
    contract = example.trades[0].contract
    price = cent_text(contract.buyer_price)
    wanted, offered = example.ordered_wh(BUY), example.ordered_wh(SELL)
    sentences = [f"The utility asked {cent_text(retail)} ct and paid {cent_text(feed_in)} ct for a kWh. "]
    if story.result.price_rule == "mid-market":
        middle = cent_text((feed_in + retail) // 2)
        sentences.append(f"The middle is ({cent_text(retail)} + {cent_text(feed_in)}) / 2 = {middle} ct. ")
    sentences.append(f"Buyers wanted {kwh_text(wanted)} kWh, sellers offered {kwh_text(offered)} kWh; ")
    sentences.append(f"{kwh_text(_agreed_wh(example))} kWh were agreed at {price} ct. ")
    if contract.path_fee:
        sentences.append(
            f"Of this price the seller gets {cent_text(contract.seller_price)} ct; the rest is the grid’s. "
        )
    sentences.append(
        f"A kWh bought there cost {cent_text(retail - contract.buyer_price)} ct less than at the utility, a kWh sold "
        f"brought {cent_text(contract.seller_price - feed_in)} ct more."
    )
    return sentences


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
