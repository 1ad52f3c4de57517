"""The console's task: keys to lines, lines to answers. It only ever waits for the technician."""

import json

from voltnode.console.commands import NAMES, Context, as_lines, execute
from voltnode.console.editor import PROMPT, LineEditor

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from voltnode.console.commands import Answer
    from voltnode.main import Node


def json_pieces(answer: "Answer") -> "Iterator[str]":
    """One JSON object in small pieces: memory in one piece is rare on the board."""
    before = "{"
    for name, value in answer:
        yield before + json.dumps(name) + ": "
        before = ", "
        if isinstance(value, list):
            yield "["
            for i in range(len(value)):
                yield (", " if i else "") + json.dumps(value[i])
            yield "]"
        else:
            yield json.dumps(value)
    yield "}"


class Session:
    """One technician at a time."""

    def __init__(self, node: "Node") -> None:
        self._console = node.board.console
        self._context = Context(node)
        self._editor = LineEditor(NAMES)

    async def run(self) -> None:
        """The task; ends when nobody can type any more."""
        await self._console.write(b"\r\nvolthood node, help lists the commands\r\n" + PROMPT)
        while True:
            data = await self._console.read()
            if not data:
                return
            echo, lines = self._editor.feed(data)
            if echo:
                await self._console.write(echo)
            for line in lines:
                await self._answer(line)

    async def _answer(self, line: bytes) -> None:
        if line.strip():
            answer, as_json = execute(self._context, line)
            for piece in json_pieces(answer) if as_json else as_lines(answer):
                await self._console.write(piece.encode())
            await self._console.write(b"\r\n" if as_json else b"")
        await self._console.write(PROMPT)
        then, self._context.then = self._context.then, None
        if then is not None:
            await self._context.node.board.sleep_ms(100)
            then()
