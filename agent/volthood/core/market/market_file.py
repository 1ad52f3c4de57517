"""A round's market as plain values, so that anyone can look at it with a program of their own: hood, book, clearing.

The page `agent/docs/market-file.md` describes it. The same values serve as JSON and as CBOR: text, integers, null, lists
and maps. Houses name the agents; hashes are hex. Every key is there, none is unknown, `clearing` alone may be missing.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from volthood.core.grid import GridMap, GridNode
from volthood.core.hood import Gate, Hood, Member, ReferenceStep, Windows
from volthood.core.market.book import Book, BookOrder, RoundId, Steps, refusal
from volthood.core.market.clearing import Clearing, Trade
from volthood.core.market.verify import Fault, verify
from volthood.core.units import is_slot
from volthood.errors import LocalError, PeerError
from volthood.wire.limits import MAX_INT_BITS
from volthood.wire.market import BUY, SELL, WATCH

FORMAT = "volthood/1/market"
SIDES = {"buy": BUY, "sell": SELL, "watch": WATCH}
_SIDE_NAMES = {side: name for name, side in SIDES.items()}
_NONE = type(None)

Kinds = Mapping[str, type | tuple[type, ...]]
_GATE: Kinds = {"index": int, "offset_s": int}
_WINDOWS: Kinds = {"order_s": int, "bundle_s": int, "contract_s": int, "guard_s": int}
_REFERENCE: Kinds = {"from_s": int, "feed_in_mct_per_kwh": int, "retail_mct_per_kwh": int}
_NODE: Kinds = {
    "name": str,
    "parent": (str, _NONE),
    "fee_mct_per_kwh": int,
    "up_wh": (int, _NONE),
    "down_wh": (int, _NONE),
}
_MEMBER: Kinds = {"house": str, "agent": str, "fuse_w": int, "node": str}
_HOOD_NUMBERS: Kinds = {
    "slot_s": int,
    "collar_below_mct_per_kwh": int,
    "collar_above_mct_per_kwh": int,
    "settle_within_s": int,
    "version": int,
    "issued_s": int,
    "valid_from_s": int,
}
_HOOD: Kinds = {
    "hood_id": str,
    "currency": str,
    "algorithm": str,
    "gates": list,
    "windows": dict,
    "reference": list,
    "grid": list,
    "members": list,
    **_HOOD_NUMBERS,
}
_ORDER: Kinds = {"house": str, "side": str, "steps": list}
_BOOK: Kinds = {"slot": int, "gate": int, "orders": list}
_TRADE: Kinds = {
    "seller": str,
    "buyer": str,
    "energy_wh": int,
    "seller_price_mct_per_kwh": int,
    "buyer_price_mct_per_kwh": int,
    "path_fee_mct_per_kwh": int,
}
_CLEARING: Kinds = {"algorithm": str, "trades": list, "node_prices": dict}


@dataclass(frozen=True)
class Market:
    """A round: the rules, the orders, and what was made of them, None where nothing was yet."""

    hood: Hood
    book: Book
    clearing: Clearing | None = None


@dataclass
class _Claim:
    """An order of a market file as a signed one would say it."""

    hood: bytes
    slot: int
    gate: int
    algorithm: str
    side: int
    steps: Steps


def market_fault(market: Market) -> Fault | None:
    """The first condition that a market breaks: an order that does not count, or one of the clearing's; None if it holds.

    Raises:
        PeerError: `market_file` where there is no clearing.
    """
    if market.clearing is None:
        raise _error("clearing is missing")
    return next(_orders_that_do_not_count(market), None) or verify(market.book, market.hood, market.clearing)


def _orders_that_do_not_count(market: Market) -> Iterator[Fault]:
    for order in market.book.orders:
        member = market.hood.member[order.agent]
        claim = _Claim(*market.book.round, market.hood.algorithm, order.side, order.steps)
        reason = refusal(claim, market.hood, member.fuse_w)
        if reason is not None:
            energy_wh = sum(wh for _, wh in order.steps)
            yield Fault("every order counts", member.node, energy_wh=energy_wh, detail=f"{member.house}: {reason}")


def market_from_values(values: object) -> Market:
    """The market of a decoded file.

    Raises:
        PeerError: `market_file`, with the place and what is wrong there.
    """
    if isinstance(values, dict) and values.get("format") != FORMAT:
        raise _error(f"format is {values.get('format')!r}, not {FORMAT!r}")
    extra: Kinds = {"clearing": dict} if isinstance(values, dict) and "clearing" in values else {}
    table = _table(values, {"format": str, "hood": dict, "book": dict, **extra}, "")
    try:
        hood = _hood(table["hood"])
        book = _book(table["book"], hood)
    except LocalError as error:
        raise _error(str(error)) from error
    return Market(hood, book, _clearing(table["clearing"], hood) if extra else None)


def market_to_values(market: Market) -> dict[str, object]:
    """A market as plain values."""
    values: dict[str, object] = {
        "format": FORMAT,
        "hood": _hood_values(market.hood),
        "book": {
            "slot": market.book.round.slot,
            "gate": market.book.round.gate,
            "orders": [_order_values(order, market.hood) for order in market.book.orders],
        },
    }
    if market.clearing is not None:
        values["clearing"] = _clearing_values(market.clearing, market.hood)
    return values


def _hood(values: object) -> Hood:
    table = _table(values, _HOOD, "hood")
    members = [_member(row, where) for row, where in _rows(table["members"], _MEMBER, "hood.members")]
    if len({member.house for member in members}) < len(members):
        raise _error("hood.members: a house stands twice")
    return Hood(
        hood_id=_hash(table["hood_id"], "hood.hood_id"),
        currency=table["currency"],
        algorithm=table["algorithm"],
        gates=tuple(Gate(**row) for row, _ in _rows(table["gates"], _GATE, "hood.gates")),
        windows=Windows(**_table(table["windows"], _WINDOWS, "hood.windows")),
        reference=tuple(ReferenceStep(**row) for row, _ in _rows(table["reference"], _REFERENCE, "hood.reference")),
        grid=GridMap(tuple(GridNode(**row) for row, _ in _rows(table["grid"], _NODE, "hood.grid"))),
        members=tuple(members),
        **{name: table[name] for name in _HOOD_NUMBERS},
    )


def _member(row: dict[str, Any], where: str) -> Member:
    return Member(_hash(row["agent"], f"{where}.agent"), row["house"], row["fuse_w"], row["node"])


def _book(values: object, hood: Hood) -> Book:
    table = _table(values, _BOOK, "book")
    if table["gate"] not in hood.gate:
        raise _error(f"book.gate = {table['gate']} is none of the hood's")
    if table["slot"] < 0 or not is_slot(table["slot"], hood.slot_s):
        raise _error(f"book.slot = {table['slot']} is not a multiple of {hood.slot_s} s")
    agents = _agents(hood)
    orders = [_order(row, where, agents) for row, where in _rows(table["orders"], _ORDER, "book.orders")]
    return Book(RoundId(hood.hood_id, table["slot"], table["gate"]), tuple(orders))


def _order(row: dict[str, Any], where: str, agents: dict[str, bytes]) -> BookOrder:
    if row["side"] not in SIDES:
        raise _error(f"{where}.side = {row['side']!r} is not one of {', '.join(SIDES)}")
    for step in row["steps"]:
        if not isinstance(step, list) or len(step) != 2 or not all(_is(int, value) for value in step):
            raise _error(f"{where}.steps: a step is [limit in mct/kWh, energy in Wh]")
    steps = tuple((limit, energy_wh) for limit, energy_wh in row["steps"])
    return BookOrder(_agent(row["house"], agents, where), SIDES[row["side"]], steps)


def _clearing(values: object, hood: Hood) -> Clearing:
    table = _table(values, _CLEARING, "clearing")
    agents = _agents(hood)
    trades = [
        Trade(_agent(row["seller"], agents, where), _agent(row["buyer"], agents, where), *list(row.values())[2:])
        for row, where in _rows(table["trades"], _TRADE, "clearing.trades")
    ]
    prices = table["node_prices"].items()
    if not all(_is(str, node) and _is(int, price) for node, price in prices):
        raise _error("clearing.node_prices: a price in mct/kWh by node")
    return Clearing(table["algorithm"], tuple(sorted(trades)), tuple(sorted(prices)))


def _agents(hood: Hood) -> dict[str, bytes]:
    return {member.house: member.agent for member in hood.members}


def _agent(house: str, agents: dict[str, bytes], where: str) -> bytes:
    if house not in agents:
        raise _error(f"{where}: house {house!r} is no member of the hood")
    return agents[house]


def _rows(values: list[object], kinds: Kinds, where: str) -> Iterator[tuple[dict[str, Any], str]]:
    """Each row of a list, with its place; keys in the order of `kinds`."""
    for number, value in enumerate(values):
        place = f"{where}[{number}]"
        yield _table(value, kinds, place), place


def _table(value: object, kinds: Kinds, where: str) -> dict[str, Any]:
    """A map with exactly these keys, each of its kind, in their order."""
    if not isinstance(value, dict):
        raise _error(f"{where or 'the file'} is not a map")
    odd = sorted(map(str, value.keys() ^ kinds.keys()))
    if odd:
        what = "unknown" if odd[0] in value or odd[0] not in kinds else "missing"
        raise _error(f"{_place(where, odd[0])} is {what}")
    for key, kind in kinds.items():
        if not _is(kind, value[key]):
            raise _error(f"{_place(where, key)} = {str(value[key])[:60]} is not {_kind_words(kind)}")
    return {key: value[key] for key in kinds}


def _is(kind: type | tuple[type, ...], value: object) -> bool:
    if isinstance(value, int):
        return not isinstance(value, bool) and issubclass(int, kind) and abs(value) < 1 << MAX_INT_BITS
    return isinstance(value, kind)


def _kind_words(kind: type | tuple[type, ...]) -> str:
    words = {int: "a whole number", str: "text", list: "a list", dict: "a map", _NONE: "null"}
    return " or ".join(words[each] for each in (kind if isinstance(kind, tuple) else (kind,)))


def _place(where: str, key: str) -> str:
    return f"{where}.{key}" if where else key


def _hash(text: str, where: str) -> bytes:
    try:
        data = bytes.fromhex(text)
    except ValueError as error:
        raise _error(f"{where} is not hex") from error
    if len(data) != 32:
        raise _error(f"{where} is {len(data)} bytes, not 32")
    return data


def _error(detail: str) -> PeerError:
    return PeerError("market_file", detail)


def _hood_values(hood: Hood) -> dict[str, object]:
    return {
        "hood_id": hood.hood_id.hex(),
        "currency": hood.currency,
        "algorithm": hood.algorithm,
        **{name: getattr(hood, name) for name in _HOOD_NUMBERS},
        "gates": [_values(gate, _GATE) for gate in hood.gates],
        "windows": _values(hood.windows, _WINDOWS),
        "reference": [_values(step, _REFERENCE) for step in hood.reference],
        "grid": [_values(node, _NODE) for node in hood.grid.nodes],
        "members": [_values(member, _MEMBER) | {"agent": member.agent.hex()} for member in hood.members],
    }


def _values(item: object, kinds: Kinds) -> dict[str, object]:
    return {name: getattr(item, name) for name in kinds}


def _order_values(order: BookOrder, hood: Hood) -> dict[str, object]:
    steps = [list(step) for step in order.steps]
    return {"house": hood.member[order.agent].house, "side": _SIDE_NAMES[order.side], "steps": steps}


def _clearing_values(clearing: Clearing, hood: Hood) -> dict[str, object]:
    trades = []
    for trade in clearing.trades:
        houses = (hood.member[agent].house for agent in (trade.seller, trade.buyer))
        trades.append(dict(zip(_TRADE, (*houses, *trade[2:]), strict=True)))
    return {"algorithm": clearing.algorithm, "trades": trades, "node_prices": dict(clearing.node_prices)}
