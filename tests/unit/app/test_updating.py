"""Bringing a release to a node: through silence, to its end, and what is said where it does not come to one."""

import json
from collections.abc import Coroutine
from typing import Any, TypeVar

import pytest

from tests.firmware.update_releases import NEW, OLD, board_flash, bundle, staging, whole
from volthood.app.updating import TRIES, is_kept, send
from volthood.errors import DeviceError
from volthood.wire.cbor import WireError
from volthood.wire.update import APPLY, OFFER, PIECE, Progress, Step
from voltnode.selector import choose

SENT = bundle()
T = TypeVar("T")


class Node:
    """The node's own update machine behind a line that fails by plan.

    Attributes:
        silent: so many answers are lost, after the node did what it was asked.
        states: what `update status` says, one after the other; None for no answer.
    """

    def __init__(self) -> None:
        self.flash = board_flash()
        self.update = staging(self.flash)
        self.silent = 0
        self.asked = 0
        self.states: list[tuple[str, str] | None] = []

    def ask(self, verb: str, argument: bytes = b"", limit_s: float = 10.0) -> bytes:
        self.asked += 1
        answer = self._status() if verb == "console" else self._step(Step.from_cbor(argument))
        if self.silent:
            self.silent -= 1
            raise DeviceError("no answer", retry=True)
        return answer

    def _status(self) -> bytes:
        found = self.states.pop(0)
        if found is None:
            raise DeviceError("no answer", retry=True)
        return json.dumps({"release": found[0], "state": found[1]}).encode()

    def _step(self, step: Step) -> bytes:
        applied = False
        actions = {
            OFFER: lambda: self.update.offer(step.data),
            PIECE: lambda: self.update.piece(step.offset, step.data),
        }
        try:
            if step.action == APPLY:
                position, applied = _finished(self.update.apply())
            else:
                position = _finished(actions[step.action]())
        except WireError as error:
            raise DeviceError(error.reason, retry=False) from error
        return Progress(next=position, applied=int(applied)).to_cbor()


def _finished(coroutine: Coroutine[Any, Any, T]) -> T:
    """What a coroutine gives that never waits."""
    with pytest.raises(StopIteration) as end:
        coroutine.send(None)
    result: T = end.value.value
    return result


def test_a_release_comes_whole_and_is_shown_as_it_goes() -> None:
    node, shown = Node(), list[int]()
    send(node, SENT, 1.0, lambda position, total: shown.append(position * 100 // total))
    assert shown == sorted(shown)
    assert shown[-1] == 100
    assert choose(node.flash) == "b"
    assert whole(node.flash, "b", NEW)


def test_lost_answers_are_asked_for_again() -> None:
    node = Node()
    node.silent = TRIES - 1
    send(node, SENT, 1.0, lambda *_: None)
    assert whole(node.flash, "b", NEW)


def test_a_node_that_stays_silent_is_named_and_what_it_has_is_kept() -> None:
    node = Node()
    send_some = bundle(sizes=(700, 1, 2000, 90))
    node.silent = TRIES
    with pytest.raises(DeviceError) as caught:
        send(node, send_some, 1.0, lambda *_: None)
    assert caught.value.retry
    send(node, send_some, 1.0, lambda *_: None)
    assert whole(node.flash, "b", NEW)


def test_a_refusal_ends_it_at_once() -> None:
    node = Node()
    with pytest.raises(DeviceError, match="hardware_wrong"):
        send(node, bundle(hardware="virtual"), 1.0, lambda *_: None)
    assert node.asked == 1


@pytest.mark.parametrize(
    ("states", "kept"),
    [
        ([(NEW, "good")], True),
        ([None, None, (OLD, "back")], False),
    ],
)
def test_what_became_of_it_is_seen(states: list[tuple[str, str] | None], kept: bool) -> None:
    node = Node()
    node.states = states
    assert is_kept(node, SENT, 60.0) is kept


def test_where_nothing_is_certain_it_says_so() -> None:
    with pytest.raises(DeviceError, match=f"keeps {NEW}") as caught:
        is_kept(Node(), SENT, 0.0)
    assert caught.value.retry
