"""A fair day: everybody is honest and every message arrives. Trades happen, laws hold, bills are what arithmetic says."""

from collections.abc import Iterable

import pytest

from volthood.core.deals import Deal, Role, Status
from volthood.testing.forging import equivocations
from volthood.testing.neighbourhood import FEED_IN, RETAIL, START, Home, Neighbourhood

NETS_WH = (500, -800, 250, -123, 300, -400, 617, 41, -90, 705)
SLOTS = range(START, START + 4 * 900, 900)
MIDDLE = (FEED_IN + RETAIL) // 2
END_S = SLOTS.stop + 1600
"""After the last slot's balancing round."""


def lived_through(count: int, price_rule: str) -> Neighbourhood:
    hood = Neighbourhood([Home(f"h{n}", net_wh) for n, net_wh in enumerate(NETS_WH[:count])], price_rule)
    hood.run_until(END_S)
    return hood


def deals_of(hood: Neighbourhood, name: str) -> list[Deal]:
    return [deal for deal in hood.houses[name].trades.deals(START) if deal.contract.slot < SLOTS.stop]


def cost_uct(net_wh: int, deals: Iterable[Deal]) -> int:
    """One slot's cost by hand: neighbours at their price, the rest at the utility's."""
    uct = net_wh * RETAIL if net_wh > 0 else net_wh * FEED_IN
    for deal in deals:
        wh, contract = deal.delivered_wh, deal.contract
        if deal.role is Role.BUYER:
            uct += wh * (contract.buyer_price - RETAIL)
        else:
            uct -= wh * (contract.seller_price - FEED_IN)
    return uct


@pytest.mark.parametrize("price_rule", ["mid-market", "auction"])
@pytest.mark.parametrize("count", [2, 3, 6, 10])
def test_all_surplus_is_traded_and_the_laws_hold(count: int, price_rule: str) -> None:
    hood = lived_through(count, price_rule)
    assert hood.broken_laws() == {}
    assert equivocations(hood) == []
    wanted_wh = sum(net for net in NETS_WH[:count] if net > 0)
    offered_wh = sum(-net for net in NETS_WH[:count] if net < 0)
    for slot in SLOTS:
        bought = [deal for name in hood.houses for deal in deals_of(hood, name) if deal.role is Role.BUYER]
        traded_wh = sum(deal.delivered_wh for deal in bought if deal.contract.slot == slot)
        assert traded_wh == min(wanted_wh, offered_wh), slot
    assert {deal.status for name in hood.houses for deal in deals_of(hood, name)} == {Status.COMPLETED}
    assert [house.refused() for house in hood.houses.values()] == [[]] * count


@pytest.mark.parametrize("price_rule", ["mid-market", "auction"])
def test_bills_are_what_arithmetic_says(price_rule: str) -> None:
    hood = lived_through(6, price_rule)
    for books in hood.books(START, SLOTS.stop):
        net_wh = hood.houses[books.house].home.at(START)
        assert [bill.slot for bill in books.bills] == list(SLOTS)
        for bill in books.bills:
            deals = [deal for deal in deals_of(hood, books.house) if deal.contract.slot == bill.slot]
            assert bill.total_uct == cost_uct(net_wh, deals)
            assert bill.utility_alone_uct == cost_uct(net_wh, [])
            assert bill.total_uct <= bill.utility_alone_uct


def test_mid_market_pays_the_middle_and_shares_the_gain_of_every_traded_wh() -> None:
    hood = lived_through(6, "mid-market")
    for name in hood.houses:
        assert {deal.contract.buyer_price for deal in deals_of(hood, name)} <= {MIDDLE}
    saved_uct = sum(bill.saving_uct for books in hood.books(START, SLOTS.stop) for bill in books.bills)
    traded_wh = len(SLOTS) * (500 + 250 + 300)
    assert saved_uct == traded_wh * (RETAIL - FEED_IN)


def test_the_auction_has_one_price_a_round_between_the_tariffs() -> None:
    hood = lived_through(6, "auction")
    rounds: dict[tuple[int, int], set[int]] = {}
    for name in hood.houses:
        for deal in deals_of(hood, name):
            key = deal.contract.slot, deal.contract.gate
            rounds.setdefault(key, set()).update((deal.contract.buyer_price, deal.contract.seller_price))
    assert len(rounds) == len(SLOTS)
    assert all(len(prices) == 1 and FEED_IN <= min(prices) <= RETAIL for prices in rounds.values())


def test_the_same_neighbourhood_lives_the_same_day() -> None:
    """Two runs differ in nothing but the randomness of sealed envelopes."""
    one, other = lived_through(3, "mid-market"), lived_through(3, "mid-market")
    boards = [[entry for entry in hood.sent if "/board/" in entry[1]] for hood in (one, other)]
    assert boards[0] == boards[1]
    assert [deals_of(one, name) for name in one.houses] == [deals_of(other, name) for name in other.houses]


def test_nobody_needs_a_tick_that_is_not_due() -> None:
    """Woken only when something is due, agents do what they do when woken every second."""
    lazy, busy = (Neighbourhood([Home("h0", 500), Home("h1", -800), Home("h2", 250)]) for _ in range(2))
    lazy.run_until(START + 900 + 1600)
    busy.run_until(START + 900 + 1600, step_s=1)
    assert lazy.handled < busy.handled / 5
    boards = [[entry for entry in hood.sent if "/board/" in entry[1]] for hood in (lazy, busy)]
    assert boards[0] == boards[1]
    assert [lazy.houses[name].trades.deals(0) for name in lazy.houses] == [
        busy.houses[name].trades.deals(0) for name in busy.houses
    ]


def test_without_loss_an_agent_says_little() -> None:
    """At most 1 + 3/n messages on the board for each agent and round, contracts aside."""
    for count in (2, 6):
        hood = lived_through(count, "mid-market")
        board = [topic for _, topic, _ in hood.sent if "/board/" in topic]
        rounds = {topic.split("/")[5] for topic in board}
        assert len(board) <= len(rounds) * (count + min(3, count))


def test_a_forecast_that_was_wrong_is_repaired_by_the_balancing_round() -> None:
    """History says twice what comes: the forward round trades too much, the meter decides, the rest is balanced."""
    hood = Neighbourhood([Home("h0", 500, seen_wh=250), Home("h1", -800, seen_wh=-400), Home("h2", 250, seen_wh=500)])
    hood.run_until(START + 900 + 1600)
    assert hood.broken_laws() == {}
    first = [deal for deal in deals_of(hood, "h0") if deal.contract.slot == START]
    assert {deal.contract.gate for deal in first} == {0, 255}
    sold_wh = sum(deal.delivered_wh for deal in deals_of(hood, "h1") if deal.contract.slot == START)
    assert sold_wh == 500 + 250


def test_who_would_pay_more_than_its_tariff_posts_an_empty_order() -> None:
    """Everybody consumes: nothing to trade, nothing paid but the tariff, and every round still ends early."""
    hood = Neighbourhood([Home("h0", 500), Home("h1", 300)])
    hood.run_until(END_S)
    assert hood.broken_laws() == {}
    assert deals_of(hood, "h0") == []
    closed = hood.houses["h0"].events("RoundClosed")
    assert closed
    assert all("early=True" in row.details for row in closed)
