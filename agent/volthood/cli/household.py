"""A household's files, read while its agent runs or after: what was forecast, ordered, agreed, metered and paid."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from volthood.adapters.store_sql import SqlReadingStore, SqlTradeStore
from volthood.app.compose import load_neighbourhood, read_tariff
from volthood.config.agent import AgentConfig, load_agent_config
from volthood.core.billing import SlotBill
from volthood.core.deals import Deal
from volthood.core.energy import CONNECTION, SlotEnergy
from volthood.core.hood import Hood
from volthood.core.market.book import Book
from volthood.core.market.market_file import Market
from volthood.core.market.rules import RULES
from volthood.core.membership import member_of
from volthood.core.standing import standings_permille
from volthood.core.tariff import Price
from volthood.engine.books import Books
from volthood.engine.desk import OFF, TRADING
from volthood.engine.standing import TRADE_REFUSED
from volthood.errors import LocalError
from volthood.ports.stores import RoundNote, SlotNote
from volthood.wire.record import RELATIVE, Record, unpack_record
from volthood.wire.roster import Roster, RosterMember

AGENT_FILE = "agent.toml"
TRADES_FILE = "trades.db"
READINGS_FILE = "readings.db"
DAY_S = 86_400
RECENT_RECORDS = 64
"""Of a node, among which the newest of each of its meters is looked for."""


@dataclass(frozen=True)
class RefusedTrade:
    """A cleared trade that was not signed, because the neighbour's standing is below what the household asks for."""

    gate: int
    peer: str
    energy_wh: int
    standing_permille: int


@dataclass(frozen=True)
class SlotStory:
    """All that a household kept about one slot. `energy` and `bill` are None until both edges were metered."""

    slot: int
    notes: tuple[SlotNote, ...]
    rounds: tuple[RoundNote, ...]
    deals: tuple[Deal, ...]
    energy: SlotEnergy | None
    bill: SlotBill | None
    refused: tuple[RefusedTrade, ...] = ()


def agent_files(folder: Path, house: str | None = None) -> list[Path]:
    """The configurations under a neighbourhood's folder, or the one in a household's own.

    Raises:
        LocalError: there is none, or none of that house.
    """
    own = folder / AGENT_FILE
    found = [own] if own.exists() else sorted(folder.glob(f"homes/*/{AGENT_FILE}"))
    if not found:
        raise LocalError(f"{folder}: no {AGENT_FILE} and no homes/*/{AGENT_FILE}; name the folder with --dir")
    chosen = [path for path in found if house is None or load_agent_config(path).agent.house == house]
    if not chosen:
        houses = ", ".join(load_agent_config(path).agent.house for path in found)
        raise LocalError(f"{folder}: no home {house!r}; there are {houses}")
    return chosen


