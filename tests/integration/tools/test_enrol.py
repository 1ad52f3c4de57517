"""Enrolment as an installer does it: a virtual board, a simulated meter, the command itself."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from volthood_tools.console.node import NodeConsole
from volthood_tools.console.port import Port
from volthood_tools.processes.supervisor import Child, Supervisor
from volthood_tools.virtual_board import VirtualBoard, find_micropython

ENROL = (sys.executable, "-c", "from volthood_tools.enrol.cli import main; main()")
METER = (sys.executable, "-c", "from volthood_tools.simmeter.cli import main; main()")
WHO = ("--house", "house01", "--broker", "127.0.0.1:18830", "--pin", "2468")
SETTINGS = (*WHO, "--plain")


@pytest.fixture
def console(tmp_path: Path) -> Iterator[Path]:
    """Where the console of a new board is, a meter on its bus."""
    meter, board_link = tmp_path / "meter", tmp_path / "console"
    board = VirtualBoard(
        flash=tmp_path / "flash", uart=meter, console=board_link, micropython=find_micropython(), sample_ms=250
    )
    with board, Supervisor(tmp_path) as supervisor:
        supervisor.start(Child("meter", (*METER, "--link", str(meter), "--power", "-1500", "--serial", "4711")))
        while not meter.exists():
            time.sleep(0.02)
        supervisor.start(Child("node", board.command, board.environment, board.terminal))
        yield board_link


def enrol(console: Path, *arguments: str, typed: str = "") -> subprocess.CompletedProcess[str]:
    command = [*ENROL, str(console), "--link-key-file", str(console.parent / "link.key"), *arguments]
    return subprocess.run(command, check=False, input=typed, capture_output=True, text=True, timeout=60)


def test_a_board_is_enrolled_once_and_again_only_with_its_pin(console: Path) -> None:
    first = enrol(console, *SETTINGS, "--json")
    assert first.returncode == 0, first.stderr
    about = json.loads(first.stdout)
    assert about["meter"] | {"import_wh": 0, "export_wh": 0} == {
        "serial": "4711",
        "power_w": -1500,
        "import_wh": 0,
        "export_wh": 0,
    }
    assert (console.parent / "link.key").stat().st_mode & 0o777 == 0o600
    second = enrol(console, *SETTINGS, "--json")
    assert second.returncode == 1
    assert "enrolled for house01; --again" in second.stderr
    wrong = enrol(console, *WHO[:-1], "9999", "--plain", "--again", "--json")
    assert wrong.returncode == 1
    assert "pin_wrong" in wrong.stderr
    again = enrol(console, *SETTINGS, "--again", "--json")
    assert json.loads(again.stdout)["fingerprint"] == about["fingerprint"]


def test_the_household_s_ca_certifies_the_board(console: Path) -> None:
    folder = console.parent / "ca"
    done = enrol(console, *WHO, "--ca", str(folder), "--json")
    assert done.returncode == 0, done.stderr
    about = json.loads(done.stdout)
    assert about["tls"] is True
    assert sorted(path.name for path in folder.iterdir()) == [
        "broker",
        "broker.acl",
        "broker.conf",
        "broker.key",
        "broker.pem",
        "ca.key",
        "ca.pem",
        "house01.key",
        "house01.pem",
    ]
    with Port.open(console) as port:
        own = NodeConsole(port, "node").ask("cert")["own"]
    assert isinstance(own, dict)
    assert own["subject"] == about["node"]


def test_a_person_compares_the_fingerprint_and_sees_the_meter(console: Path) -> None:
    declined = enrol(console, *SETTINGS, typed="n\n")
    assert declined.returncode == 1
    accepted = enrol(console, *SETTINGS, typed="y\n")
    assert accepted.returncode == 0, accepted.stderr
    assert "Fingerprint  " in accepted.stdout
    assert "serial 4711: -1500 W" in accepted.stdout
    assert "Enrolled for house01." in accepted.stdout


def test_a_port_without_a_board_is_told(tmp_path: Path) -> None:
    done = enrol(tmp_path / "ttyUSB9", *SETTINGS, "--json")
    assert done.returncode == 1
    assert "no such port" in done.stderr


def test_what_is_missing_is_named(console: Path) -> None:
    done = enrol(console, "--house", "house01", "--json", "--without-meter")
    assert done.returncode == 1
    assert "--broker is missing" in done.stderr


@pytest.fixture
def unknown(tmp_path: Path) -> Iterator[Path]:
    """The console of a new board on whose bus a meter is that it does not expect."""
    meter, board_link = tmp_path / "meter", tmp_path / "console"
    board = VirtualBoard(
        flash=tmp_path / "flash", uart=meter, console=board_link, micropython=find_micropython(), sample_ms=250
    )
    options = ("--power", "800", "--serial", "815", "--table", "eastron_sdm120", "--unit", "3", "--baud", "2400")
    with board, Supervisor(tmp_path) as supervisor:
        supervisor.start(Child("meter", (*METER, "--link", str(meter), *options, "--exact", "--paced")))
        while not meter.exists():
            time.sleep(0.02)
        supervisor.start(Child("node", board.command, board.environment, board.terminal))
        yield board_link


def test_a_meter_that_does_not_answer_is_found_with_enter_alone(unknown: Path) -> None:
    done = enrol(unknown, *SETTINGS, typed="\n\n")
    assert done.returncode == 0, done.stderr + done.stdout
    assert "looking at 9600 Bd\nlooking at 2400 Bd\n" in done.stdout
    assert "Found: address 3, 2400 N1: eastron_sdm120, serial 815" in done.stdout
    assert "serial 815: 800 W" in done.stdout


def test_a_meter_is_set_without_looking(unknown: Path) -> None:
    done = enrol(unknown, *SETTINGS, "--meter", "eastron_sdm120,3", "--bus", "2400 N1", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["meter"]["serial"] == "815"
    again = enrol(unknown, *SETTINGS, "--again", "--meter", "eastron_sdm9", "--json")
    assert again.returncode == 1
    assert "meter_unknown" in again.stderr
