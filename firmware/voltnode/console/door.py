"""Where the technician's keys come in. What understands them is loaded with the first, and dropped when all is quiet."""

import asyncio

from voltnode.on_demand import drop_since, load, loaded

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from voltnode.console.session import Session
    from voltnode.main import Node

PROMPT = b"> "
_GREETING = b"\r\nvolthood node, help lists the commands\r\n> "
QUIET_MS = 90_000
"""After so long without a key, a running command or a line to show."""


class Door:
    """The console's task, and whom it lets in."""

    def __init__(self, node: "Node") -> None:
        self._node = node
        self._session: Session | None = None
        self._talk: Any = None
        self._before: set[str] = set()
        self._history: list[bytes] = []
        self._used_ms = 0

    async def run(self) -> None:
        """The task; ends when nobody can type any more."""
        board = self._node.board
        await board.console.write(_GREETING)
        try:
            while True:
                data = await board.console.read()
                if not data:
                    return
                while not self._take(data):
                    await board.sleep_ms(10)
        finally:
            self._hang_up()

    def say(self, text: str) -> None:
        """Shows a line to whoever is there. Never waits."""
        if self._session is not None:
            self._used_ms = self._node.board.now_ms()
            self._session.say(text)

    def tick(self) -> None:
        """Called about once a second."""
        session = self._session
        if session is None or session.busy or self._node.board.now_ms() - self._used_ms < QUIET_MS:
            return
        self._hang_up()
        self._session = None
        drop_since(self._before)

    def _take(self, data: bytes) -> bool:
        """In a function of its own: what waits for the next key must not keep the session meanwhile."""
        return self._opened().take(data)

    def _opened(self) -> "Session":
        self._used_ms = self._node.board.now_ms()
        if self._session is None:
            self._before = loaded()
            self._session = load("voltnode.console.session", "Session")(self._node, self._history)
        if self._talk is None:
            self._talk = asyncio.create_task(self._answer(self._session))
        return self._session

    async def _answer(self, session: "Session") -> None:
        try:
            await session.run()
        except Exception as error:  # noqa: BLE001 - said by the supervisor's words; the next key begins anew
            self._node.guard.failed("console", error)
            self._talk = None
            await self._node.board.console.write(_GREETING)

    def _hang_up(self) -> None:
        talk, self._talk = self._talk, None
        if talk is not None:
            talk.cancel()
