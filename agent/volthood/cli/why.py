"""`volthood why SLOT`: the story of one slot, from the forecast to what it cost, and what it would have cost alone."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import click

from volthood.cli.options import as_json_option, plain_errors, slot_of, which_homes
from volthood.cli.text import direction, local, money, price, utc
from volthood.core.billing import BillLine, SlotBill
from volthood.core.deals import Deal, Role, Status
from volthood.ports.stores import RoundNote, SlotNote
from volthood.wire.market import BUY, WATCH

if TYPE_CHECKING:
    from volthood.cli.household import Household, RefusedTrade, SlotStory

LINE_WORDS = {
    "utility_import": "from the utility",
    "utility_export": "to the utility",
    "neighbour_bought": "from",
    "neighbour_sold": "to",
    "grid_fee": "grid fee on the way from",
}


@click.command()
@click.argument("slot")
@which_homes
@as_json_option
def why(slot: str, folder: Path, home: str | None, as_json: bool) -> None:
    """Tell the story of SLOT: forecast, orders, contracts, delivery, money.

    SLOT is UTC as 2016-08-26T16:15Z, or local time as 09:15.
    """
    from volthood.cli.household import Household, agent_files

    told = []
    with plain_errors():
        for path in agent_files(folder, home):
            with Household.open(path) as household:
                told.append(_told(household, slot))
    if as_json:
        print(json.dumps([teller.as_json() for teller in told]))
        return
    print("\n\n".join("\n".join(teller.lines()) for teller in told))


def _told(household: "Household", slot: str) -> "Teller":
    start = slot_of(slot, household.hood.slot_s, household.zone, household.metered_s() or 0)
    houses = {member.agent: member.house for member in household.roster.members}
    return Teller(
        household.house,
        household.story(start),
        household.hood.slot_s,
        household.hood.currency,
        household.zone,
        houses,
        household.trading,
    )


@dataclass(frozen=True)
class Teller:
    """Tells one household's story of one slot, for people and for programs."""

    house: str
    story: "SlotStory"
    slot_s: int
    currency: str
    zone: ZoneInfo
    houses: dict[bytes, str]
    trading: bool

    def lines(self) -> list[str]:
        """The story for a person."""
        start, end = (local(instant, self.zone) for instant in (self.story.slot, self.story.slot + self.slot_s))
        title = f"{self.house}, {start:%a %d %b %Y %H:%M} to {end:%H:%M} {start:%Z} ({utc(self.story.slot)})"
        lines = [title, *self._forecast(), *self._orders(), *self._contracts(), *self._outcome()]
        if not self.trading:
            lines.append("  now        trading is switched off")
        return lines

    def _forecast(self) -> list[str]:
        notes = [note for note in self.story.notes if note.forecast_net_wh is not None]
        return [f"  forecast   {_forecast_words(note)}" for note in notes] or [
            "  forecast   none was made for this slot"
        ]

    def _orders(self) -> list[str]:
        return [f"  ordered    {self._order_words(note)}" for note in self.story.notes] or [
            "  ordered    nothing: the agent took part in no round of this slot"
        ]

    def _order_words(self, note: SlotNote) -> str:
        which = _round_words(note.gate)
        if note.side == WATCH:
            return f"{which}: nothing ({note.reason})"
        limit = "" if note.limit_mct_per_kwh is None else f" {price(note.limit_mct_per_kwh)} {self.currency}/kWh"
        terms = f"buy {note.order_wh} Wh at up to" if note.side == BUY else f"sell {note.order_wh} Wh from"
        return f"{which}: {terms}{limit} ({note.reason})"

    def _contracts(self) -> list[str]:
        lines = [f"  cleared    {self._round_note(note)}" for note in self.story.rounds]
        lines += [f"  agreed     {self._deal_words(deal)}" for deal in self.story.deals]
        lines += [f"  refused    {_refusal_words(refused)}" for refused in self.story.refused]
        return lines if self.story.deals else [*lines, "  agreed     no contract"]

    def _round_note(self, note: RoundNote) -> str:
        which = _round_words(note.gate)
        if note.traded_wh == 0:
            return f"{which}: {note.orders} orders in the book, and nothing to trade between them"
        at = ", at prices that differ by the way through the grid"
        if note.price_mct_per_kwh is not None:
            at = f" at {price(note.price_mct_per_kwh)} {self.currency}/kWh"
        return f"{which}: {note.orders} orders in the book, {note.traded_wh} Wh traded by all{at}"

    def _deal_words(self, deal: Deal) -> str:
        contract = deal.contract
        buys = deal.role is Role.BUYER
        peer = self._name(deal.peer)
        words = f"{_round_words(contract.gate)}: {contract.energy_wh} Wh {'from' if buys else 'to'} {peer}"
        words += f" at {price(contract.seller_price)} {self.currency}/kWh{_fee_words(deal)}; {deal.status.value}"
        return words + (f", {deal.delivered_wh} Wh delivered" if deal.status in _SETTLED else "")

    def _outcome(self) -> list[str]:
        energy, bill = self.story.energy, self.story.bill
        if energy is None or bill is None:
            return ["  metered    not yet: both edges of the slot are needed"]
        lines = [f"  metered    import {energy.import_wh} Wh, export {energy.export_wh} Wh"]
        lines += [f"  paid       {self._line_words(line)}" for line in bill.lines]
        return [*lines, *self._totals(bill)]

    def _line_words(self, line: BillLine) -> str:
        who = LINE_WORDS[line.kind]
        if line.contract is not None:
            who += f" {self._peer_of(line.contract)}"
        at = f"{price(line.price_mct_per_kwh)} {self.currency}/kWh"
        return f"{money(line.amount_uct):>9} {self.currency}: {line.energy_wh} Wh {who} at {at}"

    def _totals(self, bill: SlotBill) -> list[str]:
        saved = f"trading saved {money(bill.saving_uct)} {self.currency}"
        return [
            f"  in all     {money(bill.total_uct):>9} {self.currency}",
            f"  alone      {money(bill.utility_alone_uct):>9} {self.currency}: all at the utility's tariff; {saved}",
        ]

    def _peer_of(self, contract: bytes) -> str:
        return next((self._name(deal.peer) for deal in self.story.deals if deal.id == contract), contract.hex()[:16])

    def _name(self, agent: bytes) -> str:
        return self.houses.get(agent, agent.hex()[:16])

    def as_json(self) -> dict[str, object]:
        """The story as plain values: energies in Wh, prices in mct/kWh, money in µct."""
        energy, bill = self.story.energy, self.story.bill
        return {
            "home": self.house,
            "slot": utc(self.story.slot),
            "local": local(self.story.slot, self.zone).isoformat(),
            "currency": self.currency,
            "orders": [_note_json(note) for note in self.story.notes],
            "rounds": [_round_json(note) for note in self.story.rounds],
            "contracts": [self._deal_json(deal) for deal in self.story.deals],
            "refused": [vars(refused) for refused in self.story.refused],
            "metered": None if energy is None else {"import_wh": energy.import_wh, "export_wh": energy.export_wh},
            "bill": None if bill is None else _bill_json(bill),
        }

    def _deal_json(self, deal: Deal) -> dict[str, object]:
        contract = deal.contract
        return {
            "contract": deal.id.hex(),
            "gate": contract.gate,
            "role": deal.role.value,
            "peer": self._name(deal.peer),
            "energy_wh": contract.energy_wh,
            "buyer_price_mct_per_kwh": contract.buyer_price,
            "seller_price_mct_per_kwh": contract.seller_price,
            "path_fee_mct_per_kwh": contract.path_fee,
            "status": deal.status.value,
            "delivered_wh": deal.delivered_wh,
        }


