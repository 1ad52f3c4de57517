"""Asks a node's console and takes its answer: one line that is a JSON object, among echo, prompts and noise at boot.

The console shares its UART with the chip's boot ROM, which speaks at another speed on some boards, and with the dumps of a
panic or a watchdog. They are read over; when no answer comes they say why.
"""

import json
import re
import time
from typing import Protocol

from volthood.errors import DeviceError

ANSWER_TIMEOUT_S = 5.0
READY_TIMEOUT_S = 10.0
RETRY_S = 1.0
QUIET_S = 0.2
MAX_LINE_BYTES = 16 * 1024
MOST_STALE_READS = 64
"""A board that never falls silent is asked all the same."""

_RESTART = re.compile(r"rst:0x[0-9a-f]+ \((\w+)\)|(Guru Meditation Error.*|Brownout detector was triggered)")
"""What the boot ROM says of the reset before it, and what the dying program says of its end."""

_ESCAPES = re.compile(rb"\x1b\[[0-9;?]*[A-Za-z]")


class Wire(Protocol):
    """What a console is spoken to through: `Port`, or a fake."""

    def read(self, timeout_s: float) -> bytes:
        """What has arrived, at the latest after `timeout_s`."""

    def write(self, data: bytes) -> None:
        """Send all of `data`."""


class Lines:
    """Cuts what arrives into lines, without the escape sequences of line editing. Overlong lines are dropped."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> list[str]:
        """The lines that `data` completes."""
        *whole, rest = re.split(rb"[\r\n]+", self._rest + data)
        self._rest = rest if len(rest) <= MAX_LINE_BYTES else b""
        return [_ESCAPES.sub(b"", line).decode("utf-8", "replace").strip() for line in whole]


def json_object(line: str) -> dict[str, object] | None:
    """The JSON object that a line holds, after a prompt if need be; None for any other line."""
    if not line.endswith("}"):
        return None
    start = line.find("{")
    while start >= 0:
        try:
            found = json.loads(line[start:])
        except (ValueError, RecursionError):
            start = line.find("{", start + 1)
            continue
        return found if isinstance(found, dict) else None
    return None


class NodeConsole:
    """One conversation with a node's console."""

    def __init__(self, wire: Wire, name: str) -> None:
        self._wire = wire
        self._name = name
        self._lines = Lines()
        self._restarted = ""

    def ask(self, command: str, timeout_s: float = ANSWER_TIMEOUT_S) -> dict[str, object]:
        """The answer to a command.

        Raises:
            DeviceError: no answer in time (retry), or the node refuses: `{"error": reason, "detail": text}`.
        """
        answer = self._ask_once(command, timeout_s)
        if answer is None:
            why = f"; the board started again ({self._restarted})" if self._restarted else ""
            reason = f"no answer to `{_shown(command)}` within {timeout_s:.0f} s{why}"
            raise DeviceError(f"{self._name}: {reason}", retry=True)
        if _refuses(answer):
            raise DeviceError(f"{self._name}: {answer['error']} ({answer['detail']})", retry=False)
        return answer

    def wait_ready(self, timeout_s: float = READY_TIMEOUT_S) -> dict[str, object]:
        """What `id` says, asked until the node answers: a board takes a moment to start.

        Raises:
            DeviceError: it does not answer in time.
        """
        deadline_s = time.monotonic() + timeout_s
        while time.monotonic() < deadline_s:
            answer = self._ask_once("id", RETRY_S)
            if answer is not None and not _refuses(answer):
                self._drain()
                return answer
        reason = (
            f"no answer within {timeout_s:.0f} s: is this a Volthood node, and does its console run at 115200 baud?"
        )
        raise DeviceError(f"{self._name}: {reason}", retry=True)

    def _drain(self) -> None:
        """Let go by what earlier questions still bring, so that it answers no later one."""
        while self._wire.read(QUIET_S):
            self._lines = Lines()

    def _ask_once(self, command: str, timeout_s: float) -> dict[str, object] | None:
        # What came before the question answers no part of it.
        for _ in range(MOST_STALE_READS):
            if not self._wire.read(0):
                break
            self._lines = Lines()
        self._restarted = ""
        # Ctrl-C first: an unfinished line of someone before us must not become part of ours.
        self._wire.write(b"\x03" + command.encode() + b" --json\r")
        deadline_s = time.monotonic() + timeout_s
        while (left_s := deadline_s - time.monotonic()) > 0:
            for line in self._lines.feed(self._wire.read(left_s)):
                answer = json_object(line)
                if answer is not None:
                    return answer
                restart = _RESTART.search(line)
                if restart:
                    self._restarted = restart[1] or restart[2]
        return None


def _refuses(answer: dict[str, object]) -> bool:
    return {"error", "detail"} <= answer.keys()


def _shown(command: str) -> str:
    """A command without the secrets that may follow its name."""
    return command.split(" ", maxsplit=1)[0]
