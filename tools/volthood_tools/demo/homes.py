"""The folder of each home: keys, configuration, tariff, imported history."""

from dataclasses import dataclass
from pathlib import Path

from volthood.adapters.crypto import AgentKeys, LinkKey
from volthood.cli.text import utc
from volthood_tools.broker.choice import LOOPBACK
from volthood_tools.demo.dataset import Dataset, Home
from volthood_tools.demo.hoodfile import steps

USUAL_FUSE_W = 17_250
"""Three phases of 25 A at 230 V."""

_AGENT_TOML = """\
[agent]
house = "{house}"
key_file = "agent.key"
timezone = "{timezone}"

[hood]
roster_file = "../../roster.note"
hood_file = "../../hood.toml"
hood_note = "../../hood.note"

[broker]
host = "{host}"
port = {port}

[clock]
file = "../../clock.json"

[node]
link_key_file = "link.key"

[tariff]
file = "tariff.csv"

[history]
file = "history.csv"

[store]
commit_interval_ms = 1000
"""


@dataclass(frozen=True)
class HomeFolder:
    """A home's files, and the keys that its agent was given."""

    house: str
    path: Path
    keys: AgentKeys
    link: LinkKey
    fuse_w: int

    @property
    def agent_toml(self) -> Path:
        """The configuration of its agent."""
        return self.path / "agent.toml"

    @property
    def node_folder(self) -> Path:
        """The flash of its virtual board."""
        return self.path / "node"


def make_home(folder: Path, home: Home, data: Dataset, port: int) -> HomeFolder:
    """A home's folder under `folder/homes`, with new keys.

    Raises:
        LocalError: a key is there already.
    """
    path = folder / "homes" / home.name
    path.mkdir(parents=True)
    toml = _AGENT_TOML.format(house=home.name, timezone=data.timezone, host=LOOPBACK, port=port)
    (path / "agent.toml").write_text(toml, encoding="utf-8")
    (path / "tariff.csv").write_text(tariff_csv(home, data), encoding="utf-8")
    (path / "history.csv").write_text(history_csv(home, data), encoding="utf-8")
    keys, link = AgentKeys.create(path / "agent.key"), LinkKey.create(path / "link.key")
    return HomeFolder(home.name, path, keys, link, fuse_of(data.power_series(home.name)))


def tariff_csv(home: Home, data: Dataset) -> str:
    """The home's tariff as the agent reads it: a row where it changes, the first from 1970 on."""
    slots = (*data.history_slots, *data.slots)
    prices = zip(home.retail_mct_per_kwh, home.feed_in_mct_per_kwh, strict=True)
    rows = [f"{utc(start)},{retail},{feed_in}" for start, (retail, feed_in) in steps(zip(slots, prices, strict=True))]
    return "\n".join(["utc,import_mct_per_kwh,export_mct_per_kwh", *rows, ""])


def history_csv(home: Home, data: Dataset) -> str:
    """The slots before the start: imported history, for forecasts alone."""
    rows = [f"{utc(slot)},{load_wh},{pv_wh}" for slot, load_wh, pv_wh in data.history(home.name)]
    return "\n".join(["utc,load_wh,pv_wh", *rows, ""])


def fuse_of(power_w: tuple[int, ...]) -> int:
    """The usual fuse, or one that carries half as much again as the home's greatest power, in W."""
    return max(USUAL_FUSE_W, 3 * max(map(abs, power_w)) // 2)
