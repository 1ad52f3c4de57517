"""Line editing as a terminal sees it: a small terminal draws what is echoed, and must show line and cursor as they are."""

import codecs
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voltnode.console.editor import HISTORY_LINES, MAX_LINE_BYTES, LineEditor

NAMES = ["meter list", "meter read", "mqtt test", "status", "id"]
LEFT, RIGHT, UP, DOWN, HOME, END, DELETE = (
    b"\x1b[D",
    b"\x1b[C",
    b"\x1b[A",
    b"\x1b[B",
    b"\x1b[H",
    b"\x1b[F",
    b"\x1b[3~",
)


class Terminal:
    """One line of a screen, and the cursor: what a person sees of the newest line."""

    def __init__(self) -> None:
        self.cells = list("> ")
        self.at = 2
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def show(self, data: bytes) -> None:
        for token in re.findall("\x1b\\[[0-9]*[A-Z]|.|\n", self._decoder.decode(data), re.DOTALL):
            self._token(token)

    def _token(self, token: str) -> None:
        if token == "\r":
            self.at = 0
        elif token == "\n":
            self.cells, self.at = [], 0
        elif token == "\b":
            self.at = max(0, self.at - 1)
        elif token == "\x1b[K":
            del self.cells[self.at :]
        elif token.startswith("\x1b["):
            assert token.endswith("D")
            self.at -= int(token[2:-1])
            assert self.at >= 0
        else:
            self.cells[self.at : self.at + 1] = [token]
            self.at += 1

    @property
    def text(self) -> str:
        return "".join(self.cells)


def typed(*keys: bytes) -> tuple[list[bytes], Terminal, LineEditor]:
    """What comes of keys that are pressed one after the other, and what is seen."""
    editor, terminal, lines = LineEditor(NAMES.copy), Terminal(), []
    for key in keys:
        for byte in key:
            echo, found = editor.feed(bytes((byte,)))
            terminal.show(echo)
            lines += found
            if found:
                terminal.show(b"> ")
    return lines, terminal, editor


@pytest.mark.parametrize(
    ("keys", "line"),
    [
        ((b"stats", LEFT, b"u"), "statu|s"),
        ((b"tatus", HOME, b"s"), "s|tatus"),
        ((b"sttus", b"\x01", RIGHT, RIGHT, b"a"), "sta|tus"),
        ((b"status", HOME, END, b"!"), "status!|"),
        ((b"status", b"\x01", b"\x05", b"!"), "status!|"),
        ((b"status", LEFT, LEFT, b"\x7f"), "sta|us"),
        ((b"status", LEFT, LEFT, DELETE), "stat|s"),
        ((b"status", DELETE), "status|"),
        ((b"status", HOME, b"\x7f"), "|status"),
        ((b"status", HOME, LEFT), "|status"),
        ((b"status", RIGHT), "status|"),
        ((b"meter read", b"\x17"), "meter |"),
        ((b"meter read ", b"\x17"), "meter |"),
        ((b"meter", b"\x17"), "|"),
        ((b"meter read", LEFT, LEFT, b"\x17"), "meter |ad"),
        ((b"meter read", LEFT, LEFT, b"\x0b"), "meter re|"),
        ((b"meter read", HOME, b"\x15"), "|"),
        ((b"meter read", b"\x1b[1~", b"\x1b[4~", b"\x1b[7~", b"\x1b[8~"), "meter read|"),
        (("Küche".encode(), b"\x7f\x7f\x7f"), "Kü|"),
        (("Küche".encode(), LEFT, LEFT, LEFT, b"\x7f"), "K|che"),
        ((b"Kche", HOME, RIGHT, "ü".encode()), "Kü|che"),
        (("Küche".encode(), HOME, RIGHT, DELETE), "K|che"),
        ((b"st\t",), "status |"),
        ((b"m\t",), "m|"),
        ((b"me\t",), "meter |"),
        ((b"me\tr\t",), "meter read |"),
        ((b"x\t",), "x|"),
        ((b"st", LEFT, b"\t"), "s|t"),
        ((b"a\x1b[5~\x1b[1;5C\x1b[200~b",), "ab|"),
        ((b"id\r", UP), "id|"),
        ((b"id\r", b"sta", UP, DOWN), "|"),
        ((b"id\r", UP, LEFT, b"x"), "ix|d"),
        ((b"status", LEFT, b"\x03", b"id"), "id|"),
    ],
)
def test_the_line_and_the_cursor(keys: tuple[bytes, ...], line: str) -> None:
    _, terminal, _ = typed(*keys)
    at = line.index("|")
    assert (terminal.text, terminal.at) == ("> " + line.replace("|", ""), at + 2)


def test_what_is_entered_is_the_whole_line_wherever_the_cursor_is() -> None:
    assert typed(b"meter read", HOME, RIGHT, b"\r")[0] == [b"meter read"]


def test_choices_are_shown_once_nothing_more_is_clear() -> None:
    editor = LineEditor(NAMES.copy)
    assert editor.feed(b"m")[0] == b"m"
    assert editor.feed(b"\t")[0] == b"\r\nmeter list  meter read  mqtt test\r\n> m"


def test_a_line_that_is_interrupted_is_shown_with_its_cursor() -> None:
    _, _, editor = typed(b"status", LEFT, LEFT)
    assert editor.line == b"status\x1b[2D"


@pytest.mark.parametrize("line", [b'enrol {"pin": "1234"}', b"factory-reset 1234", b"config set 1234 baud=9600"])
def test_history_keeps_no_secret(line: bytes) -> None:
    assert typed(b"id\r", line + b"\r", UP, b"\r")[0][-1] == b"id"


KEYS = (
    LEFT,
    RIGHT,
    UP,
    DOWN,
    HOME,
    END,
    DELETE,
    b"\x7f",
    b"\x17",
    b"\x0b",
    b"\x15",
    b"\x03",
    b"\t",
    b"\r",
    b"\x01",
    b"\x05",
)
TEXT = st.text("abi dmstü€", min_size=1, max_size=4).map(str.encode)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.one_of(TEXT, st.sampled_from(KEYS)), max_size=40))
def test_the_screen_always_shows_the_line(keys: list[bytes]) -> None:
    lines, terminal, editor = typed(*keys)
    before, rest = editor.before.decode(), editor.rest.decode()
    assert terminal.text == "> " + before + rest
    assert terminal.at == 2 + len(before)
    assert len(editor.history) <= HISTORY_LINES
    assert all(len(line) <= MAX_LINE_BYTES + 1 for line in lines)
