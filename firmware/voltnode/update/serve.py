"""The verb `update`: one step of an update, between two transactions of the bus."""

import voltnode
from volthood.wire.limits import MAX_VERB_ARGUMENT_BYTES
from volthood.wire.rows import APPLY, OFFER, PIECE, PROGRESS, STEP, read, write
from voltnode.selector import running
from voltnode.update import KEY_FILE
from voltnode.update.folder import CodeFolder
from voltnode.update.staging import Staging
from voltnode.verbs import VerbError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from voltnode.main import Node
    from voltnode.verbs import Call


async def update(call: "Call") -> bytes:
    """Does a step and gives the progress. Raises VerbError and WireError, whose reason is the agent's answer."""
    node, verbs = call.node, call.node.verbs
    action, offset, data = read(STEP, call.argument, MAX_VERB_ARGUMENT_BYTES)
    if not isinstance(verbs.kept, Staging):
        verbs.kept = open_staging(node)
    try:
        position, applied = await _do(node, verbs.kept, action, offset, data)
    except OSError as error:
        # What is on flash now must be seen anew.
        verbs.kept = None
        raise VerbError("flash_failed", str(error))
    if applied:
        node.log("update_applied", before=voltnode.VERSION)
        call.then = lambda: node.guard.restart("update")
    return write(PROGRESS, position, int(applied))


async def _do(node: "Node", staging: Staging, action: int, offset: int, data: bytes) -> "tuple[int, bool]":
    if action == PIECE:
        return await staging.piece(offset, data), False
    if action == OFFER:
        position = await staging.offer(data)
        node.log("update_offered", goes_on_at=position)
        return position, False
    if action == APPLY:
        position, applied = await staging.apply()
        if not applied:
            node.log("update_not_whole", goes_on_at=position)
        return position, applied
    await staging.drop()
    node.log("update_dropped")
    return 0, False


def open_staging(node: "Node") -> Staging:
    """The node's updates. Raises VerbError where this board has no selector."""
    board = node.board
    if board.root is None:
        raise VerbError("not_selected", "the selector did not start this program")
    flash = CodeFolder(board.root)

    async def pause() -> None:
        await board.sleep_ms(0)

    async def quiet() -> None:
        await board.sleep_ms(0)
        await node.metering.bus.idle()

    key = flash.read(KEY_FILE) or b""
    return Staging(flash, running(board.root), voltnode.VERSION, board.hardware, key, pause, quiet)
