"""What a start takes up from those before it, and what safe mode leaves on flash. Loaded for that and dropped."""

from binascii import crc32

from voltnode.boots import FAILED_LIMIT, MIRROR_FILE, NOTE_FILE
from voltnode.sealed import read_sealed, whole, write_sealed

UNKNOWN_TASK = "unknown"

TYPE_CHECKING = False
if TYPE_CHECKING:
    from voltnode.hal import Board

    Start = tuple[int, str, list[str], dict[str, object] | None]


def begin(board: "Board") -> "Start":
    """(failed starts in a row, why this one began, the log's last lines, the note of the newest crash)."""
    kept = unpack(board.boot_memory())
    mirror = whole((read_sealed(board.flash, MIRROR_FILE) or {}).get("failed"), 0)
    failed, end, lines = kept or (mirror, "", [])
    cause = end or board.reset_cause()
    if kept and not end and cause == "restart":
        # Nobody here asked for it: the interpreter or the system below it gave up.
        cause = "panic"
    note = read_sealed(board.flash, NOTE_FILE)
    if kept and not end and cause in ("panic", "watchdog"):
        note = _note_of(board, note, lines, cause)
    wanted = failed if failed >= FAILED_LIMIT else 0
    if wanted != mirror:
        mirror_on(board, wanted)
    return failed, cause, lines, note


def _note_of(board: "Board", before: "dict[str, object] | None", lines: "list[str]", cause: str) -> "dict[str, object]":
    """The note of a run that could not leave one itself; of two alike the first stands."""
    if before is not None and (before.get("task"), before.get("error")) == (UNKNOWN_TASK, cause):
        return before
    boot = lines[-1][1:].split(" ")[0] if lines else ""
    note: dict[str, object] = {
        "boot": int(boot) if boot.isdigit() else None,
        "task": UNKNOWN_TASK,
        "error": cause,
        "up_s": None,
    }
    try:
        write_sealed(board.flash, NOTE_FILE, note)
    except OSError:
        pass
    return note


def mirror_on(board: "Board", failed: int) -> None:
    """Keeps on flash that so many starts failed; 0 takes it away. A flash that refuses does not keep the board from starting."""
    try:
        if failed:
            write_sealed(board.flash, MIRROR_FILE, {"failed": failed})
        elif board.flash.size(MIRROR_FILE):
            board.flash.remove(MIRROR_FILE)
    except OSError:
        pass


def reason(failed: int, cause: str) -> str:
    """Why the board is in safe mode, for a person."""
    return "%d starts in a row ended within a minute; the last one: %s" % (failed, cause)


def unpack(data: bytes) -> "tuple[int, str, list[str]] | None":
    """(failed starts, end, lines) as `Boots` packs them; None where the memory holds nothing of ours."""
    if len(data) < 9 or data[:8] != b"%08x" % crc32(data[8:]):
        return None
    parts = data[8:].decode().split("\n")
    return int(parts[0]), parts[1], parts[2:]
