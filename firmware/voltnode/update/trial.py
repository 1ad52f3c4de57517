"""What a new program does to be kept, and an old one when it is back. Loaded at the start, and when it is kept."""

from voltnode.boots import MIRROR_FILE
from voltnode.hal.folder import FolderFlash
from voltnode.selector import BACK, GOOD, TRIAL, read_pointer, running, write_pointer

TYPE_CHECKING = False
if TYPE_CHECKING:
    from voltnode.hal import Board, Flash
    from voltnode.main import Node


def forgive(board: "Board") -> None:
    """Before anything else: the failed starts of the program that was given up are not this one's."""
    if board.root is None:
        return
    found = read_pointer(FolderFlash(board.root))
    if found is not None and found[1:] == (BACK, 1):
        board.keep_boot_memory(b"")
        board.flash.remove(MIRROR_FILE)


def begin(node: "Node") -> "int | None":
    """The rseq that a receipt must go beyond for this program to be kept; None where it is kept already."""
    root = node.board.root
    if root is None:
        return None
    flash = FolderFlash(root)
    found = read_pointer(flash)
    if found is None or found[0] != running(root):
        return None
    if found[1] == TRIAL:
        node.log("update_on_trial", start=found[2])
        return node.ring.greatest
    if found[1:] == (BACK, 1):
        node.log("update_rolled_back")
        write_pointer(flash, found[0], BACK, 0)
    return None


def keep(node: "Node") -> None:
    """The agent has a record of this program: it is kept."""
    root = node.board.root
    if root is not None:
        confirm(FolderFlash(root), running(root))
        node.log("update_confirmed")


def confirm(flash: "Flash", slot: str) -> None:
    """Ends the trial of the program in that folder. Raises OSError."""
    found = read_pointer(flash)
    if found is not None and found[:2] == (slot, TRIAL):
        write_pointer(flash, slot, GOOD, 0)
