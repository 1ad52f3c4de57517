"""The agent's configuration, `agent.toml`. Paths are relative to the file."""

from dataclasses import dataclass
from pathlib import Path

from volthood.config.toml import build, read_toml, setting
from volthood.errors import LocalError


@dataclass(frozen=True)
class AgentSection:
    """Who this agent is."""

    house: str = setting("name of the house in the roster, 1 to 32 of a-z, 0-9, - and _")
    key_file: Path = setting("the agent's private keys, mode 600")
    timezone: str = setting("local time, a name such as Europe/Berlin", default="UTC")


@dataclass(frozen=True)
class HoodSection:
    """Which neighbourhood it belongs to."""

    roster_file: Path = setting("signed note with the members")
    hood_file: Path = setting("the hood's rules in words (TOML)")
    hood_note: Path = setting("signed note with the hash of the hood's rules")


@dataclass(frozen=True)
class BrokerSection:
    """Where an MQTT broker is, and the certificates of a connection with mutual TLS: all three files or none."""

    host: str = setting("name or address")
    port: int = setting("TCP port, 1 to 65535")
    ca_file: Path | None = setting("CA of the broker's certificate and ours, PEM", default=None)
    cert_file: Path | None = setting("our certificate, its common name the house, PEM", default=None)
    key_file: Path | None = setting("private key of our certificate, PEM, mode 600", default=None)

    def __post_init__(self) -> None:
        files = (self.ca_file, self.cert_file, self.key_file)
        if None in files and any(files):
            raise LocalError("ca_file, cert_file and key_file stand together or not at all")


@dataclass(frozen=True)
class ClockSection:
    """Where calendar time comes from."""

    file: Path | None = setting("clock file of a demonstration; without it the machine's clock", default=None)
    assume_synchronised: bool = setting(
        "trade although the kernel does not say that the machine's clock is synchronised: for containers that may not ask",
        default=False,
    )
    serve_sntp_port: int = setting(
        "UDP port on which this agent tells its node the time, 1 to 65535; 0 where an NTP server on this machine does",
        default=0,
    )


@dataclass(frozen=True)
class NodeSection:
    """The link to the household's own meter node."""

    link_key_file: Path = setting("32 bytes in hex, given to the node at enrolment, mode 600")


@dataclass(frozen=True)
class TariffSection:
    """What the utility charges and pays."""

    file: Path = setting("CSV: utc,import_mct_per_kwh,export_mct_per_kwh, each row from its instant on")


@dataclass(frozen=True)
class HistorySection:
    """Energies from before the agent existed: for forecasts, never billed."""

    file: Path | None = setting("CSV: utc,load_wh,pv_wh per slot", default=None)


@dataclass(frozen=True)
class StoreSection:
    """How often readings become durable."""

    commit_interval_ms: int = setting("ms between commits of minute records, 0 to 60000", default=10_000)


@dataclass(frozen=True)
class TradingSection:
    """With whom the household trades."""

    min_standing_permille: int = setting(
        "sign nothing with neighbours of lower standing, 0 to 1000 permille", default=0
    )


@dataclass(frozen=True)
class AgentConfig:
    """All of `agent.toml`."""

    agent: AgentSection
    hood: HoodSection
    broker: BrokerSection
    node: NodeSection
    tariff: TariffSection
    hood_broker: BrokerSection | None = setting("the hood's broker, where it is not ours", default=None)
    clock: ClockSection = setting("calendar time", default_factory=ClockSection)
    history: HistorySection = setting("imported history", default_factory=HistorySection)
    store: StoreSection = setting("stores", default_factory=StoreSection)
    trading: TradingSection = setting("with whom it trades", default_factory=TradingSection)
    data_dir: Path = setting("where the databases are", default=Path())


def load_agent_config(path: Path) -> AgentConfig:
    """The configuration in `path`. Raises `LocalError` naming file, key, unit and range."""
    table = read_toml(path)
    table.setdefault("data_dir", ".")
    config = build(AgentConfig, table, path)
    for name, broker in (("broker", config.broker), ("hood_broker", config.hood_broker)):
        if broker is not None:
            _check_range(path, f"{name}.port", broker.port, 1, 65535, "")
    _check_range(path, "clock.serve_sntp_port", config.clock.serve_sntp_port, 0, 65535, "")
    _check_range(path, "store.commit_interval_ms", config.store.commit_interval_ms, 0, 60_000, "ms")
    _check_range(path, "trading.min_standing_permille", config.trading.min_standing_permille, 0, 1000, "permille")
    return config


def _check_range(path: Path, name: str, value: int, low: int, high: int, unit: str) -> None:
    if not low <= value <= high:
        raise LocalError(f"{path}: {name} = {value} is outside {low}..{high} {unit}".rstrip())
