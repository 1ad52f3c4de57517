"""All faults at once, over many hoods: every law holds after every slot. A sample in every run, 10,000 hood-slots if asked.

A seed that fails is repeated by the command that the failure prints.
"""

import os
import subprocess
import sys

import pytest

from volthood_tools.demo.streets import GRIDS
from volthood_tools.sim.faults import EVERYTHING
from volthood_tools.sim.homes import Homes
from volthood_tools.sim.run import Settings, simulate
from volthood_tools.sim.session import command_of

SEEDS, SLOTS = 100, 100
"""Of the long run: 10,000 hood-slots."""


def assert_sound(homes: Homes, settings: Settings) -> None:
    result = simulate(homes.datasets(settings.slots, settings.seed), settings)
    assert not result.breaches, f"{result.breaches[0]}\nrepeat with: {command_of(homes, settings)}"
    assert all(slot.pending == 0 for hood in result.hoods for slot in hood.slots)


@pytest.mark.parametrize("price_rule", ["mid-market", "auction"])
@pytest.mark.parametrize("seed", [11, 12])
def test_a_sample_of_hoods_is_sound(seed: int, price_rule: str) -> None:
    settings = Settings(slots=3, price_rule=price_rule, grid=GRIDS[seed % 2], faults=EVERYTHING, seed=seed)
    assert_sound(Homes(homes=6, mixed_tariffs=seed % 2 == 0), settings)


def test_the_packaged_homes_are_sound() -> None:
    assert_sound(Homes("packaged", homes=6), Settings(slots=2, faults=EVERYTHING, seed=13))


def test_every_message_repeats_whatever_the_hash_seed_of_the_interpreter() -> None:
    words = "--homes 5 --slots 2 --seed 3 --all-faults --json"
    script = f"import sys; sys.argv += {words.split()}; from volthood_tools.sim.cli import main; main()"
    digests = set()
    for hash_seed in ("1", "2"):
        environment = os.environ | {"PYTHONHASHSEED": hash_seed}
        done = subprocess.run(
            [sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True
        )
        digests.add(done.stdout.partition('"digest": "')[2][:64])
    assert len(digests) == 1


@pytest.mark.long
@pytest.mark.parametrize("seed", range(1000, 1000 + SEEDS))
def test_ten_thousand_hood_slots_are_sound(seed: int) -> None:
    rule = "auction" if seed % 3 == 0 else "mid-market"
    settings = Settings(SLOTS, rule, GRIDS[seed // 2 % 2], 1 + seed % 2, EVERYTHING, seed)
    assert_sound(Homes(homes=3 + seed % 4, mixed_tariffs=seed % 5 == 0), settings)
