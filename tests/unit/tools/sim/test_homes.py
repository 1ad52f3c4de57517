"""Where the homes of a simulation come from."""

from pathlib import Path

import pytest

from volthood.errors import LocalError
from volthood_tools.demo.dataset import SLOT_S
from volthood_tools.sim.generate import generate
from volthood_tools.sim.homes import Homes


def test_generated_homes_repeat_and_differ() -> None:
    assert generate(4, 8, 1) == generate(4, 8, 1)
    assert generate(4, 8, 1) != generate(4, 8, 2)
    first, second = Homes(homes=4, hoods=2).datasets(8, 1)
    assert first != second


def test_a_generated_hood_has_both_sides_and_history() -> None:
    data = generate(10, 8, 1)
    assert len(data.slots) == 8
    assert len(data.history_slots) >= 5 * 96
    assert sum(home.has_pv for home in data.homes) == 5
    at = data.index(data.start)
    net = [home.load_wh[at] - home.pv_wh[at] for home in data.homes]
    assert min(net) < 0 < max(net)


def test_mixed_tariffs_differ_and_each_leaves_something_to_gain() -> None:
    homes = generate(10, 2, 1, mixed_tariffs=True).homes
    assert len({home.retail_mct_per_kwh[0] for home in homes}) > 5
    assert all(home.retail_mct_per_kwh[0] > home.feed_in_mct_per_kwh[0] for home in homes)


def test_the_packaged_homes_and_a_file(tmp_path: Path) -> None:
    (packaged,) = Homes("packaged", homes=4).datasets(8, 1)
    assert len(packaged.homes) == 4
    path = tmp_path / "homes.csv"
    rows = [
        f"2024-06-01T{slot // 4:02d}:{slot % 4 * 15:02d}:00Z,{home},100,{home[-1]}00"
        for slot in range(8)
        for home in ("h1", "h2")
    ]
    path.write_text("\n".join(["utc,home,load_wh,pv_wh", *rows, ""]))
    (own,) = Homes(str(path)).datasets(8, 1)
    assert [home.name for home in own.homes] == ["h1", "h2"]
    assert own.start % SLOT_S == 0
    with pytest.raises(LocalError, match="--slots 9"):
        Homes(str(path)).datasets(9, 1)


def test_a_file_brings_its_own_prices() -> None:
    with pytest.raises(LocalError, match="mixed-tariffs"):
        Homes("packaged", mixed_tariffs=True).datasets(1, 1)
