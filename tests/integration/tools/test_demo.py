"""`volthood demo` as a person runs it: to its end, looked into meanwhile, and ended in every way there is."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

VOLTHOOD = (sys.executable, "-c", "from volthood.cli import main; main()")
SHORT = ("--slots", "3", "--speed", "240")
FIELDS = ["transaction_id", "seller", "buyer", "energy_amount_kwh", "price_per_kwh", "timestamp", "status"]
LAWS = {"no_regret", "money_sums_to_zero", "no_wh_allocated_twice", "all_records_verified"}
LIMIT_S = 120


def volthood(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*VOLTHOOD, *arguments], check=False, capture_output=True, text=True, timeout=60)


def processes_of(folder: Path) -> list[str]:
    """The command lines of all processes that name the folder."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes().decode(errors="replace").split("\0")
        except OSError:
            continue
        if int(path.parent.name) != os.getpid() and any(str(folder) in word for word in words):
            found.append(" ".join(words))
    return found


def wait_until_trading(folder: Path, run: "subprocess.Popen[str]") -> None:
    """Wait until the calendar has begun and every child runs."""
    deadline_s = time.monotonic() + LIMIT_S
    while not (folder / "clock.json").exists():
        assert run.poll() is None, run.communicate()[1]
        assert time.monotonic() < deadline_s
        time.sleep(0.1)


def start(folder: Path, *options: str) -> "subprocess.Popen[str]":
    command = [*VOLTHOOD, "demo", *SHORT, "--keep", str(folder), "--json", *options]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, object]]:
    """A run of two homes, looked into while it ran; its folder and its JSON object."""
    folder = tmp_path_factory.mktemp("demo") / "hood"
    run = start(folder, "--homes", "2")
    wait_until_trading(folder, run)
    status = volthood("status", "--dir", str(folder), "--json")
    assert [home["trading"] for home in json.loads(status.stdout)] == [True, True], status.stderr
    stopped = volthood("stop", "--dir", str(folder), "--home", "house02", "--json")
    assert json.loads(stopped.stdout) == [{"home": "house02", "trading": False}]
    resumed = volthood("resume", "--dir", str(folder))
    assert resumed.returncode == 0, resumed.stderr
    printed, told = run.communicate(timeout=LIMIT_S)
    assert run.returncode == 0, told
    return folder, json.loads(printed.splitlines()[-1])


def test_status_tells_what_each_neighbour_has_kept(finished: tuple[Path, dict[str, object]]) -> None:
    folder, _ = finished
    homes = json.loads(volthood("status", "--dir", str(folder), "--json").stdout)
    others = {"house01": "house02", "house02": "house01"}
    for home in homes:
        assert home["standings_permille"].keys() <= {others[home["home"]]}
        assert all(0 <= standing <= 1000 for standing in home["standings_permille"].values())


def test_a_run_keeps_the_laws(finished: tuple[Path, dict[str, object]]) -> None:
    _, result = finished
    laws = result["laws"]
    assert isinstance(laws, dict)
    assert laws.keys() >= LAWS
    assert all(laws.values())
    assert isinstance(result["households"], list)
    assert len(result["households"]) == 2


def test_its_transactions_are_in_the_file(finished: tuple[Path, dict[str, object]]) -> None:
    folder, result = finished
    rows = json.loads((folder / "transactions.json").read_text())
    assert all(list(row) == FIELDS for row in rows)
    delivered = [row for row in rows if row["status"] in {"completed", "partial"}]
    assert len(delivered) == result["transactions"]
    assert delivered
    assert sum(round(row["energy_amount_kwh"] * 1000) for row in delivered) == result["energy_wh"]


def test_two_homes_trade_over_a_substation_and_pay_its_lines(finished: tuple[Path, dict[str, object]]) -> None:
    folder, result = finished
    shown = json.loads(volthood("hood", "show", "--dir", str(folder), "--json").stdout)
    assert [(node["name"], node["houses"]) for node in shown["grid"]] == [
        ("substation", []),
        ("north", ["house01"]),
        ("south", ["house02"]),
    ]
    assert shown["signed"] == "yes"
    rows = json.loads((folder / "transactions.json").read_text())
    assert {row["price_per_kwh"] for row in rows} == {0.154}
    assert result["grid_uct"] == 800 * int(str(result["energy_wh"]))
    assert result["in_flight"] == 0


def test_it_leaves_a_report_and_no_process(finished: tuple[Path, dict[str, object]]) -> None:
    folder, _ = finished
    assert (folder / "report.html").read_text().lstrip().lower().startswith("<!doctype html>")
    assert processes_of(folder) == []


def test_why_tells_the_story_of_a_slot_afterwards(finished: tuple[Path, dict[str, object]]) -> None:
    folder, _ = finished
    told = volthood("why", "09:15", "--dir", str(folder), "--home", "house01")
    assert told.returncode == 0, told.stderr
    for words in ("house01, Fri 26 Aug 2016 09:15 to 09:30 PDT", "forecast", "ordered", "agreed", "alone"):
        assert words in told.stdout
    (story,) = json.loads(
        volthood("why", "2016-08-26T16:15Z", "--dir", str(folder), "--home", "house01", "--json").stdout
    )
    assert story["slot"] == "2016-08-26T16:15:00Z"


@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 130), (signal.SIGHUP, 130), (signal.SIGKILL, -9)]
)
def test_however_it_ends_no_process_is_left(number: signal.Signals, status: int, tmp_path: Path) -> None:
    folder = tmp_path / "hood"
    run = start(folder, "--homes", "2")
    wait_until_trading(folder, run)
    assert len(processes_of(folder)) >= 6
    run.send_signal(number)
    told = run.communicate(timeout=30)[1]
    assert run.returncode == status, told
    deadline_s = time.monotonic() + 5
    while left := processes_of(folder):
        assert time.monotonic() < deadline_s, left
        time.sleep(0.05)


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (("--speed", "300"), "--speed 300: 1 to 240 are possible. Only calendar time is faster"),
        (("--slots", "90"), "--slots 90: 1 to"),
        (("--homes", "11"), "2 to 10 are possible"),
        (("--homes", "1"), "2 to 10 are possible"),
        (("--retail", "cheap"), "is not a decimal number"),
        (("--data", "/no/such/file.csv"), "/no/such/file.csv"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_starts(
    options: tuple[str, str], reason: str, tmp_path: Path
) -> None:
    done = volthood("demo", "--keep", str(tmp_path / "hood"), *options)
    assert done.returncode == 1
    assert reason in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_not_empty_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    done = volthood("demo", "--keep", str(tmp_path))
    assert done.returncode == 1
    assert "not empty" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]
