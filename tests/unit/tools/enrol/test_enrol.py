"""Enrolment against a board that is a small real one, and against boards that lie."""

import json

import pytest

from volthood.errors import DeviceError, LocalError
from volthood.wire.keys import key_hash, spki_p256
from volthood_tools.enrol.enrol import Household, Identity, check_pin, enrol, identify, read_meter

XY = bytes(range(64))
SPKI = spki_p256(XY)
HOUSEHOLD = Household("house01", "127.0.0.1:18830", 900, bytes(32), "2468")
READING = {"serial": "10000001", "power_w": -1830, "import_wh": 5200, "export_wh": 17, "error": None}


class Board:
    """A board's console: keeps one enrolment, as the node does."""

    def __init__(self, house: str | None = None, reading: dict[str, object] | None = None, **lies: object) -> None:
        self.house = house
        self.asked: list[str] = []
        self._reading = reading
        self._lies = lies

    def wait_ready(self) -> dict[str, object]:
        about = {"node": key_hash(SPKI)[:8].hex(), "public_key": SPKI.hex(), "house": self.house, "board": "virtual"}
        return about | self._lies

    def ask(self, command: str) -> dict[str, object]:
        self.asked.append(command)
        name, _, settings = command.partition(" {")
        if name == "meter read":
            if self._reading is None:
                raise DeviceError("no_reading (timeout)", retry=False)
            return self._reading
        values = json.loads("{" + settings)
        if self.house is not None and not values.get("again"):
            raise DeviceError("already_enrolled", retry=False)
        self.house = values["house"]
        return {"enrolled": True, "node": key_hash(SPKI)[:8].hex(), "house": self.house} | self._lies


def test_a_new_board_is_given_its_household() -> None:
    board = Board()
    identity = identify(board)
    assert identity.public_key == XY
    enrol(board, identity, HOUSEHOLD)
    assert board.house == "house01"
    assert json.loads(board.asked[0].removeprefix("enrol ")) == {
        "house": "house01",
        "broker": "127.0.0.1:18830",
        "slot_s": 900,
        "link_key": "00" * 32,
        "tls": False,
        "pin": "2468",
    }


def test_the_fingerprint_is_computed_from_the_key() -> None:
    digits = key_hash(SPKI)[:16].hex()
    assert identify(Board()).fingerprint.replace(" ", "") == digits
    assert identify(Board()).fingerprint.count(" ") == 7


def test_an_enrolled_board_is_refused_without_again_and_not_even_asked() -> None:
    board = Board(house="house07")
    with pytest.raises(LocalError, match="enrolled for house07; --again"):
        enrol(board, identify(board), HOUSEHOLD)
    assert board.asked == []
    enrol(board, identify(board), HOUSEHOLD, again=True)
    assert board.house == "house01"


@pytest.mark.parametrize(
    ("lie", "reason"),
    [
        ({"public_key": "zz"}, "no Volthood node"),
        ({"public_key": SPKI.hex()[2:]}, "not that of its key"),
        ({"public_key": spki_p256(bytes(64)).hex()}, "not that of its key"),
        ({"node": "0011223344556677"}, "not that of its key"),
    ],
)
def test_a_board_whose_name_does_not_fit_its_key_is_refused(lie: dict[str, object], reason: str) -> None:
    with pytest.raises(DeviceError, match=reason):
        identify(Board(None, None, **lie))


def test_an_answer_without_a_key_is_no_node() -> None:
    class Stranger(Board):
        def wait_ready(self) -> dict[str, object]:
            return {"hello": "world"}

    with pytest.raises(DeviceError, match="no Volthood node"):
        identify(Stranger())


def test_an_unconfirmed_enrolment_is_an_error() -> None:
    board = Board(enrolled=False)
    identity = Identity(key_hash(SPKI)[:8].hex(), XY, None, "", "")
    with pytest.raises(DeviceError, match="did not confirm"):
        enrol(board, identity, HOUSEHOLD)


def test_the_meter_is_read() -> None:
    reading = read_meter(Board(reading=READING))
    assert (reading.serial, reading.power_w, reading.import_wh, reading.export_wh) == ("10000001", -1830, 5200, 17)


def test_a_dead_meter_is_told_with_what_to_check() -> None:
    with pytest.raises(DeviceError, match=r"does not answer \(no_reading \(timeout\)\): check its supply"):
        read_meter(Board(), timeout_s=0)


@pytest.mark.parametrize("pin", ["", "123", "x" * 33, "12\n45"])
def test_what_can_be_no_pin(pin: str) -> None:
    with pytest.raises(LocalError, match="4 to 32 printable"):
        check_pin(pin)
