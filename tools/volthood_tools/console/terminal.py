"""A plain line terminal: keys go to the node, its text comes to the screen. Editing, history and echo are the node's.

A board that restarts, or a cable that is plugged in again, is waited for: a technician wants to see how it starts.
"""

import codecs
import os
import re
import select
import sys
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from volthood.errors import DeviceError, LocalError
from volthood_tools.console.port import CONSOLE_BAUD, Port

LEAVE = b"\x1d"
"""Ctrl-]"""
LAST_WORDS_S = 1.0
"""How long the node may go on talking after the end of piped input."""
REOPEN_INTERVAL_S = 0.3
_OURS = re.compile(r"\x1b\[[0-9]{0,3}[CDKP@]")
_PARAMETERS = "0123456789;?"
_LONGEST_SEQUENCE = 16
CHUNK_BYTES = 4096


class Screen:
    """What may reach the technician's terminal: text, and the few controls that line editing takes.

    A boot ROM that speaks at another speed sends any bytes at all; some would clear, recolour or lock a terminal.
    """

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._sequence = ""

    def clean(self, data: bytes) -> str:
        """The harmless part of what came; the rest is shown as U+FFFD, and sequences that are not ours are left out."""
        return "".join(map(self._character, self._decoder.decode(data)))

    def _character(self, character: str) -> str:
        if self._sequence:
            return self._within(character)
        if character == "\x1b":
            self._sequence = character
            return ""
        return character if character.isprintable() or character in "\r\n\b\t" else "\ufffd"

    def _within(self, character: str) -> str:
        """A character of a sequence (ECMA-48): erasing to the end of the line and moving the cursor are passed on."""
        self._sequence += character
        if len(self._sequence) == 2 and character == "[":
            return ""
        if character in _PARAMETERS and len(self._sequence) <= _LONGEST_SEQUENCE and self._sequence[1] == "[":
            return ""
        sequence, self._sequence = self._sequence, ""
        return sequence if _OURS.fullmatch(sequence) else ""


_SCREEN = Screen()


def converse(path: Path, baud: int = CONSOLE_BAUD) -> None:
    """Connect this terminal with the port until Ctrl-] or the end of input.

    Raises:
        LocalError, DeviceError: the port cannot be opened at the start.
    """
    port = Port.open(path, baud)
    say(f"Connected to {path}; leave with Ctrl-]. `help` lists what the node knows.")
    with raw_keys():
        while not _connected(port):
            say("The board is gone; waiting for it to come back. Ctrl-] leaves.")
            again = _reopen(path, baud)
            if again is None:
                break
            port = again
            say("Connected again.")
    say("Left.")


def say(text: str) -> None:
    """A line of ours, on standard error: what the node says has standard output to itself."""
    print(f"--- {text}", file=sys.stderr, flush=True)


@contextmanager
def raw_keys() -> Iterator[None]:
    """Every key arrives at once and unechoed, Ctrl-C too; only output is still tidied. Piped input stays as it is."""
    if not sys.stdin.isatty():
        yield
        return
    before = termios.tcgetattr(sys.stdin)
    changed = termios.tcgetattr(sys.stdin)
    changed[0] &= ~(termios.ICRNL | termios.IXON | termios.ISTRIP | termios.BRKINT)
    changed[3] &= ~(termios.ICANON | termios.ECHO | termios.ISIG | termios.IEXTEN)
    termios.tcsetattr(sys.stdin, termios.TCSADRAIN, changed)
    try:
        yield
    finally:
        termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)


def _connected(port: Port) -> bool:
    """Carry both directions. True when the person left, False when the board is gone."""
    with port:
        try:
            while True:
                ready, _, _ = select.select([sys.stdin, port], [], [])
                if port in ready:
                    _show(port.read(0))
                if sys.stdin in ready and not _send_keys(port):
                    return True
        except DeviceError:
            return False


def _send_keys(port: Port) -> bool:
    """Whether to go on."""
    keys = os.read(sys.stdin.fileno(), CHUNK_BYTES)
    before, leave, _ = keys.partition(LEAVE)
    port.write(before)
    if keys and not leave:
        return True
    if not keys:
        _hear_out(port)
    return False


def _hear_out(port: Port) -> None:
    """Show what still comes after piped input has ended."""
    while data := port.read(LAST_WORDS_S):
        _show(data)


def _show(data: bytes) -> None:
    sys.stdout.buffer.write(_SCREEN.clean(data).encode(sys.stdout.encoding, "replace"))
    sys.stdout.flush()


def _reopen(path: Path, baud: int) -> Port | None:
    """The port once it is back; None where the person left meanwhile."""
    while True:
        ready, _, _ = select.select([sys.stdin], [], [], REOPEN_INTERVAL_S)
        if ready:
            keys = os.read(sys.stdin.fileno(), CHUNK_BYTES)
            if not keys or LEAVE in keys:
                return None
            time.sleep(REOPEN_INTERVAL_S)
        try:
            return Port.open(path, baud)
        except (LocalError, DeviceError):
            continue
