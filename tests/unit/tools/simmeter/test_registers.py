"""Registers as a client sees them, through pymodbus's frames: values, and each way to be refused."""

import struct
from fractions import Fraction
from pathlib import Path

import pytest

from volthood_tools.simmeter.answering import Answering
from volthood_tools.simmeter.clock import MeterClock
from volthood_tools.simmeter.meters import SimulatedMeter
from volthood_tools.simmeter.registers import RegisterMap
from volthood_tools.simmeter.series import PowerSeries
from volthood_tools.simmeter.settings import MeterSettings
from voltnode.meters import OPTIONAL, Register, load

SETTINGS = MeterSettings(
    name="house01", link=Path("unused"), serial=305_419_896, import_wh=2_000_000, export_wh=1_000_001
)


def sealed(text: str) -> bytes:
    """A frame of these bytes in hex, its checksum bit by bit."""
    body, register = bytes.fromhex(text), 0xFFFF
    for byte in body:
        register ^= byte
        for _ in range(8):
            register = register >> 1 ^ (0xA001 if register & 1 else 0)
    return body + register.to_bytes(2, "little")


class LongAgo(MeterClock):
    """A clock that stands an hour after the series began."""

    def now_ms(self) -> int:
        return 3_600_000


def said(answering: Answering, data: bytes) -> bytes:
    """What comes back at once."""
    return b"".join(answer for after_ms, answer in answering.feed(data) if after_ms == 0)


@pytest.fixture
def answering() -> Answering:
    """Unit 1 imports 1.5 kW."""
    meter = SimulatedMeter(SETTINGS, PowerSeries([(0, 1_500_000)]), LongAgo(None))
    return Answering({1: meter.read})


@pytest.mark.parametrize(
    ("asked", "value"),
    [
        ("01040034 0002", "1500.0"),
        ("01040048 0002", "2001.5"),
        ("0104004A 0002", "1000.001"),
        ("0104000C 0002", "750.0"),
    ],
)
def test_float32_registers(answering: Answering, asked: str, value: str) -> None:
    expected = struct.pack(">f", float(Fraction(value)))
    assert said(answering, sealed(asked)) == sealed("010404" + expected.hex())


def test_two_units_on_one_line() -> None:
    meters = [SimulatedMeter(SETTINGS, PowerSeries([(0, power_mw)]), LongAgo(None)) for power_mw in (1000, -1000)]
    answering = Answering({7: meters[0].read, 247: meters[1].read})
    assert said(answering, sealed("070400340002")) == sealed("0704043F800000")
    assert said(answering, sealed("F70400340002")) == sealed("F70404BF800000")
    assert said(answering, sealed("F70600000001")) == sealed("F78601")


def test_the_serial_number(answering: Answering) -> None:
    assert said(answering, sealed("0103FC000002")) == sealed("01030412345678")


def test_holes_read_as_zero(answering: Answering) -> None:
    assert said(answering, sealed("010400120002")) == b"\x01\x84\x02\xc2\xc1"
    data = said(answering, sealed("01040010000A"))[3:-2]
    assert struct.unpack(">fIIIf", data)[:4] == (300.0, 0, 0, 0)


@pytest.mark.parametrize(
    ("name", "asked", "code"),
    [
        ("a write", "01060000 0001", 1),
        ("coils", "01010000 0001", 1),
        ("half a value", "01040000 0001", 2),
        ("between values", "01040001 0002", 2),
        ("past the end", "01040164 0004", 2),
        ("nothing there", "01042000 0002", 2),
        ("over a wide hole", "0104004A 0010", 2),
        ("serial as input register", "0104FC00 0002", 2),
        ("value as holding register", "01030000 0002", 2),
        ("too many", "01040000 0052", 3),
        ("none", "01040000 0000", 3),
        ("more than Modbus allows", "01040000 007E", 3),
    ],
)
def test_refusals(answering: Answering, name: str, asked: str, code: int) -> None:
    request = sealed(asked)
    assert said(answering, request) == sealed(f"01{request[1] | 0x80:02x}{code:02x}")


@pytest.mark.parametrize(
    "request_", [sealed("02040000 0002"), sealed("00040000 0002"), sealed("01040000 0002")[:-1] + b"!"]
)
def test_silence(answering: Answering, request_: bytes) -> None:
    assert said(answering, request_) == b""
    answering.quiet()
    assert said(answering, sealed("010400340002"))


def test_a_request_in_pieces_and_one_cut_off(answering: Answering) -> None:
    request = sealed("010400340002")
    assert [said(answering, request[i : i + 1]) for i in range(7)] == [b""] * 7
    assert said(answering, request[7:])
    assert said(answering, request[:5]) == b""
    answering.quiet()
    assert said(answering, request)


@pytest.mark.parametrize(
    "data", [b"", b"\x00", b"\xff" * 300, bytes(300), b"\x01\x2b" * 40, b"\x01\x84\x02", b"\x01\x17\x00"]
)
def test_noise_is_survived(answering: Answering, data: bytes) -> None:
    said(answering, data)
    answering.quiet()
    assert said(answering, sealed("010400340002"))


def test_a_broken_clock_file_is_a_failure_of_the_device(tmp_path: Path) -> None:
    clock = tmp_path / "clock.json"
    clock.write_text("{}")
    meter = SimulatedMeter(SETTINGS, PowerSeries([(0, 0)]), MeterClock(clock))
    assert Answering({1: meter.read}).feed(sealed("010400340002")) == [(0, sealed("018404"))]


def test_before_the_clock_file_comes_the_meter_stands_at_its_start(tmp_path: Path) -> None:
    clock = tmp_path / "clock.json"
    meter = SimulatedMeter(SETTINGS, PowerSeries([(0, 10**9), (1000, -(10**9))]), MeterClock(clock))
    answering = Answering({1: meter.read})
    assert said(answering, sealed("010400480002")) == sealed("010404" + struct.pack(">f", 2000.0).hex())
    clock.write_text('{"real_start_ms": 0, "calendar_start_s": 0, "speed": 1}')
    assert said(answering, sealed("010400340002")) == sealed("010404" + struct.pack(">f", -1e6).hex())


@pytest.mark.parametrize(
    ("kind", "little", "value", "words"),
    [
        ("int16", False, -5, [0xFFF6]),
        ("uint16", False, 5, [10]),
        ("int32", True, -(2**16), [0, 0xFFFE]),
        ("uint32", False, 2**31 - 1, [0xFFFF, 0xFFFE]),
        ("int64", True, -1, [0xFFFE, 0xFFFF, 0xFFFF, 0xFFFF]),
        ("float32", True, 2, [0, 0x4080]),
    ],
)
def test_every_kind_in_both_orders(kind: str, little: bool, value: int, words: list[int]) -> None:
    register = Register("power_total", 4, 10, kind, 1, 2, "mW", OPTIONAL)
    table = load("eastron_sdm630")._replace(little=little, registers=(register,), serial=(3, 0, "uint32"))
    assert RegisterMap(table).read(4, 10, len(words), {"power_total": value}, 1) == words


def test_a_quantity_without_a_value_is_no_register() -> None:
    assert RegisterMap(load("eastron_sdm630")).read(4, 0x34, 2, {"power_total": 0}, 1) == [0, 0]
