"""Brings a release to one of the household's nodes and sees whether it is kept."""

import json
import time
from collections.abc import Callable
from typing import Protocol

from volthood.core.release import Bundle, Sending
from volthood.errors import DeviceError
from volthood.wire.update import release_text

TRIES = 6
"""How often a step is asked again that got no answer: the node may be on its way back to the broker."""
_LOOK_EVERY_S = 2.0
VERB = "update"


class Line(Protocol):
    """A line to a node: `adapters.node_line.NodeLine`, or a fake."""

    def ask(self, verb: str, argument: bytes = b"", limit_s: float = 10.0) -> bytes:
        """The node's answer. Raises `DeviceError`."""


def send(line: Line, bundle: Bundle, limit_s: float, show: Callable[[int, int], None]) -> None:
    """Sends a release, from wherever the node says to go on, and has it applied.

    Args:
        limit_s: how long to wait for each answer.
        show: is told bytes that the node has, and bytes of all.

    Raises:
        DeviceError: the node refuses it, or does not answer (retry: the same call goes on where this one ended).
        PeerError: the node's answers make no sense.
    """
    sending = Sending(bundle)
    while not sending.done:
        # The last step has every hash taken from flash. Whoever hears nothing of it may have missed the answer: the node then
        # starts again already, so it is asked once and patiently.
        last = sending.position == sending.total
        sending.take(_ask(line, sending.step(), limit_s * TRIES if last else limit_s, 1 if last else TRIES))
        show(sending.position, sending.total)


def _ask(line: Line, step: bytes, limit_s: float, tries: int) -> bytes:
    while True:
        try:
            return line.ask(VERB, step, limit_s)
        except DeviceError as error:
            tries -= 1
            if not (error.retry and tries):
                raise


def is_kept(line: Line, bundle: Bundle, wait_s: float) -> bool:
    """Whether the node runs the release and keeps it; False where it went back to the one before.

    Raises:
        DeviceError: nothing is certain after `wait_s` (retry).
    """
    wanted = release_text(bundle.manifest.release)
    deadline_s = time.monotonic() + wait_s
    state = "no answer"
    while time.monotonic() < deadline_s:
        try:
            status = json.loads(line.ask("console", b"update status", _LOOK_EVERY_S))
        except DeviceError as error:
            if not error.retry:
                raise
            continue
        runs, state = status.get("release"), str(status.get("state"))
        if runs == wanted and state == "good":
            return True
        if runs != wanted and state == "back":
            return False
        time.sleep(_LOOK_EVERY_S)
    raise DeviceError(f"the node has not said after {wait_s:.0f} s that it keeps {wanted}: {state}", retry=True)
