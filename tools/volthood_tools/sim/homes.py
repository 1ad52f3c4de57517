"""Which homes a simulation runs: drawn from the seed, those of the package, or those of a household's own file."""

from dataclasses import dataclass, replace
from pathlib import Path

from volthood.errors import LocalError
from volthood_tools.demo.dataset import Dataset, load_file, load_packaged, with_homes
from volthood_tools.sim.generate import generate

GENERATED, PACKAGED = "generated", "packaged"


@dataclass(frozen=True)
class Homes:
    """Where the homes come from. `source` is `generated`, `packaged` or the path of a file that the demo takes."""

    source: str = GENERATED
    homes: int = 10
    hoods: int = 1
    mixed_tariffs: bool = False

    def datasets(self, slots: int, seed: int) -> list[Dataset]:
        """One dataset for each hood, with at least `slots` slots to run. Raises `LocalError` where they are not there."""
        if self.source == GENERATED:
            return [
                generate(self.homes, slots, seed, hood=hood, mixed_tariffs=self.mixed_tariffs)
                for hood in range(self.hoods)
            ]
        if self.mixed_tariffs:
            raise LocalError("--mixed-tariffs is for generated homes; a file brings its own prices")
        data = load_packaged() if self.source == PACKAGED else load_file(Path(self.source))
        if slots > len(data.slots):
            raise LocalError(f"--slots {slots}: the data has {len(data.slots)} slots from its start on")
        return [with_homes(data, min(self.homes, len(data.homes)))] * self.hoods

    def of_size(self, homes: int) -> "Homes":
        """The same source with another number of homes and one hood."""
        return replace(self, homes=homes, hoods=1)
