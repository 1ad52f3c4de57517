"""A line editor for a raw UART, without I/O: bytes in; echo and finished lines out.

Left and right, Home and End (Ctrl-A, Ctrl-E), Backspace and Delete, Ctrl-W (forget a word), Ctrl-K (the rest), Ctrl-U (the
line), Ctrl-C (the same, on a new line), up and down (history), Tab (completes a command as far as it is clear). A line that
comes in one piece, as a tool sends it, is not echoed: its answer is then all that a tool gets.
"""

from voltnode.console.door import PROMPT
from voltnode.on_demand import load

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

MAX_LINE_BYTES = 1024
"""A longer line comes out one byte longer than this, to be refused: half a command is none."""
HISTORY_LINES = 10
CLEAR_LINE = b"\r\x1b[K"
CTRL_C = 3
SECRET = (b"{", b"factory-reset", b"config set")
"""Lines with these carry keys or the PIN; history does not keep them."""

NEW_LINE = b"\r\n"
PLAIN = 0
"""The mode of keys that are none of a sequence; `voltnode.console.keys` has the others."""


class LineEditor:
    """One console's line.

    Args:
        names: gives the commands, for Tab.
        history: the lines before, oldest first; new ones are added.

    Attributes:
        before, rest: what is typed, before the cursor and from there on.
        echo: what is to be shown.
        at: which line of history is shown.
        mode, digits: of an escape sequence under way.
    """

    def __init__(self, names: "Callable[[], list[str]]", history: "list[bytes] | None" = None) -> None:
        self.names = names
        self.before = b""
        self.rest = b""
        self.digits = b""
        self.history: list[bytes] = [] if history is None else history
        self.at = len(self.history)
        self.mode = PLAIN
        self._after_cr = False
        self.echo = b""
        self._typed = False

    @property
    def line(self) -> bytes:
        """What shows a line that is echoed as far as it is typed, the cursor in its place."""
        if not self._typed:
            return b""
        return self.before + (self._keys("behind")(self) if self.rest else b"")

    def feed(self, data: bytes) -> "tuple[bytes, list[bytes]]":
        """(echo, finished lines) of some input."""
        lines: list[bytes] = []
        self.echo = b""
        for byte in data:
            line = self._key(byte)
            if line is not None:
                # A key alone is a person's.
                self.echo = self.echo + NEW_LINE if self._typed or len(data) == 1 else b""
                self._typed = False
                lines.append(line)
        self._typed = self._typed or bool(self.before + self.rest)
        return self.echo, lines

    def _key(self, byte: int) -> "bytes | None":
        after_cr, self._after_cr = self._after_cr, byte == 13
        if byte in (10, 13) and self.mode == PLAIN:
            return None if after_cr and byte == 10 else self._finish()
        if byte >= 32 and byte != 127 and self.mode == PLAIN:
            self._insert(bytes((byte,)))
        elif byte == CTRL_C and self.mode == PLAIN:
            self.before = self.rest = b""
            self.echo += b"^C" + NEW_LINE + PROMPT
        else:
            self._keys("press")(self, byte)
        return None

    def _insert(self, byte: bytes) -> None:
        if len(self.before) + len(self.rest) > MAX_LINE_BYTES:
            return
        self.before += byte
        if self.rest:
            self._keys("insert")(self, byte)
        else:
            self.echo += byte

    @staticmethod
    def _keys(function: str) -> "Callable[..., Any]":
        """What a person's keys need and a tool's do not."""
        found: Callable[..., Any] = load("voltnode.console.keys", function)
        return found

    def _finish(self) -> bytes:
        line, self.before, self.rest = self.before + self.rest, b"", b""
        secret = any([word in line for word in SECRET])
        if line and not secret and line not in self.history[-1:]:
            self.history.append(line)
            del self.history[:-HISTORY_LINES]
        self.at = len(self.history)
        return line
