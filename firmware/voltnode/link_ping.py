"""Whether the broker answers, and how fast. Loaded when asked for."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from voltnode.hal import Board
    from voltnode.link import Link

_LOOK_MS = 5


async def ping(link: "Link", board: "Board", limit_ms: int) -> "int | None":
    """Ms until the broker answers a ping; None where it does not in time or there is no connection."""
    connection, began_ms = link.connection, board.now_ms()
    if connection is None:
        return None
    pongs, link.ping_due = connection.pongs, True
    link.wake()
    while connection.pongs == pongs:
        if link.connection is not connection or board.now_ms() - began_ms > limit_ms:
            return None
        await board.sleep_ms(_LOOK_MS)
    return board.now_ms() - began_ms
