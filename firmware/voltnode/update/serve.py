"""The verb `update`: one step of an update, between two transactions of the bus."""

import voltnode
from volthood.wire.update import APPLY, OFFER, PIECE, Progress, Step
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
    """Does a `Step` and gives the `Progress`. Raises VerbError and WireError, whose reason is the agent's answer."""
    node, step = call.node, Step.from_cbor(call.argument)
    verbs = node.verbs
    if not isinstance(verbs.kept, Staging):
        verbs.kept = open_staging(node)
    try:
        position, applied = await _do(node, verbs.kept, step)
    except OSError as error:
        # What is on flash now must be seen anew.
        verbs.kept = None
        raise VerbError("flash_failed", str(error))
    if applied:
        node.log("update_applied", before=voltnode.VERSION)
        call.then = lambda: node.guard.restart("update")
    return Progress(next=position, applied=int(applied)).to_cbor()


async def _do(node: "Node", staging: Staging, step: Step) -> "tuple[int, bool]":
    if step.action == PIECE:
        return await staging.piece(step.offset, step.data), False
    if step.action == OFFER:
        position = await staging.offer(step.data)
        node.log("update_offered", goes_on_at=position)
        return position, False
    if step.action == APPLY:
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
