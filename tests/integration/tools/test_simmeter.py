"""The simulated meter as a process: read by a foreign client, by the node on both interpreters, and started again."""

import json
import os
import shutil
import signal
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from volthood_tools.processes import tether
from volthood_tools.virtual_board import find_micropython, search_path

Simmeter = Callable[..., "subprocess.Popen[str]"]
NODE_SCRIPT = "tests/firmware/check_bus_port.py"
PAST = "utc,power_w\n2020-01-01T00:00:00Z,2000\n2020-01-01T01:30:00Z,-1000.5\n2020-01-01T03:30:00Z,0\n"
IMPORTED_WH, EXPORTED_WH = 3000, 2001
"""What a meter has counted long after the rows of `PAST`."""


@pytest.fixture
def simmeter(tmp_path: Path) -> Iterator[Simmeter]:
    """A function that starts meters and waits until they say where they are."""
    started: list[subprocess.Popen[str]] = []

    def start(*arguments: object, count: int = 1) -> "subprocess.Popen[str]":
        command = [sys.executable, "-c", "from volthood_tools.simmeter.cli import main; main()", *map(str, arguments)]
        environment = os.environ | {"PYTHONUNBUFFERED": "1"}
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=tmp_path, env=environment)
        started.append(process)
        assert process.stdout is not None
        said = [process.stdout.readline() for _ in range(count)]
        assert all(said), said
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


def mbpoll(port: Path, kind: str, reference: int, count: int = 1, unit: int = 1) -> list[str]:
    """The values that Debian's Modbus client reads, as it prints them; addresses count from 0."""
    if shutil.which("mbpoll") is None:
        pytest.skip("mbpoll is not on the PATH (apt install mbpoll)")
    command = ["mbpoll", "-m", "rtu", "-b", "9600", "-P", "none", "-a", str(unit), "-t", kind, "-B", "-0"]
    command += ["-r", str(reference), "-c", str(count), "-1", str(port)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=20)
    assert done.returncode == 0, done.stdout + done.stderr
    return [line.split(":")[1].strip() for line in done.stdout.splitlines() if line.startswith("[")]


def kwh(port: Path, reference: int, unit: int = 1) -> str:
    """An energy register, from its two words, with three decimals."""
    words = [int(value, 16) for value in mbpoll(port, "3:hex", reference, 2, unit)]
    return f"{struct.unpack('>f', struct.pack('>HH', *words))[0]:.3f}"


def two_on_one_line(folder: Path) -> Path:
    """A configuration of three meters on two lines, in a folder."""
    (folder / "past.csv").write_text(PAST)
    path = folder / "simmeter.toml"
    path.write_text(
        '[[meter]]\nname = "a"\nlink = "meters/one"\nserial = 111\nseries = "past.csv"\nimport_wh = 0\nexport_wh = 0\n'
        '[[meter]]\nname = "b"\nlink = "meters/one"\nserial = 222\nunit = 2\npower_w = "-7000"\n'
        '[[meter]]\nname = "c"\nlink = "meters/two"\nserial = 333\npower_w = "0.25"\nfrequency_hz = 60\n'
    )
    return path


def test_a_foreign_client_reads_right_values(simmeter: Simmeter, tmp_path: Path) -> None:
    simmeter("--config", two_on_one_line(tmp_path), count=3)
    one, two = tmp_path / "meters/one", tmp_path / "meters/two"
    assert [mbpoll(port, "4:int", 0xFC00, unit=unit) for port, unit in ((one, 1), (one, 2), (two, 1))] == [
        ["111"],
        ["222"],
        ["333"],
    ]
    assert (kwh(one, 0x48), kwh(one, 0x4A)) == (f"{IMPORTED_WH / 1000:.3f}", f"{EXPORTED_WH / 1000:.3f}")
    assert mbpoll(one, "3:float", 0x34, unit=2) == ["-7000"]
    assert mbpoll(one, "3:float", 0x0C, 3, unit=2) == ["-3500", "-2100", "-1400"]
    assert mbpoll(two, "3:float", 0x34) == ["0.25"]
    assert 59.9 < float(mbpoll(two, "3:float", 0x46)[0]) < 60.1
    volts, amperes, watts = (float(mbpoll(one, "3:float", at, unit=2)[0]) for at in (0x00, 0x06, 0x0C))
    factor = float(mbpoll(one, "3:float", 0x1E, unit=2)[0])
    assert volts * amperes * factor == pytest.approx(watts, rel=1e-4)


def test_a_paced_answer_comes_as_late_as_on_the_wire(simmeter: Simmeter, tmp_path: Path) -> None:
    simmeter("--link", tmp_path / "meter", "--power", 1500, "--paced", "--baud", 1200)
    port = os.open(tmp_path / "meter", os.O_RDWR | os.O_NOCTTY)
    try:
        began_s = time.monotonic()
        os.write(port, bytes.fromhex("0104003400023005"))
        answer = os.read(port, 64)
        took_ms = (time.monotonic() - began_s) * 1000
    finally:
        os.close(port)
    assert answer[:3] == b"\x01\x04\x04"
    # Request and answer are 17 characters of 10 bits, the pause between them 3.5.
    assert took_ms >= 20.5 * 10_000 / 1200


