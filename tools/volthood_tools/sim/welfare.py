"""What a slot's trading gained, and the most that it could have gained.

Welfare is money that stays in the hood: for each delivered Wh what the buyer's utility would have charged less what the
seller's would have paid, less the path fee. The optimum is that of the exact auction on what the meters measured and what
the tariffs are, to the Wh, whatever was forecast and whoever was away.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from volthood.core.deals import Deal, Role
from volthood.core.hood import Hood
from volthood.core.market.book import Book, BookOrder, RoundId
from volthood.core.market.rules import RULES
from volthood.core.tariff import Price
from volthood.wire.market import BUY, SELL

OPTIMAL = "auction/1"


@dataclass(frozen=True)
class SlotFigures:
    """One slot of one hood: energies in Wh, money in µct.

    Attributes:
        optimum_uct: on what the meters measured, to the Wh.
        pending: deals that wait for a signature under their settlement.
    """

    slot: int
    import_wh: int
    export_wh: int
    delivered_wh: int
    welfare_uct: int
    optimum_uct: int
    contracts: int
    pending: int

    @property
    def share(self) -> float:
        """Welfare of the optimum; 1 where there was nothing to gain."""
        return self.welfare_uct / self.optimum_uct if self.optimum_uct else 1.0


@dataclass(frozen=True)
class Metered:
    """What one household's meter showed in a slot, its tariff and its deals."""

    agent: bytes
    net_wh: int
    price: Price
    deals: tuple[Deal, ...]


def slot_figures(slot: int, hood: Hood, homes: Iterable[Metered]) -> SlotFigures:
    """The figures of a slot."""
    by_agent = {home.agent: home for home in homes}
    bought = [(home, deal) for home in by_agent.values() for deal in home.deals if deal.role is Role.BUYER]
    counted = [(home, deal) for home, deal in bought if deal.counted and not deal.voided]
    return SlotFigures(
        slot=slot,
        import_wh=sum(max(0, home.net_wh) for home in by_agent.values()),
        export_wh=sum(max(0, -home.net_wh) for home in by_agent.values()),
        delivered_wh=sum(deal.delivered_wh for _, deal in counted),
        welfare_uct=sum(_gain_uct(deal, home, by_agent[deal.peer]) for home, deal in counted),
        optimum_uct=optimum_uct(slot, hood, by_agent.values()),
        contracts=len(counted),
        pending=sum(not deal.settled for _, deal in counted),
    )


def _gain_uct(deal: Deal, buyer: Metered, seller: Metered) -> int:
    spread = buyer.price.import_mct_per_kwh - seller.price.export_mct_per_kwh - deal.contract.path_fee
    return deal.delivered_wh * spread


def optimum_uct(slot: int, hood: Hood, homes: Iterable[Metered]) -> int:
    """The most that trading the metered energy could gain, in µct."""
    by_agent = {home.agent: home for home in homes if home.net_wh}
    orders = tuple(_order(home) for home in by_agent.values())
    book = Book(RoundId(hood.hood_id, slot, hood.gates[-1].index), orders)
    trades = RULES[OPTIMAL].clear(book, hood).trades
    return sum(
        trade.energy_wh
        * (
            by_agent[trade.buyer].price.import_mct_per_kwh
            - by_agent[trade.seller].price.export_mct_per_kwh
            - trade.path_fee
        )
        for trade in trades
    )


def _order(home: Metered) -> BookOrder:
    if home.net_wh > 0:
        return BookOrder(home.agent, BUY, ((home.price.import_mct_per_kwh, home.net_wh),))
    return BookOrder(home.agent, SELL, ((home.price.export_mct_per_kwh, -home.net_wh),))
