"""Puts an agent together from its configuration: files become trusted objects, adapters become ports."""

import csv
import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from volthood.adapters.clock import CalendarClock
from volthood.adapters.clock_trust import GivenClock, KernelClock
from volthood.adapters.crypto import AgentKeys, LinkKey, SignatureVerifier, read_secret, verify_ed25519
from volthood.adapters.mqtt import MqttLink, TlsFiles
from volthood.adapters.store_sql import SqlReadingStore, SqlTradeStore
from volthood.adapters.watchdog import Watchdog
from volthood.app.runner import Runner
from volthood.config.agent import AgentConfig, BrokerSection
from volthood.config.hood import load_hood
from volthood.core.forecast import Place
from volthood.core.hood import Hood
from volthood.core.hood_file import hood_digest
from volthood.core.membership import member_of, trust_first_roster, trust_hood_file
from volthood.core.tariff import Price, Tariff
from volthood.engine.agent import Engine
from volthood.engine.deals import DealBook
from volthood.engine.desk import Desk, Members
from volthood.engine.intake import Intake
from volthood.engine.meter import SlotMeter
from volthood.engine.ordering import Ordering
from volthood.errors import LocalError, PeerError
from volthood.ports.stores import HistorySlot
from volthood.wire.cbor import WireError
from volthood.wire.roster import Roster
from volthood.wire.topics import BOARD_KINDS, HOME, ROOT, hood_level


def compose(config: AgentConfig) -> Runner:
    """An agent ready to run. Raises `LocalError` naming the file that is wrong and how to mend it."""
    keys = AgentKeys.load(config.agent.key_file)
    hood, roster = load_neighbourhood(config)
    member = member_of(roster, config.agent.house)
    if member.agent_key != keys.public.agent:
        raise LocalError(f"{config.agent.key_file}: not the key that the roster has for {member.house}")
    trades = SqlTradeStore.open(config.data_dir / "trades.db")
    readings = SqlReadingStore.open(config.data_dir / "readings.db")
    verifier = SignatureVerifier()
    least = config.trading.min_standing_permille
    desk = Desk(member, Members(roster), hood, keys, verifier, verifier, keys, trades, readings, least)
    if config.history.file is not None:
        readings.import_history(read_history(config.history.file))
        readings.commit()
    clock = CalendarClock() if config.clock.file is None else CalendarClock.await_file(config.clock.file)
    given = config.clock.file is not None or config.clock.assume_synchronised
    since_s = clock.now_s() - hood.settle_within_s - 2 * hood.slot_s
    meter = SlotMeter(desk)
    meter.load(since_s, clock.now_s() + hood.slot_s)
    deals = DealBook(trades, since_s)
    tariff = read_tariff(config.tariff.file)
    ordering = Ordering(desk, deals, meter, tariff, _places(config, hood.slot_s))
    intake = Intake(desk, meter, LinkKey.load(config.node.link_key_file))
    engine = Engine(desk, ordering, intake, meter, deals)
    watchdog = Watchdog.asked_for(os.environ)
    interval_ms = config.store.commit_interval_ms
    trust = GivenClock() if given else KernelClock()
    runner = Runner(engine, trades, readings, clock, interval_ms, watchdog, trust, config.clock.serve_sntp_port)
    runner.attach(*_links(config, hood, runner))
    return runner


def load_neighbourhood(config: AgentConfig) -> tuple[Hood, Roster]:
    """The hood and roster that the configured notes make trustworthy. Raises `LocalError`."""
    roster_note = _bytes(config.hood.roster_file)
    try:
        roster = trust_first_roster(roster_note, verify_ed25519)
    except (PeerError, WireError) as error:
        raise LocalError(f"{config.hood.roster_file}: {error}") from error
    hood = load_hood(config.hood.hood_file, roster)
    try:
        trust_hood_file(hood_digest(hood), _bytes(config.hood.hood_note), roster, verify_ed25519)
    except (PeerError, WireError) as error:
        raise LocalError(f"{config.hood.hood_note}: {error}") from error
    return hood, roster


