"""The table of price rules. A new rule is a module beside this one with `ALGORITHM` and `clear`, and a line here.

The id names rule and version, stands in every order and contract, and changes with every change of the result.
"""

from collections.abc import Callable
from dataclasses import dataclass

from volthood.core.hood import Hood
from volthood.core.market.book import Book
from volthood.core.market.clearing import Clearing
from volthood.core.market.rules import auction, mid_market


@dataclass(frozen=True)
class PriceRule:
    """A price rule by its id; `clear` is pure and gives the same result on every machine."""

    algorithm: str
    clear: Callable[[Book, Hood], Clearing]


RULES = {
    rule.algorithm: rule
    for rule in (
        PriceRule(mid_market.ALGORITHM, mid_market.clear),
        PriceRule(auction.ALGORITHM, auction.clear),
    )
}
"""Every price rule by its id."""


def clear(book: Book, hood: Hood) -> Clearing:
    """The clearing of a book by the hood's price rule. Raises `KeyError` for a rule that this version does not know."""
    return RULES[hood.algorithm].clear(book, hood)