def test_it_removes_its_link_when_it_is_told_to_end(simmeter: Simmeter, tmp_path: Path) -> None:
    link = tmp_path / "meter"
    process = simmeter("--link", link, "--power", 5)
    assert link.is_symlink()
    process.send_signal(signal.SIGTERM)
    assert process.wait(10) == 0
    assert not link.is_symlink()


def test_what_is_wrong_is_said_in_words(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "from volthood_tools.simmeter.cli import main; main()"]
    for arguments, reason in (
        (["--link", "x"], "either a series or a constant power"),
        (["--power", "5"], "either a link or a port"),
        (["--power", "5", "--port", "/nowhere"], "/nowhere"),
        (["--power", "5", "--config", "x.toml"], "--power and --config exclude each other"),
        (["--config", "x.toml"], "no such file"),
        (["--link", "x", "--series", "x.csv"], "No such file"),
    ):
        done = subprocess.run([*command, *arguments], capture_output=True, text=True, cwd=tmp_path, check=False)
        assert (done.returncode, reason in done.stderr, done.stdout) == (1, True, ""), done.stderr


@pytest.fixture(params=["cpython", "micropython"])
def node(request: pytest.FixtureRequest, repo_root: Path) -> Iterator[Callable[[Path, int], "subprocess.Popen[str]"]]:
    """A function that starts the node's reader on a port, on either interpreter."""
    started: list[subprocess.Popen[str]] = []
    if request.param == "cpython":
        interpreter = [sys.executable, "-u"]
    else:
        found = find_micropython()
        if found is None:
            pytest.skip("no micropython beside this Python or on the PATH")
        interpreter = [str(found), "-X", "heapsize=110k"]
    environment = os.environ | {"MICROPYPATH": search_path(repo_root / "firmware", repo_root / "agent")}

    def start(port: Path, count: int) -> "subprocess.Popen[str]":
        command = [sys.executable, "-I", "-S", tether.__file__, str(os.getpid())]
        command += [*interpreter, str(repo_root / NODE_SCRIPT), str(port), str(count)]
        # As the supervisor starts it: leader of a session, which a terminal that ends could hang up.
        pipe = subprocess.PIPE
        started.append(subprocess.Popen(command, stdout=pipe, text=True, env=environment, start_new_session=True))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


def lines_of(process: "subprocess.Popen[str]") -> Iterator[dict[str, object]]:
    """What the node's reader prints, one object a line."""
    assert process.stdout is not None
    for line in process.stdout:
        yield json.loads(line)


def test_the_node_reads_it(simmeter: Simmeter, tmp_path: Path, node: Callable[..., "subprocess.Popen[str]"]) -> None:
    simmeter("--config", two_on_one_line(tmp_path), count=3)
    serial, first, counters = lines_of(node(tmp_path / "meters/one", 1))
    assert serial == {"serial": "111"}
    assert (first["power_w"], first["import_wh"], first["export_wh"]) == (0, IMPORTED_WH, EXPORTED_WH)
    assert first["phase_power_w"] == [0, 0, 0]
    assert (counters["requests"], counters["ok"]) == (2, 2)


def test_the_node_goes_on_when_the_meter_was_killed_and_started_again(
    simmeter: Simmeter, tmp_path: Path, node: Callable[..., "subprocess.Popen[str]"]
) -> None:
    (tmp_path / "past.csv").write_text(PAST)
    arguments = ("--link", tmp_path / "meter", "--series", tmp_path / "past.csv")
    meter = simmeter(*arguments)
    printed = lines_of(node(tmp_path / "meter", 10**6))
    next(printed)
    before = next(printed)
    meter.kill()
    meter.wait()
    lost = next(line for line in printed if "error" in line)
    simmeter(*arguments)
    after = next(line for line in printed if "error" not in line)
    assert lost == {"error": "port"}
    assert after["import_wh"] == before["import_wh"]
    assert next(printed).keys() == before.keys()


def test_registers_are_a_function_of_calendar_time(
    simmeter: Simmeter, tmp_path: Path, node: Callable[..., "subprocess.Popen[str]"]
) -> None:
    clock = tmp_path / "clock.json"
    real_start_ms = time.time_ns() // 1_000_000
    values = {"real_start_ms": real_start_ms, "calendar_start_s": 1_577_836_800, "speed": 240}
    clock.write_text(json.dumps(values))
    (tmp_path / "steep.csv").write_text("utc,power_w\n2020-01-01T00:00:00Z,1000000\n")
    arguments = ("--link", tmp_path / "meter", "--series", tmp_path / "steep.csv", "--clock", clock)
    at_start_wh = 1_000_000 + 10_000_001 * 7919 % 3_000_000
    for _ in range(2):
        meter = simmeter(*arguments)
        printed = lines_of(node(tmp_path / "meter", 1))
        next(printed)
        asked_ms = time.time_ns() // 1_000_000
        shown_wh = next(printed)["import_wh"]
        assert isinstance(shown_wh, int)
        # 1 MW at 240 calendar seconds a second is 66.7 Wh each real millisecond; asking takes some of them.
        counted_ms = (shown_wh - at_start_wh) * 3600 / 240_000
        assert asked_ms - real_start_ms - 1500 < counted_ms < time.time_ns() // 1_000_000 - real_start_ms + 1
        meter.kill()
        meter.wait()
