"""What a person's keys do to a line: the cursor, history, completion. Loaded with the first of them (`editor`)."""

from voltnode.console.door import PROMPT
from voltnode.console.editor import CLEAR_LINE, NEW_LINE, PLAIN

TYPE_CHECKING = False
if TYPE_CHECKING:
    from voltnode.console.editor import LineEditor

_TO_END = b"\x1b[K"
_ESCAPE, _SEQUENCE = 1, 2


def behind(editor: "LineEditor") -> bytes:
    """What stands behind the cursor, and the way back to it."""
    columns = _columns(editor.rest)
    return editor.rest + (b"\x1b[%dD" % columns if columns else b"")


def press(editor: "LineEditor", byte: int) -> None:
    """A key that is no plain character."""
    if editor.mode != PLAIN:
        _sequence(editor, byte)
    elif byte in (8, 127):
        _erase(editor, _last(editor.before))
    elif byte == 23:
        _erase(editor, len(editor.before) - (editor.before.rstrip().rfind(b" ") + 1))
    elif byte == 21:
        _show(editor, b"")
    elif byte == 11:
        editor.rest = b""
        editor.echo += _TO_END
    elif byte == 9:
        _complete(editor)
    elif byte == 27:
        editor.mode, editor.digits = _ESCAPE, b""
    elif byte in (1, 5):
        _move(editor, -len(editor.before) if byte == 1 else len(editor.rest))


def _sequence(editor: "LineEditor", byte: int) -> None:
    """The rest of an escape sequence (ECMA-48): some keys mean something, others are read over."""
    if editor.mode == _ESCAPE:
        editor.mode = _SEQUENCE if byte == 0x5B else PLAIN
    elif not 0x40 <= byte <= 0x7E:
        editor.digits = (editor.digits + bytes((byte,)))[-2:]
    else:
        editor.mode = PLAIN
        _special(editor, editor.digits + b"~" if byte == 0x7E else bytes((byte,)))


def _special(editor: "LineEditor", key: bytes) -> None:
    """Keys by the end of their sequences, as terminals send them."""
    if key in (b"A", b"B"):
        _recall(editor, -1 if key == b"A" else 1)
    elif key == b"C":
        _move(editor, _first(editor.rest))
    elif key == b"D":
        _move(editor, -_last(editor.before))
    elif key in (b"H", b"1~", b"7~"):
        _move(editor, -len(editor.before))
    elif key in (b"F", b"4~", b"8~"):
        _move(editor, len(editor.rest))
    elif key == b"3~":
        editor.rest = editor.rest[_first(editor.rest) :]
        editor.echo += _TO_END + behind(editor)


def _move(editor: "LineEditor", count: int) -> None:
    """The cursor by so many bytes, whole characters."""
    if count >= 0:
        editor.echo += editor.rest[:count]
        editor.before, editor.rest = editor.before + editor.rest[:count], editor.rest[count:]
    else:
        editor.echo += b"\b" * _columns(editor.before[count:])
        editor.before, editor.rest = editor.before[:count], editor.before[count:] + editor.rest


def _erase(editor: "LineEditor", count: int) -> None:
    """So many bytes before the cursor, whole characters."""
    if count:
        gone, editor.before = editor.before[-count:], editor.before[:-count]
        editor.echo += b"\b" * _columns(gone) + _TO_END + behind(editor)


def _recall(editor: "LineEditor", step: int) -> None:
    editor.at = min(max(editor.at + step, 0), len(editor.history))
    _show(editor, editor.history[editor.at] if editor.at < len(editor.history) else b"")


def _complete(editor: "LineEditor") -> None:
    fitting = [name.encode() for name in editor.names() if name.encode().startswith(editor.before)]
    if not fitting or editor.rest:
        return
    clear = min(fitting) + b" " if len(fitting) == 1 else _shared(min(fitting), max(fitting))
    more = clear[len(editor.before) :]
    editor.before += more
    editor.echo += more or NEW_LINE + b"  ".join(fitting) + NEW_LINE + PROMPT + editor.before


def _show(editor: "LineEditor", line: bytes, rest: bytes = b"") -> None:
    editor.before, editor.rest = line, rest
    editor.echo += CLEAR_LINE + PROMPT + line + behind(editor)


def insert(editor: "LineEditor", byte: bytes) -> None:
    """Shows a character that was put into the middle of a line."""
    if byte >= b"\x80":
        # A part of a character shows nothing sensible: all is shown anew, until the last part is there.
        _show(editor, editor.before, editor.rest)
    else:
        editor.echo += byte + behind(editor)


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
