"""A plain line terminal: keys go to the node, its text comes to the screen. Editing, history and echo are the node's.

A board that restarts, or a cable that is plugged in again, is waited for: a technician wants to see how it starts.
"""

import os
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
CHUNK_BYTES = 4096


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
    sys.stdout.buffer.write(data)
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
