"""Questions to a console and the answers among all that a serial line may bring."""

import pytest

from volthood.errors import DeviceError
from volthood_tools.console.node import MAX_LINE_BYTES, Lines, NodeConsole, json_object


class Cable:
    """A node that echoes what it is sent and has its answers ready; it says nothing it was not given."""

    def __init__(self, *answers: bytes) -> None:
        self._answers = list(answers)
        self._arrived = b""
        self.sent: list[bytes] = []

    def write(self, data: bytes) -> None:
        self.sent.append(data)
        self._arrived += data + b"\n" + (self._answers.pop(0) if self._answers else b"")

    def read(self, timeout_s: float) -> bytes:
        piece, self._arrived = self._arrived[:7], self._arrived[7:]
        return piece


def test_an_answer_is_found_among_echo_prompt_and_noise() -> None:
    noise = b"ets Jul 29 2019 12:21:46\r\nrst:0x1 (POWERON_RESET)\r\n\xff\xfe\x00\r\n"
    cable = Cable(noise + b'\x1b[2K> {"kid": "0011", "enrolled": false}\r\n> ')
    assert NodeConsole(cable, "house01").ask("id") == {"kid": "0011", "enrolled": False}
    assert cable.sent == [b"\x03id --json\r"]


def test_what_the_node_refuses_is_an_error_without_retry() -> None:
    with pytest.raises(DeviceError, match=r"house01: pin_wrong \(1 wrong in a row\)") as caught:
        NodeConsole(Cable(b'{"error": "pin_wrong", "detail": "1 wrong in a row"}\n'), "house01").ask("enrol {}")
    assert caught.value.retry is False


def test_a_reading_with_a_note_of_its_last_error_is_an_answer() -> None:
    assert NodeConsole(Cable(b'{"power_w": 5, "error": "timeout"}\n'), "house01").ask("meter read")["power_w"] == 5


def test_silence_is_an_error_that_hides_what_was_sent() -> None:
    with pytest.raises(DeviceError, match=r"no answer to `enrol` within") as caught:
        NodeConsole(Cable(), "house01").ask('enrol {"link_key": "00ff"}', timeout_s=0.05)
    assert caught.value.retry is True


def test_a_board_that_starts_late_is_asked_again() -> None:
    cable = Cable(b'{"error": "starting", "detail": "wait"}\n', b'{"kid": "0011"}\n')
    assert NodeConsole(cable, "house01").wait_ready() == {"kid": "0011"}
    assert len(cable.sent) == 2


def test_a_board_that_never_answers_is_told() -> None:
    with pytest.raises(DeviceError, match="is this a Volthood node"):
        NodeConsole(Cable(), "house01").wait_ready(timeout_s=0.05)


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ('{"a": 1}', {"a": 1}),
        ('> {"a": 1}', {"a": 1}),
        ("{}", {}),
        ("", None),
        ("[1, 2]", None),
        ("E (31) wifi: {broken", None),
        ('{"a": 1} trailing', None),
    ],
)
def test_a_line_is_an_answer_or_is_not(line: str, found: dict[str, object] | None) -> None:
    assert json_object(line) == found


def test_lines_are_cut_at_any_ending_and_overlong_ones_dropped() -> None:
    lines = Lines()
    assert lines.feed(b"one\r\ntw") == ["one"]
    assert lines.feed(b"o\nthree") == ["two"]
    lines.feed(b"x" * (MAX_LINE_BYTES + 1))
    assert lines.feed(b"y\nnext\n") == ["y", "next"]
