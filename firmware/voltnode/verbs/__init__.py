"""Verbs: what the agent asks of this node over the broker; `volthood.wire.verb` has the rules.

A verb is a line in `HANDLERS`: `function(call)` gives the answer's bytes, or is a coroutine that gives bytes, a text, or an
iterator of either. It may set `call.then`, to be called once the answer is out, and refuses with `VerbError`. One verb is
served at a time, in a task of its own: metering and delivery do not wait for it.

The code behind it is loaded when a verb comes, and dropped when none came for `IDLE_MS`.
"""

import asyncio

from voltnode.on_demand import drop_since, load, loaded

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from voltnode.config import Enrolment
    from voltnode.main import Node

HANDLERS = {"console": ("voltnode.console.remote", "console"), "update": ("voltnode.update.serve", "update")}
"""Verb, and the module and function behind it."""

MAX_WAITING = 4
"""Verbs behind the one that is served."""
IDLE_MS = 10_000
_SERVE = "voltnode.verbs.serve"


class VerbError(Exception):
    """A verb is refused. `reason` is a short stable name of at most 32 characters, `detail` a text."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.detail = detail


class Call:
    """One verb that is served: the node, the argument's bytes, and what to do once the answer is out."""

    def __init__(self, node: "Node", argument: bytes) -> None:
        self.node = node
        self.argument = argument
        self.then: Any = None


class Verbs:
    """Takes verbs from the link and serves them.

    Attributes:
        challenge: what the next verb must answer, empty where there is none; `challenge_ms` its transport time.
        last_request: the number of the verb that was served last.
        kept: what a handler keeps for the next verb, until its code is dropped; None in the beginning.
    """

    def __init__(self, node: "Node") -> None:
        self.node = node
        self.challenge = self.last_request = b""
        self.challenge_ms = 0
        self.kept: Any = None
        self._waiting: list[tuple[Enrolment, bytes]] = []
        self._arrived = asyncio.Event()
        self._before: set[str] | None = None
        self._idle_ms = 0
        node.link.verb = self.take

    def take(self, enrolment: "Enrolment", data: bytes) -> None:
        """A verb that arrived; not checked yet."""
        if len(self._waiting) > MAX_WAITING:
            self.refuse("busy")
            return
        self._waiting.append((enrolment, data))
        self._arrived.set()

    def refuse(self, reason: str) -> None:
        """Notes a verb that gets no answer."""
        self.node.log("verb_refused", reason=reason)

    def renew(self) -> None:
        """A fresh challenge."""
        self.challenge = self.node.board.random(8)
        self.challenge_ms = self.node.board.now_ms()

    async def run(self) -> None:
        """The task."""
        while True:
            self._arrived.clear()
            while self._waiting:
                try:
                    await self.load(_SERVE, "serve")(self, *self._waiting[0])
                finally:
                    self._waiting.pop(0)
                    self._idle_ms = self.node.board.now_ms()
            await self._arrived.wait()

    def load(self, module: str, function: str) -> "Any":
        """A function, its module loaded if need be, with what only that needs."""
        if self._before is None:
            self._before = loaded()
        return load(module, function)

    def tick(self) -> None:
        """Drops the code when no verb came for a while. To be called now and then."""
        if self._before is None or self._waiting or self.node.board.now_ms() - self._idle_ms < IDLE_MS:
            return
        drop_since(self._before)
        self._before = None
        self.kept = None