def _links(config: AgentConfig, hood: Hood, runner: Runner) -> list[MqttLink]:
    """One link for home and hood, or one for each where the hood has a broker of its own."""
    house, level = config.agent.house, hood_level(hood.hood_id)
    at_home, in_hood = (
        [f"{ROOT}{HOME}/{house}/node/+/{kind}" for kind in ("record", "status")],
        hood_topics(level, house),
    )
    plan = [(config.broker, at_home), (config.hood_broker, in_hood)]
    if config.hood_broker is None:
        plan = [(config.broker, at_home + in_hood)]
    name = f"{level}-{house}"
    return [
        MqttLink(broker.host, broker.port, name, topics, runner.on_message, runner.on_up, tls_files(broker))
        for broker, topics in plan
        if broker is not None
    ]


def hood_topics(level: str, house: str) -> list[str]:
    """What an agent always listens to on the hood broker: its inbox and the board. Orders it asks for where it bundles."""
    board = [f"{ROOT}{level}/+/board/+/{kind}" for kind in BOARD_KINDS if kind != "order"]
    return [*board, f"{ROOT}{level}/{house}/in/+"]


def tls_files(broker: BrokerSection) -> TlsFiles | None:
    """The certificates for a broker; None where it is spoken to without. Raises `LocalError`."""
    if broker.ca_file is None or broker.cert_file is None or broker.key_file is None:
        return None
    read_secret(broker.key_file)
    return TlsFiles(broker.ca_file, broker.cert_file, broker.key_file)


def _places(config: AgentConfig, slot_s: int) -> Callable[[int], Place]:
    try:
        zone = ZoneInfo(config.agent.timezone)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise LocalError(f"agent.timezone = {config.agent.timezone!r}: no such time zone") from error

    def place_at(slot: int) -> Place:
        offset = datetime.fromtimestamp(slot, UTC).astimezone(zone).utcoffset()
        return Place(slot_s, int(offset.total_seconds()) if offset else 0)

    return place_at


def read_tariff(path: Path) -> Tariff:
    """The tariff in a CSV of utc,import_mct_per_kwh,export_mct_per_kwh. Raises `LocalError` with file and line."""
    rows = _rows(path, ("utc", "import_mct_per_kwh", "export_mct_per_kwh"))
    return Tariff((row[0], Price(row[1], row[2])) for row in rows)


def read_history(path: Path) -> list[HistorySlot]:
    """Imported slots in a CSV of utc,load_wh,pv_wh. Raises `LocalError` with file and line."""
    return [HistorySlot(*row) for row in _rows(path, ("utc", "load_wh", "pv_wh"))]


def _rows(path: Path, columns: tuple[str, str, str]) -> list[tuple[int, int, int]]:
    """Rows of (epoch seconds, integer, integer)."""
    try:
        with path.open(newline="", encoding="utf-8") as file:
            reader = csv.DictReader(file)
            if reader.fieldnames is None or list(reader.fieldnames) != list(columns):
                raise LocalError(f"{path}: line 1: the columns are {','.join(columns)}")
            return [_row(path, number, row, columns) for number, row in enumerate(reader, start=2)]
    except OSError as error:
        raise LocalError(f"{path}: {error.strerror}") from error


def _row(path: Path, number: int, row: dict[str, str], columns: tuple[str, str, str]) -> tuple[int, int, int]:
    try:
        return _instant_s(row[columns[0]]), int(row[columns[1]]), int(row[columns[2]])
    except (TypeError, ValueError) as error:
        raise LocalError(f"{path}: line {number}: {error}") from error


def _instant_s(text: str) -> int:
    instant = datetime.fromisoformat(text)
    if instant.tzinfo is None:
        raise ValueError("the time names no zone; write it as 2016-08-09T15:00:00Z")
    return int(instant.timestamp())


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise LocalError(f"{path}: {error.strerror}") from error
