"""The meter at enrolment: found, chosen and set on a board that is a small real one."""

import json

import pytest

from volthood.errors import DeviceError, LocalError
from volthood_tools.enrol.meter import FoundMeter, Line, MeterSetting, find_meters, set_meter

LINE = Line(2400, "E", 1)
ROW = {"unit": 7, "model": "eastron_sdm120", "candidates": [], "serial": "4711", "verified": True}
BEHIND = {"meter": 1, "model": "sunspec", "unit": 1, "where": "h:502", "accept_unverified": False}


class Board:
    """Answers probes at one speed, and keeps what is set."""

    def __init__(self, *rows: dict[str, object], baud: int = 2400) -> None:
        self.asked: list[str] = []
        self.kept: dict[str, object] = {}
        self._rows = [row | {"baud": baud, "parity": "E", "stop_bits": 1} for row in rows]
        self._baud = baud

    def ask(self, command: str, timeout_s: float = 0.0) -> dict[str, object]:
        assert timeout_s >= 0
        self.asked.append(command)
        if command.startswith("meter probe "):
            return {"found": self._rows if command == f"meter probe {self._baud}" else []}
        if command == "config get":
            return {"meters": [{"meter": 0, "model": "eastron_sdm630"}, BEHIND]}
        self.kept = json.loads(command.removeprefix("config set "))
        return {"changed": sorted(self.kept)}


def test_speeds_are_tried_until_somebody_answers() -> None:
    board, told = Board(ROW), list[str]()
    assert find_meters(board, told.append) == [FoundMeter(7, "eastron_sdm120", (), "4711", True, LINE)]
    assert board.asked == ["meter probe 9600", "meter probe 2400"]
    assert told == ["looking at 9600 Bd", "looking at 2400 Bd"]


def test_nobody_at_any_speed_is_told_with_what_to_check() -> None:
    board = Board()
    with pytest.raises(DeviceError, match="A and B may be swapped"):
        find_meters(board, lambda _: None)
    assert len(board.asked) == 8


def test_the_household_s_meter_is_set_and_the_others_stay() -> None:
    board = Board()
    set_meter(board, FoundMeter(7, "abb_b21", (), "", False, LINE).setting(), "1234")
    assert board.kept == {
        "meters": [
            {"model": "abb_b21", "unit": 7, "where": "rtu", "accept_unverified": True},
            {key: value for key, value in BEHIND.items() if key != "meter"},
        ],
        "baud": 2400,
        "parity": "E",
        "stop_bits": 1,
        "pin": "1234",
    }


def test_a_line_without_a_speed_is_left_as_it_is() -> None:
    board = Board()
    set_meter(board, FoundMeter(1, "abb_b23", (), "", True, Line(0, "N", 1)).setting(), None)
    assert set(board.kept) == {"meters"}


def test_what_cannot_be_told_apart_is_chosen_by_its_name() -> None:
    found = FoundMeter(3, None, ("eastron_sdm230", "eastron_sdm120"), "9", False, LINE)
    assert found.setting("eastron_sdm230") == MeterSetting("eastron_sdm230", 3, line=LINE)
    with pytest.raises(LocalError, match="may be eastron_sdm230, eastron_sdm120"):
        found.setting()
    assert str(found) == "address 3, 2400 E1: eastron_sdm230 or eastron_sdm120, serial 9"


@pytest.mark.parametrize(
    ("text", "setting"),
    [
        ("abb_b23", MeterSetting("abb_b23")),
        ("abb_b23,5", MeterSetting("abb_b23", 5)),
        ("sunspec,1,10.0.0.7:502", MeterSetting("sunspec", 1, "10.0.0.7:502")),
        ("abb_b21,2,rtu,unverified", MeterSetting("abb_b21", 2, unverified=True)),
    ],
)
def test_a_meter_in_one_word(text: str, setting: MeterSetting) -> None:
    assert MeterSetting.parse(text) == setting


@pytest.mark.parametrize("text", ["abb_b23,x", "abb_b23,1,rtu,yes", "abb_b23,1,rtu,unverified,1"])
def test_a_wrong_meter_is_refused(text: str) -> None:
    with pytest.raises(LocalError, match="MODEL"):
        MeterSetting.parse(text)


@pytest.mark.parametrize(("text", "line"), [("9600 N1", Line(9600, "N", 1)), ("115200E2", Line(115_200, "E", 2))])
def test_line_settings_in_one_word(text: str, line: Line) -> None:
    assert Line.parse(text) == line


@pytest.mark.parametrize("text", ["9600", "9601 N1", "9600 X1", "9600 N3", "N1"])
def test_wrong_line_settings_are_refused(text: str) -> None:
    with pytest.raises(LocalError, match="9600 N1"):
        Line.parse(text)
