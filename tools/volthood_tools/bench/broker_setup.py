"""What the benchmark of a real broker and its worker processes agree on: the hood, its homes, its rounds.

A round every few seconds although a slot lasts 900: gate number i lies i slots before its slot, and i intervals later, so
each round trades another slot, for which nothing has been contracted yet.
"""

import json
import random
from dataclasses import asdict, dataclass
from pathlib import Path

from volthood.adapters.clock import CalendarClock
from volthood.adapters.mqtt import TlsFiles
from volthood.core.hood import Gate, Hood, Member, ReferenceStep
from volthood.testing.household import DAY_S, FEED_IN, RETAIL, START, Home, Household
from volthood.wire.roster import Roster
from volthood.wire.topics import hood_level

SLOT_S = 900
SLOTS_A_DAY = DAY_S // SLOT_S
IMPORTS_WH = (50, 800)
EXPORTS_WH = (100, 1500)


@dataclass(frozen=True)
class Setup:
    """One run. `folder` holds everything that its processes read."""

    folder: str
    port: int
    agents: int
    workers: int
    rounds: int
    interval_s: int
    seed: int

    @property
    def path(self) -> Path:
        """The folder."""
        return Path(self.folder)

    def save(self) -> Path:
        """Writes the setup; gives its file."""
        file = self.path / "setup.json"
        file.write_text(json.dumps(asdict(self)), encoding="utf-8")
        return file

    @classmethod
    def load(cls, file: Path) -> "Setup":
        """The setup of a file."""
        return cls(**json.loads(file.read_text(encoding="utf-8")))

    @property
    def clock_file(self) -> Path:
        """Where calendar time stands once everybody is there."""
        return self.path / "clock.json"

    @property
    def names(self) -> list[str]:
        """All houses."""
        return [f"house{number:03d}" for number in range(self.agents)]

    def home(self, name: str) -> Home:
        """A home that buys all day or sells all day, another amount in every slot."""
        draw = random.Random(f"{self.seed}/{name}")
        sells = self.names.index(name) % 2 == 1
        amounts_wh = [draw.randint(*(EXPORTS_WH if sells else IMPORTS_WH)) for _ in range(SLOTS_A_DAY)]
        return Home(name, tuple(-wh if sells else wh for wh in amounts_wh))

    def write_roster(self) -> Roster:
        """Writes the roster for all processes."""
        members = []
        for name in self.names:
            house = Household(self.home(name))
            members.append(house.member())
            house.trades.close()
            house.readings.close()
        roster = Roster(1, None, START, START, tuple(members))
        (self.path / "roster.txt").write_text(roster.to_text(), encoding="utf-8")
        return roster

    def read_roster(self) -> Roster:
        """The roster that was written."""
        return Roster.from_text((self.path / "roster.txt").read_text(encoding="utf-8"))

    def hood(self, roster: Roster) -> Hood:
        """The hood's rules: default windows, mid-market, one node, as many gates as rounds."""
        return Hood(
            hood_id=roster.digest,
            currency="USD",
            gates=tuple(Gate(number, self.gate_s(number) - self.slot(number)) for number in range(self.rounds)),
            reference=(ReferenceStep(0, FEED_IN, RETAIL),),
            members=tuple(Member(row.agent, row.house, row.fuse_w, row.grid_node) for row in roster.members),
        )

    @staticmethod
    def slot(number: int) -> int:
        """The slot that a round trades."""
        return START + (number + 1) * SLOT_S

    def gate_s(self, number: int) -> int:
        """When a round begins, in calendar seconds."""
        return START + number * self.interval_s

    def clock(self, now_ms: int, lead_s: int) -> CalendarClock:
        """Ordinary time that reaches the first gate after `lead_s`."""
        return CalendarClock(now_ms, START - lead_s)

    def tls(self, name: str) -> TlsFiles:
        """The certificate of an identity, as `Authority` has put it there."""
        folder = self.path / "certificates"
        return TlsFiles(folder / "ca.pem", folder / f"{name}.pem", folder / f"{name}.key")


def level_of(roster: Roster) -> str:
    """The hood's level in topics."""
    return hood_level(roster.digest)
