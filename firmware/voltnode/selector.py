"""Tells which of two programs is to run. It lies beside them on the board, and no update ever changes it.

The board's file system has the folders `a` and `b`, each with a whole program, and the file `boot`, the pointer: one line
that names the folder, its state, and a check sum. An update is staged into the folder that does not run; then the pointer
is replaced in one step. Whatever the power does, the pointer is the old one or the new one, and what it points to is whole.

- `good`: this program had a receipt from the agent, or came with the board.
- `trial` and a number: a new program, started so many times. The agent's receipt makes it `good`. When it was started
  `MAX_TRIES` times without one, the other program runs again:
- `back` and a number: the new program failed; the number is 1 until the old one has taken note of it.

A pointer that cannot be read (flash decays) does not stop the board: it takes a folder that has a `release`, which is the
last file that an update writes and the first that the next one removes.
"""

import sys
from binascii import crc32

TYPE_CHECKING = False
if TYPE_CHECKING:
    from voltnode.hal import Flash

POINTER, RELEASE = "boot", "release"
SLOTS = ("a", "b")
GOOD, TRIAL, BACK = "good", "trial", "back"
MAX_TRIES = 3


def other(slot: str) -> str:
    """The folder beside this one."""
    return SLOTS[slot == SLOTS[0]]


def read_pointer(flash: "Flash") -> "tuple[str, str, int] | None":
    """(folder, state, number); None where the pointer is missing or damaged. `flash` is the root of the file system."""
    body, _, check = (flash.read(POINTER) or b"").rpartition(b" ")
    words = body.split(b" ")
    if check != b"%08x" % crc32(body) or len(words) != 3:
        return None
    return words[0].decode(), words[1].decode(), int(words[2])


def write_pointer(flash: "Flash", slot: str, state: str, number: int) -> None:
    """Replaces the pointer in one step. Raises OSError; then the old one stands."""
    body = b"%s %s %d" % (slot.encode(), state.encode(), number)
    flash.replace(POINTER, body + b" %08x" % crc32(body))


def choose(flash: "Flash") -> str:
    """The folder whose program is to run; its start is counted where it is on trial."""
    found = read_pointer(flash)
    if found is None:
        whole = [slot for slot in SLOTS if flash.size(slot + "/" + RELEASE)]
        return whole[0] if whole else SLOTS[0]
    slot, state, number = found
    if state != TRIAL:
        return slot
    if number >= MAX_TRIES:
        slot, state, number = other(slot), BACK, 0
    try:
        write_pointer(flash, slot, state, number + 1)
    except OSError:
        # A start that cannot be counted must not last: what is on trial could then never be given up.
        return other(found[0])
    return slot


def running(root: str) -> str:
    """The folder that this very program came from; empty where nobody selected it."""
    first = sys.path[0]
    return first[-1] if first[:-1] == root + "/" and first[-1] in SLOTS else ""