class Household:
    """One household, read only. Close it, or use it in a `with`."""

    def __init__(self, config: AgentConfig, trades: SqlTradeStore, readings: SqlReadingStore) -> None:
        self.config = config
        self.house: str = config.agent.house
        self.hood: Hood
        self.roster: Roster
        self.hood, self.roster = load_neighbourhood(config)
        self.member: RosterMember = member_of(self.roster, self.house)
        self.zone: ZoneInfo = _zone(config)
        self.trades = trades
        self.readings = readings
        self.books = Books(self.member, self.hood, trades, readings, read_tariff(config.tariff.file))

    @classmethod
    def open(cls, agent_file: Path) -> Self:
        """The household of a configuration. Raises `LocalError` where a file is missing or broken."""
        config = load_agent_config(agent_file)
        with ExitStack() as opened:
            trades = opened.enter_context(SqlTradeStore.open(existing(config, TRADES_FILE), read_only=True))
            readings = opened.enter_context(SqlReadingStore.open(existing(config, READINGS_FILE), read_only=True))
            household = cls(config, trades, readings)
            opened.pop_all()
            return household

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()

    def close(self) -> None:
        """Give the files back."""
        self.trades.close()
        self.readings.close()

    @property
    def trading(self) -> bool:
        """Whether the person at home lets it trade."""
        return self.trades.setting(TRADING) != OFF

    def newest_record(self) -> Record | None:
        """The newest signed record of the household's connection."""
        newest = [meters[CONNECTION] for meters in self._newest_by_node() if CONNECTION in meters]
        return max(newest, key=lambda record: (record.quality != RELATIVE, record.time_s), default=None)

    def metered_s(self) -> int | None:
        """When the connection was read last, UTC seconds; None before that, and while its node does not know the time."""
        newest = self.newest_record()
        if newest is None or newest.quality != RELATIVE:
            return None if newest is None else newest.time_s
        kept = [self.readings.kept_time_s(kid, newest.rseq) for kid in self.member.nodes]
        return max((time_s for time_s in kept if time_s is not None and time_s != newest.time_s), default=None)

    def sub_meters(self) -> list[Record]:
        """The newest signed record of each meter behind the connection."""
        return [meters[index] for meters in self._newest_by_node() for index in sorted(meters) if index != CONNECTION]

    def _newest_by_node(self) -> list[dict[int, Record]]:
        """For each node the newest record of each of its meters, by index; one that fell silent drops out."""
        newest = []
        for kid in self.member.nodes:
            last = [unpack_record(data)[1] for data in self.readings.last_records(kid, RECENT_RECORDS)]
            newest.append({record.index: record for record in last})
        return newest

    def standings_permille(self) -> dict[str, int]:
        """The standing of each neighbour by its house, as of the newest slot that was agreed on."""
        deals = self.trades.deals(0)
        now_s = max((deal.contract.slot for deal in deals), default=0)
        houses = {member.agent: member.house for member in self.roster.members}
        found = standings_permille(deals, now_s, [row.agent for row in self.trades.convicted()])
        return {houses[agent]: standing for agent, standing in sorted(found.items()) if agent in houses}

    def energies(self, start_s: int, end_s: int) -> dict[int, SlotEnergy]:
        """Measured energies of the slots in [start_s, end_s), by slot."""
        return self.books.energies(start_s, end_s)

    def bills(self, start_s: int, end_s: int) -> list[SlotBill]:
        """The bills of all metered slots in [start_s, end_s)."""
        return self.books.bills(start_s, end_s)

    def story(self, slot: int) -> SlotStory:
        """What became of a slot."""
        deals = [deal for deal in self.trades.deals(slot) if deal.contract.slot == slot]
        deals.sort(key=lambda deal: deal.contract.gate)
        energy = self.energies(slot, slot + self.hood.slot_s).get(slot)
        return SlotStory(
            slot=slot,
            notes=tuple(self.trades.slot_notes(slot)),
            rounds=tuple(self.trades.round_notes(slot)),
            deals=tuple(deals),
            energy=energy,
            bill=None if energy is None else self.books.bill(energy, deals),
            refused=tuple(dict.fromkeys(self._refused(slot))),
        )

    def _refused(self, slot: int) -> Iterator[RefusedTrade]:
        """What the slot's rounds refused, from the events; told again after a restart in mid-round."""
        for row in self.trades.events(slot - self.hood.slot_s - DAY_S, (TRADE_REFUSED,)):
            told = dict(word.partition("=")[::2] for word in row.details.split())
            if told.get("slot") == str(slot):
                numbers = (int(told[name]) for name in ("energy_wh", "standing_permille"))
                yield RefusedTrade(int(told["gate"]), told["peer"], *numbers)

    def market(self, slot: int, gate: int | None = None) -> Market:
        """A round's rules, the book that the agent counted, and the clearing; of the slot's newest round without `gate`.

        Raises:
            LocalError: the agent counted no such book, or does not keep it any more.
        """
        gates = [note.gate for note in self.trades.round_notes(slot)]
        chosen = gate if gate is not None else max(gates, key=lambda index: self.hood.gate_s(slot, index), default=-1)
        encoded = self.trades.book((slot, chosen))
        if encoded is None:
            known = ", ".join(map(str, gates)) or "none"
            raise LocalError(f"{self.house}: no book of gate {chosen} is kept for this slot; its rounds: {known}")
        book = Book.from_encoded(encoded)
        return Market(self.hood, book, RULES[self.hood.algorithm].clear(book, self.hood))

    def price(self, slot: int) -> Price:
        """The tariff of a slot as logged before its first order; without one, as the tariff file has it."""
        return self.books.price(slot)


def existing(config: AgentConfig, name: str) -> Path:
    """A file of the household. Raises `LocalError` where the agent has not made it yet."""
    path = config.data_dir / name
    if not path.exists():
        raise LocalError(f"{path}: not there yet; has the agent been started?")
    return path


def _zone(config: AgentConfig) -> ZoneInfo:
    try:
        return ZoneInfo(config.agent.timezone)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise LocalError(f"agent.timezone = {config.agent.timezone!r}: no such time zone") from error
