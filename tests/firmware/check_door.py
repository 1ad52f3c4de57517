"""The console's door on either interpreter: what a key loads is there while somebody types, and gone when all is quiet."""

import asyncio
import sys

from voltnode.console.door import QUIET_MS, Door

_DROPS = sys.implementation.name != "cpython"


class Board:
    """Time that a test sets, and a console."""

    def __init__(self) -> None:
        self.now = 0
        self.console = self
        self.typed = b""
        self.shown = b""
        self.pressed = asyncio.Event()

    def now_ms(self) -> int:
        """See `Board`."""
        return self.now

    async def read(self) -> bytes:
        """See `Console`."""
        await self.pressed.wait()
        self.pressed.clear()
        return self.typed

    async def write(self, data: bytes) -> None:
        """See `Console`."""
        self.shown += data


class Node:
    """What the door asks of a node."""

    def __init__(self) -> None:
        self.board = Board()


async def visit(node: Node, door: Door) -> None:
    """Somebody presses Enter, and leaves."""
    node.board.typed = b"\r"
    node.board.pressed.set()
    for _ in range(20):
        await asyncio.sleep(0)
    print("prompts", node.board.shown.count(b"> "), "loaded", "voltnode.console.session" in sys.modules)
    door.tick()
    node.board.now += QUIET_MS
    door.tick()
    for _ in range(20):
        await asyncio.sleep(0)
    print("dropped", "voltnode.console.session" not in sys.modules or not _DROPS)


async def main() -> None:
    """Two visits."""
    node = Node()
    door = Door(node)  # type: ignore[arg-type]
    task = asyncio.create_task(door.run())
    await visit(node, door)
    node.board.shown = b""
    await visit(node, door)
    node.board.typed = b""
    node.board.pressed.set()
    await task


asyncio.run(main())
