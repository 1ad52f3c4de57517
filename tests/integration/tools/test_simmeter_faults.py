"""The node beside a meter and a line that misbehave by plan: every fault is survived and counted by its name."""

from pathlib import Path
from typing import Any

import pytest

Processes = Any
"""Of conftest.py."""

CASES = (
    ("silence", "", "timeouts"),
    ("crc", "", "crc_errors"),
    ("address", "", "foreign"),
    ("exception", "code = 6", "exceptions"),
    ("truncated", "count = 7", "short"),
    ("baud", "", "garbage"),
    ("noise", "count = 9", "skipped"),
    ("echo", "", "echoes"),
    ("doubled", "delay_ms = 0", "late"),
    ("twin", "delay_ms = 0", ""),
    ("delay", "delay_ms = 460", "timeouts"),
    ("unplugged", "count = 9", "short"),
    ("restart", "wh = 2", "timeouts"),
)
"""Kind, its keys, and the counter that tells it; a collision may look like anything."""


def readings(processes: Processes, folder: Path, plan: str, count: int, interpreter: list[str], *where: object) -> Any:
    """What the node printed beside a meter with a plan."""
    (folder / "faults.toml").write_text(plan)
    place = processes.meter(*where, "--power", 1500, "--faults", folder / "faults.toml")
    return processes.node(interpreter, place, count, "eastron_sdm630")


@pytest.mark.parametrize("interpreter", ["micropython"], indirect=True)
@pytest.mark.parametrize(("kind", "keys", "counted"), CASES, ids=[case[0] for case in CASES])
def test_a_fault_is_survived_and_named(
    processes: Processes, tmp_path: Path, kind: str, keys: str, counted: str, interpreter: list[str]
) -> None:
    plan = f'[[fault]]\nkind = "{kind}"\nfirst = 3\nlast = 3\n{keys}\n'
    _, *printed, counters = readings(processes, tmp_path, plan, 4, interpreter, "--link", tmp_path / "meter")
    good = [line for line in printed if "error" not in line]
    assert len(good) == 4
    assert all(line["power_w"] == 1500 for line in good)
    told = {name: count for name, count in counters.items() if count and name not in {"requests", "ok"}}
    assert told, "nothing was counted"
    if counted:
        assert told.get(counted, 0) >= 1, told
    # What the meter lost when it started again is doubted twice; any other fault costs one reading at most.
    assert sum(1 for line in printed if "error" in line) <= (3 if kind == "restart" else 1)


def test_registers_that_jump_are_an_error_and_those_that_roll_over_a_new_level(
    processes: Processes, tmp_path: Path, interpreter: list[str]
) -> None:
    plan = '[[fault]]\nkind = "jump"\nwh = 5000000\nfirst = 4\nlast = 5\n'
    plan += '[[fault]]\nkind = "rollover"\nwh = 1000000\nfirst = 8\n'
    _, *printed, _ = readings(processes, tmp_path, plan, 8, interpreter, "--link", tmp_path / "meter")
    told = ["jump" if line.get("error") == "jump" else "good" for line in printed]
    assert told == ["good"] * 2 + ["jump"] * 2 + ["good"] * 2 + ["jump"] * 2 + ["good"] * 4
    before, after = printed[0]["import_wh"], printed[-1]["import_wh"]
    assert (after - before) % 1_000_000 <= 2
    assert after < 1_000_000 < before


def test_faults_over_tcp(processes: Processes, tmp_path: Path, interpreter: list[str]) -> None:
    plan = '[[fault]]\nkind = "silence"\nfirst = 2\nlast = 2\n[[fault]]\nkind = "delay"\ndelay_ms = 450\nfirst = 4\nlast = 4\n'
    _, *printed, counters = readings(processes, tmp_path, plan, 3, interpreter, "--tcp", 0)
    assert [line.get("error") for line in printed] == ["timeout", None, "timeout", None, None]
    assert (counters["timeouts"], counters["late"]) == (2, 1)
