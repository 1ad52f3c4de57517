"""Turns our own trades in a cleared book into contracts to sign."""

from collections.abc import Sequence

from volthood.core.market import rules
from volthood.core.market.book import Book
from volthood.core.market.clearing import Trade
from volthood.core.market.round import Round
from volthood.engine.board import Board, Cleared
from volthood.engine.desk import Desk
from volthood.ports.stores import RoundNote
from volthood.wire.market import Contract


def own_contracts(desk: Desk, board: Board, round_: Round) -> list[Contract]:
    """What the clearing of the round's book yields for us; nothing under a price rule that this version lacks."""
    if desk.hood.algorithm not in rules.RULES:
        desk.note("AlgorithmUnknown", algorithm=desk.hood.algorithm)
        return []
    cleared = board.clear(round_)
    _note(desk, round_, cleared)
    me = desk.me.agent
    return [_contract(desk, cleared.book, trade) for trade in cleared.trades if me in (trade.seller, trade.buyer)]


def _note(desk: Desk, round_: Round, cleared: Cleared) -> None:
    _, slot, gate = round_.id
    trades = cleared.trades
    note = RoundNote(
        slot=slot,
        gate=gate,
        orders=cleared.orders,
        bundles=len(round_.counted_bundles()),
        traded_wh=sum(trade.energy_wh for trade in trades),
        price_mct_per_kwh=one_price(trades),
        book=cleared.book.digest,
    )
    if _counted_more(desk, note):
        desk.note("BookClearedAgain", slot=slot, gate=gate, orders=note.orders, bundles=note.bundles)
        return
    desk.trades.save_round_note(note)
    desk.trades.save_book((slot, gate), cleared.book.encoded)
    desk.note("BookCleared", slot=slot, gate=gate, orders=note.orders, bundles=note.bundles, traded_wh=note.traded_wh)


def _counted_more(desk: Desk, note: RoundNote) -> bool:
    """Whether the round's story stands already: the same book from more bundles, or one that we signed contracts of.

    Who starts again in the middle of a round may see fewer bundles than it counted before.
    """
    for known in desk.trades.round_notes(note.slot):
        if known.gate == note.gate:
            if known.book == note.book:
                return known.bundles >= note.bundles
            deals = desk.trades.deals(note.slot)
            return any(deal.contract.gate == note.gate and deal.contract.book == known.book for deal in deals)
    return False


def one_price(trades: Sequence[Trade]) -> int | None:
    """What every buyer of a round pays, in mct/kWh; None where nothing trades, or the way through the grid makes prices."""
    prices = {trade.buyer_price for trade in trades}
    return prices.pop() if len(prices) == 1 else None


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
