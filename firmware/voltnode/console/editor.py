"""A line editor for a raw UART, without I/O: bytes in; echo and finished lines out.

Left and right, Home and End (Ctrl-A, Ctrl-E), Backspace and Delete, Ctrl-W (forget a word), Ctrl-K (the rest), Ctrl-U (the
line), Ctrl-C (the same, on a new line), up and down (history), Tab (completes a command as far as it is clear). A line that
comes in one piece, as a tool sends it, is not echoed: its answer is then all that a tool gets.
"""

from voltnode.console.door import PROMPT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

MAX_LINE_BYTES = 1024
"""A longer line comes out one byte longer than this, to be refused: half a command is none."""
HISTORY_LINES = 10
CLEAR_LINE = b"\r\x1b[K"
CTRL_C = 3
SECRET = (b"{", b"factory-reset", b"config set")
"""Lines with these carry keys or the PIN; history does not keep them."""

_NEW_LINE, _TO_END = b"\r\n", b"\x1b[K"
_PLAIN, _ESCAPE, _SEQUENCE = 0, 1, 2


class LineEditor:
    """One console's line.

    Args:
        names: gives the commands, for Tab.
        history: the lines before, oldest first; new ones are added.
    """

    def __init__(self, names: "Callable[[], list[str]]", history: "list[bytes] | None" = None) -> None:
        self._names = names
        self._line = b""
        self._rest = b""
        self._digits = b""
        self._history: list[bytes] = [] if history is None else history
        self._at = len(self._history)
        self._mode = _PLAIN
        self._after_cr = False
        self._echo = b""
        self._typed = False

    @property
    def line(self) -> bytes:
        """What shows a line that is echoed as far as it is typed, the cursor in its place."""
        return self._line + self._behind() if self._typed else b""

    def feed(self, data: bytes) -> "tuple[bytes, list[bytes]]":
        """(echo, finished lines) of some input."""
        lines: list[bytes] = []
        self._echo = b""
        for byte in data:
            line = self._key(byte)
            if line is not None:
                # A key alone is a person's.
                self._echo = self._echo + _NEW_LINE if self._typed or len(data) == 1 else b""
                self._typed = False
                lines.append(line)
        self._typed = self._typed or bool(self._line + self._rest)
        return self._echo, lines

    def _key(self, byte: int) -> "bytes | None":
        after_cr, self._after_cr = self._after_cr, byte == 13
        if self._mode != _PLAIN:
            self._sequence(byte)
        elif byte in (10, 13):
            return None if after_cr and byte == 10 else self._finish()
        elif byte >= 32 and byte != 127:
            self._insert(bytes((byte,)))
        else:
            self._control(byte)
        return None

    def _insert(self, byte: bytes) -> None:
        if len(self._line) + len(self._rest) > MAX_LINE_BYTES:
            return
        self._line += byte
        if self._rest and byte >= b"\x80":
            # A part of a character shows nothing sensible: all is shown anew, until the last part is there.
            self._show(self._line, self._rest)
        else:
            self._echo += byte + self._behind()

    def _behind(self) -> bytes:
        """What stands behind the cursor, and the way back to it."""
        columns = _columns(self._rest)
        return self._rest + (b"\x1b[%dD" % columns if columns else b"")

    def _finish(self) -> bytes:
        line, self._line, self._rest = self._line + self._rest, b"", b""
        secret = any([word in line for word in SECRET])
        if line and not secret and line not in self._history[-1:]:
            self._history.append(line)
            del self._history[:-HISTORY_LINES]
        self._at = len(self._history)
        return line

    def _control(self, byte: int) -> None:
        if byte in (8, 127):
            self._erase(_last(self._line))
        elif byte == 23:
            self._erase(len(self._line) - (self._line.rstrip().rfind(b" ") + 1))
        elif byte == CTRL_C:
            self._line = self._rest = b""
            self._echo += b"^C" + _NEW_LINE + PROMPT
        elif byte == 21:
            self._show(b"")
        elif byte == 11:
            self._rest = b""
            self._echo += _TO_END
        elif byte == 9:
            self._complete()
        elif byte == 27:
            self._mode, self._digits = _ESCAPE, b""
        elif byte in (1, 5):
            self._move(-len(self._line) if byte == 1 else len(self._rest))

    def _sequence(self, byte: int) -> None:
        """The rest of an escape sequence (ECMA-48): some keys mean something, others are read over."""
        if self._mode == _ESCAPE:
            self._mode = _SEQUENCE if byte == 0x5B else _PLAIN
        elif not 0x40 <= byte <= 0x7E:
            self._digits = (self._digits + bytes((byte,)))[-2:]
        else:
            self._mode = _PLAIN
            self._special(self._digits + b"~" if byte == 0x7E else bytes((byte,)))

    def _special(self, key: bytes) -> None:
        """Keys by the end of their sequences, as terminals send them."""
        if key in (b"A", b"B"):
            self._recall(-1 if key == b"A" else 1)
        elif key == b"C":
            self._move(_first(self._rest))
        elif key == b"D":
            self._move(-_last(self._line))
        elif key in (b"H", b"1~", b"7~"):
            self._move(-len(self._line))
        elif key in (b"F", b"4~", b"8~"):
            self._move(len(self._rest))
        elif key == b"3~":
            self._rest = self._rest[_first(self._rest) :]
            self._echo += _TO_END + self._behind()

    def _move(self, count: int) -> None:
        """The cursor by so many bytes, whole characters."""
        if count >= 0:
            self._echo += self._rest[:count]
            self._line, self._rest = self._line + self._rest[:count], self._rest[count:]
        else:
            self._echo += b"\b" * _columns(self._line[count:])
            self._line, self._rest = self._line[:count], self._line[count:] + self._rest

    def _erase(self, count: int) -> None:
        """So many bytes before the cursor, whole characters."""
        if count:
            gone, self._line = self._line[-count:], self._line[:-count]
            self._echo += b"\b" * _columns(gone) + _TO_END + self._behind()

    def _recall(self, step: int) -> None:
        self._at = min(max(self._at + step, 0), len(self._history))
        self._show(self._history[self._at] if self._at < len(self._history) else b"")

    def _complete(self) -> None:
        fitting = [name.encode() for name in self._names() if name.encode().startswith(self._line)]
        if not fitting or self._rest:
            return
        clear = min(fitting) + b" " if len(fitting) == 1 else _shared(min(fitting), max(fitting))
        more = clear[len(self._line) :]
        self._line += more
        self._echo += more or _NEW_LINE + b"  ".join(fitting) + _NEW_LINE + PROMPT + self._line

    def _show(self, line: bytes, rest: bytes = b"") -> None:
        self._line, self._rest = line, rest
        self._echo += CLEAR_LINE + PROMPT + line + self._behind()


def _columns(text: bytes) -> int:
    """How many characters: bytes that are no continuation of one (UTF-8)."""
    return sum([byte & 0xC0 != 0x80 for byte in text])


def _first(text: bytes) -> int:
    """The bytes of the first character."""
    count = min(1, len(text))
    while count < len(text) and text[count] & 0xC0 == 0x80:
        count += 1
    return count


def _last(text: bytes) -> int:
    """The bytes of the last character."""
    count = min(1, len(text))
    while count < len(text) and text[-count] & 0xC0 == 0x80:
        count += 1
    return count


def _shared(one: bytes, other: bytes) -> bytes:
    """How two begin alike."""
    count = 0
    while count < min(len(one), len(other)) and one[count] == other[count]:
        count += 1
    return one[:count]
