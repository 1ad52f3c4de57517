"""Price rules by the id that stands in every order and contract. A new rule is a file and a line here."""

from collections.abc import Callable

from volthood.core.hood import Hood
from volthood.core.market.book import Book, Clearing
from volthood.core.market.rules import auction, mid_market

RULES: dict[str, Callable[[Book, Hood], Clearing]] = {
    "mid-market/1": mid_market.clear,
    "auction/1": auction.clear,
}
"""Every member computes the same clearing from the same book: integers, deterministic."""
