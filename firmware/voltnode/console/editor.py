"""A line editor for a raw UART, without I/O: bytes in; echo and finished lines out.

Backspace, Ctrl-U (forget the line), Ctrl-C (the same, on a new line), arrows up and down (history), Tab (completes a
command). A line that comes in one piece, as a tool sends it, is not echoed: its answer is then all that a tool gets.
"""

from voltnode.console.door import PROMPT

MAX_LINE_BYTES = 1024
"""A longer line comes out one byte longer than this, to be refused: half a command is none."""
HISTORY_LINES = 10
CLEAR_LINE = b"\r\x1b[K"
CTRL_C = 3

_NEW_LINE = b"\r\n"
_PLAIN, _ESCAPE, _SEQUENCE = 0, 1, 2


class LineEditor:
    """One console's line.

    Args:
        names: the commands, for Tab.
        history: the lines before, oldest first; new ones are added.
    """

    def __init__(self, names: "tuple[str, ...]", history: "list[bytes] | None" = None) -> None:
        self._names = names
        self._line = b""
        self._history: list[bytes] = [] if history is None else history
        self._at = len(self._history)
        self._mode = _PLAIN
        self._after_cr = False
        self._echo = b""
        self._typed = False

    @property
    def line(self) -> bytes:
        """What is typed so far of a line that is echoed."""
        return self._line if self._typed else b""

    def feed(self, data: bytes) -> "tuple[bytes, list[bytes]]":
        """(echo, finished lines) of some input."""
        lines: list[bytes] = []
        self._echo = b""
        for byte in data:
            line = self._key(byte)
            if line is not None:
                self._echo = self._echo + _NEW_LINE if self._typed else b""
                self._typed = False
                lines.append(line)
        self._typed = self._typed or bool(self._line)
        return self._echo, lines

    def _key(self, byte: int) -> "bytes | None":
        after_cr, self._after_cr = self._after_cr, byte == 13
        if self._mode != _PLAIN:
            self._sequence(byte)
        elif byte in (10, 13):
            return None if after_cr and byte == 10 else self._finish()
        elif byte >= 32 and byte != 127:
            if len(self._line) <= MAX_LINE_BYTES:
                self._line += bytes((byte,))
                self._echo += bytes((byte,))
        else:
            self._control(byte)
        return None

    def _finish(self) -> bytes:
        line, self._line = self._line, b""
        if line and b"{" not in line and line not in self._history[-1:]:
            # What carries settings carries secrets, and is not kept.
            self._history.append(line)
            del self._history[:-HISTORY_LINES]
        self._at = len(self._history)
        return line

    def _control(self, byte: int) -> None:
        if byte in (8, 127):
            if self._line:
                self._line = self._line[:-1]
                self._echo += b"\b \b"
        elif byte == CTRL_C:
            self._line = b""
            self._echo += b"^C" + _NEW_LINE + PROMPT
        elif byte == 21:
            self._show(b"")
        elif byte == 9:
            self._complete()
        elif byte == 27:
            self._mode = _ESCAPE

    def _sequence(self, byte: int) -> None:
        """The rest of an escape sequence (ECMA-48): arrows mean something, others are read over."""
        if self._mode == _ESCAPE:
            self._mode = _SEQUENCE if byte == 0x5B else _PLAIN
        elif 0x40 <= byte <= 0x7E:
            self._mode = _PLAIN
            if byte in (0x41, 0x42):
                self._recall(-1 if byte == 0x41 else 1)

    def _recall(self, step: int) -> None:
        self._at = min(max(self._at + step, 0), len(self._history))
        self._show(self._history[self._at] if self._at < len(self._history) else b"")

    def _complete(self) -> None:
        fitting = [name.encode() for name in self._names if name.encode().startswith(self._line)]
        if len(fitting) == 1:
            rest = fitting[0][len(self._line) :] + b" "
            self._line += rest
            self._echo += rest
        elif fitting:
            self._echo += _NEW_LINE + b"  ".join(fitting) + _NEW_LINE + PROMPT + self._line

    def _show(self, line: bytes) -> None:
        self._echo += CLEAR_LINE + PROMPT + line
        self._line = line
