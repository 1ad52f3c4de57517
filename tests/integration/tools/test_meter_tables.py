"""Every verified table over a real pty and over TCP: what Debian's Modbus client reads, the node reads too."""

import shutil
import struct
import subprocess
from pathlib import Path
from typing import Any

import pytest

from volthood_tools.simmeter.settings import TABLES
from voltnode.meters import WORDS, MeterTable, Register, load
from voltnode.meters.decode import scaled
from voltnode.meters.sunspec import table_of

Processes = Any
"""Of conftest.py."""

PAST = "utc,power_w\n2020-01-01T00:00:00Z,2000\n2020-01-01T01:30:00Z,-1000.5\n2020-01-01T03:30:00Z,-1500\n"
VERIFIED = [name for name in TABLES if name.startswith("sunspec") or load(name, unverified=True).verified]


def start(processes: Processes, name: str, *where: object) -> str:
    (processes.folder / "past.csv").write_text(PAST)
    place: str = processes.meter(*where, "--table", name, "--series", "past.csv", "--serial", 4242)
    return place


def table_at(name: str) -> MeterTable:
    if name.startswith("sunspec"):
        return table_of(int(name.removeprefix("sunspec_")), 40070, None)
    return load(name)


def mbpoll(where: str, register: Register) -> bytes:
    """The words of a register, as Debian's client reads them."""
    if shutil.which("mbpoll") is None:
        pytest.skip("mbpoll is not on the PATH (apt install mbpoll)")
    kind = "4:hex" if register.function == 3 else "3:hex"
    host, _, port = where.rpartition(":")
    line = ["-m", "tcp", "-p", port, host] if host else ["-m", "rtu", "-b", "9600", "-P", "none", where]
    command = ["mbpoll", *line[:-1], "-a", "1", "-t", kind, "-0", "-1", "-r", str(register.address)]
    command += ["-c", str(WORDS[register.kind]), line[-1]]
    # Numbers of ptys are used again: somebody's node whose meter has ended may ask on ours, once, and spoil an answer.
    for _ in range(2):
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=20)
        if done.returncode == 0:
            break
    assert done.returncode == 0, done.stdout + done.stderr
    words = [int(row.split(":")[1].strip(), 16) for row in done.stdout.splitlines() if row.startswith("[")]
    return struct.pack(f">{len(words)}H", *words)


@pytest.mark.parametrize("line", ["rtu", "tcp"])
@pytest.mark.parametrize("name", VERIFIED)
def test_mbpoll_reads_it_right(processes: Processes, tmp_path: Path, name: str, line: str) -> None:
    where = start(processes, name, *(["--tcp", 0] if line == "tcp" else ["--link", tmp_path / "meter"]))
    table = table_at(name)
    registers = {register.quantity: register for register in table.registers}
    power, imported = registers["power_total"], registers["energy_import"]
    watts = scaled(mbpoll(where, power), 0, power.kind, table.little, power.numerator, power.denominator)
    energy = scaled(mbpoll(where, imported), 0, imported.kind, table.little, imported.numerator, imported.denominator)
    # The power of ten of each is 0 here: 1500 W fit into 16 bits.
    assert watts == -1_500_000
    assert abs(energy - (1_000_000 + 4242 * 7919 % 3_000_000 + 3000)) <= table.resolution_wh


@pytest.mark.parametrize("name", ["sunspec_203", "sunspec_212", "abb_b23", "carlo_gavazzi_em24", "chint_dtsu666"])
def test_the_node_reads_it_over_tcp(processes: Processes, name: str, interpreter: list[str]) -> None:
    where = start(processes, name, "--tcp", 0)
    model = "sunspec" if name.startswith("sunspec") else name
    serial, *readings, counters = processes.node(interpreter, where, 2, model)
    assert serial == {"serial": "none" if name == "chint_dtsu666" else "4242"}
    for reading in readings:
        assert (reading["power_w"], len(readings)) == (-1500, 2)
    assert counters["requests"] == counters["ok"] + counters["exceptions"]


@pytest.mark.parametrize("name", [name for name in VERIFIED if not name.startswith("sunspec")] + ["sunspec_201"])
def test_the_node_reads_it_over_a_line(processes: Processes, tmp_path: Path, name: str, interpreter: list[str]) -> None:
    where = start(processes, name, "--link", tmp_path / "meter")
    model = "sunspec" if name.startswith("sunspec") else name
    _, reading, counters = processes.node(interpreter, where, 1, model)
    assert reading["power_w"] == -1500
    assert counters["timeouts"] == counters["garbage"] == counters["crc_errors"] == 0
