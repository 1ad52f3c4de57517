"""What a technician has typed becomes lines, and lines answers. Loaded while somebody types (`door`).

Keys are taken while a command runs too, so that one that takes long can be stopped (`Context.pressed`). What others have
to say meanwhile (`Session.say`) comes between two answers, and a line that is being typed is shown anew behind it.
"""

import asyncio
import json

from voltnode.console.commands import Context, as_lines, execute, is_rows, names
from voltnode.console.door import PROMPT
from voltnode.console.editor import CLEAR_LINE, CTRL_C, MAX_LINE_BYTES, LineEditor

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from voltnode.console.commands import Answer
    from voltnode.main import Node

MAX_TYPED_BYTES = 2 * MAX_LINE_BYTES
MAX_SAID_LINES = 16


def json_pieces(answer: "Answer") -> "Iterator[str]":
    """One JSON object in small pieces: memory in one piece is rare on the board."""
    before = "{"
    value: Any
    for name, value in answer:
        yield before + json.dumps(name) + ": "
        before = ", "
        if not is_rows(value):
            yield json.dumps(value)
            continue
        comma = "["
        for item in value:
            yield comma + json.dumps(item)
            comma = ", "
        yield "]" if comma != "[" else "[]"
    yield "}"


class Session:
    """One technician at a time.

    Args:
        node: the node.
        history: the lines typed before, kept up to date.

    Attributes:
        busy: whether a command runs.
    """

    def __init__(self, node: "Node", history: "list[bytes]") -> None:
        self._console = node.board.console
        self._context = Context(node)
        self._editor = LineEditor(names, history)
        self._typed = b""
        self._wake = asyncio.Event()
        self._said: list[str] = []
        self._unsaid = 0
        self._given_up = False
        self._context.pressed = self._pressed
        self._context.typed = lambda: bool(self._typed)
        self._context.say = self._say_now
        self.busy = False

    async def run(self) -> None:
        """The task."""
        self._wake = asyncio.Event()
        while True:
            self._wake.clear()
            await self._say_all()
            data, self._typed = self._typed, b""
            await self._feed(data)
            if not (self._typed or self._said):
                await self._wake.wait()

    def take(self, data: bytes) -> bool:
        """Takes what is typed, a little ahead of what is done with it; False where that is too far."""
        if len(self._typed) > MAX_TYPED_BYTES:
            return False
        self._typed += data
        self._wake.set()
        return True

    def _pressed(self) -> bool:
        """Whether a key was pressed while a command runs; it is used up, but for Ctrl-C, which begins a tool's line."""
        if not self._typed:
            return False
        if self._typed[0] == CTRL_C:
            self._given_up = True
        else:
            self._typed = self._typed[1:]
        return True

    def say(self, text: str) -> None:
        """Shows a line between two answers. Never waits: what is too much for the cable is counted and left out."""
        if len(self._said) < MAX_SAID_LINES:
            self._said.append(text)
        else:
            self._unsaid += 1
        self._wake.set()

    async def _say_now(self, text: str) -> None:
        """A line of a command that still runs."""
        await self._console.write(text.encode() + b"\r\n")

    async def _say_all(self) -> None:
        if not self._said:
            return
        said, self._said = self._said, []
        if self._unsaid:
            said.append("... and %d lines more" % self._unsaid)
            self._unsaid = 0
        await self._console.write(CLEAR_LINE)
        for text in said:
            await self._say_now(text)
        await self._console.write(PROMPT + self._editor.line)

    async def _feed(self, data: bytes) -> None:
        echo, lines = self._editor.feed(data)
        if echo:
            await self._console.write(echo)
        for line in lines:
            await self._answer(line)

    async def _answer(self, line: bytes) -> None:
        if line.strip():
            self._given_up = False
            self.busy = True
            try:
                answer, as_json = await execute(self._context, line)
            finally:
                self.busy = False
            if self._given_up:
                # Whoever begins anew takes the next object for the answer to the next question.
                return
            for piece in json_pieces(answer) if as_json else as_lines(answer):
                await self._console.write(piece.encode())
            await self._console.write(b"\r\n" if as_json else b"")
        await self._console.write(PROMPT)
        then, self._context.then = self._context.then, None
        if then is not None:
            await self._context.node.board.sleep_ms(100)
            then()
