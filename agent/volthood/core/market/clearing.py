"""What a clearing yields: trades between pairs, whose prices and energies become contracts word for word."""

from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from volthood.core.units import Uct, Wh, money_uct


class Trade(NamedTuple):
    """What one seller and one buyer trade in a round; agents by full key hash."""

    seller: bytes
    buyer: bytes
    energy_wh: int
    seller_price: int
    """mct/kWh that the seller is paid."""
    buyer_price: int
    """mct/kWh that the buyer pays; what lies between goes to the grid account."""
    path_fee: int
    """mct/kWh, the fees of the edges between the two nodes."""


@dataclass(frozen=True)
class Clearing:
    """The result of a round.

    Attributes:
        algorithm: price rule and version, such as `auction/1`.
        trades: by ascending (seller, buyer), one for each pair.
        node_prices: (node, mct/kWh) by ascending name under the auction; empty under mid-market.
    """

    algorithm: str
    trades: tuple[Trade, ...] = ()
    node_prices: tuple[tuple[str, int], ...] = ()

    @cached_property
    def traded_wh(self) -> dict[bytes, Wh]:
        """What each trading agent sells or buys in all."""
        total: Counter[bytes] = Counter()
        for trade in self.trades:
            total[trade.seller] += trade.energy_wh
            total[trade.buyer] += trade.energy_wh
        return {agent: Wh(energy_wh) for agent, energy_wh in total.items()}

    @cached_property
    def volume_wh(self) -> Wh:
        """What changes hands in all."""
        return Wh(sum(trade.energy_wh for trade in self.trades))

    @cached_property
    def grid_uct(self) -> Uct:
        """What the hood's grid account receives: fees and congestion rent."""
        return Uct(sum(money_uct(trade.energy_wh, trade.buyer_price - trade.seller_price) for trade in self.trades))

    def account_uct(self, agent: bytes) -> Uct:
        """What an agent pays (positive) or earns (negative); with the grid account all accounts sum to zero."""
        paid = sum(money_uct(trade.energy_wh, trade.buyer_price) for trade in self.trades if trade.buyer == agent)
        earned = sum(money_uct(trade.energy_wh, trade.seller_price) for trade in self.trades if trade.seller == agent)
        return Uct(paid - earned)
