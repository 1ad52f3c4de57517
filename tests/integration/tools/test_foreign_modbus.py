"""Foreign hands: pysunspec2's client reads the simulated SunSpec meters, the node reads a server made with libmodbus."""

import math
import os
import select
import shutil
import subprocess
import threading
import tty
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

Processes = Any
"""Of conftest.py."""

PAST = "utc,power_w\n2020-01-01T00:00:00Z,2000\n2020-01-01T01:30:00Z,-1000.5\n2020-01-01T03:30:00Z,-1500\n"
IMPORT_WH = 1_000_000 + 4242 * 7919 % 3_000_000 + 3000


@pytest.fixture
def sunspec_client() -> Any:
    """pysunspec2's Modbus client."""
    return pytest.importorskip("sunspec2.modbus.client", reason="pysunspec2 is not installed")


def start(processes: Processes, model: int, *where: object) -> str:
    (processes.folder / "past.csv").write_text(PAST)
    arguments = ("--table", f"sunspec_{model}", "--series", "past.csv", "--serial", 4242)
    place: str = processes.meter(*where, *arguments)
    return place


def what_it_reads(device: Any, model: int) -> None:
    """Scans the device and compares what it finds."""
    device.scan()
    assert [found for found in device.models if isinstance(found, int)] == [1, model]
    assert device.models[1][0].SN.cvalue == "4242"
    meter = device.models[model][0]
    assert meter.W.cvalue == pytest.approx(-1500, abs=0.5)
    assert meter.TotWhImp.cvalue == pytest.approx(IMPORT_WH, rel=1e-7)
    assert 49.9 < meter.Hz.cvalue < 50.1
    assert meter.PF.cvalue < 0
    phases = {1: ("A",), 2: ("A", "B"), 3: ("A", "B", "C"), 4: ("A", "B", "C")}[model % 10]
    for phase in "ABC":
        volts, amperes = getattr(meter, f"PhVph{phase}").cvalue, getattr(meter, f"Aph{phase}").cvalue
        watts = getattr(meter, f"Wph{phase}").cvalue
        if phase in phases:
            assert 200 < volts < 260
            assert volts * amperes >= abs(watts) * 0.98
        else:
            assert watts is None or math.isnan(watts)


@pytest.mark.parametrize("model", [201, 202, 203, 204, 211, 212, 213, 214])
def test_pysunspec2_reads_every_model_over_tcp(processes: Processes, sunspec_client: Any, model: int) -> None:
    host, _, port = start(processes, model, "--tcp", 0).rpartition(":")
    device = sunspec_client.SunSpecModbusClientDeviceTCP(slave_id=1, ipaddr=host, ipport=int(port))
    try:
        what_it_reads(device, model)
    finally:
        device.close()


@pytest.mark.parametrize("model", [203, 211])
def test_pysunspec2_reads_it_over_a_line(processes: Processes, sunspec_client: Any, tmp_path: Path, model: int) -> None:
    where = start(processes, model, "--link", tmp_path / "meter")
    device = sunspec_client.SunSpecModbusClientDeviceRTU(slave_id=1, name=where)
    try:
        what_it_reads(device, model)
    finally:
        device.close()


@pytest.fixture
def libmodbus_server(tmp_path: Path) -> Iterator[Any]:
    """A function that starts our small server made with libmodbus; gives where it is."""
    if shutil.which("gcc") is None:
        pytest.skip("gcc is not on the PATH")
    program = tmp_path / "server"
    source = Path(__file__).with_name("libmodbus_server.c")
    command = ["gcc", "-Wall", "-Werror", "-o", str(program), str(source), "-lmodbus"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if "modbus/modbus.h" in done.stderr or "-lmodbus" in done.stderr:
        pytest.skip("libmodbus is not installed (apt install libmodbus-dev)")
    assert done.returncode == 0, done.stderr
    started: list[subprocess.Popen[str]] = []

    def start(*arguments: str) -> str:
        process = subprocess.Popen([str(program), *arguments], stdout=subprocess.PIPE, text=True)
        started.append(process)
        assert process.stdout is not None
        return process.stdout.readline().strip()

    yield start
    for process in started:
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


def right(printed: list[dict[str, object]]) -> None:
    """What the server shows: an SDM630's registers, served by libmodbus."""
    serial, first, second, counters = printed
    assert serial == {"serial": "305419896"}
    for reading in (first, second):
        assert (reading["power_w"], reading["import_wh"], reading["export_wh"]) == (-2468, 12_345_678, 987_654)
        assert reading["phase_power_w"] == [-1000, -1400, -68]
        assert reading["voltage_mv"] == [230_500, 231_250, 229_750]
        assert reading["frequency_mhz"] == 50_020
    assert counters["requests"] == counters["ok"] == 3


def test_the_node_reads_a_libmodbus_server_over_tcp(
    processes: Processes, libmodbus_server: Any, interpreter: list[str]
) -> None:
    where = libmodbus_server("tcp")
    right(processes.node(interpreter, where, 2, "eastron_sdm630"))


class Cable:
    """Two ptys whose far sides are joined: what one program writes, the other reads."""

    def __init__(self) -> None:
        self._far, near = zip(*(os.openpty() for _ in range(2)), strict=True)
        self._near = near
        for end in near:
            tty.setraw(end)
        self.paths = tuple(os.ttyname(end) for end in near)
        self._stop, self._stopping = os.pipe()
        self._thread = threading.Thread(target=self._carry)
        self._thread.start()

    def cut(self) -> None:
        os.write(self._stopping, b".")
        self._thread.join()
        for end in (*self._far, *self._near, self._stop, self._stopping):
            os.close(end)

    def _carry(self) -> None:
        other = {self._far[0]: self._far[1], self._far[1]: self._far[0]}
        while self._stop not in (ready := select.select([*self._far, self._stop], [], [])[0]):
            for end in ready:
                os.write(other[end], os.read(end, 4096))


@pytest.fixture
def cable() -> Iterator[Cable]:
    """A cable between two ends."""
    found = Cable()
    yield found
    found.cut()


def test_the_node_reads_a_libmodbus_server_over_a_line(
    processes: Processes, libmodbus_server: Any, cable: Cable, interpreter: list[str]
) -> None:
    assert libmodbus_server("rtu", cable.paths[0]) == cable.paths[0]
    right(processes.node(interpreter, cable.paths[1], 2, "eastron_sdm630"))
