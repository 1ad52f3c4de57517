"""An installer with an unknown bus: real processes, the node on both interpreters, meters on a pty and over TCP."""

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from volthood.errors import DeviceError
from volthood_tools.console.node import NodeConsole
from volthood_tools.console.port import Port
from volthood_tools.virtual_board import VirtualBoard, find_micropython

SIMMETER = (sys.executable, "-c", "from volthood_tools.simmeter.cli import main; main()")
METERS = """
[[meter]]
name = "connection"
link = "meter"
power_w = "1500"
table = "eastron_sdm120"
unit = 4
serial = 4711
baud = 19200
[[meter]]
name = "heat pump"
link = "meter"
power_w = "700"
table = "carlo_gavazzi_em24"
unit = 9
serial = 4712
[[meter]]
name = "solar"
tcp = 0
power_w = "-300"
table = "sunspec_203"
serial = 4713
"""
FIRST_READING_S = 2.0
PATIENCE_S = 20


class Scene:
    """The meters, the board, its console."""

    def __init__(self, folder: Path, micropython: Path | None) -> None:
        (folder / "meters.toml").write_text(METERS)
        command = [*SIMMETER, "--config", str(folder / "meters.toml"), "--exact", "--paced"]
        self.meters = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self.meters.stdout is not None
        said = [self.meters.stdout.readline() for _ in range(3)]
        self.tcp = said[2].split(", ")[0].removeprefix("solar: ")
        self.board = VirtualBoard(
            flash=folder / "flash",
            uart=folder / "meter",
            console=folder / "console",
            micropython=micropython,
            sample_ms=250,
        )
        self.process = self.board.start()
        self.port = Port.open(self.board.console)
        self.console = NodeConsole(self.port, "node")
        self.console.wait_ready()

    def close(self) -> None:
        self.port.close()
        for process in (self.process, self.meters):
            process.kill()
            process.wait(10)
        if self.meters.stdout is not None:
            self.meters.stdout.close()
        self.board.close()

    def ask(self, command: str) -> Any:
        return self.console.ask(command, PATIENCE_S)

    def reading(self, index: int) -> Any:
        """A reading of a meter, as soon as there is one."""
        deadline_s = time.monotonic() + PATIENCE_S
        while True:
            try:
                return self.ask(f"meter read {index}")
            except DeviceError:
                assert time.monotonic() < deadline_s
                time.sleep(0.05)


@pytest.fixture(params=["micropython", "cpython"])
def scene(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Scene]:
    micropython = find_micropython() if request.param == "micropython" else None
    if request.param == "micropython" and micropython is None:
        pytest.skip("no micropython")
    made = Scene(tmp_path, micropython)
    try:
        yield made
    finally:
        made.close()


def test_an_installer_finds_the_meters_and_has_them_read(scene: Scene) -> None:
    with pytest.raises(DeviceError, match="no_reading"):
        scene.ask("meter read")
    found = scene.ask("meter probe 4-9 19200")["found"]
    assert [(row["unit"], row["model"], row["serial"], row["baud"]) for row in found] == [
        (4, "eastron_sdm120", "4711", 19_200),
        (9, "carlo_gavazzi_em24", "4712", 19_200),
    ]
    assert scene.ask(f"meter probe {scene.tcp}")["found"][0]["model"] == "sunspec"
    words = f"meter.0=eastron_sdm120,4 meter.1=carlo_gavazzi_em24,9 meter.2=sunspec,1,{scene.tcp}"
    assert scene.ask("config set baud=19200 " + words)["changed"] == ["baud", "meters"]
    read = [scene.reading(index) for index in range(3)]
    assert [(row["serial"], row["power_w"]) for row in read] == [("4711", 1500), ("4712", 700), ("4713", -300)]
    rows = scene.ask("bus stats")["meters"]
    assert [row["crc_errors"] for row in rows] == [0, 0, 0]
    assert all(row["ok"] for row in rows)


def test_the_console_answers_while_a_probe_could_be_stopped(scene: Scene) -> None:
    scene.port.write(b"\x03meter probe 1-247\r")
    time.sleep(1.0)
    began_s = time.monotonic()
    assert scene.ask("id")["board"] == "virtual board"
    assert time.monotonic() - began_s < 2.0


def test_the_first_reading_comes_soon_after_the_start(tmp_path: Path) -> None:
    micropython = find_micropython()
    if micropython is None:
        pytest.skip("no micropython")
    meter = subprocess.Popen(
        [*SIMMETER, "--link", str(tmp_path / "meter"), "--power", "100"], stdout=subprocess.PIPE, text=True
    )
    assert meter.stdout is not None
    meter.stdout.readline()
    board = VirtualBoard(
        flash=tmp_path / "flash", uart=tmp_path / "meter", console=tmp_path / "console", micropython=micropython
    )
    began_s = time.monotonic()
    process = board.start()
    try:
        with Port.open(board.console) as port:
            console = NodeConsole(port, "node")
            console.wait_ready()
            while True:
                try:
                    console.ask("meter read")
                    break
                except DeviceError:
                    assert time.monotonic() - began_s < PATIENCE_S
        took_s = time.monotonic() - began_s
        print(f"first reading after {took_s:.2f} s")
        assert took_s <= FIRST_READING_S
    finally:
        for running in (process, meter):
            running.kill()
            running.wait(10)
        meter.stdout.close()
        board.close()