def _fee_words(deal: Deal) -> str:
    """What lies between the two sides' prices, as the one sees it who pays it, and the other."""
    fee = deal.contract.buyer_price - deal.contract.seller_price
    if not fee:
        return ""
    if deal.role is Role.BUYER:
        return f" + {price(fee)} for the grid"
    return f" (the buyer pays {price(fee)} more, for the grid)"


def _refusal_words(refused: "RefusedTrade") -> str:
    """Why no contract came of what was cleared: our own setting, of which the neighbour is told nothing."""
    standing = f"its standing {refused.standing_permille / 1000:.3f} is below what this home asks for"
    return f"{_round_words(refused.gate)}: {refused.energy_wh} Wh with {refused.peer}, not signed: {standing}"


_SETTLED = {Status.COMPLETED, Status.PARTIAL, Status.FAILED}


def _round_words(gate: int) -> str:
    return "before the slot" if gate < 254 else "after the slot"


def _forecast_words(note: SlotNote) -> str:
    if note.forecast_net_wh is None:
        return "none"
    span = ""
    if note.forecast_low_wh is not None and note.forecast_high_wh is not None:
        span = f"between {direction(note.forecast_low_wh)} and {direction(note.forecast_high_wh)} most likely; "
    return f"{direction(note.forecast_net_wh)} ({span}{note.forecast_method})"


def _note_json(note: SlotNote) -> dict[str, object]:
    return {
        "gate": note.gate,
        "forecast_net_wh": note.forecast_net_wh,
        "forecast_low_wh": note.forecast_low_wh,
        "forecast_high_wh": note.forecast_high_wh,
        "forecast_method": note.forecast_method,
        "side": "watch" if note.side == WATCH else "buy" if note.side == BUY else "sell",
        "order_wh": note.order_wh,
        "limit_mct_per_kwh": note.limit_mct_per_kwh,
        "import_mct_per_kwh": note.import_mct_per_kwh,
        "export_mct_per_kwh": note.export_mct_per_kwh,
        "reason": note.reason,
    }


def _round_json(note: RoundNote) -> dict[str, object]:
    return {
        "gate": note.gate,
        "orders": note.orders,
        "bundles": note.bundles,
        "traded_wh": note.traded_wh,
        "price_mct_per_kwh": note.price_mct_per_kwh,
    }


def _bill_json(bill: SlotBill) -> dict[str, object]:
    return {
        "lines": [
            {
                "kind": line.kind,
                "energy_wh": line.energy_wh,
                "price_mct_per_kwh": line.price_mct_per_kwh,
                "amount_uct": line.amount_uct,
                "contract": None if line.contract is None else line.contract.hex(),
            }
            for line in bill.lines
        ],
        "total_uct": bill.total_uct,
        "utility_alone_uct": bill.utility_alone_uct,
    }
