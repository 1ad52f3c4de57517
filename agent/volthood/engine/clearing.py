"""Clears the book of a round and turns our own trades into contracts to sign."""

from volthood.core.market import rules
from volthood.core.market.book import Book, refusal
from volthood.core.market.clearing import Trade
from volthood.core.market.round import HeldOrder, Round
from volthood.engine.desk import Desk
from volthood.ports.stores import RoundNote
from volthood.wire.market import Contract


def own_contracts(desk: Desk, round_: Round) -> list[Contract]:
    """What the clearing of the round's book yields for us; nothing under a price rule that this version lacks."""
    if desk.hood.algorithm not in rules.RULES:
        desk.note("AlgorithmUnknown", algorithm=desk.hood.algorithm)
        return []
    holders = [held for held in round_.book_orders() if _counts(desk, held)]
    book = Book.of_orders(round_.id, {held.member: held.order for held in holders})
    trades = rules.RULES[desk.hood.algorithm].clear(book, desk.hood).trades
    _note(desk, round_, len(holders), book, trades)
    return [_contract(desk, book, trade) for trade in trades if desk.me.agent in {trade.seller, trade.buyer}]


def _counts(desk: Desk, held: HeldOrder) -> bool:
    """Whether an order in the book is valid: everyone decides the same from the hood file and the roster."""
    return refusal(held.order, desk.hood, desk.members.by_agent[held.member].fuse_w) is None


def _note(desk: Desk, round_: Round, orders: int, book: Book, trades: tuple[Trade, ...]) -> None:
    _, slot, gate = round_.id
    note = RoundNote(
        slot=slot,
        gate=gate,
        orders=orders,
        bundles=len(round_.counted_bundles()),
        traded_wh=sum(trade.energy_wh for trade in trades),
        price_mct_per_kwh=trades[0].buyer_price if trades else None,
        book=book.digest,
    )
    desk.trades.save_round_note(note)
    desk.note("BookCleared", slot=slot, gate=gate, orders=orders, bundles=note.bundles, traded_wh=note.traded_wh)


def _contract(desk: Desk, book: Book, trade: Trade) -> Contract:
    return Contract(
        hood=book.round.hood,
        slot=book.round.slot,
        gate=book.round.gate,
        algorithm=desk.hood.algorithm,
        book=book.digest,
        seller=trade.seller,
        buyer=trade.buyer,
        energy_wh=trade.energy_wh,
        seller_price=trade.seller_price,
        buyer_price=trade.buyer_price,
        path_fee=trade.path_fee,
    )
