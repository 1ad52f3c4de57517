"""The report's trades, slot by slot: who sold to whom, what was agreed, delivered and paid, and how it ended."""

from volthood.core.deals import Status
from volthood_tools.demo.report.figures import Trade, mean_prices
from volthood_tools.demo.report.markup import (
    Column,
    Markup,
    card,
    cents,
    details,
    house_name,
    join,
    kwh,
    section,
    table,
    tag,
)
from volthood_tools.demo.report.story import Story

FIRST_BALANCING_GATE = 254
ROUND_WORDS = {True: "balancing round", False: "forward round"}
MARKS = {
    Status.COMPLETED: "✓",
    Status.PARTIAL: "◐",
    Status.CONTRACTED: "…",
    Status.FAILED: "✗",
    Status.DISPUTED: "!",
}
MEANINGS = {
    Status.COMPLETED: "all of it was delivered",
    Status.PARTIAL: "a part was delivered, the rest went to the balancing round or the utility",
    Status.CONTRACTED: "signed by both, not settled when the run ended",
    Status.FAILED: "nothing was delivered, or one side declared it void",
    Status.DISPUTED: "the two sides do not agree on what was delivered",
}
COLUMNS = (
    Column("Seller → buyer", number=False),
    Column("agreed"),
    Column("deliv­ered"),
    Column("seller gets", wide_only=True),
    Column("buyer pays"),
    Column("status", number=False),
    Column("id", number=False, wide_only=True),
)


def is_balancing(gate: int) -> bool:
    """Whether a round trades metered energy, after the slot, rather than a forecast."""
    return gate >= FIRST_BALANCING_GATE


def trades(story: Story) -> Markup:
    """Every transaction, collapsed by slot."""
    blocks = [_slot(story, slot) for slot in story.result.slots]
    return section("trades", "Trades", card(_legend(story), *blocks, name="trades"))


def _legend(story: Story) -> Markup:
    used = [status for status in MARKS if any(trade.transaction.status is status for trade in story.trades)]
    items = [tag("li", _status(status), f": {MEANINGS[status]}") for status in used]
    text = (
        "Energy in kWh, prices in ct/kWh; what the buyer pays more than the seller gets is the grid’s. Open a slot to see "
        "its trades."
    )
    return join([tag("p", text, class_="hint"), tag("ul", *items, class_="meanings")])


def _slot(story: Story, slot: int) -> Markup:
    found = story.trades_in(slot)
    span = tag("span", story.time.span(slot), class_="when")
    if not found:
        return tag("p", span, " ", tag("span", "no trades", class_="none"), class_="no-trades")
    done = sum(trade.delivered for trade in found)
    delivered_wh = sum(trade.transaction.energy_wh for trade in found)
    undone = [tag("span", f"{len(found) - done} without delivery")] if done < len(found) else []
    parts = (
        tag("span", f"{done} trade{'' if done == 1 else 's'}"),
        tag("span", kwh(delivered_wh), " kWh"),
        tag("span", cents(mean_prices(found)[0]), " ct"),
        *undone,
    )
    rows = [_row(trade) for trade in found]
    caption = f"Trades of the slot {story.time.span(slot)}"
    return details(join([span, *parts], " "), table(caption, COLUMNS, rows), name="slot")


def _row(trade: Trade) -> tuple[Markup, ...]:
    row, contract = trade.transaction, trade.contract
    balancing = tag("span", "balancing", class_="badge") if is_balancing(contract.gate) else Markup("")
    return (
        join([f"{house_name(row.seller)} → {house_name(row.buyer)} ", balancing]),
        kwh(contract.energy_wh),
        kwh(row.energy_wh, "t-delivered"),
        cents(contract.seller_price),
        cents(contract.buyer_price),
        _status(row.status),
        tag("code", row.transaction_id[:10], title=row.transaction_id),
    )


def _status(status: Status) -> Markup:
    mark = tag("span", MARKS[status], aria_hidden="true", class_="mark")
    return tag("span", mark, " ", status.value, class_=f"status {status.value}")
